"""Reads a refiner's answer: the whole row, only what it changed, or a JSON patch of the row that it was given."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jsonpatch

from jobs.reading.answer import Answer, Context, MisfitError, Read, Refused
from jobs.reading.choose import Lens, read_answer
from jobs.reading.fields import Claim, Fields, Mender, claim_rows, fit_object, fold_key, uses_points
from jobs.reading.mendings import ALL
from jobs.reading.syntax import Found, are_same
from jobs.reading.values import Schema

_FIELD_KEYS = ("field", "name", "key", "column", "path")
_VALUE_KEYS = ("value", "newvalue", "new", "to", "corrected", "correctedvalue")
_FORMER_KEYS = ("old", "oldvalue", "from", "was", "before", "previous", "original", "current", "reason")


class _Edits(list[dict[str, Any]]):
    """A patch, so that it is told apart from an object."""


def read_refinement(
    answer: Answer,
    schema: Schema,
    previous: Mapping[str, Any],
    *,
    context: Context,
    mendings: Collection[str] = ALL,
) -> Read | Refused:
    """Read the row that a refiner makes of the previous one; a field that is missing or null stays as it was.

    The note of a row that is the previous one is `unchanged`.
    """
    fields = Fields(schema, context)
    lens = Lens(
        claim=lambda found: _claim_changes(found, fields),
        fit=lambda node: _merge(node, fields, previous),
        is_about=lambda key: fields.match(key) is not None or key == "op",
    )
    read = read_answer(answer, lens, mendings)
    if isinstance(read, Read) and are_same(read.value, dict(previous)):
        return replace(read, note="unchanged")
    return read


def _claim_changes(found: Found, fields: Fields) -> Iterator[Claim]:
    if (edits := _find_edits(found.node, fields)) is not None:
        yield edits
    if edits is None or "wrapper_key" in edits[1]:  # beside edits there may be a row, which must be the one they make
        yield from claim_rows(found, fields, least=1)


def _find_edits(node: Any, fields: Fields) -> Claim | None:
    """Find the patch or the list of edits that a value is, alone or as the one list of an object."""
    if isinstance(node, dict) and not any(fields.match(key) for key in node):
        if "op" in node and "path" in node:
            return _find_edits([node], fields)
        lists = [found for item in node.values() if isinstance(item, list) and (found := _find_edits(item, fields))]
        return (lists[0][0], lists[0][1] | {"wrapper_key"}) if len(lists) == 1 else None
    if isinstance(node, dict) and (edits := _list_turned(node, fields)):
        return _find_edits(edits, fields)
    if not isinstance(node, list) or not node or not all(isinstance(item, dict) for item in node):
        return None
    if all("op" in item and "path" in item for item in node):
        paths = [_fold_path(str(item["path"]), fields) for item in node]
        patch = [{**item, "op": str(item["op"]).lower(), "path": path} for item, path in zip(node, paths, strict=True)]
        return _Edits(patch), frozenset({"json_patch"})
    edits = [edit for item in node if (edit := _read_edit(item, fields)) is not None]
    return None if len(edits) < len(node) else (_Edits(edits), frozenset({"edits_listed"}))


def _list_turned(node: Mapping[str, Any], fields: Fields) -> list[dict[str, Any]]:
    """List the edits of `{"best_exit_percent": {"from": 0.9, "to": 1.5}}`; none where a field has a value itself."""
    told = {key: item for key, item in node.items() if fields.match(key)}
    keys = {fold_key(key) for item in told.values() if isinstance(item, dict) for key in item}
    is_turned = all(isinstance(item, dict) for item in told.values()) and keys & {*_FORMER_KEYS}
    return (
        [{"field": key, **item} for key, item in told.items()]
        if is_turned and keys <= {*_VALUE_KEYS, *_FORMER_KEYS}
        else []
    )


def _read_edit(item: Mapping[str, Any], fields: Fields) -> dict[str, Any] | None:
    """Read one edit that names its field and its new value, each once."""
    names = [value for key, value in item.items() if fold_key(key) in _FIELD_KEYS and isinstance(value, str)]
    values = [value for key, value in item.items() if fold_key(key) in _VALUE_KEYS]
    name = fields.match(names[0].strip("/")) if len(names) == 1 else None
    return {"op": "replace", "path": f"/{name}", "value": values[0]} if name and len(values) == 1 else None


def _fold_path(path: str, fields: Fields) -> str:
    first, *rest = path.lstrip("/").split("/")
    return "/" + "/".join([fields.match(first) or first, *rest])


def _merge(node: Any, fields: Fields, previous: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Merge what changed into the previous row; the row that comes of it must fit as a whole."""
    if isinstance(node, _Edits):
        return fit_object(_apply(node, fields, previous), fields)
    mender = Mender(fields, uses_points(node))
    changed = mender.mend_object(node, fields.schema, partly=True)
    value, used = fit_object({**previous, **changed}, fields)
    return value, used | mender.used


def _apply(edits: Sequence[Mapping[str, Any]], fields: Fields, previous: Mapping[str, Any]) -> dict[str, Any]:
    for path in (str(edit["path"]) for edit in edits):
        if fields.match(path.split("/")[1]) is None and path != "/":
            raise MisfitError("bad_patch", f"The patch changes {path}, which is no field")
    try:
        row = jsonpatch.apply_patch(dict(previous), list(edits))
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError) as error:
        raise MisfitError("bad_patch", f"The patch cannot be applied: {error}") from error
    if not isinstance(row, dict):
        raise MisfitError("bad_patch", "The patch replaces the whole row")
    return row

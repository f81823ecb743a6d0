"""Fits an object to a JSON Schema: keys folded to its fields, each value mended by its field's own schema."""

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema

from jobs.reading.answer import Context, MisfitError
from jobs.reading.syntax import Bare, Found, are_same, find_objects
from jobs.reading.values import Schema, explain, fold_known, is_finite, mend_scalar

Claim = tuple[Any, frozenset[str]]

# keys whose objects are said to be something else than the answer
_NO_ANSWER = frozenset({"properties", "defs", "definitions", "schema", "jsonschema", "responseschema", "template"})
_NO_ANSWER |= {"example", "examples", "default", "input", "draft", "before", "rejected", "critique", "violations"}
_NO_ANSWER |= {"errors", "issues", "problems", "reasons", "reasoning", "explanations", "notes"}
_FORMER = ("prev", "orig", "old", "former")  # how the name begins of what the answer is not any more
_PLACEHOLDER = re.compile(r"<.*>|\{.*\}|\[.*\]|\.{3}|\u2026|_+|-+|\?+")
_ENCODED = re.compile(r"\s*(?:```\w*\s*)?[{\[]")
_POINT = re.compile(r"\d\.\d")


@functools.lru_cache(maxsize=4096)
def fold_key(key: str) -> str:
    """Fold a key's case and separators away: `Entry Time` and `entryTime` are `entrytime`."""
    return re.sub(r"[\W_]+", "", key.casefold())


class Fields:
    """The fields of an object's schema, by their names and by what these fold to."""

    def __init__(self, schema: Schema, context: Context) -> None:
        self.schema = schema
        self.context = context
        self.validator = jsonschema.Draft202012Validator(schema)
        self.names = fold_names(schema.get("properties", {}))

    def match(self, key: str) -> str | None:
        """Match a key with the one field that it can mean."""
        return match_name(key, self.schema.get("properties", {}), self.names)

    def find_error(self, value: Any, schema: Schema) -> jsonschema.ValidationError | None:
        """Find the first rule of a schema that a value breaks."""
        validator = self.validator if schema is self.schema else self.validator.evolve(schema=schema)
        return next(validator.iter_errors(value), None)

    def resolve(self, schema: Schema) -> Schema:
        """Resolve a reference within the schema."""
        while isinstance(schema.get("$ref"), str) and schema["$ref"].startswith("#"):
            target: Any = self.schema
            for part in schema["$ref"].lstrip("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")] if part else target
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        return schema


def fold_names(names: Iterable[str]) -> Mapping[str, str | None]:
    """Give the one name that each folded key can mean, None where there are two."""
    folded: dict[str, str | None] = {}
    for name in names:
        folded[fold_key(name)] = None if fold_key(name) in folded else name
    return folded


def match_name(key: str, properties: Mapping[str, Any], names: Mapping[str, str | None]) -> str | None:
    """Match a key with a name: as it stands, else by what it folds to."""
    return key if key in properties else names.get(fold_key(key))


@dataclass
class Mender:
    """Mends one object; `used` names what was mended."""

    fields: Fields
    points: bool
    used: set[str] = field(default_factory=set)

    def mend(self, value: Any, schema: Schema, name: str) -> Any:
        """Mend a value to one that its schema takes.

        Raises:
            MisfitError: There is none that it can mean.
        """
        schema = self.fields.resolve(schema)
        if branches := schema.get("anyOf") or schema.get("oneOf"):
            return self._mend_branch(value, schema, branches, name)
        if isinstance(value, dict) and "properties" in schema:
            value = self.mend_object(value, schema)
        elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
            value = [self.mend(item, schema["items"], f"{name}[{at}]") for at, item in enumerate(value)]
        error = self.fields.find_error(value, schema)
        if error is None and not isinstance(value, Bare) and is_finite(value):
            return self.fold(value, name)
        for mended, used in mend_scalar(value, schema, name, self.fields.context, points=self.points):
            if is_finite(mended) and self.fields.find_error(mended, schema) is None:
                self.used |= used
                return self.fold(mended, name)
        raise explain(value, schema, name, error)

    def fold(self, value: Any, name: str) -> Any:
        """Fold a text to a known value of its field; it takes others too, but no placeholder for one."""
        if not isinstance(value, str) or name not in self.fields.context.known:
            return value
        value, used = fold_known(value, name, self.fields.context)
        if value not in self.fields.context.known[name] and _PLACEHOLDER.fullmatch(value.strip()):
            raise MisfitError("bad_value", f"{name} must be a value, and no placeholder; found {json.dumps(value)}")
        self.used |= used
        return value

    def mend_object(self, node: dict[str, Any], schema: Schema, *, partly: bool = False) -> dict[str, Any]:
        """Mend an object's keys and values; `partly` takes one with only some of its fields, null for none."""
        properties, value = schema["properties"], self._fold(node, schema)
        required = schema.get("required", ())
        for key in [key for key, item in value.items() if item is None and key in properties]:
            if partly or (key not in required and self.fields.find_error(None, self.fields.resolve(properties[key]))):
                self.used.add("null_as_unchanged" if partly else "null_as_missing")
                del value[key]
        if missing := [key for key in required if key not in value]:
            if not partly:
                raise MisfitError(
                    "missing_field", f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
                )
            self.used.add("changed_only")
        return {
            key: self.mend(item, properties[key], key) if key in properties else item for key, item in value.items()
        }

    def _fold(self, node: dict[str, Any], schema: Schema) -> dict[str, Any]:
        """Fold keys to fields; other keys are left out where the schema takes none."""
        properties = schema["properties"]
        value: dict[str, Any] = {}
        names = self.fields.names if schema is self.fields.schema else fold_names(properties)
        for key, item in node.items():
            known = match_name(key, properties, names)
            if known is None and fold_key(key).rstrip("0123456789") in names:
                raise MisfitError("several_objects", f"{key} looks like a second object's; give exactly one")
            if known is not None and known in value and not are_same(value[known], item):
                raise MisfitError("repeated_keys", f"{known} is given more than once, with different values")
            if known is not None:
                self.used |= set() if known == key else {"key_spelling"}
                value[known] = item
            elif schema.get("additionalProperties", True) is False:
                self.used.add("extra_keys")
            elif holds_bare(item):
                raise MisfitError("not_json", f"{key} is no JSON value")
            else:
                value[key] = item
        return value

    def _mend_branch(self, value: Any, schema: Schema, branches: list[Schema], name: str) -> Any:
        """Mend a value by the one branch that takes it; the whole schema must take what comes of it."""
        reasons: list[MisfitError] = []
        for branch in branches:
            tried = Mender(self.fields, self.points)
            try:
                mended = tried.mend(value, branch, name)
            except MisfitError as misfit:
                reasons.append(misfit)
                continue
            if self.fields.find_error(mended, schema) is None:
                self.used |= tried.used
                return mended
        raise reasons[0] if reasons else explain(value, schema, name, None)


def fit_object(node: dict[str, Any], fields: Fields) -> tuple[dict[str, Any], set[str]]:
    """Fit an object to its schema.

    Raises:
        MisfitError: It lacks a field, or one has a value that it does not take.
    """
    mender = Mender(fields, points=False)
    if not holds_bare(node) and fields.find_error(node, fields.schema) is None:
        value = {key: mender.fold(item, key) for key, item in node.items()}
    else:
        mender.points = uses_points(node)
        value = mender.mend(node, fields.schema, "the object")
    return value, mender.used


def uses_points(node: Any) -> bool:
    """Whether an object writes decimals with a point anywhere."""
    if isinstance(node, (dict, list)):
        return any(map(uses_points, node.values() if isinstance(node, dict) else node))
    return isinstance(node, float) or (isinstance(node, str) and bool(_POINT.search(node)))


def holds_bare(node: Any) -> bool:
    """Whether a value holds one without quotes that is no JSON, or an infinite number."""
    if isinstance(node, (dict, list)):
        return any(map(holds_bare, node.values() if isinstance(node, dict) else node))
    return isinstance(node, Bare) or not is_finite(node)


def unfold(node: Any, fields: Fields, least: int, used: frozenset[str] = frozenset()) -> Iterator[Claim]:
    """Give every object within a value, itself included, that has at least so many of the fields, however wrapped."""
    if isinstance(node, str) and not isinstance(node, Bare) and _ENCODED.match(node):
        inner, _ = find_objects(node)
        for found in inner if len(inner) == 1 and not inner[0].repeats else []:
            yield from unfold(found.node, fields, least, used | found.used | {"encoded"})
    elif isinstance(node, list):
        for item in node:
            yield from unfold(item, fields, least, used | {"list_of_one"})
    elif isinstance(node, dict):
        known = {name for key in node if (name := fields.match(key)) is not None}
        if len(known) >= least:
            yield node, used
        for key, item in node.items():
            folded = fold_key(key)
            if fields.match(key) is None and folded not in _NO_ANSWER and not folded.startswith(_FORMER):
                yield from unfold(item, fields, least, used | {"wrapper_key"})


def claim_rows(found: Found, fields: Fields, least: int | None = None) -> Iterator[Claim]:
    """Give what a closed value has of objects that are about the schema: with more than half of its fields."""
    count = len(fields.schema.get("required") or fields.schema.get("properties", {}))
    return unfold(found.node, fields, least or count // 2 + 1)

"""What was changed between two runs: profile, controls, columns, gold, models, versions; files by their content."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from verification.compare.sides import LEDGER, Side

Kind = Literal["profile", "control", "column", "gold", "file", "version"]
IGNORED = ("description", "schema_version", "observe", "export", "trace")  # keys that no row hangs on


@dataclass(frozen=True)
class Change:
    """Something that is not the same: its name, and what it is on either side, None where it is not there."""

    kind: Kind
    name: str
    before: str | None
    after: str | None


def list_changes(before: Side, after: Side) -> list[Change]:
    """List what was changed, by kind and name; a file that has moved is the same, one that was edited is not."""
    values = [dict(_flatten(side.profile.document, "")) for side in (before, after)]
    versions = [side.provenance.get("versions", {}) for side in (before, after)]
    return [
        *(Change("profile", *parts) for parts in _compare(*values)),
        *_compare_files(before, after),
        *(Change("version", *parts) for parts in _compare(*versions)),
    ]


def _flatten(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Give every leaf of a document by its dotted path; paths of files are left to their contents."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            dotted = f"{path}.{key}" if path else str(key)
            if dotted not in IGNORED and not (dotted.startswith("gold.") and isinstance(part, str)):
                yield from _flatten(part, dotted)
    elif path == "controls":
        yield from ((f"controls.{_name_control(use)}", _say(use)) for use in value)
    else:
        yield path, _say(value)


def _name_control(use: Any) -> str:
    return str(use["use"] if isinstance(use, Mapping) else use)


def _say(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_say(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_say, value))}]"
    return "none" if value is None else str(value)


def _compare(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def _compare_files(before: Side, after: Side) -> Iterator[Change]:
    hashes = [
        {name: digest for name, digest in side.provenance.get("sha256", {}).items() if not _is_of_run(name, side)}
        for side in (before, after)
    ]
    for name, old, new in _compare(*hashes):
        is_moved = (old is None and new in hashes[0].values()) or (new is None and old in hashes[1].values())
        if not is_moved:
            yield Change(_tell_kind(name), name, _shorten(old), _shorten(new))


def _is_of_run(name: str, side: Side) -> bool:
    """Tell of a profile, whose values are compared, and of the ledger whose rows were judged again."""
    path = PurePosixPath(name)
    is_profile = path.suffix == ".yaml" and "columns" not in path.parts
    is_judged_again = path.name == LEDGER and "rejudged_from" in side.provenance
    return (is_profile or is_judged_again) and name not in _list_gold(side)


def _list_gold(side: Side) -> set[str]:
    return {str(path) for path in side.profile.gold.files.values()}


def _tell_kind(name: str) -> Kind:
    parts = PurePosixPath(name).parts
    if "columns" in parts:
        return "control" if "controls" in parts else "column"
    return "gold" if PurePosixPath(name).suffix in (".csv", ".parquet") else "file"


def _shorten(digest: str | None) -> str | None:
    return None if digest is None else f"sha256 {digest[:12]}"

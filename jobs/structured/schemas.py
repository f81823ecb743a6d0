"""JSON Schemas of answers, written out, and shortened for a prompt."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

MOST_STEPS = 30  # references followed within one another; a recursive schema has no end
TECHNICAL = 1e9  # no field's own limit comes near it: such a bound keeps a number finite, and tells a model nothing
UNSAID = {"$schema", "$id", "$comment", "$defs", "title", "examples", "unit"}
BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
MAPS = ("properties", "patternProperties")
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
NESTED = ("items", "additionalProperties", "not", "contains")
CONTROL_CHARACTERS = re.compile(r"\\u00[01]|[\x00-\x1f]")
LONGEST_REASONING = 200  # characters; a small model that may go on does not come to an end


class RecursiveSchemaError(Exception):
    """A schema that refers to itself: it cannot be written out."""


def describe_scores(scores: Sequence[Any]) -> dict[str, Any]:
    """Describe a judge's answer, from the scores of its column: their criteria, and what each score means."""
    parts = {}
    for score in scores:
        meanings = "; ".join(f"{value}: {meaning}" for value, meaning in score.options.items())
        parts[score.name] = {
            "description": score.description or "",
            "type": "object",
            "additionalProperties": False,
            "required": ["reasoning", "score"],
            "properties": {
                "reasoning": {"type": "string", "maxLength": LONGEST_REASONING},
                "score": {"enum": list(score.options), "description": meanings},
            },
        }
    return {"type": "object", "additionalProperties": False, "required": list(parts), "properties": parts}


def write_out(schema: Schema) -> dict[str, Any]:
    """Put what every `$ref` names in its place.

    Raises:
        RecursiveSchemaError: a schema refers to itself, or to what is not there.
    """
    written: dict[str, Any] = _write_out(schema, schema, 0)
    return written


def _write_out(part: Any, root: Schema, steps: int) -> Any:
    if not isinstance(part, Mapping):
        return part
    if steps > MOST_STEPS:
        raise RecursiveSchemaError
    if "$ref" in part:
        beside = {key: value for key, value in part.items() if key != "$ref"}
        part, steps = {**_follow(str(part["$ref"]), root), **beside}, steps + 1
    return change_parts(part, lambda below: _write_out(below, root, steps + 1))


def _follow(reference: str, root: Schema) -> Schema:
    place: Any = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        place = place.get(name) if isinstance(place, Mapping) else None
    if not isinstance(place, Mapping) or not reference.startswith("#/"):
        raise RecursiveSchemaError
    return place


def change_parts(schema: Schema, change: Any) -> dict[str, Any]:
    """Give a schema whose nested schemas were changed, those of its properties, items and alternatives."""
    changed: dict[str, Any] = {}
    for key, value in schema.items():
        if key in MAPS and isinstance(value, Mapping):
            changed[key] = {name: change(part) for name, part in value.items()}
        elif key in LISTS and isinstance(value, list):
            changed[key] = [change(part) for part in value]
        elif key in NESTED and isinstance(value, Mapping):
            changed[key] = change(value)
        else:
            changed[key] = value
    return changed


def shorten(schema: Schema) -> dict[str, Any]:
    """Shorten a schema to what tells a model something: no headings, no technical bounds, nothing said twice.

    A recursive schema keeps its definitions.
    """
    try:
        whole = write_out(schema)
        kept = UNSAID
    except RecursiveSchemaError:
        whole, kept = dict(schema), UNSAID - {"$defs"}
    told: dict[str, Any] = _shorten({key: value for key, value in whole.items() if key != "description"}, kept)
    return told


def _shorten(part: Any, unsaid: set[str]) -> Any:
    if not isinstance(part, Mapping):
        return part
    said = {key: value for key, value in part.items() if key not in unsaid and not _is_technical(key, value)}
    if said.get("additionalProperties") is False:
        del said["additionalProperties"]
    if "enum" in said or "const" in said:
        said.pop("type", None)
    if not said.get("description", "."):
        del said["description"]
    return change_parts(said, lambda below: _shorten(below, unsaid))


def _is_technical(key: str, value: Any) -> bool:
    if key in BOUNDS:
        return not isinstance(value, int | float) or abs(value) >= TECHNICAL
    return (
        key == "not" and isinstance(value, Mapping) and bool(CONTROL_CHARACTERS.search(str(value.get("pattern", ""))))
    )

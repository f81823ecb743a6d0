"""Writes a JSON Schema out: references followed, the parts of `allOf` merged into one."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any
from urllib.parse import unquote

from offline_model.prompt import JsonSchema
from offline_model.row_schema.errors import NoValueError

MOST_STEPS = 40

_CONTAINERS = {"object", "array"}
_TYPES_BY_KEYWORD = {
    "object": {"properties", "required", "additionalProperties", "patternProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}


def resolve_schema(schema: JsonSchema | bool, root: JsonSchema, steps: int = 0) -> JsonSchema:
    """Resolve one schema within its root into one without `$ref` and `allOf` at its top.

    Args:
        steps: References followed on the way here.

    Raises:
        NoValueError: It is `false`, or a reference leads nowhere within the root or back to itself.
    """
    if isinstance(schema, bool):
        if not schema:
            raise NoValueError("the schema is false: nothing fits it")
        return {}
    if "$ref" not in schema and "allOf" not in schema:
        return schema
    if steps > MOST_STEPS:
        raise NoValueError("the schema's references lead back to themselves")
    parts: list[JsonSchema | bool] = list(schema.get("allOf", []))
    if "$ref" in schema:
        parts.append(_follow(schema["$ref"], root))
    own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
    return reduce(merge_schemas, (resolve_schema(part, root, steps + 1) for part in parts), own)


def merge_schemas(one: JsonSchema, other: JsonSchema) -> JsonSchema:
    """Merge two resolved schemas into one that asks for both; a keyword that cannot be merged stays the first one's."""
    merged = dict(one)
    for key, value in other.items():
        merged[key] = _MERGES.get(key, _keep)(merged[key], value) if key in merged else value
    return merged


def list_types(schema: JsonSchema) -> list[str]:
    """List the types a resolved schema allows; where it names none, the one its keywords speak of, else text."""
    named = schema.get("type")
    if named is None:
        return [next((name for name, words in _TYPES_BY_KEYWORD.items() if words & schema.keys()), "string")]
    return named if isinstance(named, list) else [named]


def is_container(schema: JsonSchema | bool, root: JsonSchema) -> bool:
    """Tell whether a schema asks for an object or a list."""
    return schema is not False and bool(_CONTAINERS.intersection(list_types(resolve_schema(schema, root))))


def _follow(reference: str, root: JsonSchema) -> JsonSchema | bool:
    whole, *parts = unquote(reference).split("/")
    place: Any = root if whole == "#" else None
    for part in parts:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and key.isdecimal():
            place = dict(enumerate(place)).get(int(key))
        else:
            place = place.get(key) if isinstance(place, Mapping) else None
    if not isinstance(place, Mapping | bool):
        raise NoValueError(f"the schema refers to {reference}, which is no schema within it")
    return place


def _keep(one: Any, _other: Any) -> Any:
    return one


def _merge_types(one: str | list[str], other: str | list[str]) -> list[str]:
    ours, theirs = list_types({"type": one}), list_types({"type": other})
    both = [name for name in ours if name in theirs]
    if "integer" not in both and "integer" in [*ours, *theirs] and {"integer", "number"} <= {*ours, *theirs}:
        both.append("integer")
    return both


def _merge_properties(one: JsonSchema, other: JsonSchema) -> JsonSchema:
    return {**one, **{name: _merge_both(one[name], item) if name in one else item for name, item in other.items()}}


def _merge_both(one: Any, other: Any) -> Any:
    return {"allOf": [one, other]}


_MERGES: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "enum": lambda one, other: [value for value in one if value in other],
    "type": _merge_types,
    "properties": _merge_properties,
    "items": _merge_both,
    "additionalProperties": _merge_both,
}

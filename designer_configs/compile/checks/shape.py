"""First stage: is a file shaped as its JSON Schema says? Every difference is said in plain words, with its fix."""

import copy
import difflib
import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource

from designer_configs.compile.checks.yaml_source import KeyPath, YamlSource
from designer_configs.errors import Problem

Kind = Literal["profile", "control", "column", "dataset", "export", "finished", "cases", "policy"]
KINDS: tuple[Kind, ...] = ("profile", "control", "column", "dataset", "export", "finished", "cases", "policy")
Options = Mapping[str, Any]
NO_OPTIONS: Options = MappingProxyType({})
SCHEMA_FOLDER = Path(__file__).parents[2] / "schema"
LONGEST_VALUE = 60
LARGEST_NUMBER = 1e15  # no setting comes near it, and arithmetic is safe below it
Finding = tuple[KeyPath, str]


@functools.cache
def load_schema(kind: Kind) -> dict[str, Any]:
    """Read one of the schemas of this folder."""
    schema: dict[str, Any] = json.loads((SCHEMA_FOLDER / f"{kind}.schema.json").read_text(encoding="utf-8"))
    return schema


def add_options(schema: Mapping[str, Any], options: Options) -> Mapping[str, Any]:
    """Add to a profile's schema the keys that its dataset brings."""
    return {**schema, "properties": {**schema["properties"], **options}} if options else schema


def check_shape(source: YamlSource, kind: Kind, options: Options = NO_OPTIONS) -> list[Problem]:
    """List everything in which a file differs from its schema, in the order of the file.

    `options` are the schemas of the keys that a profile's dataset adds to it.
    """
    found: list[Finding] = [
        (path, f"must be a finite number, below {LARGEST_NUMBER:.0e}") for path in _find_infinities(source.data, ())
    ]
    validator = _build_validator(kind, json.dumps(dict(options)))
    for error in validator.iter_errors(source.data):
        path = (*error.absolute_path, *([error.instance] if "propertyNames" in error.absolute_schema_path else []))
        guess = _guess_key(error, validator.schema)
        found += [((*path, *below), f"{message}{guess}") for below, message in _explain(error)]
    said = {path for path, _ in found}
    found += [(path, message) for path, message in source.misread.items() if path not in said]
    problems = dict.fromkeys(source.report(path, message) for path, message in found)
    return sorted(problems, key=lambda problem: problem.line or 0)


def suggest(word: str, known: Iterable[str]) -> str:
    """Say which of the known words a misspelt one may stand for, and which there are."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"{guess}known: {', '.join(known) or 'none'}"


def show(value: object) -> str:
    """Write a value for a message, cut where it is long."""
    if isinstance(value, date):
        return f"the date {value} (put it in quotes to make it text)"
    if isinstance(value, Mapping | list):
        return "a mapping" if isinstance(value, Mapping) else f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def fill_defaults(kind: Kind, data: Mapping[str, Any], options: Options = NO_OPTIONS) -> dict[str, Any]:
    """Add what a well-shaped document leaves to its schema's defaults; keys come in the schema's order."""
    schema = add_options(load_schema(kind), options)
    filled: dict[str, Any] = copy.deepcopy(_fill(data, schema, schema))
    return filled


def resolve_reference(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """Put what a `$ref` names in its place; keys beside it win."""
    if "$ref" not in schema:
        return dict(schema)
    file, _, pointer = schema["$ref"].partition("#/$defs/")
    home = load_schema(file.removesuffix(".schema.json")) if file else root
    return {**home["$defs"][pointer], **schema}


def _fill(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    schema = resolve_reference(schema, root)
    if isinstance(value, list):
        return [_fill(item, schema.get("items", {}), root) for item in value]
    if not isinstance(value, Mapping) or not ("properties" in schema or "additionalProperties" in schema):
        return value
    defaults: dict[str, Any] = {}
    forbidden: set[str] = set()
    for branch in schema.get("allOf", []):
        if "if" in branch and Draft202012Validator(branch["if"]).is_valid(value):
            special = branch["then"]["properties"]
            defaults |= {key: part["default"] for key, part in special.items() if "default" in part}
            forbidden |= {key for key, part in special.items() if "not" in part}
    filled = {}
    for key, part in schema.get("properties", {}).items():
        if key in value or (key not in forbidden and (key in defaults or "default" in part)):
            given = value[key] if key in value else defaults.get(key, part.get("default"))
            filled[key] = _fill(given, part, root)
    free = schema.get("additionalProperties")
    if isinstance(free, Mapping):  # a map: its keys are the document's
        filled |= {key: _fill(given, free, root) for key, given in value.items() if key not in filled}
    return filled


@functools.cache
def _build_validator(kind: Kind, options: str) -> Draft202012Validator:
    resources = [(f"{name}.schema.json", Resource.from_contents(load_schema(name))) for name in KINDS]
    integers = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    strict = extend(Draft202012Validator, type_checker=integers)  # type: ignore[no-untyped-call]  # 200.0 counts nothing
    schema = add_options(load_schema(kind), json.loads(options))
    validator: Draft202012Validator = strict(schema, registry=Registry().with_resources(resources))
    return validator


def _find_infinities(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, int | float) and not abs(value) < LARGEST_NUMBER:
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _find_infinities(part, (*path, key))


def _guess_key(error: ValidationError, schema: Any) -> str:
    """Guess which known key was meant by one that may be named freely, where its value is none for such a key."""
    steps = list(error.absolute_schema_path)
    if "additionalProperties" not in steps[-2:-1] or "$ref" in steps:
        return ""
    for step in steps[:-2]:
        schema = schema[step]
    close = difflib.get_close_matches(str(error.absolute_path[-1]), schema.get("properties", {}), n=1)
    return f" (did you mean the key {close[0]}?)" if close else ""


def _explain(error: ValidationError) -> list[Finding]:
    """Say what an error means; the paths are below the error's own."""
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    value: Any = error.instance
    if explain_keys := _EXPLAIN_KEYS.get(error.validator):
        return explain_keys(value, schema)
    if "errorMessage" in schema:
        return [((), schema["errorMessage"])]
    message = _explain_value(error, schema)
    if schema.get("writeOnly"):
        return [((), f"{message}; the value found is not shown: it may be the key itself")]
    found = "it is empty" if value in ("", [], {}) else f"found {show(value)}"
    return [((), f"{message}; {found}{_hint(error)}")]


def _explain_unknown_keys(value: Any, schema: Mapping[str, Any]) -> list[Finding]:
    known = list(schema.get("properties", {}))
    return [((key,), f"unknown key; {suggest(key, known)}") for key in value if key not in known]


def _explain_missing_keys(value: Any, schema: Mapping[str, Any]) -> list[Finding]:
    findings: list[Finding] = []
    for key in schema["required"]:
        if key not in value:
            part = schema.get("properties", {}).get(key)
            meaning = part.get("description", "") if isinstance(part, Mapping) else ""
            findings.append(((), f"the key {key} is missing" + (f": {meaning}" if meaning else "")))
    return findings


def _explain_dependent_keys(value: Any, schema: Mapping[str, Any]) -> list[Finding]:
    return [
        ((key,), f"goes with {other}, which is missing: add it")
        for key, others in schema["dependentRequired"].items()
        for other in others
        if key in value and other not in value
    ]


def _explain_duplicates(value: Any, _: Mapping[str, Any]) -> list[Finding]:
    repeats = [i for i, item in enumerate(value) if item in value[:i]]
    return [((i,), f"{show(value[i])} is in the list already: keep one") for i in repeats]


_EXPLAIN_KEYS: dict[object, Callable[[Any, Mapping[str, Any]], list[Finding]]] = {
    "additionalProperties": _explain_unknown_keys,
    "required": _explain_missing_keys,
    "dependentRequired": _explain_dependent_keys,
    "uniqueItems": _explain_duplicates,
}


def _explain_value(error: ValidationError, schema: Mapping[str, Any]) -> str:
    limit: Any = error.validator_value
    match error.validator:
        case "type":
            return "must be " + " or ".join(_TYPES[name] for name in ([limit] if isinstance(limit, str) else limit))
        case "enum" | "const":
            known = limit if error.validator == "enum" else [limit]
            guess = difflib.get_close_matches(str(error.instance), [str(item) for item in known], n=1)
            words = f"must be {'one of ' if len(known) > 1 else ''}{', '.join(str(item) for item in known)}"
            return words + (f" (did you mean {guess[0]}?)" if guess else "")
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            return "must be " + " and ".join(text.format(schema[key]) for key, text in _LIMITS.items() if key in schema)
        case "pattern":
            return str(schema.get("patternErrorMessage", f"must match {limit}"))
        case "minLength" | "minItems" | "minProperties":
            return f"must have at least {limit} {_COUNTED[str(error.validator)]}" + ("s" if limit > 1 else "")
        case _:
            return error.message


_TYPES = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "above {}",
    "exclusiveMaximum": "below {}",
}
_COUNTED = {"minLength": "character", "minItems": "item", "minProperties": "key"}


def _hint(error: ValidationError) -> str:
    """Name the trap of YAML that a value of the wrong type fell into."""
    value, wanted = error.instance, str(error.validator_value)
    if error.validator == "type" and "string" in wanted and isinstance(value, bool):
        return " (YAML reads on, off, yes and no as true and false: put it in quotes to make it text)"
    if error.validator == "type" and isinstance(value, str) and ("number" in wanted or "integer" in wanted):
        try:
            float(value)
        except ValueError:
            return ""
        return " (a number has no quotes, and a dot before its exponent: 1.0e-3)"
    return ""

"""Reads the JSON text of a strategy and holds it against the grammar. Nothing is repaired: each fault is named.

Before the schema is asked: at most MOST_BYTES of text, one JSON object and nothing around it, no key twice, no NaN, at
most MOST_NESTING objects and lists in one another (a bomb would exhaust the schema's checker).
"""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from indicators.strategy.errors import Problem
from indicators.strategy.schema import build_schema
from indicators.strategy.tree import Document, name_path

MOST_BYTES = 65_536
MOST_NESTING = 40
SHOWN = 60  # characters of a value in a message
SHOWN_KEYS = 20

RULES = {
    "additionalProperties": "unknown-key",
    "required": "missing-key",
    "type": "type",
    "enum": "choice",
    "minimum": "range",
    "maximum": "range",
    "exclusiveMinimum": "range",
    "minItems": "count",
    "maxItems": "count",
    "minProperties": "exactly-one",
    "maxProperties": "exactly-one",
    "pattern": "pattern",
}


class _RefusedTextError(ValueError):
    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def parse_text(text: str) -> tuple[Document | None, list[Problem]]:
    """Return the document that a text says, or None and why it says none."""
    size = len(text.encode(errors="replace"))
    if size > MOST_BYTES:
        return None, [Problem("$", "size", f"at most {MOST_BYTES:,} bytes are read; found {size:,}")]
    try:
        document = json.loads(text, object_pairs_hook=_refuse_twice, parse_constant=_refuse_constant)
    except _RefusedTextError as exc:
        return None, [Problem("$", exc.rule, str(exc))]
    except json.JSONDecodeError as exc:
        found = f"{exc.msg}, line {exc.lineno}, column {exc.colno}"
        return None, [Problem("$", "json", f"must be one JSON object and nothing else; found {found}")]
    except (RecursionError, ValueError) as exc:  # ValueError: a number of more digits than Python reads
        return None, [Problem("$", "nesting" if isinstance(exc, RecursionError) else "json", f"is not readable: {exc}")]
    if _nest(document) > MOST_NESTING:
        return None, [Problem("$", "nesting", f"at most {MOST_NESTING} objects and lists may lie in one another")]
    return document, []


def check_shape(document: Any) -> list[Problem]:
    """Return every place where a document departs from the schema, in order of the document."""
    errors = sorted(_give_validator().iter_errors(document), key=lambda error: list(map(str, error.absolute_path)))
    return [problem for error in errors for problem in _describe(error)]


@cache
def _give_validator() -> Draft202012Validator:
    return Draft202012Validator(build_schema())


def _describe(error: ValidationError) -> Iterator[Problem]:
    path, rule = name_path(tuple(error.absolute_path)), RULES[str(error.validator)]
    limit: Any = error.validator_value
    value: Any = error.instance
    schema: Any = error.schema
    match rule:
        case "unknown-key":
            known = schema["properties"]
            for key in value.keys() - known.keys():
                near = get_close_matches(key, known, 3) or list(known)
                told = ", ".join(near[:SHOWN_KEYS]) + (", ..." if len(near) > SHOWN_KEYS else "")
                yield Problem(f"{path}.{key}"[:200], rule, f"{_show(key)} is no key here; known are {told}")
        case "missing-key":
            missing = next(key for key in limit if key not in value and f"'{key}'" in error.message)
            yield Problem(path, rule, f"must have the key {missing}")
        case "exactly-one":
            yield Problem(path, rule, f"must have exactly one key, its kind; found {_show(list(value))}")
        case "choice":
            yield Problem(path, rule, f"must be one of {', '.join(map(str, limit))}; found {_show(value)}")
        case "count":
            word = "at least" if error.validator == "minItems" else "at most"
            yield Problem(path, rule, f"must have {word} {limit}; found {len(value)}")
        case "range":
            words = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "above"}
            yield Problem(path, rule, f"must be {words[str(error.validator)]} {limit}; found {_show(value)}")
        case _:
            expected = " or ".join([limit] if isinstance(limit, str) else limit)
            what = "must be written like" if rule == "pattern" else "must be of type"
            yield Problem(path, rule, f"{what} {expected}; found {_show(value)}")


def _show(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _refuse_twice(pairs: list[tuple[str, Any]]) -> Document:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RefusedTextError("duplicate-key", f"the key {_show(twice)} stands twice in one object; write it once")
    return found


def _refuse_constant(name: str) -> None:
    raise _RefusedTextError("number", f"{name} is no number that JSON knows; write a finite one")


def _nest(document: Any) -> int:
    """Count the levels of objects and lists, without recursion."""
    deepest, level = 0, [document]
    while level and deepest <= MOST_NESTING:
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        deepest += 1
    return deepest

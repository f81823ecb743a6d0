"""Draws a value that fits a JSON Schema, each property set as the prompt's sentences set it."""

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from jsonschema import Draft202012Validator

from offline_model.prompt import JsonSchema, drop_fences, find_said, read_json
from offline_model.row_schema.errors import NoValueError
from offline_model.row_schema.numbers import draw_number
from offline_model.row_schema.resolve import is_container, list_types, merge_schemas, resolve_schema
from offline_model.row_schema.texts import draw_text

TRIES = 50
OPTIONAL_SHARE = 0.8  # of the keys that may be left out, how many are there
EXAMPLE_SHARE = 0.5
USUAL_ITEMS = 3  # at most beyond the fewest, where a list names no limit
SHALLOW = 3  # below it, lists are as short as can be and optional keys that hold objects or lists are left out
DEEPEST = 12
FREE_WORDS = 3  # a sentence sets a field of free text only to so few words: "its mood is what the reader makes of it"
PLAIN_WORDS = (
    "calm",
    "early",
    "plain",
    "steady",
    "small",
    "clear",
    "level",
    "open",
    "short",
    "usual",
    "narrow",
    "late",
)

_WORD = re.compile(r"\b[a-z]{4,12}\b")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_QUOTED = re.compile(r"([`'\"])(.+?)\1")
_BREAK = re.compile(r"[,;(]|\. ")


class ValueDraw:
    """Draws values for one prompt.

    Attributes:
        root: The schema of the whole answer, resolved at its top.
        words: What plain texts are made of: the prompt's own words, and a few that are always there.
    """

    def __init__(self, schema: JsonSchema, text: str, rng: Random) -> None:
        self._schema = schema
        self._validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        self._prose = drop_fences(text)
        self._rng = rng
        self._said: dict[str, list[str]] = {}
        self.root = resolve_schema(schema, schema)
        self.words = tuple(dict.fromkeys([*_WORD.findall(self._prose), *PLAIN_WORDS]))

    def draw_answer(self) -> Any:
        """Draw an answer that fits the whole schema.

        Raises:
            NoValueError: `TRIES` draws brought none.
        """
        problem = ""
        for _ in range(TRIES):
            try:
                value = self.draw_value(self._schema)
            except (NoValueError, RecursionError) as exc:
                problem = str(exc)
                continue
            error = next(self.find_errors(value), None)
            if error is None:
                return value
            problem = f"{error.json_path}: {error.message}"
        raise NoValueError(
            f"the offline model found no answer to the prompt's <response_schema> in {TRIES} draws ({problem}); "
            "simplify the schema, or write a task for this prompt below offline_model/tasks"
        )

    def find_errors(self, value: object) -> Iterator[Any]:
        """Find where an answer does not fit the whole schema."""
        return self._validator.iter_errors(value)

    def fits(self, value: object, schema: JsonSchema | bool | None = None) -> bool:
        """Tell whether a value fits a schema within the answer's, or the answer's own."""
        validator = self._validator if schema is None else self._validator.evolve(schema=schema)
        return validator.is_valid(value)

    def draw_property(self, name: str, schema: JsonSchema | bool, depth: int = 0) -> Any:
        """Draw a property as the prompt's sentences set it, freely where none does."""
        said = self.find_wanted(name, schema)
        return said[0] if said else self.draw_value(schema, depth)

    def find_wanted(self, name: str, schema: JsonSchema | bool) -> list[Any]:
        """Find what the prompt's sentences set a property to, in their order; only what fits its schema."""
        if name not in self._said:
            self._said[name] = list(find_said(self._prose, name))
        if not self._said[name]:
            return []
        resolved = resolve_schema(schema, self._schema)
        values = (value for said in self._said[name] for value in _read_values(said, resolved))
        return [value for value in values if self.fits(value, schema)]

    def draw_value(self, schema: JsonSchema | bool, depth: int = 0) -> Any:
        """Draw a value for a schema within the answer's; keywords that restrict it further are left to chance.

        Raises:
            NoValueError: Nothing fits it, or it asks for more levels than `DEEPEST`.
        """
        if depth > DEEPEST:
            raise NoValueError(f"the schema asks for objects within objects, more than {DEEPEST} deep")
        schema = resolve_schema(schema, self._schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choose(schema["enum"], "its enum is empty")
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._draw_alternative(schema, key, depth)
        kinds = [kind for kind in list_types(schema) if depth < SHALLOW or kind not in ("object", "array")]
        kind = self._choose(kinds or list_types(schema), "its parts agree on no type")
        if schema.get("examples") and kind != "object" and self._rng.random() < EXAMPLE_SHARE:
            return self._rng.choice(schema["examples"])
        return self._draw_kind(kind, schema, depth)

    def _draw_kind(self, kind: str, schema: JsonSchema, depth: int) -> Any:
        if kind == "object":
            return self._draw_object(schema, depth)
        if kind == "array":
            return self._draw_array(schema, depth)
        if kind == "string":
            return draw_text(schema, self._rng, self.words)
        if kind in ("integer", "number"):
            return draw_number(schema, self._rng, lambda value: self.fits(value, schema), whole=kind == "integer")
        return self._rng.random() < 0.5 if kind == "boolean" else None

    def _draw_alternative(self, schema: JsonSchema, key: str, depth: int) -> Any:
        alternatives = self._rng.sample(schema[key], len(schema[key]))
        if depth >= SHALLOW:
            alternatives.sort(key=lambda alternative: is_container(alternative, self._schema))
        rest = {name: value for name, value in schema.items() if name != key}
        problem = NoValueError(f"{key} is empty")
        for alternative in alternatives:
            try:
                return self.draw_value(merge_schemas(resolve_schema(alternative, self._schema), rest), depth)
            except NoValueError as exc:
                problem = exc
        raise problem

    def _draw_object(self, schema: JsonSchema, depth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        others = schema.get("additionalProperties", True)
        drawn: dict[str, Any] = {}
        for name in [*properties, *(name for name in required if name not in properties)]:
            part = properties.get(name, others)
            if name in required:
                drawn[name] = self.draw_property(name, part, depth + 1)
            elif self._is_kept(part, depth):
                try:
                    drawn[name] = self.draw_property(name, part, depth + 1)
                except NoValueError:  # it may be left out, so it is
                    continue
        if not properties and isinstance(others, dict):
            most = min(schema.get("maxProperties", USUAL_ITEMS), len(self.words))
            count = self._rng.randint(min(schema.get("minProperties", 1), most), most)
            drawn |= {name: self.draw_value(others, depth + 1) for name in self._rng.sample(self.words, count)}
        return drawn

    def _is_kept(self, schema: JsonSchema | bool, depth: int) -> bool:
        if schema is False or (depth >= SHALLOW and is_container(schema, self._schema)):
            return False
        return self._rng.random() < OPTIONAL_SHARE

    def _draw_array(self, schema: JsonSchema, depth: int) -> list[Any]:
        head, items = schema.get("prefixItems", []), schema.get("items", True)
        least = max(schema.get("minItems", 0), len(head))
        most = schema.get("maxItems", max(least, 1) + USUAL_ITEMS)
        count = least if depth >= SHALLOW or items is False else self._rng.randint(min(least, most), most)
        drawn = [self.draw_value(part, depth + 1) for part in head[:count]]
        for _ in range(TRIES):
            if len(drawn) >= count:
                break
            item = self.draw_value(items, depth + 1)
            if not schema.get("uniqueItems") or item not in drawn:
                drawn.append(item)
        return drawn

    def _choose(self, values: Sequence[Any], problem: str) -> Any:
        if not values:
            raise NoValueError(f"nothing fits the schema: {problem}")
        return self._rng.choice(values)


def _read_values(said: str, schema: JsonSchema) -> Iterator[Any]:
    """Read what a sentence's words may mean: what is quoted, all of it, up to a comma, the first word, a number."""
    quoted = [match[2] for match in _QUOTED.finditer(said)]
    bare = [said.rstrip(".;,"), _BREAK.split(said)[0].strip(), said.split(maxsplit=1)[0].rstrip(".;,")]
    is_free = not schema.keys() & {"enum", "const", "pattern", "format"}
    for text in dict.fromkeys([*quoted, *bare]):
        yield from read_json(text)
        if text in quoted or not is_free or len(text.split()) <= FREE_WORDS:
            yield text
    for number in _NUMBER.findall(said):
        yield int(number) if number.lstrip("+-").isdecimal() else float(number)

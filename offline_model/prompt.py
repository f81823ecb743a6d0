"""Reads a prompt as Data Designer sends it: the task's heading, its sections, what is fenced, the answer's schema."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from offline_model.errors import PromptError

# Data Designer ends the prompt of a structured column and of a judge with these lines, then the schema between tags.
INSTRUCTIONS = "\n\n* Your response must be in JSON format."
OPENING, CLOSING = "<response_schema>\n", "\n</response_schema>"

_HEADING = re.compile(r"^# Task: +(.+?) *$", re.MULTILINE)
_FENCE = re.compile(r"^```(?:json)?[ \t]*\n(.*?)\n```[ \t]*$", re.MULTILINE | re.DOTALL)
_REMARK = r"(?:\s*\((?:[^()\n]|\([^()\n]*\))*\))?"  # one pair of brackets, with pairs within

_PAIR = re.compile(r"""['"](\w+)['"]: *("[^"]*"|'[^']*'|[^\s,{}\[\]]+)""")

JsonSchema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sections:
    """A prompt in its parts.

    Attributes:
        heading: What the first line that begins with `# Task: ` says after it; empty where there is none.
        text: The prompt as its template wrote it, without what Data Designer adds on the form of the answer.
        bodies: The text under each `## ` heading; of two alike the last.
        schema: The JSON Schema of the answer; None where the prompt asks for plain text.
    """

    heading: str
    text: str
    bodies: Mapping[str, str]
    schema: JsonSchema | None

    def find(self, word: str) -> str | None:
        """Find the body of the first section whose heading contains a word, in capitals or not."""
        return next((body for heading, body in self.bodies.items() if word in heading.lower()), None)


def read_sections(text: str) -> Sections:
    """Read a prompt.

    Raises:
        PromptError: What stands between the tags is no JSON Schema.
    """
    before, opening, rest = text.rpartition(OPENING)
    schema, closing, after = rest.partition(CLOSING)
    is_whole = bool(opening and closing)
    said = (before.rpartition(INSTRUCTIONS)[0] or before) + after if is_whole else text
    heading = _HEADING.search(said)
    bodies = (part.partition("\n") for part in said.split("\n## ")[1:])
    return Sections(
        heading=heading[1] if heading else "",
        text=said,
        bodies={name.strip(): body for name, _, body in bodies},
        schema=_read_schema(schema) if is_whole else None,
    )


def read_fences(text: str) -> list[Any]:
    """Read the JSON values that stand in a text's ``` fences, in their order; a fence without JSON is passed over."""
    return [value for found in _FENCE.findall(text) for value in read_json(found)]


def read_json(text: str) -> list[Any]:
    """Read a text's JSON value into a list of one, an empty list where it is none."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return []


def drop_fences(text: str) -> str:
    """Drop a text's ``` fences: what is left is said, not shown."""
    return _FENCE.sub("", text)


def find_pairs(text: str) -> dict[str, str]:
    """Find the keys and plain values of what a text shows without a fence: JSON, or an object as Python writes it."""
    return {key: value.strip("'\"") for key, value in _PAIR.findall(text)}


def find_said(text: str, name: str) -> Iterator[str]:
    """Find what a text's sentences set a field to: what follows `NAME is`, `NAME: ` or `NAME = ` on a line.

    NAME may be quoted, have spaces for underscores, and be followed by a remark in brackets.
    """
    for match in _find_sentence(name).finditer(text):
        yield match[1].strip()


@cache
def _find_sentence(name: str) -> re.Pattern[str]:
    words = re.escape(name).replace("_", "[ _]")
    return re.compile(rf"(?<![\w.])[`'\"]?{words}[`'\"]?{_REMARK}(?: is|:| =)[ ]+(\S.*)", re.IGNORECASE)


@lru_cache(maxsize=64)
def _read_schema(text: str) -> JsonSchema:
    try:
        schema = json.loads(text)
        Draft202012Validator.check_schema(schema)
    except (ValueError, RecursionError, SchemaError) as exc:
        said = exc.message if isinstance(exc, SchemaError) else str(exc)
        raise PromptError(f"what stands in the prompt's <response_schema> is no JSON Schema: {said}") from exc
    if not isinstance(schema, dict):
        raise PromptError(f"the prompt's <response_schema> must hold a JSON object, found {text[:40]}")
    return schema

"""Which form of answer a model gives: asked once, by a question whose usual answer is no JSON."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.structured.dialects import Dialect, Mode, write_body
from jobs.structured.schemas import Schema

QUESTION = "Answer with the one word hello."
LONGEST_WORDS = 160

Ask = Callable[[Mapping[str, Any]], Awaitable[str]]
"""Sends the question with what is added to the request's body; gives the answer's text, or raises."""


@dataclass(frozen=True)
class Finding:
    """What a role's requests are sent with, and why not more: what came of the modes that do not work."""

    mode: Mode
    tried: Mapping[str, str]


async def find_mode(schema: Schema, dialect: Dialect, ask: Ask) -> Finding:
    """Find the first of a provider's modes that works: JSON of the schema came, where the question asks for a word."""
    tried: dict[str, str] = {}
    for mode in dialect.modes:
        if mode == "prompt":
            break
        try:
            text = await ask(write_body(schema, mode, dialect))
        except Exception as exc:  # whatever the provider does not take, the prompt alone still works
            tried[mode] = " ".join(str(exc).split())[:LONGEST_WORDS] or type(exc).__name__
            continue
        holds_schema = mode == "json_schema" or dialect.has_schema
        if is_of_schema(text, schema if holds_schema else {}):
            return Finding(mode, tried)
        tried[mode] = f"answered with {text.strip()[:LONGEST_WORDS]!r}: the schema was passed over"
    return Finding("prompt", tried)


def is_of_schema(text: str, schema: Schema) -> bool:
    """Tell whether a text is an object of a schema's keys, or the beginning of one that was cut."""
    text = text.strip()
    required, known = set(schema.get("required", ())), set(schema.get("properties", ()))
    try:
        value = json.loads(text)
    except ValueError:
        return text.startswith("{") and any(text[1:].lstrip().startswith(json.dumps(name)) for name in known)
    return isinstance(value, dict) and required <= value.keys() and (not known or value.keys() <= known)

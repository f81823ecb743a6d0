"""Draws texts: of a format, of a pattern, or of plain words within a length."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from re import _constants as op  # type: ignore[attr-defined]  # the parser of `re`, as rstr and hypothesis use it
from re import _parser  # type: ignore[attr-defined]
from string import ascii_letters, digits, punctuation
from typing import Any
from uuid import UUID

from offline_model.prompt import JsonSchema
from offline_model.row_schema.errors import NoValueError

TRIES = 50
USUAL_WORDS = 4
MOST_REPEATS = 6  # beyond the fewest, where a pattern names no limit
FIRST_DAY, DAYS = date(2024, 1, 1), 731

_ALPHABET = ascii_letters + digits + punctuation + " "
_CATEGORIES = {
    op.CATEGORY_DIGIT: digits,
    op.CATEGORY_WORD: ascii_letters + digits + "_",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_DIGIT: ascii_letters + " ",
    op.CATEGORY_NOT_WORD: " -.,;:",
    op.CATEGORY_NOT_SPACE: ascii_letters + digits,
}


def draw_text(schema: JsonSchema, rng: Random, words: Sequence[str]) -> str:
    """Draw a text for a resolved schema of type string.

    Args:
        words: What a text without format and pattern is made of; lower-case ASCII letters.

    Raises:
        NoValueError: `TRIES` draws brought none that fits the pattern and the length.
    """
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]](rng, words)
    if "pattern" in schema:
        return draw_match(schema["pattern"], rng, least, most)
    return draw_words(rng, words, least, most)


def draw_words(rng: Random, words: Sequence[str], least: int = 0, most: int | None = None) -> str:
    """Draw a few words, joined by spaces, of a length in characters between `least` and `most`."""
    text, wanted = rng.choice(words), rng.randint(1, USUAL_WORDS)
    while len(text) < least or wanted > 1:
        text, wanted = f"{text} {rng.choice(words)}", wanted - 1
        if most is not None and len(text) >= most:
            break
    text = text[:most].capitalize()
    return text[:-1] + "s" if text.endswith(" ") else text


def draw_match(pattern: str, rng: Random, least: int = 0, most: int | None = None) -> str:
    """Draw a text that a regular expression matches from its first to its last character.

    Looking ahead and behind is left to chance: what was drawn is tried, `TRIES` times.

    Raises:
        NoValueError: The pattern is none that Python reads, or no draw fits it and the length.
    """
    nodes = _parse(pattern)
    for _ in range(TRIES):
        text = "".join(_write_nodes(nodes, rng, max(least, MOST_REPEATS), {}))
        if least <= len(text) and (most is None or len(text) <= most) and re.search(pattern, text):
            return text
    raise NoValueError(f"{TRIES} draws brought no text of the pattern {pattern}")


@lru_cache(maxsize=256)
def _parse(pattern: str) -> Any:
    try:
        return _parser.parse(pattern)
    except re.error as exc:
        raise NoValueError(f"the pattern {pattern} cannot be read: {exc}") from exc


def _write_nodes(nodes: Any, rng: Random, reach: int, groups: dict[int, str]) -> Iterable[str]:
    for kind, value in nodes:
        yield _write_node(kind, value, rng, reach, groups)


def _write_node(kind: Any, value: Any, rng: Random, reach: int, groups: dict[int, str]) -> str:
    if kind is op.LITERAL:
        return chr(value)
    if kind in (op.IN, op.ANY, op.NOT_LITERAL):
        return rng.choice(_list_characters(kind, value))
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        fewest, most, nodes = value
        times = rng.randint(fewest, min(most, fewest + reach))
        return "".join(text for _ in range(times) for text in _write_nodes(nodes, rng, reach, groups))
    if kind is op.GROUPREF:
        return groups.get(value, "")
    if kind not in (op.SUBPATTERN, op.BRANCH, op.ATOMIC_GROUP):
        return ""  # a place or a look ahead: nothing is written for it
    nodes = rng.choice(value[1]) if kind is op.BRANCH else value if kind is op.ATOMIC_GROUP else value[-1]
    text = "".join(_write_nodes(nodes, rng, reach, groups))
    if kind is op.SUBPATTERN:
        groups[value[0]] = text
    return text


def _list_characters(kind: Any, value: Any) -> str:
    if kind is op.ANY:
        return ascii_letters + digits
    listed = [(op.NEGATE, None), (op.LITERAL, value)] if kind is op.NOT_LITERAL else value
    named = "".join(_name_characters(*item) for item in listed if item[0] is not op.NEGATE)
    if listed[0][0] is not op.NEGATE:
        return named
    left = "".join(character for character in _ALPHABET if character not in named)
    if not left:
        raise NoValueError("a pattern excludes every character")
    return left


def _name_characters(kind: Any, value: Any) -> str:
    if kind is op.RANGE:
        first, last = value
        return "".join(map(chr, range(first, min(last, first + 127) + 1)))
    return _CATEGORIES[value] if kind is op.CATEGORY else chr(value)


def _draw_date(rng: Random, _words: Sequence[str]) -> str:
    return (FIRST_DAY + timedelta(days=rng.randrange(DAYS))).isoformat()


def _draw_time(rng: Random, _words: Sequence[str]) -> str:
    return f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}Z"


FORMATS: Mapping[str, Callable[[Random, Sequence[str]], str]] = {
    "date": _draw_date,
    "time": _draw_time,
    "date-time": lambda rng, words: f"{_draw_date(rng, words)}T{_draw_time(rng, words)}",
    "email": lambda rng, words: f"{rng.choice(words)}.{rng.choice(words)}@example.com",
    "uuid": lambda rng, _: str(UUID(int=rng.getrandbits(128), version=4)),
}

"""Reads a description that `writer` wrote: its inverse."""

import re
from collections.abc import Iterator
from typing import Any

from offline_model.tasks.strategy.forms import (
    AFTER,
    BULLET,
    CARD,
    EXITS,
    FIB,
    KINDS,
    MOVE,
    NUMBER,
    PAIR,
    PLAIN,
    POSITIONS,
    TREND,
    UNITS,
    VAGUE,
    Json,
)


class Reader:
    """Reads a description that `Writer` wrote; `names` are those of the cards that are shown."""

    def __init__(self, cards: str) -> None:
        self.names = {each.strip().lower(): name for name, names in CARD.findall(cards) for each in names.split(",")}

    def read(self, text: str) -> Json:
        """Read all sentences that are understood; the others are passed over."""
        strategy: Json = {}
        for sentence in re.split(r"(?<=[.!?])\s+|\n+", BULLET.sub("", text)):
            said = sentence.strip().rstrip(".")
            for key, value in self._read_sentence(said):
                strategy[key] = value
        return strategy

    def _read_sentence(self, said: str) -> Iterator[tuple[str, Any]]:
        if found := re.match(r"^(Buy|Sell) when (.+)$", said):
            yield f"{found[1].lower()}_condition", self.read_condition(found[2])
        for position, ways in POSITIONS.items():
            if given := _match(ways, said):
                yield from (("ticker", given["_0"]), ("position_type", position))
        for key, ways in EXITS.items():
            if given := _match(ways, said):
                yield key, {name: _read_number(value) for name, value in given.items()}
        for key, ways in PLAIN.items():
            if given := _match(ways, said):
                yield key, _read_number(given["_0"])
        for key, forms in UNITS.items():
            for unit, form in forms.items():
                if given := _match((form,), said):
                    yield key, {unit: _read_number(given["_0"])}

    def read_condition(self, text: str) -> Json:
        """Read one condition."""
        text = text.strip()
        while text.startswith("(") and _find_close(text) == len(text) - 1:
            text = text[1:-1]
        for word, group in ((" and ", "all"), (" or ", "any")):
            if len(parts := _split(text, word)) > 1:
                return {group: [self.read_condition(part) for part in parts]}
        return self._read_leaf(text)

    def _read_leaf(self, text: str) -> Json:
        if found := AFTER.match(text):
            return {"after": {"condition": self.read_condition(found[2]), "bars": _read_number(found[1])}}
        if found := FIB.match(text):
            return {"fib": {"trend": found[2], "level": _read_number(found[1]), "length": _read_number(found[3])}}
        if found := TREND.match(text):
            kind = "up" if found[2] == "rising" else "down"
            return {kind: {"series": self.read_series(found[1]), "bars": _read_number(found[3])}}
        if found := MOVE.match(text):
            size = _read_number(found[3])
            percent = -size if found[2] == "fallen" and not isinstance(size, str) else size
            moved = {"series": self.read_series(found[1]), "percent": percent}
            return {"change": {**moved, "bars": _read_number(found[4])}} if found[4] else {"intra": moved}
        if found := PAIR.match(text):
            return {KINDS[found[2]]: [self.read_series(found[1]), self.read_series(found[3])]}
        return {"unread": text}

    def read_series(self, text: str) -> Any:
        """Read a series or a number."""
        name, _, rest = text.strip().removeprefix("the ").partition(" (")
        if re.fullmatch(NUMBER, name):
            return _read_number(name)
        pairs = (part.rpartition(" ") for part in rest.removesuffix(")").split(", ") if part)
        return {self.names.get(name.lower(), name): {key: _read_parameter(key, value) for key, _, value in pairs}}


def _match(ways: tuple[str, ...], said: str) -> dict[str, str] | None:
    for way in ways:
        spelt = re.escape(way.rstrip(".")).replace(r"\{0\}", "(?P<_0>.+)")
        if found := re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>\\S+)", spelt), said):
            return found.groupdict()
    return None


def _read_number(text: str) -> Any:
    if text == VAGUE:
        return "?"
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text


def _read_parameter(key: str, text: str) -> Any:
    return text == "exponential" if key == "use_exp_ma" else _read_number(text)


def _find_close(text: str) -> int:
    """Find where the bracket that a text begins with is closed; -1 where nowhere."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return place
    return -1


def _split(text: str, word: str) -> list[str]:
    """Split a text at a word outside of brackets."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and text.startswith(word, place):
            parts.append(text[start:place])
            start = place + len(word)
    return [*parts, text[start:]]

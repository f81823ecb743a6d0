"""A template grammar of strategies and its inverse: every form of `forms.yaml` is written into words and read back."""

import json
import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

Json = dict[str, Any]
VAGUE, UNSAID = "some", "?"  # what stands for a value that is not to be said: in words, and as it is read
SLOT = re.compile(r"\{(\w+)\}")
NUMBER = rf"(?:-?[\d.]+|{VAGUE})"
SPELT = {"N": NUMBER, "F": NUMBER, "S": ".+?", "V": ".+?", "C": ".+", "W": r"\S+"}
CARD = re.compile(r"^([A-Z_0-9]+): (.+)(?:\nMeaning: .*)?(?:\nParameters, defaults first: (.+))?", re.MULTILINE)
JOINTS = {"all": " and ", "any": " or "}
SPOKEN = {"true": "exponential", "false": "simple"}


@cache
def load_table(name: str) -> Any:
    """Load a table of `forms.yaml` as it stands."""
    return yaml.safe_load((Path(__file__).parent / "forms.yaml").read_text(encoding="utf-8"))[name]


@cache
def compile_way(way: str) -> re.Pattern[str]:
    """Make the pattern that reads one way to say something."""
    words = enumerate(SLOT.split(way.rstrip(".")))  # every second one is a slot
    return re.compile("".join(f"(?P<{word}>{SPELT[word[0]]})" if at % 2 else re.escape(word) for at, word in words))


class Grammar:
    """Writes and reads strategies with the names of the cards that a prompt shows."""

    def __init__(self, cards: str, rng: Random, *, says_usual: bool = False) -> None:
        shown = {key: ([name.strip() for name in names.split(",")], usual) for key, names, usual in CARD.findall(cards)}
        self.names = {key: names for key, (names, _) in shown.items()}
        self.keys = {name.lower(): key for key, names in self.names.items() for name in names}
        usual = r"(?:^|; )(\w+) ([^ ;]+)"
        self.usual = {key: dict(re.findall(usual, values)) for key, (_, values) in shown.items() if says_usual}
        self.rng = rng

    def write(self, strategy: Json, *, sells_first: bool) -> list[str]:
        """Give the sentences of a description."""
        forms = sorted(load_table("sentences"), key=lambda form: sells_first and "buy_condition" in form["is"])
        parts = [(form, {key: strategy[key] for key in form["is"] if key in strategy}) for form in forms]
        return [self._write_form([form], part) for form, part in parts if _match(form["is"], part, {})]

    def _write_form(self, forms: list[Json], value: Any) -> str:
        found: Json = {}
        way: str = self.rng.choice(next(form["say"] for form in forms if _match(form["is"], value, found)))
        return SLOT.sub(lambda slot: self._write_slot(slot[1], found[slot[1]]), way)

    def _write_slot(self, slot: str, value: Any) -> str:
        if isinstance(value, dict) and slot[0] in "SV":
            ((key, given),) = value.items()
            chosen = {**self.usual.get(key, {}), **given}
            told = ", ".join(f"{name} {SPOKEN.get(str(each).lower(), each)}" for name, each in chosen.items())
            return f"{'the ' * (slot[0] == 'V')}{self.rng.choice(self.names[key])}{f' ({told})' if told else ''}"
        if isinstance(value, dict):
            ((kind, parts),) = value.items()
            if kind not in JOINTS:
                return self._write_form(load_table("conditions"), value)
            said = [(each.keys() & JOINTS.keys(), self._write_slot("C", each)) for each in parts]
            return JOINTS[kind].join(f"({text})" if is_group else text for is_group, text in said)
        return str(-value if slot[0] == "F" else value)

    def read(self, text: str) -> Json:
        """Read all sentences that are understood; the others are passed over."""
        sentences = re.split(r"(?<=[.!?])\s+|\n+", re.sub(r"^\s*\d+[.)]\s+", "", text, flags=re.MULTILINE))
        parts = (self._read_form("sentences", sentence.strip().rstrip(".")) for sentence in sentences)
        return {key: value for part in parts if part for key, value in part.items()}

    def _read_form(self, table: str, text: str) -> Any:
        tried = ((form["is"], compile_way(way).fullmatch(text)) for form in load_table(table) for way in form["say"])
        shape, found = next((pair for pair in tried if pair[1]), (None, None))
        parts = found.groupdict() if found else {}
        read = {slot: json.dumps(self._read_slot(slot, part)) for slot, part in parts.items()}
        return json.loads(re.sub(r'"\{(\w+)\}"', lambda slot: read[slot[1]], json.dumps(shape)))

    def _read_slot(self, slot: str, text: str) -> Any:
        if slot[0] in "SV":
            return self._read_series(text)
        if slot[0] in "NF":
            return -_read_number(text) if slot[0] == "F" else _read_number(text)
        return self._read_condition(text) if slot[0] == "C" else text

    def _read_condition(self, text: str) -> Json:
        for group, joint in JOINTS.items():
            if len(parts := _split(text, joint)) > 1:
                return {group: [self._read_condition(part) for part in parts]}
        if text.startswith("("):
            return self._read_condition(text[1:-1])
        return self._read_form("conditions", text) or {"unread": text}

    def _read_series(self, text: str) -> Any:
        name, _, rest = text.removeprefix("the ").partition(" (")
        if re.fullmatch(NUMBER, name):
            return _read_number(name)
        pairs = (part.rpartition(" ") for part in rest.removesuffix(")").split(", ") if part)
        given = {key: {"exponential": True, "simple": False}.get(value, _read_number(value)) for key, _, value in pairs}
        return {self.keys.get(name.lower(), name): given}


def _match(shape: Any, value: Any, found: Json) -> bool:
    """Tell whether a value has a form's shape; what stands in its slots is put into `found`."""
    if isinstance(shape, dict) and isinstance(value, dict):
        return shape.keys() == value.keys() and all(_match(shape[key], value[key], found) for key in shape)
    if isinstance(shape, list):
        return all(_match(*pair, found) for pair in zip(shape, value, strict=True))
    if not isinstance(shape, str) or not (slot := SLOT.fullmatch(shape)):
        return bool(shape == value)
    found[slot[1]] = value
    below = isinstance(value, int | float) and value < 0
    return {"N": not below, "F": below}.get(slot[1][0], True)


def _read_number(text: str) -> Any:
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)", text):
        return UNSAID if text == VAGUE else text
    return float(text) if "." in text else int(text)


def _split(text: str, joint: str) -> list[str]:
    """Split a text at a joint outside of brackets."""
    parts, depth = [""], 0
    for part in re.split(rf"([()]|{joint})", text):
        depth += (part == "(") - (part == ")")
        parts = [*parts, ""] if part == joint and not depth else [*parts[:-1], parts[-1] + part]
    return parts

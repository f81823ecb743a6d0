"""Holds the numbers and names that a text states against the facts it was written from.

Numbers are those written in digits; words such as `two` or `twice` are not read. A number is a fact if some fact,
rounded as the text rounds it, is that number: 46.8 thousand is a volume of 46,837. Without a sign it may be a fact
below 0; with `%` or `percent` it may also be a share, times 100; a whole number below 10 must be the fact itself, since
anything near it would do otherwise. A name counts as stated wherever it stands, also where the text denies it.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gold_data.violation import Violation

SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
PERCENT = ("%", "percent")
SLACK = 1e-9  # of a number: 0.125 is 0.13 when it is rounded, also in binary
LEAST_ROUNDED = 10.0
SHOWN_FACTS = 3

_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+\u2212])?[$\u20ac\u00a3]?(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?:\s?(?P<unit>%|(?:percent|{'|'.join(SCALES)})\b))?"
)
_LIST_MARK = re.compile(r"^\s*\d+[.)]\s", re.MULTILINE)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?")

Vocabulary = Mapping[str, re.Pattern[str]]


@dataclass(frozen=True)
class Facts:
    """What a text may state: numbers, and words with digits in them that are quoted as they stand, such as a date."""

    numbers: tuple[float, ...]
    words: tuple[str, ...]


class Stated(NamedTuple):
    """A number as a text states it: its own words, its value, and the greatest distance of a fact that rounds to it."""

    written: str
    value: float
    reach: float
    is_signed: bool
    is_percent: bool


def collect_facts(*values: Any, numbers: Collection[float] = ()) -> Facts:
    """Collect the numbers and texts of plain data, however deep they lie; `numbers` are allowed besides."""
    found, words = list(map(float, numbers)), set[str]()
    left = list(values)
    while left:
        value = left.pop()
        if isinstance(value, Mapping):
            left += value.values()
        elif isinstance(value, Sequence) and not isinstance(value, str):
            left += value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append(float(value))
        elif isinstance(value, str) and any(letter.isdigit() for letter in value):
            moment = _MOMENT.fullmatch(value)
            words |= {value} if moment is None else _write_moments(*moment.groups(default=""))
    return Facts(tuple(dict.fromkeys(found)), tuple(sorted(words, key=len, reverse=True)))


def _write_moments(day: str, minute: str, seconds: str) -> set[str]:
    clocks = {minute, minute + seconds}
    return {day, *clocks, *(f"{day}{between}{clock}" for between in "T " for clock in clocks)}


def find_numbers(text: str, words: Collection[str] = ()) -> Iterator[Stated]:
    """Find the numbers of a text, but for the marks of a list and what is part of one of `words`."""
    if words:
        text = re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", "_", text)
    for match in _NUMBER.finditer(_LIST_MARK.sub("", text)):
        digits, unit = match["digits"].replace(",", ""), match["unit"] or ""
        scale = SCALES.get(unit, 1.0)
        value = float(digits) * scale * (-1 if match["sign"] in ("-", "\u2212") else 1)
        decimals = len(digits.partition(".")[2])
        is_small = decimals == 0 and scale == 1.0 and abs(value) < LEAST_ROUNDED
        reach = 0.0 if is_small else 0.5 * 10.0**-decimals * scale
        yield Stated(match[0].strip(), value, reach, match["sign"] is not None, unit in PERCENT)


def is_fact(stated: Stated, facts: Facts) -> bool:
    """Tell whether some fact is a number as a text states it."""
    known = [*facts.numbers]
    if stated.is_percent:
        known += [100 * share for share in facts.numbers if abs(share) <= 1]
    if not stated.is_signed:
        known = [abs(number) for number in known]
    reach = stated.reach + SLACK * max(1.0, abs(stated.value))
    return any(abs(number - stated.value) <= reach for number in known)


def check_numbers(text: str, facts: Facts) -> list[Violation]:
    """List the numbers of a text that are no facts, each once: the rule `number`."""
    unknown = {stated.written: stated for stated in find_numbers(text, facts.words) if not is_fact(stated, facts)}
    broken = []
    for written, stated in unknown.items():
        nearest = sorted(facts.numbers, key=lambda fact, to=stated.value: abs(abs(fact) - abs(to)))[:SHOWN_FACTS]  # type: ignore[misc]
        limit = f"a number of the facts; the nearest are {', '.join(f'{fact:g}' for fact in nearest) or 'none'}"
        broken.append(Violation("number", (), limit, written, f"the text says {written}; limit: {limit}"))
    return broken


def compile_names(names: Collection[str], *, as_written: bool = False) -> Vocabulary:
    """Compile a closed vocabulary: a name's `_` is also a space or hyphen, its case is free unless `as_written`.

    What has a further part after a hyphen, such as `sell-off`, is another word.
    """
    flags = re.NOFLAG if as_written else re.IGNORECASE
    forms = {name: "[ _-]+".join(map(re.escape, name.split("_"))) for name in names}
    return {name: re.compile(rf"(?<![\w-]){form}(?!\w|-\w)", flags) for name, form in forms.items()}


def find_names(text: str, vocabulary: Vocabulary) -> list[str]:
    """Find the names of a vocabulary that a text states, in the vocabulary's order."""
    return [name for name, form in vocabulary.items() if form.search(text)]


def check_names(text: str, vocabulary: Vocabulary, holding: Collection[str], rule: str) -> list[Violation]:
    """List the names of a vocabulary that a text states though they do not hold; `rule` says what they name."""
    limit = f"only what holds: {', '.join(sorted(holding)) or 'none'}"
    return [
        Violation(rule, (), limit, name, f"the text names the {rule} {name}; limit: {limit}")
        for name in find_names(text, vocabulary)
        if name not in holding
    ]

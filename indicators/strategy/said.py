"""Whether a description says what a strategy is: every series, number and choice that is not the usual, and no more.

A description from which the strategy cannot be recovered is refused, whatever else it is. What is counted: how often a
series is named, how often a number is said, how often something is above and how often below. Numbers may be words up
to twenty; series have the names of their cards. `withheld` are paths whose value must not be said.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from indicators.strategy.canonical import DEFAULT_LENGTH, canonicalize
from indicators.strategy.cards import LOOSE_NAMES, SERIES_NAMES
from indicators.strategy.errors import Problem
from indicators.strategy.said_words import INVENTIONS, NUMBER_WORDS, find_choice, find_word, list_dates, list_times
from indicators.strategy.schema import DEFAULTS
from indicators.strategy.series import SERIES
from indicators.strategy.tree import Document, Path, find_at, iter_conditions, iter_series, name_path, replace_at

MOST_CHARACTERS = 20_000
ABOVE, BELOW = ("cross_over", "greater"), ("cross_under", "less")
_NUMBER = re.compile(r"(?<![\d._])\d+(?:,\d{3})*(?:\.\d+)?(?![\d])(k(?![a-z]))?", re.IGNORECASE)
_WORD = re.compile(r"\b(" + "|".join(NUMBER_WORDS) + r")\b", re.IGNORECASE)
_SOURCES = re.compile(r"\b(?:hlc3|hl2|ohlc4|hlcc4)\b", re.IGNORECASE)
_MOMENTS = re.compile(r"\d{4}-\d{2}-\d{2}|\b\d{1,2}:\d{2}(?: ?[ap]\.?m\.?)?", re.IGNORECASE)
_ABOVE = re.compile(
    r"\b(?:above|over(?! (?:the )?(?:last |past )?[\w.]+ bars?)|exceed\w*|greater|higher|more than)\b", re.IGNORECASE
)
_BELOW = re.compile(r"\b(?:below|under|less|lower than|beneath|fewer)\b", re.IGNORECASE)
_SPANS = re.compile(r"\b\d+(?:m|h|d|wk|mo|y)\b|\b\d+[ -]?(?:min(?:ute)?s?|hours?)\b", re.IGNORECASE)
_IDIOMS = re.compile(r"\bone (?:single )?bar\b(?! ago| later| before| earlier)|\bone (?:by|of|side)\b", re.IGNORECASE)
_BULLETS = re.compile(r"^\s*\d+[.)]\s", re.MULTILINE)
_PERCENTS = ("stop_loss", "trailing", "take_profit")


def check_said(text: str, document: Document, withheld: Collection[str] = ()) -> list[Problem]:
    """Return all that a description leaves out of a sound strategy, adds to it, or says that it should not."""
    if not text.strip():
        return [Problem("$", "empty", "the description is empty")]
    if len(text) > MOST_CHARACTERS:
        return [Problem("$", "size", f"at most {MOST_CHARACTERS:,} characters are read; found {len(text):,}")]
    document = canonicalize(document)
    said = hide_moments(text)
    return [
        *_check_series(said, document),
        *_check_numbers(said, document, withheld),
        *_check_choices(text, document, withheld),
        *_check_directions(said, document),
        *(
            Problem("$", "invented", f"speaks of {what}, which the strategy has not")
            for what in _invent(text, document)
        ),
    ]


def hide_moments(text: str) -> str:
    """Take out of a text what is no number of a strategy: dates, times, lengths of bars, numbers of a list, `HLC3`."""
    for pattern in (_BULLETS, _MOMENTS, _SPANS, _SOURCES, _IDIOMS):
        text = pattern.sub(" ", text)
    return text


@cache
def _compile_names() -> tuple[re.Pattern[str], Mapping[str, str], frozenset[str]]:
    owners = {_fold(name): key for names in (SERIES_NAMES, LOOSE_NAMES) for key, each in names.items() for name in each}
    loose = frozenset(_fold(name) for names in LOOSE_NAMES.values() for name in names)
    longest = sorted(owners, key=len, reverse=True)
    spelt = (r"[\s_-]+".join(map(re.escape, name.split(" "))) for name in longest)
    return re.compile(rf"(?<![\w])(?:{'|'.join(spelt)})(?![\w+])", re.IGNORECASE), owners, loose


def _fold(name: str) -> str:
    return re.sub(r"[\s_]+|(?<=\w)-(?=\w)", " ", name.lower())


@lru_cache(maxsize=1_024)
def find_named(text: str) -> tuple[Counter[str], Counter[str]]:
    """Count the series that a text names: by any name, and by names that mean nothing else."""
    pattern, owners, loose = _compile_names()
    every, clear = Counter[str](), Counter[str]()
    for found in pattern.finditer(text):
        name = _fold(found[0])
        every[owners[name]] += 1
        if name not in loose:
            clear[owners[name]] += 1
    return every, clear


def _check_series(text: str, document: Document) -> Iterator[Problem]:
    wanted = Counter(next(iter(each)) for _, each in iter_series(document) if isinstance(each, dict))
    every, clear = find_named(text)
    for name, count in wanted.items():
        if every[name] < count:
            usual = SERIES_NAMES[name][0]
            yield Problem(
                "$", "unstated", f"the {usual} ({name}) is in {count} places; the text names it {every[name]}"
            )
    used = {*wanted, *({"ATR"} if "atr_stop" in document else ())}
    choices = {value for _, value in _iter_values(document) if isinstance(value, str)}
    choices |= {value for name in wanted for value in SERIES[name].defaults.values() if isinstance(value, str)}
    for name in clear.keys() - used - choices:
        yield Problem("$", "invented", f"names the {SERIES_NAMES[name][0]} ({name}), which the strategy has not")


def _iter_values(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Give every plain value with its path."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _iter_values(each, (*path, key))
    else:
        yield path, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def count_numbers(text: str) -> tuple[Counter[float], Counter[float]]:
    """Count the numbers of a text, without their signs: in digits, and in digits or words."""
    digits = Counter(
        round(float(found[0].rstrip("kK").replace(",", "")) * (1_000 if found[1] else 1), 9)
        for found in _NUMBER.finditer(text)
    )
    words = Counter(float(NUMBER_WORDS[found.lower()]) for found in _WORD.findall(text))
    return digits, digits + words


def _check_numbers(text: str, document: Document, withheld: Collection[str]) -> Iterator[Problem]:
    digits, said = count_numbers(text)
    places: dict[float, list[str]] = {}
    hidden: list[tuple[str, float]] = []
    for path, value in _iter_values(document):
        if _is_number(value):
            name, size = name_path(path), round(abs(float(value)), 9)
            if name in withheld:
                hidden.append((name, size))
            else:
                places.setdefault(size, []).append(name)
    for size, paths in places.items():
        if said[size] < len(paths) and not (size == 0 and re.search(r"\bzero\b", text, re.IGNORECASE)):
            where = ", ".join(paths)
            yield Problem(
                paths[0], "unstated", f"{size:g} is the value of {where}; the text says it {said[size]} times"
            )
    usual = list_usual(document)
    for name, size in hidden:
        if said[size] > len(places.get(size, ())) and size not in usual:
            yield Problem(name, "not-withheld", f"{size:g} is to be withheld, and is said")
    for size in digits.keys() - places.keys() - usual - {each for _, each in hidden}:
        yield Problem("$", "invented", f"says {size:g}, which is no value of the strategy")


def list_usual(document: Document) -> set[float]:
    """List the numbers that a description may say of its own: values that are left out because they are the usual."""
    usual = {float(DEFAULT_LENGTH)} if "atr_stop" in document or "'fib'" in str(document) else set()
    for _, series in iter_series(document):
        if isinstance(series, dict):
            ((name, given),) = series.items()
            defaults = {**SERIES[name].defaults, **given}
            usual |= {float(value) for value in defaults.values() if _is_number(value)}
    names = [str(value) for path, value in _iter_values(document) if path[-1] in ("interval", "timeframe", "period")]
    usual |= {float(found[0]) for name in names for found in re.finditer(r"\d+", name)}
    usual |= {float(DEFAULTS["initial_capital"])} if "initial_capital" not in document else set()
    return usual | ({1.0} if {"interval", "order_size"} - document.keys() else set())


def _check_choices(text: str, document: Document, withheld: Collection[str]) -> Iterator[Problem]:
    for path, value in _iter_values(document):
        if not _is_number(value) and name_path(path) not in withheld and not _says_choice(text, path, value):
            yield Problem(name_path(path), "unstated", f"{path[-1]} is {value}; the text does not say so")
    for key in (*_PERCENTS, "atr_stop", "exit_after_bars", "order_size", "trade_commissions", "initial_capital"):
        if key in document and not all(find_word(text, word) for word in _name_words(key, document)):
            yield Problem(f"$.{key}", "unstated", f"{key} is {document[key]}; the text does not speak of it")
    kinds = {kind for _, condition in iter_conditions(document) for kind in condition}
    for kind in ("all", "any", "up", "down", "after", "fib", "change", "intra"):
        if kind in kinds and not find_word(text, kind):
            yield Problem("$", "unstated", f"a condition `{kind}` is not said in words that mean it")


def _name_words(key: str, document: Document) -> list[str]:
    return [key, *(f"{key}.{unit}" for unit in document[key])] if key in ("order_size", "trade_commissions") else [key]


def _says_choice(text: str, path: Path, value: Any) -> bool:
    if path[-1] in ("start_date", "end_date"):
        return any(date.lower() in text.lower() for date in list_dates(value))
    if path[0] == "session":
        return any(time.lower() in text.lower() for time in list_times(value))
    if path[-1] == "ticker":
        return re.search(rf"(?<![A-Za-z]){re.escape(value)}(?![A-Za-z])", text, re.IGNORECASE) is not None
    return find_choice(text, str(path[-1]), value)


def _check_directions(text: str, document: Document) -> Iterator[Problem]:
    kinds = Counter(kind for _, condition in iter_conditions(document) for kind in condition)
    wanted = {"above": sum(kinds[kind] for kind in ABOVE), "below": sum(kinds[kind] for kind in BELOW)}
    for word, pattern in (("above", _ABOVE), ("below", _BELOW)):
        said = len(pattern.findall(text))
        if said < wanted[word]:
            places = f"{wanted[word]} comparisons have their first side {word} the second"
            yield Problem("$", "direction", f"{places}; the text says so {said} times")


def _invent(text: str, document: Document) -> Iterator[str]:
    for what, (keys, pattern) in INVENTIONS.items():
        is_there = any(key in document or document["position_type"] == key for key in keys)
        if not is_there and pattern.search(text):
            yield what


def list_withholdable(document: Document) -> list[str]:
    """List the paths of values without which nobody could trade a strategy, and which have no usual value."""
    document = canonicalize(document)
    paths = [
        path
        for path, value in _iter_values(document)
        if _is_number(value) and (path[0] in (*_PERCENTS, "exit_after_bars") or path[-1] in ("multiple", "percent"))
        if path[0] not in ("order_size", "trade_commissions")
    ]
    paths += [path for path, series in iter_series(document) if not isinstance(series, dict) and series != 0]
    return list(dict.fromkeys(map(name_path, paths)))


def withhold(document: Document, names: Collection[str]) -> Document:
    """Return a strategy in which the values at some paths are the text `?`."""
    document = canonicalize(document)
    for path, value in list(_iter_values(document)):
        if name_path(path) in names and find_at(document, path) == value:
            document = replace_at(document, path, "?")
    return document

"""Reads one of the pipeline's prompts: which task it sets, and everything it says about it."""

import re
from dataclasses import dataclass
from typing import Any

from offline_model.errors import PromptError
from offline_model.prompt import Sections, read_fences
from offline_model.tasks.trade_log.trades import Row, Trade, parse_clock, read_trade

_CONTROLS, _EXAMPLES, _RULES = "What this trade must be", "Trades of the trader near it", "Rules"
_TRADE, _CRITIQUE = "The synthetic trade", "The critique"

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_TARGET = re.compile(rf"close to ({_NUMBER})")
_TOLERANCE = re.compile(rf"(?:within|tolerance|±|\+/-)[^\d.]*({_NUMBER})", re.IGNORECASE)
_TICKER = re.compile(r"\bticker\b(?: is|:| =) +(.+)")
_TRADE_TYPE = re.compile(r"\btrade_type\b.*?\b(buy|short)\b")
_PERIOD = re.compile(r"\bsession: *(open|midday|close)\b")
_TIME_OF_DAY = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?\b")
_MIDNIGHT = ("24:00", "23:59")  # at which a session ends that never does, and the last minute of its day
_PRICE_RANGE = re.compile(rf"Price of (.+): +({_NUMBER}) to ({_NUMBER})")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the controls ask of the trade; None where no control speaks of it."""

    volatility: float | None
    tolerance: float | None
    ticker: str | None
    trade_type: str | None
    period: str | None


@dataclass(frozen=True, slots=True)
class Task:
    """One task as its prompt sets it.

    `opens` and `closes` are the session's hours in seconds since midnight. With `overnight` an exit at or before the
    entry's time of day is one in the next session.
    """

    wanted: Wanted
    examples: tuple[Trade, ...]
    opens: int
    closes: int
    overnight: bool
    price_ranges: dict[str, tuple[float, float]]
    row: Row
    critique: str


def read_task(sections: Sections, *, with_row: bool) -> Task:
    """Read a task from its prompt.

    Args:
        sections: The prompt. Control sentences and rules that are not understood are passed over.
        with_row: The task is about a trade that the prompt shows.

    Raises:
        PromptError: The examples, or the trade to judge or mend, cannot be read.
    """
    bodies = sections.bodies
    rules = bodies.get(_RULES, "")
    opens, closes = _read_hours(rules)
    return Task(
        wanted=_read_controls(bodies.get(_CONTROLS, "")),
        examples=_read_examples(bodies.get(_EXAMPLES, "")),
        opens=opens,
        closes=closes,
        overnight="next session" in rules,
        price_ranges=_read_price_ranges(rules),
        row=_read_row(bodies.get(_TRADE, "")) if with_row else {},
        critique=bodies.get(_CRITIQUE, ""),
    )


def _read_controls(text: str) -> Wanted:
    volatility = tolerance = ticker = trade_type = period = None
    for line in text.splitlines():
        if "entry_volatility_percent" in line and (match := _TARGET.search(line)):
            volatility = float(match[1])
            tolerance = float(match[1]) if (match := _TOLERANCE.search(line)) else None
        elif match := _PERIOD.search(line):
            period = match[1]
        elif match := _TRADE_TYPE.search(line):
            trade_type = match[1]
        elif match := _TICKER.search(line):
            ticker = _unquote(match[1].strip().removesuffix("."))
    return Wanted(volatility, tolerance, ticker, trade_type, period)


def _unquote(text: str) -> str:
    """Take one pair of quotes away; quotes within are part of the ticker, and so is what they then surround."""
    inner = text[1:-1]
    return inner if inner and text[0] == text[-1] and text[0] in "`\"'" and text[0] not in inner else text


def _read_hours(rules: str) -> tuple[int, int]:
    for line in rules.splitlines():
        times = [parse_clock(time.replace(*_MIDNIGHT)) for time in _TIME_OF_DAY.findall(line)]
        if len(times) >= 2 and times[0] is not None and times[1] is not None and times[0] < times[1]:
            return times[0], times[1]
    return 9 * 3600 + 30 * 60, 16 * 3600


def _read_price_ranges(rules: str) -> dict[str, tuple[float, float]]:
    return {ticker: (float(low), float(high)) for ticker, low, high in _PRICE_RANGE.findall(rules)}


def _read_examples(text: str) -> tuple[Trade, ...]:
    rows = _read_fence(text)
    trades = [read_trade(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    examples = tuple(trade for trade in trades if trade is not None)
    if not examples:
        raise PromptError(
            f"the section '## {_EXAMPLES}' holds no usable trade; the offline model resamples the examples it is shown "
            "and needs at least one, with every core field, in a ```json list"
        )
    return examples


def _read_row(text: str) -> Row:
    row = _read_fence(text)
    if not isinstance(row, dict):
        raise PromptError(f"the section '## {_TRADE}' holds no JSON object in a ```json fence")
    return row


def _read_fence(text: str) -> Any:
    return next(iter(read_fences(text)), None)

"""What a strategy would have traded on bars: docs/strategy.md in code.

A signal is known at a bar's close and is filled at the next bar's open. Within a bar: what is due at its open (a
signal, the time stop), then the stops, then the target; a stop or target that the open is beyond fills at the open. A
session or the last bar closes at its close. Trades do not depend on money: what they were worth is `book`'s.
"""

import math
from bisect import bisect_left
from datetime import date
from typing import NamedTuple

import numpy as np

from indicators.strategy.bar_set import BarSet, Flags, Listed
from indicators.strategy.canonical import DEFAULT_LENGTH
from indicators.strategy.clock import DAYS
from indicators.strategy.conventions import OURS, Conventions
from indicators.strategy.prices import Values
from indicators.strategy.signals import find_signals
from indicators.strategy.tree import Document

LONG, SHORT = 1, -1
NEVER = math.inf
Touch = tuple[int, float, str, float]  # bar, fill, reason (none: nowhere) and the distance of the stop, NaN without
NO_TOUCH: Touch = (0, 0.0, "", math.nan)
WINDOWS = {"start_date", "end_date", "period", "session"}


class Trade(NamedTuple):
    """One trade: bars by number, `side` 1 long or -1 short, prices in dollars, why it ended; its stop's distance.

    `reason`: signal, time, stop, trailing, target, session, end. `risk`: dollars from entry to stop, NaN without one.
    """

    entry_bar: int
    exit_bar: int
    side: int
    entry_price: float
    exit_price: float
    reason: str
    risk: float


class Exits(NamedTuple):
    """The exits of a strategy within a bar: percents as shares of a price, average true ranges a bar; 0 where none.

    `listed` are the ranges as Python's own numbers, which a loop reads faster.
    """

    stop: float
    trailing: float
    target: float
    multiple: float
    ranges: Values
    listed: list[float]


def execute(document: Document, bars: BarSet, conventions: Conventions = OURS) -> list[Trade]:
    """Return the trades of a sound strategy in order of time; no two overlap."""
    buys, sells = find_signals(document, bars, conventions)
    return find_trades(document, bars, buys, sells, conventions)


def find_trades(
    document: Document, bars: BarSet, buys: Flags, sells: Flags, conventions: Conventions = OURS
) -> list[Trade]:
    """Return the trades that follow from where a strategy's sides hold."""
    exits, allowed, last = _read_exits(document, bars), *_find_window(document, bars)
    opens, sides, closes = _list_orders(document["position_type"], buys, sells, _find_fillable(allowed, exits))
    time_stop = document.get("exit_after_bars", NEVER)
    turns = document["position_type"] == "LONG_SHORT_COMBINED"
    delay = 0 if conventions.exits_on_entry_bar else 1
    looks = bool(exits.stop or exits.trailing or exits.target or exits.multiple)
    listed, trades = bars.listed, list[Trade]()
    make = tuple.__new__  # a third of the time of the named constructor, which a strategy calls for every trade
    place, cursor, count = 0, 0, len(opens)
    while (place := bisect_left(opens, cursor, place)) < count:
        entry, side = opens[place] + 1, sides[place]
        closing = closes[side]
        found = bisect_left(closing, entry)
        signal = closing[found] + 1 if found < len(closing) else NEVER
        late = entry + time_stop
        due, until = signal if signal <= late else late, last[entry]
        prices = listed[side]
        bar, price, reason, risk = NO_TOUCH
        if looks:
            end = int(due) - 1 if due <= until else until
            bar, price, reason, risk = _find_exit(prices, exits, entry, entry + delay, end)
        if not reason:
            bar, price, reason = _close(prices, signal, due, until)
        trades.append(make(Trade, (entry, bar, side, side * prices.open[entry], side * price, reason, risk)))
        cursor = bar - 1 if turns and reason == "signal" else bar
    return trades


def _read_exits(document: Document, bars: BarSet) -> Exits:
    stop, trailing, target = (
        document.get(key, {}).get("percent", 0) / 100 for key in ("stop_loss", "trailing", "take_profit")
    )
    ranged = document.get("atr_stop", {})
    ranges = bars.take({"ATR": {"length": ranged.get("length", DEFAULT_LENGTH)}}) if ranged else np.empty(0)
    assert isinstance(ranges, np.ndarray)
    return Exits(stop, trailing, target, ranged.get("multiple", 0), ranges, ranges.tolist())


def _find_window(document: Document, bars: BarSet) -> tuple[Flags, list[int]]:
    """Return on which bars an order may be filled, and for each the bar at whose close all is closed."""
    if not WINDOWS & document.keys():
        return np.ones(len(bars), np.bool_), [len(bars) - 1] * len(bars)
    days = bars.clock.find_days(bars.minutes)
    first, final = _find_days(document, int(days[-1]))
    allowed = (days >= first) & (days <= final)
    end = np.full(len(bars), int(np.searchsorted(days, final, side="right")) - 1)
    if "session" in document:
        inside, last = bars.mark_session(document["session"]["from"], document["session"]["to"])
        allowed, end = allowed & inside, np.minimum(end, last)
    listed: list[int] = end.tolist()
    return allowed, listed


def _find_days(document: Document, latest: int) -> tuple[int, int]:
    """Return the first and the last day that may be traded, as days since 1970."""
    epoch = date(1970, 1, 1)
    start, end = (
        (date.fromisoformat(document[key]) - epoch).days if key in document else other
        for key, other in (("start_date", -(10**6)), ("end_date", latest))
    )
    period = document.get("period", "max")
    if period == "ytd":
        start = int(np.datetime64(latest, "D").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64))
    elif period in DAYS:
        start = latest - DAYS[period] + 1
    return start, end


def _find_fillable(allowed: Flags, exits: Exits) -> Flags:
    """Return after which bars an order to open can be filled: there is a next bar, and a range to measure a stop by.

    No stop lies a range of 0 away: bars that do not move have none.
    """
    fillable = np.append(allowed[1:], False)
    return fillable & (exits.ranges > 0) if exits.multiple else fillable


def _list_orders(
    position: str, buys: Flags, sells: Flags, fillable: Flags
) -> tuple[list[int], list[int], dict[int, list[int]]]:
    """Return the bars that open and the side each opens, and the bars that close each side.

    Where both sides hold, nothing is opened; LONG and SHORT are closed, and LONG_SHORT_COMBINED stays as it is.
    """
    only_buys, only_sells = buys & ~sells, sells & ~buys
    turns = position == "LONG_SHORT_COMBINED"
    opening = {"LONG": only_buys, "SHORT": only_sells}.get(position, only_buys | only_sells) & fillable
    bars = np.flatnonzero(opening)
    sides = np.where(only_buys[bars], LONG, SHORT).tolist()
    closing = {LONG: only_sells, SHORT: only_buys} if turns else {LONG: sells} if position == "LONG" else {SHORT: buys}
    return bars.tolist(), sides, {side: np.flatnonzero(flags).tolist() for side, flags in closing.items()}


def _find_exit(sides: Listed, exits: Exits, entry: int, start: int, until: int) -> Touch:
    """Return how the exits within a bar end the position that opened at bar `entry`, from bar `start` to `until`."""
    stop, trailing, target, multiple, _, ranges = exits
    opened = sides.open[entry]
    distance = multiple * ranges[entry - 1] if multiple else abs(opened) * stop
    fixed = opened - distance if distance else -NEVER
    goal = opened + abs(opened) * target if target else NEVER
    if trailing:
        bar, price, reason = _trail(sides, fixed, goal, range(entry, until + 1), trailing=trailing, start=start)
    else:
        bar, price, reason = _find_touch(sides, fixed, goal, range(start, until + 1))
    return bar, price, reason, distance or math.nan


def _find_touch(sides: Listed, fixed: float, goal: float, bars: range) -> tuple[int, float, str]:
    """Return bar, fill and reason of the first stop or target, no reason where there is none; prices are the side's.

    Bar by bar: positions do not overlap, so a strategy looks at no bar twice, and most end within a few bars.
    """
    highs, lows = sides.high, sides.low
    for bar in bars:
        if lows[bar] <= fixed:
            return bar, min(sides.open[bar], fixed), "stop"
        if highs[bar] >= goal:
            return bar, max(sides.open[bar], goal), "target"
    return 0, 0.0, ""


def _trail(
    sides: Listed, fixed: float, goal: float, bars: range, *, trailing: float, start: int
) -> tuple[int, float, str]:
    """Do the same with a stop that follows the best price of the bars before, from the entry on."""
    _, highs, lows, _ = sides
    best = sides.open[bars.start]
    keeps = 1 - trailing if best > 0 else 1 + trailing  # of the best price: a short's prices are below 0
    for bar in bars:
        level = best * keeps
        level = max(level, fixed)
        best = max(best, highs[bar])
        if bar < start:
            continue
        if lows[bar] <= level:
            return bar, min(sides.open[bar], level), "stop" if level == fixed else "trailing"
        if highs[bar] >= goal:
            return bar, max(sides.open[bar], goal), "target"
    return 0, 0.0, ""


def _close(sides: Listed, signal: float, due: float, last: int) -> tuple[int, float, str]:
    """Return bar, price and reason of an exit that is due at an open, or else ends with its session or the bars."""
    if due <= last:
        return int(due), sides.open[int(due)], "signal" if signal == due else "time"
    return last, sides.close[last], "end" if last == len(sides.open) - 1 else "session"

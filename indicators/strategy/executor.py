"""What a strategy would have traded on bars: docs/strategy.md in code.

A signal is known at a bar's close and is filled at the next bar's open. Within a bar: what is due at its open (a
signal, the time stop), then the stops, then the target; a stop or target that the open is beyond fills at the open. A
session or the last bar closes at its close. Trades do not depend on money: what they were worth is `book`'s.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from indicators.strategy.bar_set import BarSet, Flags, Listed
from indicators.strategy.canonical import DEFAULT_LENGTH
from indicators.strategy.clock import DAY, DAYS
from indicators.strategy.conventions import OURS, Conventions
from indicators.strategy.prices import Values
from indicators.strategy.signals import find_signals
from indicators.strategy.tree import Document

LONG, SHORT = 1, -1
NEVER = math.inf
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


class Levels(NamedTuple):
    """Prices at which one position is left: a fixed stop, a target, and how far the best price may be given back."""

    fixed: float
    target: float
    trailing: float


@dataclass(frozen=True)
class Walk:
    """The bars that are walked, and by which conventions."""

    bars: BarSet
    conventions: Conventions


@dataclass(frozen=True)
class Exits:
    """The exits of a strategy within a bar: percents as shares of a price, average true ranges a bar; 0 where none."""

    stop: float
    trailing: float
    target: float
    multiple: float
    ranges: Values

    @property
    def any_within(self) -> bool:
        """Whether anything can end a position within a bar."""
        return bool(self.stop or self.trailing or self.target or self.multiple)


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
    walk, trades = Walk(bars, conventions), list[Trade]()
    place, cursor = 0, 0
    while (place := bisect_left(opens, cursor, place)) < len(opens):
        entry, side = opens[place] + 1, sides[place]
        closing = closes[side]
        found = bisect_left(closing, entry)
        signal = closing[found] + 1 if found < len(closing) else NEVER
        trade = _follow(walk, exits, entry, side, signal=signal, time_stop=entry + time_stop, last=last[entry])
        trades.append(trade)
        cursor = trade.exit_bar - 1 if turns and trade.reason == "signal" else trade.exit_bar
    return trades


def _read_exits(document: Document, bars: BarSet) -> Exits:
    stop, trailing, target = (
        document.get(key, {}).get("percent", 0) / 100 for key in ("stop_loss", "trailing", "take_profit")
    )
    ranged = document.get("atr_stop", {})
    ranges = bars.take({"ATR": {"length": ranged.get("length", DEFAULT_LENGTH)}}) if ranged else np.empty(0)
    assert isinstance(ranges, np.ndarray)
    return Exits(stop, trailing, target, ranged.get("multiple", 0), ranges)


def _find_window(document: Document, bars: BarSet) -> tuple[Flags, list[int]]:
    """Return on which bars an order may be filled, and for each the bar at whose close all is closed."""
    if not WINDOWS & document.keys():
        return np.ones(len(bars), np.bool_), [len(bars) - 1] * len(bars)
    days = bars.minutes // DAY
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
    """Return after which bars an order to open can be filled: there is a next bar, and a stop that is asked for."""
    fillable = np.append(allowed[1:], False)
    return fillable & np.isfinite(exits.ranges) if exits.multiple else fillable


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
    sides = np.where(only_buys[bars], LONG, SHORT)
    closing = {LONG: only_sells if turns else sells, SHORT: only_buys if turns else buys}
    return bars.tolist(), sides.tolist(), {side: np.flatnonzero(flags).tolist() for side, flags in closing.items()}


def _follow(walk: Walk, exits: Exits, entry: int, side: int, *, signal: float, time_stop: float, last: int) -> Trade:
    """Follow one position from its entry bar to its exit, at the close of bar `last` at the latest."""
    sides = walk.bars.listed[side]
    opened = sides.open[entry]
    due = min(signal, time_stop)
    until = int(due) - 1 if due <= last else last
    distance = exits.multiple * float(exits.ranges[entry - 1]) if exits.multiple else abs(opened) * exits.stop
    levels = Levels(
        opened - distance if distance else -NEVER,
        opened + abs(opened) * exits.target if exits.target else NEVER,
        exits.trailing,
    )
    touch = _find_touch(sides, levels, entry, until, walk.conventions) if exits.any_within else None
    if touch:
        bar, price, reason = touch
    elif due <= last:
        bar, price, reason = int(due), sides.open[int(due)], "signal" if signal <= time_stop else "time"
    else:
        bar, price, reason = last, sides.close[last], "end" if last == len(walk.bars) - 1 else "session"
    return Trade(entry, bar, side, side * opened, side * price, reason, distance or math.nan)


def _find_touch(
    sides: Listed, levels: Levels, entry: int, until: int, conventions: Conventions
) -> tuple[int, float, str] | None:
    """Return bar, fill and reason of the first stop or target up to bar `until`; prices are the side's.

    Bar by bar: positions do not overlap, so a strategy looks at no bar twice, and most end within a few bars.
    """
    fixed, target, trailing = levels
    lows, highs = sides.low, sides.high
    best, level = sides.open[entry], fixed
    for bar in range(entry if conventions.exits_on_entry_bar else entry + 1, until + 1):
        if trailing:
            level = max(best - abs(best) * trailing, fixed)
            best = max(best, highs[bar])
        if lows[bar] <= level:
            return bar, min(sides.open[bar], level), "stop" if level == fixed else "trailing"
        if highs[bar] >= target:
            return bar, max(sides.open[bar], target), "target"
    return None

"""Where the conditions of a strategy hold: one flag a bar, known at its close; where a value is null, none holds."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from indicators.strategy.bar_set import BarSet, Flags
from indicators.strategy.canonical import DEFAULT_LENGTH
from indicators.strategy.conventions import Conventions
from indicators.strategy.prices import Values
from indicators.strategy.tree import Document

BLOCK = 4_096  # windows searched for swings at once


def find_signals(document: Document, bars: BarSet, conventions: Conventions) -> tuple[Flags, Flags]:
    """Return where a strategy's buy and sell conditions hold; nowhere where a side has none."""
    buys, sells = (
        evaluate(document[side], bars, conventions) if side in document else np.zeros(len(bars), np.bool_)
        for side in ("buy_condition", "sell_condition")
    )
    return buys, sells


def evaluate(condition: Document, bars: BarSet, conventions: Conventions) -> Flags:
    """Return where one condition holds."""
    ((kind, value),) = condition.items()
    match kind:
        case "all" | "any":
            join = np.logical_and if kind == "all" else np.logical_or
            flags: Flags = join.reduce([evaluate(each, bars, conventions) for each in value])
            return flags
        case "after":
            return delay(evaluate(value["condition"], bars, conventions), value["bars"])
        case "greater" | "less" | "cross_over" | "cross_under":
            return find_comparison(kind, *map(bars.take, value), tie_counts=conventions.tie_is_cross)
        case "fib":
            return find_retracements(bars, value["trend"], value["level"], value.get("length", DEFAULT_LENGTH))
    values = bars.take(value["series"])
    assert isinstance(values, np.ndarray), "a sound strategy asks for a trend of a series"
    if kind in ("up", "down"):
        return find_trend(values, value["bars"], rises=kind == "up")
    return find_change(values, value["percent"], value.get("bars", 1))


def find_comparison(kind: str, first: Values | float, second: Values | float, *, tie_counts: bool) -> Flags:
    """Return where two series compare as `kind` says; with `tie_counts`, equal ones can cross at the next bar.

    Crossing: the first is above (below) the second, and was not one bar ago.
    """
    gap = first - second if kind in ("greater", "cross_over") else second - first
    assert isinstance(gap, np.ndarray), "a sound strategy compares one series at least"
    if not kind.startswith("cross"):
        return gap > 0
    was = gap[:-1] <= 0 if tie_counts else gap[:-1] < 0
    return np.concatenate([[False], was & (gap[1:] > 0)])


def find_trend(values: Values, bars: int, *, rises: bool) -> Flags:
    """Return where of the last `bars` values none after the first is below (above) the one before it."""
    steps = np.diff(values)
    broken = np.concatenate([[True], ~(steps >= 0) if rises else ~(steps <= 0)])
    count = np.cumsum(broken)
    holds = np.zeros(len(values), np.bool_)
    holds[bars - 1 :] = count[bars - 1 :] == count[: max(len(values) - bars + 1, 0)]
    return holds


def find_change(values: Values, percent: float, bars: int) -> Flags:
    """Return where a value has risen by `percent` or more (fallen, if below 0) in `bars` bars, from above 0."""
    holds = np.zeros(len(values), np.bool_)
    before = values[:-bars]
    with np.errstate(divide="ignore", invalid="ignore"):
        change = 100 * values[bars:] / before - 100
    holds[bars:] = (before > 0) & (change >= percent if percent > 0 else change <= percent)
    return holds


def delay(flags: Flags, bars: int) -> Flags:
    """Return what held `bars` bars ago."""
    return np.concatenate([np.zeros(min(bars, len(flags)), np.bool_), flags[:-bars]])


def find_retracements(bars: BarSet, trend: str, level: float, length: int) -> Flags:
    """Return where the price has come back to `level` percent of the last swing, and not beyond its start.

    The swing up of the `length` bars before: from their lowest low (the first of equal ones) to the highest high after
    it; there is none where no bar comes after. Down: from the highest high to the lowest low.
    """
    prices = bars.prices if trend == "up" else bars.mirrored
    holds = np.zeros(len(bars), np.bool_)
    for start in range(length, len(bars), BLOCK):
        end = min(start + BLOCK, len(bars))
        lows, highs = (
            sliding_window_view(each[start - length : end - 1], length) for each in (prices.low, prices.high)
        )
        begun = lows.argmin(axis=1)[:, None]
        low = np.take_along_axis(lows, begun, axis=1)[:, 0]
        high = np.where(np.arange(length) > begun, highs, -np.inf).max(axis=1)
        swings = np.isfinite(high)
        mark = np.where(swings, high, low) - level / 100 * np.where(swings, high - low, 0.0)
        now = prices.low[start:end]
        holds[start:end] = swings & (now > low) & (now <= mark)
    return holds

"""Draws one condition of a kind that people ask for: what buys where the price rises, and what sells where it falls.

`KINDS` counts in how many of 100 requests a kind is asked for. `OTHER` are the series that none of them names.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from indicators.strategy.series import SERIES
from indicators.strategy.tree import Document

Key = TypeVar("Key")
Drawer = Callable[[random.Random, bool], Document]

KINDS: Mapping[str, float] = {
    "moving average": 66,
    "volume": 33,
    "rsi": 30,
    "breakout": 28,
    "bollinger": 27,
    "support or resistance": 14,
    "macd": 13,
    "atr": 11,
    "fibonacci": 3.5,
    "price change": 15,
    "other": 30,
}
LENGTHS = (5, 7, 9, 10, 12, 14, 20, 21, 26, 30, 50, 100, 200)
SHORT_LENGTHS = LENGTHS[:9]
NAMED = {"SMA", "EMA", "VOLUME", "VOLUME_SMA", "OBV", "MFI", "CMF", "RSI", "PRIOR_HIGH", "PRIOR_LOW", "MACD", "ATR"}
OTHER = tuple(sorted(SERIES.keys() - NAMED - {"MACD_SIGNAL", "BB_UPPER", "BB_LOWER", "OPEN", "HIGH", "LOW", "CLOSE"}))
THRESHOLDS: Mapping[str, tuple[float, ...]] = {
    "scale": (20, 25, 30, 50, 70, 75, 80),
    "below zero": (-80, -50, -20),
    "both ways": (-50, 0, 50),
    "flow": (-0.1, -0.05, 0, 0.05, 0.1),
    "pattern": (0.5,),
    "difference": (0,),
    "rate": (-2, -1, 0, 1, 2),
    "channel": (-200, -100, 0, 100, 200),
    "triple": (0,),
    "force": (0,),
    "ease": (0,),
    "signed volume": (0,),
    "mass": (9, 10),
}


def draw_weighted(rng: random.Random, weights: Mapping[Key, float]) -> Key:
    """Return one key, drawn by its weight."""
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


def compare(rng: random.Random, first: Any, second: Any, *, above: bool) -> Document:
    """Return a comparison of two series, as a crossing or as a state."""
    kinds = ("cross_over", "greater") if above else ("cross_under", "less")
    return {rng.choice(kinds): [first, second]}


def draw_average(rng: random.Random, length: int) -> Document:
    """Return a simple or exponential average, now and then of another price than the close."""
    source = rng.choices(("CLOSE", "OPEN", "HIGH", "LOW", "HLC3"), (20, 1, 1, 1, 1))[0]
    return {rng.choice(("SMA", "EMA")): {"source": source, "length": length}}


def draw_moving_average(rng: random.Random, rises: bool) -> Document:
    """Price or a fast average against a slow one, or a rising (falling) average."""
    fast, slow = sorted(rng.sample(LENGTHS, 2))
    if rng.random() < 0.1:
        return {("up" if rises else "down"): {"series": draw_average(rng, fast), "bars": rng.choice((2, 3, 4, 5))}}
    first = {"CLOSE": {}} if rng.random() < 0.5 else draw_average(rng, fast)
    return compare(rng, first, draw_average(rng, slow), above=rises)


def draw_volume(rng: random.Random, rises: bool) -> Document:
    """More volume than usual, or money flowing in (out)."""
    match rng.randrange(5):
        case 0:
            return {"greater": [{"VOLUME": {}}, {"VOLUME_SMA": {"length": rng.choice(LENGTHS)}}]}
        case 1:
            return {"intra": {"series": {"VOLUME": {}}, "percent": rng.choice((20, 50, 100))}}
        case 2:
            return {("up" if rises else "down"): {"series": {"OBV": {}}, "bars": rng.choice((2, 3, 4))}}
        case 3:
            level = rng.choice((20, 30, 50) if rises else (50, 70, 80))
            return compare(rng, {"MFI": {"length": rng.choice(SHORT_LENGTHS)}}, level, above=rises)
        case _:
            constant = rng.choice(THRESHOLDS["flow"])
            return compare(rng, {"CMF": {"length": rng.choice(SHORT_LENGTHS)}}, constant, above=rises)


def draw_strength(rng: random.Random, rises: bool) -> Document:
    """RSI against a level: turning up from low, or beyond the middle."""
    index = {"RSI": {"length": rng.choices((14, *SHORT_LENGTHS), (9, *[1] * len(SHORT_LENGTHS)))[0]}}
    low, high = rng.choice(((30, 70), (25, 75), (20, 80), (40, 60), (35, 65), (50, 50)))
    return compare(rng, index, low if rises else high, above=rises if rng.random() < 0.7 else not rises)


def draw_breakout(rng: random.Random, rises: bool) -> Document:
    """The close beyond the highest high (lowest low) of the bars before."""
    level = {"PRIOR_HIGH" if rises else "PRIOR_LOW": {"length": rng.choice((5, 10, 20, 30, 50, 55, 100))}}
    return compare(rng, {"CLOSE": {}}, level, above=rises)


def draw_bollinger(rng: random.Random, rises: bool) -> Document:
    """The close against a band or the middle."""
    band = rng.choice(("BB_UPPER", "BB_LOWER", "BB_MIDDLE"))
    given: Document = {"length": rng.choice((20, 20, 20, 10, 14, 50))}
    if band != "BB_MIDDLE":
        given["std_dev"] = rng.choice((2, 2, 2, 1, 1.5, 2.5, 3))
    return compare(rng, {"CLOSE": {}}, {band: given}, above=rises if rng.random() < 0.6 else not rises)


def draw_support(rng: random.Random, rises: bool) -> Document:
    """A low under (high over) an old low (high), or a close back within it."""
    length = rng.choice((30, 50, 100, 200))
    level = {"PRIOR_LOW" if rises else "PRIOR_HIGH": {"length": length}}
    if rng.random() < 0.5:
        return {("less" if rises else "greater"): [{"LOW" if rises else "HIGH": {}}, level]}
    return {("cross_over" if rises else "cross_under"): [{"CLOSE": {}}, level]}


def draw_convergence(rng: random.Random, rises: bool) -> Document:
    """MACD against its signal or zero."""
    lengths = rng.choices(
        ({}, {"fast_length": 8, "slow_length": 21}, {"fast_length": 5, "slow_length": 35}), (6, 1, 1)
    )[0]
    second = {"MACD_SIGNAL": {**lengths}} if rng.random() < 0.7 else 0
    return compare(rng, {"MACD": {**lengths}}, second, above=rises)


def draw_range(rng: random.Random, rises: bool) -> Document:
    """The average true range growing or shrinking."""
    series = {"ATR": {"length": rng.choice((7, 10, 14, 20))}}
    if rng.random() < 0.5:
        return {rng.choice(("up", "down")): {"series": series, "bars": rng.choice((2, 3, 4))}}
    percent = rng.choice((5, 10, 20)) * (1 if rises else -1)
    return {"change": {"series": series, "percent": percent, "bars": rng.choice((3, 5, 10))}}


def draw_fibonacci(rng: random.Random, rises: bool) -> Document:
    """A retracement of the last swing up (down)."""
    level = rng.choice((23.6, 38.2, 50, 61.8, 78.6))
    return {"fib": {"trend": "up" if rises else "down", "level": level, "length": rng.choice((14, 20, 30, 50))}}


def draw_price_change(rng: random.Random, rises: bool) -> Document:
    """A move of the price within one bar or several, or bars in a row."""
    sign = 1 if rises else -1
    match rng.randrange(3):
        case 0:
            return {"intra": {"series": {"CLOSE": {}}, "percent": sign * rng.choice((0.1, 0.2, 0.5, 1, 2))}}
        case 1:
            percent = sign * rng.choice((0.2, 0.5, 1, 2, 3, 5))
            return {"change": {"series": {"CLOSE": {}}, "percent": percent, "bars": rng.choice((3, 5, 10, 20))}}
        case _:
            return {("up" if rises else "down"): {"series": {"CLOSE": {}}, "bars": rng.choice((2, 3, 4))}}


def draw_other(rng: random.Random, rises: bool) -> Document:
    """Any series that no other kind names, against a level, the close, or its own past."""
    name = rng.choice(OTHER)
    series = {name: _draw_parameters(rng, name)}
    unit = SERIES[name].unit
    if unit == "price":
        return compare(rng, {"CLOSE": {}}, series, above=rises)
    if unit in THRESHOLDS and rng.random() < 0.75:
        return compare(rng, series, rng.choice(THRESHOLDS[unit]), above=rises or unit in ("pattern", "mass"))
    return {("up" if rises else "down"): {"series": series, "bars": rng.choice((2, 3, 4))}}


def _draw_parameters(rng: random.Random, name: str) -> Document:
    kind = SERIES[name]
    if rng.random() < 0.5:
        return {}
    drawn: Document = {}
    for key, each in kind.parameters.items():
        if key in kind.ordered or rng.random() < 0.5:
            continue
        if each.choices:
            drawn[key] = rng.choice(each.choices)
        elif isinstance(each.default, bool):
            drawn[key] = rng.random() < 0.5
        elif key in ("offset", "displacement"):
            drawn[key] = rng.choice((1, 2, 3, 5, 26))
        elif key == "divisor":
            drawn[key] = rng.choice((100, 1_000_000))
        else:
            drawn[key] = rng.choice((5, 7, 10, 14, 20, 30)) if each.whole else rng.choice((1, 1.5, 2.5, 3))
    if kind.ordered and rng.random() < 0.5:
        drawn |= dict(zip(kind.ordered, sorted(rng.sample(LENGTHS, len(kind.ordered))), strict=True))
    return drawn


DRAWERS: Mapping[str, Drawer] = {
    "moving average": draw_moving_average,
    "volume": draw_volume,
    "rsi": draw_strength,
    "breakout": draw_breakout,
    "bollinger": draw_bollinger,
    "support or resistance": draw_support,
    "macd": draw_convergence,
    "atr": draw_range,
    "fibonacci": draw_fibonacci,
    "price change": draw_price_change,
    "other": draw_other,
}

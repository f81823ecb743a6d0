"""One bar's context in plain Python, from the series cut at that bar: what tests and the benchmark hold ours against.

It knows none of the package's code, constants or names of rules: the numbers are those of docs/vpa.md, typed in again.
Loops run as a reader of that page would run them, for one bar at a time; only the order in which numbers are added is
the package's own, so that a rounding cannot tell the two apart.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from statistics import median

import numpy as np
import polars as pl

from benchmarks.oracles.vpa_rules import (
    EVIDENCE,
    Bar,
    Facts,
    add,
    decide,
    find_rest,
    find_signs,
    pack,
    seven,
    share,
    two,
)

LENGTHS = {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "1d": 1440, "1w": 10080}
TAIL = 72  # bars of a timeframe that a context can reach back to: a sign 20 bars ago with 50 before it, and itself


def read_series(bars: pl.DataFrame, ticker: str) -> list[Bar]:
    """Return a ticker's bars in order."""
    of_ticker = bars.filter(pl.col("ticker") == ticker).sort("timestamp")
    return [Bar(*row) for row in of_ticker.select("timestamp", "open", "high", "low", "close", "volume").iter_rows()]


def explain_bar(series: Sequence[Bar], ladder: Sequence[str], ticker: str, timeframe: str) -> Facts:
    """Return the row of `build_context` for the last bar of a timeframe that ends when a cut series ends.

    `series` are bars of the ladder's first timeframe, cut at the moment whose context is wanted.
    """
    now = end_of(start_of(series[-1].timestamp, timeframe), timeframe)
    climbed = {name: climb(series, ladder[0], name, now) for name in ladder if LENGTHS[name] >= LENGTHS[timeframe]}
    bars = climbed.pop(timeframe)
    facts = read_bar(bars)
    above = [summarise(name, higher) for name, higher in climbed.items() if len(higher) > 50]
    first = next(iter(climbed), None)
    trend = next((entry["trend_status"] for entry in above if entry["timeframe"] == first), None)
    return {
        "ticker": ticker,
        "timeframe": timeframe,
        "timestamp": bars[-1].timestamp,
        **decide(bars, facts, trend),
        **pack(bars, facts),
        "multi_timeframe_context": above,
    }


def start_of(moment: datetime, timeframe: str) -> datetime:
    """Return the start of the bar that holds a moment."""
    if LENGTHS[timeframe] < 1440:
        minute = moment.hour * 60 + moment.minute
        return moment.replace(minute=0) + timedelta(minutes=minute // LENGTHS[timeframe] * LENGTHS[timeframe] % 60)
    day = moment.replace(hour=0, minute=0)
    return day - timedelta(days=day.weekday()) if timeframe == "1w" else day


def end_of(start: datetime, timeframe: str) -> datetime:
    """Return the end of a bar: by the clock that never jumps for hours and less, by the calendar for days and weeks."""
    length = timedelta(minutes=LENGTHS[timeframe])
    return start + length if LENGTHS[timeframe] >= 1440 else (start.astimezone(UTC) + length).astimezone(start.tzinfo)


def climb(series: Sequence[Bar], lower: str, timeframe: str, now: datetime) -> list[Bar]:
    """Return the last finished bars of a higher timeframe."""
    enough = (TAIL + 2) * LENGTHS[timeframe] // LENGTHS[lower]
    tail = series[-enough:]
    if lower == timeframe:
        return list(tail)
    groups = [(start, list(bars)) for start, bars in groupby(tail, lambda bar: start_of(bar.timestamp, timeframe))]
    if len(series) > enough:
        del groups[0]  # its first bars may lie before the tail
    return [
        Bar(
            start,
            bars[0].open,
            max(bar.high for bar in bars),
            min(bar.low for bar in bars),
            bars[-1].close,
            float(np.add.reduceat([bar.volume for bar in bars], [0])[0]),
        )
        for start, bars in groups
        if end_of(start, timeframe) <= now
    ]


def rank(values: Sequence[float]) -> float:
    """Return the mid-rank of the last value among the 50 before it, in percent."""
    *before, last = values
    return 100 * (sum(x < last for x in before) + 0.5 * sum(x == last for x in before)) / 50


def name_percentile(value: float) -> str:
    """Return the class of a volume."""
    if value < 30:
        return "very_low" if value < 10 else "low"
    if value <= 70:
        return "average"
    return "high" if value <= 90 else "very_high"


def read_bar(bars: Sequence[Bar]) -> Facts:
    """Return everything that is found at the last bar."""
    strength: Facts = {}
    weakness = None
    for age in range(20, 0, -1):
        if len(bars) - age > 50:
            earlier = bars[: len(bars) - age]
            found = find_signs(earlier, measure(earlier))
            if found["selling_climax"] or found["spring"] or found["stopping_volume"]:
                strength = {"age": age, "low": earlier[-1].low, "high": earlier[-1].high}
            if found["buying_climax"] or found["upthrust"]:
                weakness = age
    facts = measure(bars) | {f"strength_{name}": strength.get(name) for name in ("age", "low", "high")}
    facts["weakness_age"] = weakness
    facts |= find_levels(bars, facts)
    found = find_signs(bars, facts) | find_rest(bars, facts)
    return facts | {"found": [name for name in EVIDENCE if found[name]]}


def measure(bars: Sequence[Bar]) -> Facts:
    """Return volume, candle and trend of the last bar."""
    last, before = bars[-1], bars[-51:-1]
    volumes = [bar.volume for bar in bars[-51:]]
    spreads = [seven(bar.high - bar.low) for bar in bars[-51:]]
    spread, typical = spreads[-1], median(spreads[:-1])
    closes = [bar.close for bar in bars[-51:]]
    steps = [abs(closes[k] - closes[k - 1]) for k in range(1, 51)]
    up = add(volumes[k] if closes[k] > closes[k - 1] else 0.0 for k in range(31, 51))
    down = add(volumes[k] if closes[k] < closes[k - 1] else 0.0 for k in range(31, 51))
    body_top, body_low = max(last.open, last.close), min(last.open, last.close)
    top, bottom = max(bar.high for bar in bars[-50:]), min(bar.low for bar in bars[-50:])
    efficiency = share(abs(closes[50] - closes[30]), add(steps[30:])) or 0.0
    percentile = rank(spreads)
    spread_class = "narrow" if percentile < 30 else "average" if percentile <= 70 else "wide"
    facts = {
        "volume_percentile": rank(volumes),
        "volume_class": name_percentile(rank(volumes)),
        "volume_ratio": share(last.volume, median(volumes[:-1])),
        "spread_percentile": percentile,
        "spread_class": spread_class if spread > 0 else "flat",
        "spread_ratio": share(spread, typical),
        "typical_spread": seven(typical),
        "close_position": share(last.close - last.low, spread),
        "body_share": share(abs(last.close - last.open), spread),
        "upper_wick_share": share(last.high - body_top, spread),
        "lower_wick_share": share(body_low - last.low, spread),
        "efficiency": efficiency,
        "change_percent": two(100 * (closes[50] / closes[30] - 1)),
        "prior_efficiency": share(abs(closes[30] - closes[0]), add(steps[:30])) or 0.0,
        "prior_change_percent": two(100 * (closes[30] / closes[0] - 1)),
        "up_volume_share": share(up, up + down),
        "range_high": max(bar.high for bar in before[-20:]),
        "range_low": min(bar.low for bar in before[-20:]),
        "range_position": share(last.close - bottom, top - bottom),
        "volume_1_before": volumes[-2],
        "volume_2_before": volumes[-3],
        "low_before": bars[-2].low,
    }
    return facts | {"candle_class": name_candle(last, facts)} | name_trend(closes, facts)


def name_candle(bar: Bar, facts: Facts) -> str:
    """Return the class of a candle."""
    if facts["spread_class"] == "flat":
        return "flat"
    if facts["lower_wick_share"] >= 0.6:
        return "hammer"
    if facts["upper_wick_share"] >= 0.6:
        return "shooting_star"
    if facts["body_share"] <= 0.1:
        return "doji"
    return f"{facts['spread_class']}_{'up' if bar.close > bar.open else 'down'}"


def name_trend(closes: Sequence[float], facts: Facts) -> Facts:
    """Return status, strength and validation of the trend."""
    efficiency, up_share = facts["efficiency"], facts["up_volume_share"]
    status = "sideways" if efficiency < 0.3 else "up" if closes[50] > closes[30] else "down"
    agrees = {"up": up_share is not None and up_share >= 0.55, "down": up_share is not None and up_share <= 0.45}
    validation = None
    if status != "sideways" and up_share is not None:
        validation = "confirmed" if agrees[status] else "not_confirmed"
    strength = "weak" if efficiency < 0.3 else "moderate" if efficiency < 0.5 else "strong"
    return {"trend_status": status, "trend_strength": strength, "trend_validation": validation}


def find_levels(bars: Sequence[Bar], facts: Facts) -> Facts:
    """Return the nearest levels, and the price where most was traded."""
    window, close = bars[-51:], bars[-1].close
    inner = range(3, 48)
    highs = [window[k].high for k in inner if window[k].high == max(bar.high for bar in window[k - 3 : k + 4])]
    lows = [window[k].low for k in inner if window[k].low == min(bar.low for bar in window[k - 3 : k + 4])]
    price, part = weigh_prices(bars[-50:])
    nodes = [] if price is None else [price]
    levels: Facts = {"volume_price": price, "volume_price_share": part}
    for name, pivots, side in (("resistance", highs, 1), ("support", lows, -1)):
        beyond = [level for level in pivots + nodes if side * (level - close) > 0]
        level = min(beyond, key=lambda found: abs(found - close), default=None)
        far = None if level is None else side * (level - close)
        levels |= {
            name: level,
            f"{name}_source": None if level is None else "pivot" if level in pivots else "volume",
            f"{name}_spreads": None if far is None else share(far, facts["typical_spread"]),
            f"{name}_percent": None if far is None else two(100 * far / close),
        }
    return levels


def weigh_prices(bars: Sequence[Bar]) -> tuple[float | None, float | None]:
    """Return the middle of the tenth of the range where most was traded, and its share of the volume."""
    bottom = min(bar.low for bar in bars)
    span = max(bar.high for bar in bars) - bottom
    traded = [0.0] * 10
    for bar in bars:
        place = ((bar.high + bar.low + bar.close) / 3 - bottom) / span * 10 if span > 0 else 0.0
        traded[min(int(place), 9)] += bar.volume
    total = float(np.sum(traded))
    if span <= 0 or total <= 0:
        return None, None
    heaviest = traded.index(max(traded))
    return seven(bottom + (heaviest + 0.5) * span / 10), two(max(traded) / total)


def summarise(timeframe: str, bars: Sequence[Bar]) -> Facts:
    """Return what a lower timeframe is told of a higher one's last bar."""
    facts = read_bar(bars)
    names = ("trend_status", "trend_strength", "volume_class", "candle_class")
    return (
        {"timeframe": timeframe, "timestamp": bars[-1].timestamp, "close": bars[-1].close}
        | {name: facts[name] for name in names}
        | {"pattern": facts["found"][0] if facts["found"] else "none"}
    )

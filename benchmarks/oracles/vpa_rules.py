"""What follows from the facts of a bar: patterns, signal, the parts of its row. The other half of the oracle."""

import math
import operator
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from typing import Any, NamedTuple

Facts = dict[str, Any]


class Bar(NamedTuple):
    """A bar and its start."""

    timestamp: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


def two(value: float) -> float:
    """Round to two decimals."""
    return round(value * 100) / 100 + 0.0


def seven(value: float) -> float:
    """Round to seven significant digits, halves up."""
    if value <= 0:
        return value
    scale = 10.0 ** (6 - math.floor(math.log10(value)))
    return math.floor(value * scale + 0.5) / scale


def share(part: float, whole: float) -> float | None:
    """Return a rounded ratio, nothing where there is no whole."""
    return two(part / whole) if whole > 0 else None


def add(values: Iterable[float]) -> float:
    """Add from the first to the last."""
    return reduce(operator.add, values)


def find_signs(bars: Sequence[Bar], facts: Facts) -> dict[str, bool]:
    """Tell which signs of strength and weakness the last bar shows."""
    last, place, trend = bars[-1], facts["close_position"], facts["trend_status"]
    if place is None:  # without any spread
        return dict.fromkeys(("selling_climax", "buying_climax", "spring", "upthrust", "stopping_volume"), False)
    extreme = facts["volume_percentile"] > 90 and facts["spread_class"] == "wide"
    under, over = last.low < facts["range_low"], last.high > facts["range_high"]
    narrow = facts["spread_class"] == "narrow"
    return {
        "selling_climax": trend == "down" and extreme and under and place >= 0.4,
        "buying_climax": trend == "up" and extreme and over and place <= 0.6,
        "spring": under and last.close > facts["range_low"] and place >= 0.7 and not narrow,
        "upthrust": over and last.close < facts["range_high"] and place <= 0.3 and not narrow,
        "stopping_volume": trend == "down"
        and last.close < bars[-2].close
        and facts["volume_percentile"] > 70
        and facts["spread_class"] != "wide"
        and place >= 0.4,
    }


def find_rest(bars: Sequence[Bar], facts: Facts) -> dict[str, bool]:
    """Tell which of the other patterns the last bar shows."""
    last, place, up_share = bars[-1], facts["close_position"], facts["up_volume_share"]
    has_spread = place is not None
    dry = 0 < last.volume < min(bars[-2].volume, bars[-3].volume) and facts["spread_class"] == "narrow"
    back = has_spread and facts["strength_age"] and facts["strength_low"] <= last.low <= facts["strength_high"]
    phase = facts["trend_status"] == "sideways" and facts["prior_efficiency"] >= 0.3 and up_share is not None
    phase = phase and facts["range_position"] is not None
    prior = facts["prior_change_percent"]
    return {
        "test": bool(back) and facts["volume_percentile"] < 30 and last.low < bars[-2].low and place >= 0.6,
        "no_supply": has_spread and dry and last.close < bars[-2].close and place >= 0.4,
        "no_demand": has_spread and dry and last.close > bars[-2].close and place <= 0.6,
        "accumulation": phase and prior < 0 and up_share >= 0.55 and facts["range_position"] <= 0.5,
        "distribution": phase and prior > 0 and up_share <= 0.45 and facts["range_position"] >= 0.5,
    }


CLIMAX = ["volume_percentile", "volume_ratio", "spread_ratio", "close_position", "change_percent", "efficiency"]
QUIET = ["volume_ratio", "volume_1_before", "volume_2_before", "spread_percentile", "close_position"]
PHASE = ["prior_change_percent", "prior_efficiency", "efficiency", "up_volume_share", "range_position"]
TEST = ["volume_percentile", "volume_ratio", "low_before", "strength_low", "strength_high", "strength_age"]
EVIDENCE = {
    "selling_climax": [*CLIMAX, "range_low"],
    "buying_climax": [*CLIMAX, "range_high"],
    "spring": ["range_low", "close_position", "spread_ratio", "volume_ratio"],
    "upthrust": ["range_high", "close_position", "spread_ratio", "volume_ratio"],
    "test": [*TEST, "close_position"],
    "stopping_volume": CLIMAX,
    "no_supply": QUIET,
    "no_demand": QUIET,
    "accumulation": PHASE,
    "distribution": PHASE,
}
BUYS = ("selling_climax", "spring", "test", "stopping_volume", "no_supply", "accumulation")


def list_background(facts: Facts, higher_trend: str | None) -> tuple[list[str], list[str]]:
    """Return the rules that fire for buying, and for selling."""
    near, share_up, place = (
        (facts[name] is not None, facts[name]) for name in ("support_spreads", "up_volume_share", "close_position")
    )
    far = facts["resistance_spreads"]
    buying = {
        "support_near": near[0] and near[1] <= 2,
        "buying_volume": share_up[0] and share_up[1] >= 0.55 and "buying_climax" not in facts["found"],
        "higher_trend_up": higher_trend == "up",
        "strength_before": facts["strength_age"] is not None,
        "close_high": place[0] and place[1] >= 0.7,
    }
    selling = {
        "resistance_near": far is not None and far <= 2,
        "selling_volume": share_up[0]
        and share_up[1] <= 0.45
        and not {"selling_climax", "stopping_volume"} & set(facts["found"]),
        "higher_trend_down": higher_trend == "down",
        "weakness_before": facts["weakness_age"] is not None,
        "close_low": place[0] and place[1] <= 0.3,
    }
    return [name for name, fires in buying.items() if fires], [name for name, fires in selling.items() if fires]


def decide(bars: Sequence[Bar], facts: Facts, higher_trend: str | None) -> Facts:
    """Return the signal, and the rules that fired."""
    found, close = facts["found"], bars[-1].close
    buying, selling = list_background(facts, higher_trend)
    sides = {name in BUYS for name in found}
    held = signal = strength = stop = target = None
    if len(sides) != 1:
        held = "patterns_disagree" if found else "no_pattern"
    else:
        side = 1 if sides == {True} else -1
        points = side * (len(buying) - len(selling))
        stop = min(bar.low for bar in bars[-5:]) if side > 0 else max(bar.high for bar in bars[-5:])
        risk = side * (close - stop)
        level = facts["resistance"] if side > 0 else facts["support"]
        away = level is not None and side * (level - close) >= risk
        target = level if away else seven(close + 2.0 * side * risk)
        if points <= 0:
            held = "background_against"
        elif risk <= 0 or side * (target - close) <= 0 or target <= 0:
            held = "no_room"
        else:
            signal = "BUY" if side > 0 else "SELL"
            strength = "STRONG" if points >= 3 else "MODERATE" if points == 2 else "WEAK"
    return {
        "signal": signal or "HOLD",
        "strength": strength,
        "pattern": found[0] if found else "none",
        "stop": stop if signal else None,
        "target": target if signal else None,
        "fired_rules": [*found, *buying, *selling, *([held] if held else [])],
    }


METRICS = (
    *("volume_class", "volume_percentile", "volume_ratio", "candle_class", "spread_class", "spread_percentile"),
    *("spread_ratio", "typical_spread", "close_position", "body_share", "upper_wick_share", "lower_wick_share"),
)
TREND = (
    *("efficiency", "change_percent", "up_volume_share", "prior_efficiency", "prior_change_percent"),
    *("range_high", "range_low", "range_position"),
)


def pack(bars: Sequence[Bar], facts: Facts) -> Facts:
    """Return the parts of a row as they are nested."""
    found = facts["found"]
    climax = "buying" if "buying_climax" in found else "selling" if "selling_climax" in found else None
    evidence = [
        {"pattern": name, "fact": fact, "value": float(facts[fact])}
        for name in found
        for fact in EVIDENCE[name]
        if facts[fact] is not None
    ]
    return {
        "current_candle": {name: getattr(bars[-1], name) for name in Bar._fields[1:]},
        "recent_candles": [bar._asdict() for bar in bars[-6:-1]],
        "vpa_metrics": {name: facts[name] for name in METRICS},
        "trend_analysis": {name: facts[f"trend_{name}"] for name in ("status", "strength", "validation")}
        | {name: facts[name] for name in TREND},
        "pattern_analysis": {
            **{name: name in found for name in ("accumulation", "distribution")},
            "climax": climax,
            "testing": "test" in found,
            "patterns": found,
            "evidence": evidence,
            "bars_since_strength": facts["strength_age"],
            "bars_since_weakness": facts["weakness_age"],
        },
        "support_resistance": {
            **{
                f"nearby_{name}": {"price": facts[name]}
                | {part: facts[f"{name}_{part}"] for part in ("source", "spreads", "percent")}
                for name in ("support", "resistance")
            },
            "volume_price": facts["volume_price"],
            "volume_price_share": facts["volume_price_share"],
        },
    }

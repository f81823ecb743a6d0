"""Whether a strategy of the right shape means something: `MEANINGS` lists the rules, `check_meaning` what breaks them.

Nothing here looks at prices: a strategy that never trades, or a clause that never matters, shows when it is executed.
"""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from typing import Any

from indicators.strategy.canonical import write_text
from indicators.strategy.clock import DAYS, INTRADAY, measure_interval
from indicators.strategy.errors import Problem
from indicators.strategy.schema import DEFAULTS
from indicators.strategy.series import SERIES, UNITS
from indicators.strategy.tree import (
    GROUPS,
    PAIRS,
    SIDES,
    Document,
    iter_conditions,
    iter_leaves,
    iter_series,
    measure_depth,
    name_path,
)

MOST_DEPTH = 3
EXITS = ("stop_loss", "atr_stop", "trailing", "take_profit", "exit_after_bars", "session")

MEANINGS = {
    "unlike-units": "two series that are compared count in the same unit",
    "same-series": "a series is not compared with itself",
    "constant": "at least one side of a comparison is a series, and a trend or a change is that of a series",
    "constant-range": "a constant lies strictly within what its series can reach, if it is compared with one at all",
    "percent-change": "a percent change is asked only of a series that is always above 0, and is above -100 and not 0",
    "order": "fast lengths are less than slow ones",
    "timeframe": "a series' timeframe is longer than the strategy's interval",
    "depth": f"at most {MOST_DEPTH} groups lie in one another",
    "nested": "a group does not hold a group of its own kind",
    "twice": "no condition stands twice in one group",
    "sides-equal": "buying and selling do not have the same condition",
    "no-entry": "the side that opens has a condition",
    "no-exit": "there is a condition that closes, or another exit",
    "two-stops": "there is one stop loss, in percent or in average true ranges",
    "stop-order": "a stop loss of a long, and a target of a short, leaves something of the price",
    "risk-size": "a size by risk has a stop loss to measure the risk by",
    "capital": "an order is not larger than the capital",
    "date": "dates exist, and the first is not after the last",
    "period": "a period stands instead of dates, and is longer than the interval",
    "session": "a session starts before it ends, and the bars are shorter than a day",
}

Found = Iterator[tuple[tuple[str | int, ...], str, str]]


def check_meaning(document: Document) -> list[Problem]:
    """Return every broken rule of MEANINGS in a strategy of the right shape, with its path."""
    return [Problem(name_path(path), rule, message) for check in CHECKS for path, rule, message in check(document)]


def _check_pairs(document: Document) -> Found:
    for path, leaf in iter_leaves(document):
        ((kind, value),) = leaf.items()
        if kind not in PAIRS:
            continue
        names = [next(iter(each)) if isinstance(each, dict) else None for each in value]
        match names:
            case [None, None]:
                yield path, "constant", f"compares two constants, {value[0]} and {value[1]}; name a series"
            case [None, str(name)] | [str(name), None]:
                place = names.index(None)
                yield from _check_constant((*path, kind, place), name, value[place])
            case [str(first), str(second)]:
                units = [SERIES[name].unit for name in (first, second)]
                if units[0] != units[1]:
                    meanings = [UNITS[unit].meaning for unit in units]
                    yield path, "unlike-units", f"compares {first} ({meanings[0]}) with {second} ({meanings[1]})"
                elif _write_series(value[0]) == _write_series(value[1]):
                    yield path, "same-series", f"compares {first} with itself"


def _write_series(series: Any) -> str:
    return write_text({"buy_condition": {"up": {"series": series, "bars": 2}}})


def _check_constant(path: tuple[str | int, ...], name: str, constant: float) -> Found:
    ends = UNITS[SERIES[name].unit].ends
    if ends is None:
        yield path, "constant-range", f"{name} is a {UNITS[SERIES[name].unit].meaning} and has no level to compare with"
    elif not ends[0] < constant < ends[1]:
        yield path, "constant-range", f"{name} lies between {ends[0]} and {ends[1]}; found {constant}"


def _check_single(document: Document) -> Found:
    for path, leaf in iter_leaves(document):
        ((kind, value),) = leaf.items()
        if kind in PAIRS or kind == "fib":
            continue
        if not isinstance(value["series"], dict):
            yield (*path, kind, "series"), "constant", f"{value['series']} never changes; name a series"
            continue
        unit = UNITS[SERIES[next(iter(value["series"]))].unit]
        if kind in ("change", "intra"):
            if not unit.positive:
                where = (*path, kind, "series")
                yield where, "percent-change", f"a percent change of a {unit.meaning} says nothing: it may be 0"
            if value["percent"] == 0 or value["percent"] <= -100:
                found = f"a change of {value['percent']} percent always or never happens"
                yield (*path, kind, "percent"), "percent-change", found


def _check_parameters(document: Document) -> Found:
    interval = document.get("interval", DEFAULTS["interval"])
    for path, series in iter_series(document):
        if not isinstance(series, dict):
            continue
        ((name, given),) = series.items()
        kind = SERIES[name]
        for low, high in pairwise(kind.ordered):
            values = [given.get(key, kind.defaults[key]) for key in (low, high)]
            if not values[0] < values[1]:
                found = f"{low} must be below {high}; found {values[0]} and {values[1]}"
                yield (*path, name), "order", found
        timeframe = given.get("timeframe")
        if timeframe and measure_interval(timeframe) <= measure_interval(interval):
            found = f"must be longer than the interval {interval}; found {timeframe}"
            yield (*path, name, "timeframe"), "timeframe", found


def _check_groups(document: Document) -> Found:
    for side in SIDES:
        if side in document and (depth := measure_depth(document[side])) > MOST_DEPTH:
            yield (side,), "depth", f"at most {MOST_DEPTH} groups may lie in one another; found {depth}"
    for path, condition in iter_conditions(document):
        ((kind, value),) = condition.items()
        if kind not in GROUPS:
            continue
        for place, operand in enumerate(value):
            if kind in operand:
                yield (*path, kind, place), "nested", f"{kind} in {kind}: write one list"
        texts = [write_text({"buy_condition": operand}) for operand in value]
        for place, text in enumerate(texts):
            if text in texts[:place]:
                yield (*path, kind, place), "twice", f"says what place {texts.index(text)} of the group says"


def _check_sides(document: Document) -> Found:
    position, sides = document["position_type"], [side for side in SIDES if side in document]
    needed = {"LONG": SIDES[:1], "SHORT": SIDES[1:]}.get(position, SIDES)
    for side in needed:
        if side not in sides:
            yield (), "no-entry", f"{position} opens by {side}; it is missing"
    if len(sides) < 2 and not any(key in document for key in EXITS):
        yield (), "no-exit", f"nothing closes: add the other condition or one of {', '.join(EXITS)}"
    if len(sides) == 2 and len({write_text({SIDES[0]: document[side]}) for side in sides}) == 1:
        yield ("sell_condition",), "sides-equal", "is the same as buy_condition, so the two always cancel"


def _check_exits(document: Document) -> Found:
    stops = [key for key in ("stop_loss", "atr_stop") if key in document]
    if len(stops) == 2:
        yield ("atr_stop",), "two-stops", "there is a stop_loss as well; keep one of them"
    for key in ("stop_loss", "trailing"):
        if document["position_type"] != "SHORT" and document.get(key, {}).get("percent", 0) >= 100:
            yield (key, "percent"), "stop-order", "must be below 100 for a long; a price cannot fall further"
    if document["position_type"] == "SHORT" and document.get("take_profit", {}).get("percent", 0) >= 100:
        yield ("take_profit", "percent"), "stop-order", "must be below 100 for a short; a price cannot fall further"
    if "risk_percent" in document.get("order_size", {}) and not stops:
        yield ("order_size",), "risk-size", "risk_percent needs a stop_loss or an atr_stop"
    if "session" in document:
        start, end = document["session"]["from"], document["session"]["to"]
        if start >= end:
            yield ("session",), "session", f"must start before it ends; found {start} to {end}"
        if document.get("interval", DEFAULTS["interval"]) not in INTRADAY:
            yield ("session",), "session", f"bars must be shorter than a day; one of {', '.join(INTRADAY)}"


def _check_account(document: Document) -> Found:
    capital = document.get("initial_capital", DEFAULTS["initial_capital"])
    if document.get("order_size", {}).get("usd", 0) > capital:
        yield ("order_size", "usd"), "capital", f"is more than the capital of {capital}"
    days = {}
    for key in ("start_date", "end_date"):
        if key in document:
            try:
                days[key] = date.fromisoformat(document[key])
            except ValueError:
                yield (key,), "date", f"is no day of the calendar; found {document[key]}"
    if len(days) == 2 and days["start_date"] > days["end_date"]:
        found = f"must not be before start_date {document['start_date']}; found {document['end_date']}"
        yield ("end_date",), "date", found
    period = document.get("period")
    if period and days:
        yield ("period",), "period", "stands beside dates; keep the one or the others"
    interval = document.get("interval", DEFAULTS["interval"])
    if period in DAYS and measure_interval(interval) >= measure_interval(period):
        yield ("period",), "period", f"must be longer than the interval {interval}; found {period}"


Check = Callable[[Document], Found]
CHECKS: tuple[Check, ...] = (
    _check_pairs,
    _check_single,
    _check_parameters,
    _check_groups,
    _check_sides,
    _check_exits,
    _check_account,
)

"""Plots of how exits follow volatility and the time of day."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

from verification.report.parts import (
    MissingDataError,
    Panel,
    Plot,
    Trace,
    get_list,
    get_numbers,
    get_rows,
    get_value,
    is_number,
    keep_numbers,
    make_band,
    make_dots,
    make_line,
    say_interval,
    span_range,
)
from verification.trades.plots.names import make_clock_ticks, name_feature, name_short

Metrics = Mapping[str, Any]
Levels = list[list[float | None]]
VOLATILITY = "volatility"
DRIVERS = {VOLATILITY: "volatility at entry, %", "time of day": "time of entry"}


def draw_volatility_curves(metrics: Metrics) -> Plot:
    """Draw each exit's quantiles by volatility, gold and synthetic."""
    return _draw_curves(metrics, VOLATILITY, "Quantiles of the exits, given volatility")


def draw_time_curves(metrics: Metrics) -> Plot:
    """Draw each exit's quantiles by time of day, of what volatility leaves over."""
    return _draw_curves(metrics, "time of day", "Quantiles of the exits, given the time of day")


def _draw_curves(metrics: Metrics, driver: str, title: str) -> Plot:
    curves = [curve for curve in get_rows(metrics, "curves") if curve.get("driver") == driver]
    if not curves:
        raise MissingDataError(f"Left out: no exit's quantiles were traced over {driver}.")
    panels = [_draw_panel(curve, driver) for curve in curves]
    levels = [f"{100 * level:.0f}%" for level in keep_numbers(get_numbers(curves[0], "levels"))]
    follow = get_value(metrics, "follow", driver)
    said = (
        f"where gold's exits move by 1 with {driver}, these move by {say_interval(follow)}"
        if is_number(get_value(follow, "value"))
        else f"gold's own exits do not surely move with {driver}"
    )
    unit = "" if driver == VOLATILITY else " of what volatility leaves over, in the gold's standard deviations"
    return Plot(
        f"curves-{driver.replace(' ', '-')}",
        title,
        "Blue dots should lie on the amber lines, within their 95% bands, and rise and fall with them: "
        f"{said}. The lines are the {', '.join(levels)} quantiles in each fifth of the gold{unit}; "
        "dotted grey is gold with its exits shuffled, which follow nothing.",
        tuple(panels),
        is_wide=True,
        least_width=15,
        legend=(
            ("gold, with its 95% band", "gold", "line"),
            ("synthetic", "synthetic", "dot"),
            ("gold, exits shuffled", "noise", "dash"),
        ),
    )


def _draw_panel(curve: Metrics, driver: str) -> Panel:
    edges = keep_numbers(get_numbers(curve, "edges"))
    middles = [(low + high) / 2.0 for low, high in itertools.pairwise(edges)]
    is_measured = driver == VOLATILITY and all(is_number(curve.get(name)) for name in ("centre", "spread"))
    lines = _place_lines(curve, is_measured=is_measured)
    if any(len(line) != len(middles) for each in lines.values() for line in each):
        raise MissingDataError("Left out: the quantiles were not traced over the bins.")
    data: list[Trace] = [
        make_line(middles, line, "@noise", "", line={"width": 1, "dash": "dot"}, hoverinfo="skip")
        for line in lines["shuffled"]
    ]
    for low, high in zip(lines["low"], lines["high"], strict=True):
        data += make_band(middles, low, high, "@gold")
    data += [make_line(middles, line, "@gold", "gold %{y:.2f}") for line in lines["gold"]]
    data += [
        make_dots(middles, line, "@synthetic", "synthetic %{y:.2f}", marker={"size": 8}) for line in lines["synthetic"]
    ]
    shown = [value for name in ("gold", "low", "high", "synthetic") for line in lines[name] for value in line]
    ticks = make_clock_ticks(edges[0], edges[-1]) if driver != VOLATILITY else {"nticks": 5}
    layout = {
        "height": 270,
        "margin": {"l": 36, "r": 10, "t": 8, "b": 44},
        "xaxis": {"range": span_range([edges[0], edges[-1]], 0.02), "title": {"text": DRIVERS[driver]}, **ticks},
        "yaxis": {"range": span_range(shown), "nticks": 6},
    }
    name = str(curve.get("exit"))
    title = name_feature(name) if is_measured else name_short(name)
    return Panel(data, layout, title[:1].upper() + title[1:])


def _place_lines(curve: Metrics, *, is_measured: bool) -> dict[str, Levels]:
    """Give each kind of line, a list per quantile, in the exit's own unit where `is_measured`.

    Holding time is kept as a logarithm.
    """
    lines = {name: _get_levels(curve, name) for name in ("gold", "synthetic")}
    lines |= {name: _get_levels(curve, name) if curve.get(name) else [] for name in ("shuffled", "gold_error")}
    for name, sign in (("low", -1.0), ("high", 1.0)):
        lines[name] = [
            [None if None in (value, error) else value + sign * error for value, error in zip(*pair, strict=True)]  # type: ignore[operator]
            for pair in zip(lines["gold"], lines["gold_error"], strict=False)
        ]
    del lines["gold_error"]
    if not is_measured:
        return lines
    turn = math.exp if curve.get("exit") == "holding_minutes" else float
    return {
        name: [
            [None if value is None else turn(value * curve["spread"] + curve["centre"]) for value in line]
            for line in each
        ]
        for name, each in lines.items()
    }


def _get_levels(curve: Metrics, name: str) -> Levels:
    return [get_numbers({name: level}, name) for level in get_list(curve, name)]

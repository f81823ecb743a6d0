"""Plots of a trader's numbers: the spread of results, what they add up to, the worst fall on the way."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from verification.report.parts import (
    Panel,
    Plot,
    draw_intervals,
    get_mapping,
    get_numbers,
    keep_numbers,
    make_band,
    make_line,
    say_interval,
)

Metrics = Mapping[str, Any]
LEGEND = (
    ("synthetic", "synthetic", "line"),
    ("gold", "gold", "line"),
    ("gold, its sessions drawn again and again (95%)", "gold", "band"),
)


def draw_results(metrics: Metrics) -> Plot:
    """Draw how the results of both sides are spread."""
    found = get_mapping(metrics, "curves", "results")
    edges = keep_numbers(get_numbers(found, "bins"))
    middle = [(low + high) / 2.0 for low, high in pairwise(edges)]
    names = ("gold", "synthetic", "gold_low", "gold_high")
    shares = {name: [100.0 * each for each in keep_numbers(get_numbers(found, name))] for name in names}
    data = [
        *make_band(middle, shares["gold_low"], shares["gold_high"], "@gold"),
        make_line(middle, shares["gold"], "@gold", "gold %{y:.1f}%"),
        make_line(middle, shares["synthetic"], "@synthetic", "synthetic %{y:.1f}%"),
    ]
    outside, by_chance = found["outside"], found["outside_by_chance"]
    layout = {
        "height": 260,
        "hovermode": "x",
        "xaxis": {"title": {"text": "result of a trade, %"}, "nticks": 7},
        "yaxis": {"ticksuffix": "%", "rangemode": "tozero", "nticks": 5},
    }
    return Plot(
        "results",
        "Results",
        "Share of the trades by their result; the outermost bins hold everything beyond them. Blue lies outside the "
        f"gold's own band in {outside} of {len(middle)} ; of the gold's own law it does in up to {by_chance:.0f}.",
        (Panel(data, layout),),
        legend=LEGEND,
    )


def draw_cumulative(metrics: Metrics) -> Plot:
    """Draw what the results of both sides add up to, trade by trade."""
    found = get_mapping(metrics, "curves", "cumulative")
    lines = {name: get_numbers(found, name) for name in ("trade", "gold", "synthetic", "gold_low", "gold_high")}
    data = [
        *make_band(lines["trade"], lines["gold_low"], lines["gold_high"], "@gold"),
        make_line(lines["trade"], lines["gold"], "@gold", "gold %{y:.1f}%"),
        make_line(lines["trade"], lines["synthetic"], "@synthetic", "synthetic %{y:.1f}%"),
    ]
    layout = {
        "height": 260,
        "hovermode": "x",
        "xaxis": {"title": {"text": "trades"}, "nticks": 6},
        "yaxis": {"ticksuffix": "%", "zeroline": True, "nticks": 6},
    }
    return Plot(
        "cumulative",
        "Cumulative result",
        "Sum of the results, trade by trade in the order of their entries. Blue should stay inside the band; which way "
        "it takes there is chance.",
        (Panel(data, layout),),
        legend=LEGEND,
    )


def draw_drawdown(metrics: Metrics) -> Plot:
    """Draw the worst fall of the cumulative result on both sides."""
    found = get_mapping(metrics, "curves", "drawdown")
    rows = [(name, found[name]) for name in ("gold", "synthetic")]
    panel = draw_intervals(rows, "worst fall, % of the entry price, summed", colours=["@gold", "@synthetic"])
    return Plot(
        "drawdown",
        "Worst drawdown",
        "The deepest fall of the cumulative result below its highest so far, over as many trades on both sides, with "
        f"what sessions drawn again and again give (95%): gold {say_interval(found['gold'])}, synthetic "
        f"{say_interval(found['synthetic'])}.",
        (panel,),
    )

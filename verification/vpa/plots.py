"""Plots of the questions about explanations of bars."""

from collections.abc import Mapping, Sequence
from typing import Any

from verification.report.parts import (
    UNKNOWN,
    Panel,
    Plot,
    Table,
    format_number,
    get_rows,
    is_number,
    make_rows_layout,
    make_whiskers,
)

Metrics = Mapping[str, Any]


def draw_contradictions(metrics: Metrics) -> Plot:
    """Show how many rows contradict themselves, beside the public set."""
    faults = get_rows(metrics, "faults")
    rows = [
        (
            str(each["fault"]),
            format_number(each["rows"]),
            say_share(each["share"]),
            f"{100 * each['public_share']:.1f}%",
        )
        for each in faults
    ]
    return Plot(
        "contradictions",
        "Rows that contradict themselves",
        "Accepted rows with each fault, beside the public set that the system of reference 002 put out.",
        tables=(Table("Contradictions", ("fault", "rows", "share of ours", "share of the public set"), rows),),
        is_wide=True,
    )


def draw_faults(metrics: Metrics) -> Plot:
    """Draw how often first drafts say what their context does not, by rule."""
    rules = get_rows(metrics, "rules")
    panel = _draw_shares([str(each["rule"]) for each in rules], [each["drafts"] for each in rules], [])
    return Plot(
        "faults",
        "What first drafts say that their context does not",
        "Share of first drafts with each fault, found in code, with 95% intervals. A draft with one is mended or lost.",
        (panel,),
    )


def draw_outcomes(metrics: Metrics) -> Plot:
    """Draw how often each class of signal came right at each horizon, with intervals, against chance."""
    classes = get_rows(metrics, "classes")
    panels = []
    for horizon in sorted({int(each["horizon"]) for each in classes}):
        some = [each for each in classes if each["horizon"] == horizon]
        names = [f"{each['signal']}, {each['strength']} ({each['rows']} rows)" for each in some]
        panels.append(
            _draw_shares(
                names, [each["right"] for each in some], [each["chance"] for each in some], f"{horizon} bars later"
            )
        )
    rows = [
        (
            f"{each['strength']} {each['signal']}",
            *(format_number(each[name]) for name in ("horizon", "rows", "days")),
            say_share(each["right"]),
            _say_percent(each["chance"]),
            _say_move(each["mean_percent"]),
        )
        for each in classes
    ]
    return Plot(
        "outcomes",
        "What followed a signal",
        "How often the close had moved the signal's way, with 95% intervals over days; the dot is chance, a bar picked "
        "at random. Where it lies on the line, the signal is not told from chance. No claim that a signal earns money.",
        tuple(panels),
        (Table("Moves", ("class", "bars", "rows", "days", "came right", "chance", "mean move"), rows),),
        legend=(("came right", "synthetic", "band"), ("chance", "gold", "dot")),
        least_width=22,
        is_wide=True,
    )


def _draw_shares(names: Sequence[str], shares: Sequence[Metrics], chance: Sequence[Any], title: str = "") -> Panel:
    places = [-place for place in range(len(names))]
    values, lows, highs = (
        [100 * each[side] if is_number(each[side]) else None for each in shares] for side in ("value", "low", "high")
    )
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": places,
        "width": 0.34,
        "marker": {"color": "@synthetic/0.6"},
        "hovertemplate": "%{x:.1f}%<extra></extra>",
    }
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [100 * each if is_number(each) else None for each in chance],
        "y": places[: len(chance)],
        "marker": {"color": "@gold", "size": 9},
        "hovertemplate": "chance %{x:.1f}%<extra></extra>",
    }
    layout = make_rows_layout(names, xaxis={"range": [0, 100], "ticksuffix": "%", "nticks": 5})
    return Panel([bars, make_whiskers(lows, highs, "ink"), *([dots] if chance else [])], layout, title)


def say_share(share: Metrics | None) -> str:
    """Write a share of `metrics.json` with its interval in percent."""
    values = [] if share is None else [share.get(name) for name in ("value", "low", "high")]
    if not values or not all(is_number(value) for value in values):
        return UNKNOWN
    value, low, high = (100 * float(each) for each in values if each is not None)
    return f"{value:.1f}% [{low:.1f}, {high:.1f}]"


def _say_percent(share: object) -> str:
    return f"{100 * share:.1f}%" if is_number(share) else UNKNOWN


def _say_move(mean: Metrics) -> str:
    values = [mean.get(name) for name in ("value", "low", "high")]
    if not all(is_number(value) for value in values):
        return UNKNOWN
    value, low, high = (float(each) for each in values if each is not None)
    return f"{value:+.3f}% [{low:+.3f}, {high:+.3f}]"

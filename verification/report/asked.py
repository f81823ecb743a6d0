"""Plots of what was asked for: the rules of every row, and the controls, delivered against declared."""

from collections.abc import Mapping
from typing import Any

from verification.report.parts import (
    UNKNOWN,
    Panel,
    Plot,
    Table,
    Trace,
    escape_label,
    format_number,
    get_end,
    get_list,
    get_numbers,
    get_rows,
    get_value,
    make_dots,
)

Metrics = Mapping[str, Any]
MOST_TICKS = 10  # labels of buckets that fit under a panel


def draw_controls(metrics: Metrics) -> Plot:
    """Draw delivered against declared shares, a panel per control."""
    controls = get_rows(metrics, "controls")
    panels = [_draw_control(control) for control in controls]
    starved = [
        f"{control.get('name')} = {value}" for control in controls for value in get_value(control, "starved") or []
    ]
    widest = max(controls, key=lambda control: get_end(control.get("variation"), "value") or 0.0)
    off, chance = get_end(widest.get("variation"), "value"), get_end(widest, "by_chance")
    most = (
        f" The furthest off is {widest.get('name')}: {100 * off:.0f}% of the rows would have to move, where chance "
        f"moves up to {100 * chance:.0f}%."
        if off is not None and chance is not None
        else ""
    )
    told = f" Starved: {', '.join(starved)}." if starved else " No bucket starves."
    return Plot(
        "controls",
        "Controls, delivered against declared",
        f"Each blue bar should end at its amber mark.{told}{most}",
        tuple(panels),
        is_wide=True,
        least_width=24,
        legend=(("delivered", "synthetic", "band"), ("declared", "gold", "line")),
    )


def _shorten(value: str) -> str:
    try:
        return f"{float(value):.3g}"
    except ValueError:
        return value


def _draw_control(control: Metrics) -> Panel:
    values = [str(value) for value in get_list(control, "values")]
    declared, delivered = (
        [100.0 * share if share is not None else None for share in get_numbers(control, name)]
        for name in ("declared", "delivered")
    )
    places = list(range(len(values)))
    step = -(-len(values) // MOST_TICKS)
    data: list[Trace] = [
        {
            "type": "bar",
            "x": places,
            "y": delivered,
            "marker": {"color": "@synthetic/0.5"},
            "hovertemplate": "delivered %{y:.1f}%<extra></extra>",
        },
        make_dots(
            places,
            declared,
            "@gold",
            "declared %{y:.1f}%",
            marker={"symbol": "line-ew", "size": 13, "line": {"width": 3, "color": "@gold"}},
        ),
    ]
    layout = {
        "height": 240,
        "margin": {"l": 38, "r": 8, "t": 8, "b": 40},
        "bargap": 0.3,
        "hovermode": "x",
        "xaxis": {
            "tickvals": places[::step],
            "ticktext": [escape_label(_shorten(value), 12) for value in values[::step]],
            "showgrid": False,
            "range": [-0.6, len(values) - 0.4],
        },
        "yaxis": {"rangemode": "tozero", "ticksuffix": "%", "nticks": 5},
    }
    return Panel(data, layout, str(control.get("name")).replace("_", " "))


def draw_rules(metrics: Metrics) -> Plot:
    """List the rules that every row obeys, with how many rows break each."""
    rules = get_rows(metrics, "rules")
    rows = [
        (str(rule.get("says") or rule.get("rule")), format_number(rule.get("broken")), _list_ids(rule.get("first_ids")))
        for rule in rules
    ]
    broken = [str(rule.get("rule")).replace("_", " ") for rule in rules if rule.get("broken")]
    told = f"Broken: {', '.join(broken)}." if broken else "No rule is broken."
    return Plot(
        "rules",
        "Rules that every row obeys",
        f"How many synthetic rows break each, and the first of them. {told}",
        tables=(Table("", ("rule", "broken by", "first"), rows),),
        is_wide=True,
    )


def _list_ids(ids: object) -> str:
    return ", ".join(str(each) for each in ids[:3]) if isinstance(ids, list) and ids else UNKNOWN

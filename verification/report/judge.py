"""Plots of the judge's calibration: what it catches, what it refuses in error."""

from collections.abc import Mapping, Sequence
from typing import Any

from verification.report.parts import (
    UNKNOWN,
    MissingDataError,
    Panel,
    Plot,
    draw_intervals,
    escape_label,
    get_rows,
    get_value,
    is_number,
)

Metrics = Mapping[str, Any]


def draw_faults(metrics: Metrics) -> Plot:
    """Draw how often checks and judge catch each planted fault."""
    faults = [each for each in get_rows(metrics, "faults") if is_number(each.get("rows")) and each["rows"] > 0]
    if not faults:
        raise MissingDataError("Left out: no fault was planted.")
    planted = [
        (str(each["name"]).replace("_", " "), share)
        for each in faults
        if each.get("criterion")
        and not each.get("seen_by_checks")
        and (share := _divide(each.get("caught_by_judge"), each.get("judged"))) is not None
    ]
    worst = min(planted, key=lambda pair: pair[1], default=None)
    told = f" Of those only the judge can see, “{worst[0]}” slips through most." if worst else ""
    return Plot(
        "faults",
        "Faults caught",
        "Share of rows with a planted fault that checks and judge refuse: dark is caught. The row "
        f"of untouched gold should be pale.{told}",
        (_draw_shares(faults),),
    )


def _draw_shares(faults: Sequence[Metrics]) -> Panel:
    shares = [
        [_divide(each.get("caught_by_checks"), each["rows"]), _divide(each.get("caught_by_judge"), each.get("judged"))]
        for each in faults
    ]
    names = [str(each.get("name")).replace("_", " ") for each in faults]
    places = list(range(len(faults)))
    data = {
        "type": "heatmap",
        "x": ["checks", "judge"],
        "y": places,
        "z": shares,
        "zmin": 0,
        "zmax": 1,
        "text": [[UNKNOWN if share is None else f"{share:.0%}" for share in each] for each in shares],
        "texttemplate": "%{text}",
        "showscale": False,
        "xgap": 3,
        "ygap": 2,
        "hovertemplate": "%{customdata}<br>%{x} caught %{text}<extra></extra>",
        "textfont": {"color": "@ink", "size": 12},
        "colorscale": [[0, "@synthetic/0.04"], [1, "@synthetic/0.6"]],
        "customdata": [[escape_label(each.get("description") or "", 90)] * 2 for each in faults],
    }
    labels = {"tickvals": places, "ticktext": [escape_label(name, 24) for name in names]}
    layout = {
        "height": 24 * len(faults) + 40,
        "margin": {"l": 8, "r": 4, "t": 30, "b": 4},
        "xaxis": {"side": "top", "showgrid": False},
        "yaxis": {**labels, "autorange": "reversed", "showgrid": False},
    }
    return Panel([data], layout)


def draw_judge_rates(metrics: Metrics) -> Plot:
    """Draw the judge's rates with their intervals, in all and by criterion."""
    found = [
        ("faults caught that only it can see", get_value(metrics, "catch_unseen_by_checks"), "@synthetic"),
        ("untouched gold refused", get_value(metrics, "false_reject"), "@gold"),
    ]
    for each in get_value(metrics, "criteria") or []:
        name = str(get_value(each, "name")).replace("_", " ")
        found += [
            (f"{name}: faults caught", get_value(each, "catch"), "@synthetic"),
            (f"{name}: untouched gold refused", get_value(each, "false_reject"), "@gold"),
        ]
    known = [row for row in found if is_number(get_value(row[1], "value"))]
    if not known:
        raise MissingDataError("Left out: the judge answered too few rows.")
    panel = draw_intervals(
        [row[:2] for row in known], "share of rows", colours=[row[2] for row in known], tickformat=".0%"
    )
    panel.layout["xaxis"] |= {"range": [-0.02, 1.02], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    lines = [get_value(metrics, "lines", name) for name in ("catch", "false_reject")]
    wanted = f": at least {lines[0]:.0%} and at most {lines[1]:.0%} are wanted" if all(map(is_number, lines)) else ""
    return Plot(
        "judge-rates",
        "Caught, and refused in error",
        f"Blue belongs to the right, amber to the left{wanted}.",
        (panel,),
    )


def _divide(part: object, whole: object) -> float | None:
    return part / whole if is_number(part) and is_number(whole) and whole else None

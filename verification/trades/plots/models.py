"""Plots of what the exit model makes of the trades, with a plain recipe and with a tuned one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from verification.report.parts import (
    MissingDataError,
    Panel,
    Plot,
    Table,
    Trace,
    draw_intervals,
    format_number,
    get_rows,
    get_value,
    is_number,
    make_band,
    make_line,
    say_interval,
    span_range,
)

Metrics = Mapping[str, Any]
HELD_OUT = "held-out gold"
TRAINED = (("gold", "gold", "circle"), ("synthetic", "synthetic", "diamond"))


def draw_reliability(metrics: Metrics) -> Plot:
    """Draw told chances against what happened, for models trained on gold and on synthetic trades."""
    data: list[Trace] = [make_line([0, 1], [0, 1], "@soft", "", line={"width": 1, "dash": "dot"}, hoverinfo="skip")]
    shown, furthest = [], (0.0, "")
    for name, colour, symbol in TRAINED:
        bins = [
            each
            for each in _find_training(metrics, name).get("curve") or []
            if isinstance(each, list | tuple) and len(each) == 3 and all(map(is_number, each))
        ]
        if bins:
            told, reached, counts = (list(values) for values in zip(*bins, strict=True))
            hover = f"trained on {name}<br>told %{{x:.0%}}, came true %{{y:.0%}}<br>%{{customdata}} trades"
            data.append(
                make_line(
                    told,
                    reached,
                    f"@{colour}",
                    hover,
                    mode="lines+markers",
                    customdata=counts,
                    marker={"size": 9, "symbol": symbol, "color": f"@{colour}"},
                )
            )
            shown.append((f"trained on {name}", colour, "dot"))
            furthest = max(furthest, *((abs(x - y), name) for x, y, _ in bins))
    if "synthetic" not in [colour for _, colour, _ in shown]:
        raise MissingDataError("Left out: no model trained on synthetic trades told chances of held-out gold.")
    axis = {"range": [-0.02, 1.02], "tickformat": ".0%", "dtick": 0.25}
    layout = {
        "height": 320,
        "xaxis": {**axis, "title": {"text": "chance told"}},
        "yaxis": {**axis, "title": {"text": "came true"}},
    }
    return Plot(
        "reliability",
        "Reliability on held-out gold",
        "On the dotted diagonal a told chance comes true as often as it says. Furthest off it, by "
        f"{100 * furthest[0]:.0f} points, is a bin of the model trained on {furthest[1]}.",
        (Panel(data, layout),),
        legend=tuple(shown),
    )


def draw_told_apart(metrics: Metrics) -> Plot:
    """Draw how far each training set lets a model tell trades apart."""
    rows = [
        (_name_training(each), each["told_apart"])
        for each in get_rows(metrics, "trained", "trainings")
        if is_number(get_value(each, "told_apart", "value"))
    ]
    if not rows:
        raise MissingDataError("Left out: no model was trained.")
    best = max(rows, key=lambda row: row[1]["value"])
    return Plot(
        "told-apart",
        "What a model learns from each",
        "Mean chance told to trades that reached the target less that told to those that did not: 0 knows nothing. "
        f"The most, {format_number(best[1]['value'], 2)}, is learned from {best[0]}.",
        (draw_intervals(rows, "chances told apart", colours=_colour_rows([label for label, _ in rows])),),
    )


def _colour_rows(labels: Sequence[str]) -> list[str]:
    return ["@gold" if label == "gold" else "@noise" if _is_noise(label) else "@synthetic" for label in labels]


def _name_training(training: Metrics) -> str:
    tested = str(training.get("tested_on"))
    return str(training.get("trained_on")) + ("" if tested == HELD_OUT else f", tested on {tested}")


def _is_noise(label: str) -> bool:
    return any(word in label.split(",", maxsplit=1)[0] for word in ("shuffled", "noise", "base rate", "permuted"))


def _find_training(metrics: Metrics, trained_on: str) -> Metrics:
    for each in get_rows(metrics, "trained", "trainings"):
        if each.get("trained_on") == trained_on:
            return each
    return {}


def draw_learning(metrics: Metrics) -> Plot:
    """Draw what the best recipe of each search tells apart, on its own held-back trades and on held-out gold."""
    curves = {name: get_rows(metrics, "tuned", "curves", name) for name, *_ in TRAINED}
    panels = [_draw_curve(name, colour, curves) for name, colour, _ in TRAINED]
    gap = get_value(metrics, "tuned", "gap")
    points = {end: _scale(get_value(gap, end)) for end in ("value", "low", "high")}
    said = f"it is {say_interval(points)} points more so than on gold; " if points["value"] is not None else ""
    return Plot(
        "learning",
        "Learning curves of the two tuned models",
        "Solid is held-out gold with its 95% band, dashed the model's own held-back trades. Solid that climbs on the "
        f"right as on the left is real learning; dashed far above solid is learning what real trades lack ({said}"
        f"read as: {get_value(metrics, 'tuned', 'reading') or 'cannot tell'}).",
        tuple(panels),
        (_list_searches(metrics),) if get_value(metrics, "tuned", "searches") else (),
        is_wide=True,
        legend=(("on held-out gold", "soft", "line"), ("on its own held-back trades", "soft", "dash")),
    )


def _draw_curve(name: str, colour: str, curves: Mapping[str, Sequence[Metrics]]) -> Panel:
    rungs = [rung for rung in curves[name] if is_number(rung.get("resource"))]
    steps = [rung["resource"] for rung in rungs]
    held, own = (
        {end: [_scale(get_value(rung, which, end)) for rung in rungs] for end in ("value", "low", "high")}
        for which in ("held_out", "own")
    )
    data = [
        *make_band(steps, held["low"], held["high"], f"@{colour}"),
        make_line(
            steps,
            held["value"],
            f"@{colour}",
            "%{x:,} trades<br>held-out gold %{y:.1f} points",
            mode="lines+markers",
            marker={"size": 8},
        ),
        make_line(
            steps,
            own["value"],
            f"@{colour}",
            "%{x:,} trades<br>own held-back %{y:.1f} points",
            line={"dash": "dash"},
            mode="lines+markers",
            marker={"size": 6, "symbol": "circle-open"},
        ),
    ]
    every = [rung for each in curves.values() for rung in each]
    ends = (("held_out", "low"), ("held_out", "high"), ("own", "value"))
    values = [_scale(get_value(rung, *path)) for rung in every for path in ends]
    resources = sorted({rung["resource"] for rung in every if is_number(rung.get("resource"))})
    layout = {
        "height": 300,
        "xaxis": {
            "type": "log",
            "tickvals": resources,
            "ticktext": [f"{each:,}" for each in resources],
            "range": [math.log10(max(resources[0], 1) * 0.8), math.log10(max(resources[-1], 1) * 1.25)],
            "title": {"text": "trades trained on"},
        },
        "yaxis": {
            "range": span_range([*values, 0.0]),
            "zeroline": True,
            "nticks": 6,
            "title": {"text": "chances told apart, points"},
        },
    }
    return Panel(data, layout, f"Tuned on {name}")


def _list_searches(metrics: Metrics) -> Table:
    head = ("Hyperband on", "trials", "stopped early", "trades trained on", "best log loss")
    searches = {name: get_value(metrics, "tuned", "searches", name) for name, *_ in TRAINED}
    keys = ("n_trials", "n_pruned", "spent", "best")
    return Table(
        "", head, [(name, *(format_number(get_value(each, key)) for key in keys)) for name, each in searches.items()]
    )


def _scale(value: object) -> float | None:
    return 100.0 * value if is_number(value) else None

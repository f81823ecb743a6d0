"""Plots of what the trades are like: copies and their nearest gold, exits given volatility."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from verification.report.parts import (
    UNKNOWN,
    MissingDataError,
    Panel,
    Plot,
    Table,
    Trace,
    draw_intervals,
    drop_minus_zero,
    escape_label,
    format_number,
    get_end,
    get_mapping,
    get_numbers,
    get_rows,
    get_value,
    is_number,
    keep_numbers,
    make_dots,
    make_line,
    span_range,
)
from verification.trades.plots.names import name_feature, name_short

Metrics = Mapping[str, Any]
DISTANCES = (
    ("to_train", "synthetic to gold it was shown", "synthetic", "solid"),
    ("to_holdout", "synthetic to held-out gold", "held", "dot"),
)
PAIRS = 5
NAMED, ROOM = 3, 0.14  # pairs that are named on the plot, and how far apart in height, as a share of the axis
EDGES = (0.3, 0.7)  # of the axis, beyond which a name has room on one side only
UTC_OFFSET = re.compile(r"(?<=:\d\d)(\.\d+)?[+-]\d\d:\d\d$")  # all times are the exchange's


def draw_distances(metrics: Metrics) -> Plot:
    """Draw how far synthetic trades are from the gold the generator saw, and from the gold it did not."""
    found = get_mapping(metrics, "distances")
    edges = keep_numbers(get_numbers(found, "edges"))
    counts = {name: keep_numbers(get_numbers(found, "counts", name)) for name, *_ in DISTANCES}
    if any(len(values) + 1 != len(edges) or sum(values) <= 0 for values in counts.values()):
        raise MissingDataError("Left out: the distances to the nearest gold trades were not counted.")
    data = []
    for name, said, colour, dash in DISTANCES:
        percents = [100.0 * count / sum(counts[name]) for count in counts[name]]
        line = make_line(
            edges, [*percents, percents[-1]], f"@{colour}", f"{said} %{{y:.1f}}%", line={"shape": "hv", "dash": dash}
        )
        data.append(line | ({"fill": "tozeroy", "fillcolor": f"@{colour}/0.22"} if dash == "solid" else {}))
    near = get_value(metrics, "near_distance")
    layout = {
        "height": 290,
        "hovermode": "x",
        "xaxis": {"title": {"text": "distance to the nearest, in spreads of the gold"}},
        "yaxis": {"ticksuffix": "%", "rangemode": "tozero", "nticks": 5},
        **_mark_near(near),
    }
    medians = [format_number(get_value(found, "medians", name)) for name, *_ in DISTANCES]
    marked = (
        "; left of the thin line lie distances that 1 in 20 gold trades have to each other" if is_number(near) else ""
    )
    return Plot(
        "distances",
        "Distance to the nearest gold trade",
        "Blue well to the left of the dotted line would be memory of what the generator was shown. "
        f"Medians: {medians[0]} and {medians[1]}{marked}.",
        (Panel(data, layout),),
        is_wide=True,
        legend=tuple((said, colour, "dash" if dash == "dot" else "line") for _, said, colour, dash in DISTANCES),
    )


def _mark_near(near: object) -> dict[str, Any]:
    if not is_number(near):
        return {}
    line = {"color": "@soft", "width": 1}
    return {"shapes": [{"type": "line", "x0": near, "x1": near, "y0": 0, "y1": 1, "yref": "paper", "line": line}]}


def draw_pairs(metrics: Metrics) -> Plot:
    """Set the nearest pairs of a synthetic and a gold trade side by side."""
    pairs = get_rows(metrics, "pairs")[:PAIRS]
    tables = []
    for place, pair in enumerate(pairs, start=1):
        made, gold = get_mapping(pair, "synthetic"), get_mapping(pair, "train")
        names = [str(name) for name in made]
        rows = [(name_feature(name), *(_show(side.get(name)) for side in (made, gold))) for name in names]
        equal = frozenset(row for row, name in enumerate(names) if made.get(name) == gold.get(name))
        exact = ", exact copy" if pair.get("is_exact") is True else ""
        title = f"{place}. distance {format_number(pair.get('distance'))}{exact}"
        tables.append(Table(title, ("", "synthetic", "gold"), rows, equal))
    return Plot(
        "pairs",
        "Nearest pairs",
        f"The {len(tables)} synthetic trades that lie closest to a gold trade, each beside it. What agrees to the last "
        "digit is in bold: a copy has all its numbers so, a mere neighbour none.",
        tables=tuple(tables),
        is_wide=True,
    )


def _show(value: object) -> str:
    if is_number(value):
        return drop_minus_zero(f"{value:.4f}".rstrip("0").rstrip("."))
    return UTC_OFFSET.sub("", str(UNKNOWN if value is None else value))


def draw_correlations(metrics: Metrics) -> Plot:
    """Draw each pair of features' correlation on synthetic trades against that on gold."""
    known = [
        each
        for each in get_rows(metrics, "pairs")
        if is_number(each.get("gold")) and is_number(each.get("synthetic")) and isinstance(each.get("pair"), list)
    ]
    if not known:
        raise MissingDataError("Left out: no pair of features varies on both sides.")
    gold, made = ([float(each[side]) for each in known] for side in ("gold", "synthetic"))
    texts = [" and<br>".join(escape_label(name_short(name)) for name in each["pair"]) for each in known]
    ends = span_range([*gold, *made, -0.1, 0.1], 0.08)
    data: list[Trace] = [
        make_line(ends, ends, "@soft", "", line={"width": 1, "dash": "dot"}, hoverinfo="skip"),
        make_dots(
            gold,
            made,
            "@synthetic",
            "%{text}<br>gold %{x:.2f}, synthetic %{y:.2f}",
            text=texts,
            marker={"size": 9, "opacity": 0.75},
        ),
    ]
    axis = {"range": ends, "nticks": 6, "zeroline": True}
    layout = {
        "height": 310,
        "xaxis": {**axis, "title": {"text": "rank correlation, gold"}},
        "yaxis": {**axis, "title": {"text": "synthetic"}},
        "annotations": name_worst(list(zip(gold, made, texts, strict=True)), ends),
    }
    apart = max(known, key=lambda each: abs(each["gold"] - each["synthetic"]))
    return Plot(
        "correlations",
        "Correlations of features",
        "Each dot is a pair of features; on the dotted line both agree. Furthest "
        f"apart: {' and '.join(map(name_short, apart['pair']))}, "
        f"{format_number(apart['gold'], 2)} in gold, {format_number(apart['synthetic'], 2)} in synthetic trades.",
        (Panel(data, layout),),
    )


def name_worst(dots: Sequence[tuple[float, float, str]], ends: Sequence[float]) -> list[dict[str, Any]]:
    """Name the dots that lie furthest from the line on which both sides agree, as far as there is room for a name.

    Args:
        dots: Gold's and the synthetic trades' value of each, and its name.
        ends: Of both axes.
    """
    named: list[tuple[float, float, str]] = []
    for dot in sorted(dots, key=lambda dot: -abs(dot[0] - dot[1])):
        if len(named) < NAMED and all(abs(dot[1] - other[1]) > ROOM * (ends[1] - ends[0]) for other in named):
            named.append(dot)
    return [_note(dot, ends) for dot in named]


def _note(dot: tuple[float, float, str], ends: Sequence[float]) -> dict[str, Any]:
    """Write a dot's name beside it, on the side that is off the line, or, near an edge, on the one with room."""
    x, y, text = dot
    place = (x - ends[0]) / (ends[1] - ends[0])
    side, shift = ("right", -8) if (place > EDGES[0] and y > x) or place > EDGES[1] else ("left", 8)
    return {
        "x": x,
        "y": y,
        "text": text,
        "showarrow": False,
        "xanchor": side,
        "align": side,
        "xshift": shift,
        "font": {"size": 11},
    }


def draw_structure(metrics: Metrics) -> Plot:
    """Draw how much of what gold has and noise lacks the synthetic trades have."""
    rows = [
        (f"against {str(name).replace('_', ' ')}", place)
        for name, place in get_mapping(metrics, "structure").items()
        if is_number(get_value(place, "value"))
    ]
    if not rows:
        raise MissingDataError("Left out: gold cannot surely be told from noise at this size.")
    panel = draw_intervals(rows, "place on the scale", tickvals=[0, 0.5, 1], ticktext=["0 noise", "½", "1 real"])
    line = {"color": "@gold/0.8", "width": 1}
    panel.layout["shapes"] += [{**panel.layout["shapes"][0], "x0": 1, "x1": 1, "line": line}]
    ends = [get_end(place, end) for _, place in rows for end in ("value", "low", "high")]
    panel.layout["xaxis"]["range"] = span_range([*ends, -0.1, 1.15])
    return Plot(
        "structure",
        "Structure",
        "A classifier that learned to tell gold from noise, and never saw a synthetic trade, takes "
        "the synthetic ones for noise at 0 and for gold at 1.",
        (panel,),
    )

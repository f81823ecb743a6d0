"""Plots of what bars say: indicators at the entry, and price paths around it."""

from collections.abc import Mapping, Sequence
from typing import Any

from verification.answers import CANNOT_TELL
from verification.report.parts import (
    MissingDataError,
    Panel,
    Plot,
    Trace,
    escape_label,
    format_number,
    get_end,
    get_list,
    get_numbers,
    get_rows,
    get_value,
    is_number,
    keep_numbers,
    make_dots,
    make_line,
    make_whiskers,
    say_interval,
    span_range,
)

Metrics = Mapping[str, Any]
COMPACT_ROW = 25  # pixels of a row whose label stands beside it
MOST_RATIO = 3.0  # times the line, beyond which a gate is drawn at the edge


def draw_indicators(metrics: Metrics) -> Plot:
    """Draw how far each indicator's distribution is from the gold's, against chance."""
    rows = [row for row in get_rows(metrics, "indicators") if get_end(row.get("distance"), "value") is not None]
    if not rows:
        raise MissingDataError("Left out: no indicator is known on both sides.")
    rows.sort(key=lambda row: get_end(row.get("distance"), "value") or 0.0, reverse=True)
    return Plot(
        "indicators",
        "Indicators at the entry",
        "How far each indicator's distribution is from the gold's: 0 is the same, 1 "
        f"has nothing in common. Dots within the amber band are as near as gold is to itself. "
        f"{_tell_indicators(metrics, rows)}",
        (_draw_distances(rows),),
        is_wide=True,
        legend=(
            ("synthetic, with its 95% interval", "synthetic", "dot"),
            ("differs beyond chance", "copies", "dot"),
            ("gold against gold", "gold", "band"),
        ),
    )


def _draw_distances(rows: Sequence[Metrics]) -> Panel:
    ends = {
        part: [[get_end(row.get(part), end) for row in rows] for end in ("value", "low", "high")]
        for part in ("distance", "floor")
    }
    texts = [
        f"{escape_label(row.get('indicator'))}<br>distance {say_interval(row.get('distance'))}<br>"
        f"by chance {say_interval(row.get('floor'))}<br>p = {format_number(row.get('p_value'), 2)}"
        for row in rows
    ]
    differs = [row.get("differs") is True for row in rows]
    marker = {
        "size": 9,
        "symbol": ["diamond" if each else "circle" for each in differs],
        "color": ["@copies" if each else "@synthetic" for each in differs],
    }
    heights = [-place for place in range(len(rows))]
    data: list[Trace] = [
        make_whiskers(ends["floor"][1], ends["floor"][2], "@gold/0.4", 9),
        make_whiskers(ends["distance"][1], ends["distance"][2], "@synthetic", 2),
        make_dots(ends["distance"][0], heights, "@synthetic", "%{text}", text=texts, marker=marker),
    ]
    reach = span_range([0.0, *(value for part in ends.values() for end in part for value in end)])
    layout = make_compact_layout(
        [str(row.get("indicator")).replace("_", " ") for row in rows],
        xaxis={"range": [-0.01, reach[1]], "title": {"text": "Kolmogorov-Smirnov distance"}, "nticks": 6},
    )
    return Panel(data, layout)


def _tell_indicators(metrics: Metrics, rows: Sequence[Metrics]) -> str:
    found = [str(row.get("indicator")) for row in rows if row.get("differs") is True]
    told = [
        f"{len(found)} of {len(rows)} differ beyond chance: {', '.join(found)}."
        if found
        else f"None of the {len(rows)} differs beyond chance."
    ]
    percent = [row for row in rows if str(row.get("unit") or "").startswith("percent")]
    if percent:
        told.append(f"The {len(percent)} in dollars are taken in percent of the entry price.")
    listed = get_value(metrics, "not_compared")
    left = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    if left:
        told.append(f"Not compared: {', '.join('{indicator} ({why})'.format_map(each) for each in left)}.")
    return " ".join(told)


def draw_gates(metrics: Metrics) -> Plot:
    """Draw what each of FinVal's gates measures, as a multiple of its line, for synthetic and for gold paths."""
    rows = [
        row
        for row in get_rows(metrics, "gates")
        if is_number(row.get("value")) and is_number(row.get("threshold")) and row["threshold"] > 0
    ]
    if not rows:
        raise MissingDataError("Left out: there were too few whole paths for any gate.")
    counting = [row for row in rows if not _is_idle(row)]
    passed = sum(row["value"] <= row["threshold"] for row in counting)
    idle: dict[str, list[str]] = {}
    for row in rows:
        if _is_idle(row):
            idle.setdefault(str(row.get("why") or "").rstrip("."), []).append(str(row.get("gate")).replace("_", " "))
    grey = "; ".join(f"{', '.join(names)}{f' ({why})' if why else ''}" for why, names in idle.items())
    return Plot(
        "gates",
        "FinVal's gates",
        f"A gate is passed left of the thin line at 1; {passed} of the {len(counting)} that count are."
        + (f" Grey rings do not count: {grey}." if grey else ""),
        (_draw_ratios(rows),),
        legend=(
            ("synthetic paths", "synthetic", "dot"),
            *([("does not count", "faint", "ring")] if grey else []),
            ("halves of the gold", "gold", "line"),
        ),
    )


def _is_idle(gate: Metrics) -> bool:
    return gate.get("verdict") == CANNOT_TELL


def _draw_ratios(rows: Sequence[Metrics]) -> Panel:
    ratios = [row["value"] / row["threshold"] for row in rows]
    gold = [
        (value / row["threshold"], -place)
        for place, row in enumerate(rows)
        for value in row.get("gold_values") or []
        if is_number(value)
    ]
    texts = [
        f"{escape_label(row.get('gate'))}<br>{format_number(row['value'])}, line {format_number(row['threshold'])}"
        f"<br>{escape_label(row.get('why') or row.get('verdict'), 70)}"
        for row in rows
    ]
    colours = ["@faint" if _is_idle(row) else "@synthetic" for row in rows]
    symbols = [
        "circle-open" if _is_idle(row) or ratio > MOST_RATIO else "circle"
        for row, ratio in zip(rows, ratios, strict=True)
    ]
    gold_mark = {"symbol": "line-ns", "size": 9, "line": {"width": 2, "color": "@gold"}}
    data = [
        make_dots(
            [min(ratio, MOST_RATIO) for ratio, _ in gold],
            [place for _, place in gold],
            "@gold/0.6",
            "gold against gold",
            marker=gold_mark,
        ),
        make_dots(
            [min(ratio, MOST_RATIO) for ratio in ratios],
            [-place for place in range(len(rows))],
            "@synthetic",
            "%{text}",
            text=texts,
            marker={"size": 10, "symbol": symbols, "color": colours, "line": {"width": 2, "color": colours}},
        ),
    ]
    line = {"color": "@soft", "width": 1}
    layout = make_compact_layout(
        [str(row.get("gate")).replace("_", " ") for row in rows],
        xaxis={"range": [-0.1, MOST_RATIO + 0.1], "title": {"text": "times FinVal's line"}, "dtick": 1},
        shapes=[{"type": "line", "x0": 1, "x1": 1, "y0": 0, "y1": 1, "yref": "paper", "line": line}],
    )
    return Panel(data, layout)


def draw_paths(metrics: Metrics) -> Plot:
    """Draw a few price paths around their entries, gold and synthetic on the same axes."""
    paths = {
        name: [get_numbers({name: path}, name) for path in get_list(metrics, "shown", name)]
        for name in ("gold", "synthetic")
    }
    before = get_value(metrics, "minutes_before")
    start = int(before) if is_number(before) else 0
    moved = {name: [_start_at_entry(path, start) for path in each] for name, each in paths.items()}
    reach = span_range(value for each in moved.values() for path in each for value in path)
    panels = []
    for name, each in moved.items():
        data = [
            make_line(
                [minute + 1 - start for minute in range(len(path))],
                path,
                f"@{name}",
                "minute %{x}: %{y:.2f}%",
                line={"width": 1.4},
                opacity=0.8,
            )
            for path in each
        ]
        layout = {
            "height": 230,
            "margin": {"l": 42, "r": 8, "t": 8, "b": 40},
            "xaxis": {"title": {"text": "minutes from the entry"}, "nticks": 6, "zeroline": True},
            "yaxis": {"range": reach, "nticks": 5, "ticksuffix": "%"},
        }
        panels.append(Panel(data, layout, f"{name.capitalize()}, {len(each)} paths"))
    return Plot(
        "paths",
        "Price paths around the entry",
        "Percent in the trade's direction, drawn from the entry. Both sides should be "
        "as rough and go as far: look for steps, flat stretches and jumps that the other side lacks.",
        tuple(panels),
        least_width=20,
    )


def _start_at_entry(path: Sequence[float | None], start: int) -> list[float | None]:
    origin = next(iter(keep_numbers(path[max(start - 1, 0) :])), 0.0)
    return [None if value is None else value - origin for value in path]


def make_compact_layout(labels: Sequence[str], **more: Any) -> dict[str, Any]:
    """Lay out one low row per label, the first on top at y = 0, -1, ...; each label stands beside its row."""
    return {
        "height": COMPACT_ROW * len(labels) + 56,
        "margin": {"l": 8, "r": 14, "t": 4, "b": 46},
        "yaxis": {
            "tickvals": [-place for place in range(len(labels))],
            "ticktext": [escape_label(label, 24) for label in labels],
            "range": [-len(labels) + 0.4, 0.6],
        },
        **more,
    }

"""Plots that belong to no one question: the scale of all scores, distributions, volatility against exits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from verification.report.parts import (
    MissingDataError,
    Panel,
    Plot,
    Trace,
    drop_minus_zero,
    escape_label,
    format_number,
    get_mapping,
    get_numbers,
    get_value,
    is_number,
    keep_numbers,
    make_dots,
    make_line,
    make_rows_layout,
    make_whiskers,
    span_range,
)
from verification.trades.features import SKEWED
from verification.trades.plots.names import make_clock_ticks, make_log_axis, name_feature, name_short

Metrics = Mapping[str, Any]
SCORE_PARTS = {"name", "value", "floor", "noise", "position"}
WIDEST_PLACE = 2.0  # of an interval on the scale; beyond it noise and real are both within
SCALE_ENDS = (-1.0, 2.0)  # of the scale's axis; what lies beyond is drawn at its end, and its numbers say where
PARTS = (("gold", "gold", "solid"), ("held_out", "held", "dot"), ("synthetic", "synthetic", "solid"))
PLAIN = {
    "classifier AUC": "told from gold by a classifier (AUC)",
    "rows lost to likeness": "trades too alike to count twice",
    "gold not covered": "gold trades with no synthetic one near",
}  # scores by their name in the metrics, in words
PART_NAMES = {"gold": "gold", "held_out": "held-out gold", "synthetic": "synthetic"}


def draw_scale(metrics: Metrics) -> Plot:
    """Draw every score as a position between noise (0) and gold against gold (1)."""
    found = sorted(find_scores(get_value(metrics, "answers")), key=_get_position, reverse=True)
    scores = [score for score in found if not _is_vague(score)]
    vague = [_name_score(score) for score in found if _is_vague(score)]
    if not scores:
        raise MissingDataError("Left out: no question has a score whose place between noise and gold is known.")
    low, high = _clip_ends(scores)
    floors, noises = [_place_ends(each, "floor") for each in scores], [_place_ends(each, "noise") for each in scores]
    positions = [[_clip(get_value(each, "position", end), low, high) for end in ("low", "high")] for each in scores]
    is_beyond = any(not low <= _get_position(each) <= high for each in scores)
    layout = make_rows_layout(
        [_capitalise(_name_score(each)) for each in scores],
        xaxis={
            "range": [low, high],
            "tickvals": [0, 0.5, 1],
            "ticktext": ["0 noise", "½", "1 real"],
            "title": {"text": "place on the scale"},
        },
        shapes=[_rule_at(0, "@noise"), _rule_at(1, "@gold")],
    )
    data = [
        make_whiskers(*_split_ends(noises, low, high), "@noise/0.35", 11),
        make_whiskers(*_split_ends(floors, low, high), "@gold/0.4", 11),
        make_whiskers([ends[0] for ends in positions], [ends[1] for ends in positions], "@synthetic", 3),
        _draw_positions(scores, low, high),
    ]
    return Plot(
        "scale",
        "Every distance on one scale",
        _tell_scale(scores, floors, vague),
        (Panel(data, layout),),
        is_wide=True,
        legend=(
            ("synthetic, with its 95% interval", "synthetic", "dot"),
            *([("beyond the edge", "synthetic", "ring")] if is_beyond else []),
            ("gold against gold", "gold", "band"),
            ("noise against gold", "noise", "band"),
        ),
    )


def find_scores(value: object) -> Iterator[Metrics]:
    """Find every score with a known position, however deep the answers keep it."""
    if isinstance(value, Mapping):
        if value.keys() >= SCORE_PARTS and is_number(get_value(value, "position", "value")):
            yield value
            return
        for each in value.values():
            yield from find_scores(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from find_scores(each)


def _name_score(score: Metrics) -> str:
    name = str(score["name"])
    return PLAIN.get(name, name)


def _say_place(position: float) -> str:
    return drop_minus_zero(f"{position:.2f}")


def _is_vague(score: Metrics) -> bool:
    ends = [get_value(score, "position", end) for end in ("low", "high")]
    return all(map(is_number, ends)) and ends[1] - ends[0] > WIDEST_PLACE


def _tell_scale(
    scores: Sequence[Metrics], floors: Sequence[tuple[float | None, float | None]], vague: Sequence[str]
) -> str:
    reach = sum(
        1
        for score, (least, _) in zip(scores, floors, strict=True)
        if least is not None and (get_value(score, "position", "high") or _get_position(score)) >= least
    )
    last = scores[-1]
    more = f" Not shown, for the interval holds noise and real alike: {', '.join(vague)}." if vague else ""
    return (
        "0 is as far from gold as noise, 1 as near as gold is to itself. "
        f"{reach} of {len(scores)} intervals reach the amber band of gold against gold; "
        f"the furthest from gold is {_name_score(last)}, at {_say_place(_get_position(last))}.{more}"
    )


def _draw_positions(scores: Sequence[Metrics], low: float, high: float) -> Trace:
    positions = [_get_position(score) for score in scores]
    is_inside = [low <= position <= high for position in positions]
    texts = [
        f"<b>{escape_label(_name_score(score))}</b><br>place {_say_place(position)} "
        f"[{_say(score, 'position', 'low')}, {_say(score, 'position', 'high')}]<br>"
        f"distance {_say(score, 'value', 'value')}, gold to gold {_say(score, 'floor', 'value')}, "
        f"noise {_say(score, 'noise', 'value')}<br>noise is {escape_label(score.get('noise_is') or 'unknown')}"
        for score, position in zip(scores, positions, strict=True)
    ]
    symbols = ["circle" if inside else "circle-open" for inside in is_inside]
    return make_dots(
        [_clip(position, low, high) for position in positions],
        [-place for place in range(len(scores))],
        "@synthetic",
        "%{text}",
        text=texts,
        marker={"size": 12, "symbol": symbols, "line": {"width": 2.5, "color": "@synthetic"}},
    )


def _clip_ends(scores: Sequence[Metrics]) -> tuple[float, float]:
    ends = keep_numbers([get_value(score, "position", end) for score in scores for end in ("value", "low", "high")])
    known = [end for end in ends if is_number(end)]
    return max(min(-0.3, *known), SCALE_ENDS[0]) - 0.08, min(max(1.3, *known), SCALE_ENDS[1]) + 0.08


def _place_ends(score: Metrics, end: str) -> tuple[float | None, float | None]:
    """Place the interval of an end of the scale on the scale: (noise - distance) / (noise - floor)."""
    noise, floor = get_value(score, "noise", "value"), get_value(score, "floor", "value")
    near, far = get_value(score, end, "low"), get_value(score, end, "high")
    if not all(is_number(value) for value in (noise, floor, near, far)) or noise == floor:
        return None, None
    return (noise - far) / (noise - floor), (noise - near) / (noise - floor)


def _split_ends(
    ends: Sequence[tuple[float | None, float | None]], low: float, high: float
) -> tuple[list[float | None], list[float | None]]:
    return [_clip(each[0], low, high) for each in ends], [_clip(each[1], low, high) for each in ends]


def _rule_at(x: float, colour: str) -> dict[str, Any]:
    line = {"color": f"{colour}/0.8", "width": 1}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}


def _get_position(score: Metrics) -> float:
    return float(get_value(score, "position", "value"))


def _say(score: Metrics, *path: str) -> str:
    return format_number(get_value(score, *path))


def _clip(value: object, low: float, high: float) -> float | None:
    return min(max(float(value), low), high) if is_number(value) else None


def draw_distributions(metrics: Metrics) -> Plot:
    """Draw each feature's histogram for gold, held-out gold and synthetic trades."""
    features = get_mapping(metrics, "plots", "distributions")
    panels: list[Panel] = []
    gaps: dict[str, float] = {}
    shown: set[str] = set()
    for feature, binned in features.items():
        edges = keep_numbers(get_numbers(binned, "bins"))
        shares = {name: get_value(binned, name) for name, _, _ in PARTS}
        known = {name: found for name, found in shares.items() if isinstance(found, list) and found}
        if not {"gold", "synthetic"} <= known.keys() or any(len(found) + 1 != len(edges) for found in known.values()):
            continue
        shown |= known.keys()
        draw = _draw_sides if feature == "is_short" else _draw_histogram
        is_set = feature in (get_value(metrics, "run", "controlled") or [])
        panels.append(replace(draw(feature, edges, known), is_set=is_set))
        gaps[feature] = 0.5 * sum(abs(a - b) for a, b in zip(known["gold"], known["synthetic"], strict=True))
    if not panels:
        raise MissingDataError("Left out: there are no shares of gold and synthetic trades to compare.")
    chosen = [feature for feature in gaps if feature in (get_value(metrics, "run", "controlled") or [])]
    widest = max(
        (feature for feature in gaps if feature not in chosen), key=lambda each: gaps[each], default=next(iter(gaps))
    )
    told = f" Set by controls, not by the gold: {', '.join(map(name_short, chosen))}." if chosen else ""
    return Plot(
        "distributions",
        "Distributions",
        "Blue should fill what the amber line encloses. The two share least in "
        f"{name_short(widest)}: {100 * gaps[widest]:.0f}% of the trades would have to move.{told} "
        "The outermost bins hold everything beyond them.",
        tuple(panels),
        is_wide=True,
        least_width=15,
        legend=tuple(
            (PART_NAMES[name], colour, "dash" if dash == "dot" else "line")
            for name, colour, dash in PARTS
            if name in shown
        ),
    )


def _draw_histogram(feature: str, edges: Sequence[float], shares: Mapping[str, list[float]]) -> Panel:
    data = []
    for name, colour, dash in (PARTS[2], *PARTS[:2]):
        if name in shares:
            percents = [100.0 * share for share in shares[name]]
            line = {"shape": "hv", "width": 2 if dash == "solid" else 1.5, "dash": dash}
            fill = {"fill": "tozeroy", "fillcolor": f"{colour}/0.22"} if name == "synthetic" else {}
            hover = f"{PART_NAMES[name]} %{{y:.1f}}%"
            data.append(make_line(edges, [*percents, percents[-1]], f"@{colour}", hover, line=line, **fill))
            if fill:
                data[-1]["fillcolor"] = f"@{colour}/0.22"
    axis: dict[str, Any] = {"range": [edges[0], edges[-1]], "nticks": 6}
    if feature in SKEWED and edges[0] > 0.0:
        axis |= make_log_axis(edges[0], edges[-1])
    if feature == "entry_minute":
        axis |= make_clock_ticks(edges[0], edges[-1])
    layout = {
        "height": 190,
        "margin": {"l": 34, "r": 14, "t": 8, "b": 30},
        "xaxis": axis,
        "hovermode": "x",
        "yaxis": {"rangemode": "tozero", "nticks": 4, "ticksuffix": "%"},
    }
    return Panel(data, layout, _capitalise(name_feature(feature)))


def _draw_sides(feature: str, _: Sequence[float], shares: Mapping[str, list[float]]) -> Panel:
    """Draw the share of buys, in the first bin, and of shorts, in the last."""
    data = [
        {
            "type": "bar",
            "x": [0, 1],
            "y": [100.0 * shares[name][0], 100.0 * shares[name][-1]],
            "marker": {"color": f"@{colour}/{0.45 if dash == 'dot' else 0.8}"},
            "hovertemplate": f"{PART_NAMES[name]} %{{y:.1f}}%<extra></extra>",
        }
        for name, colour, dash in PARTS
        if name in shares
    ]
    layout = {
        "height": 190,
        "margin": {"l": 34, "r": 14, "t": 8, "b": 30},
        "bargap": 0.35,
        "xaxis": {"tickvals": [0, 1], "ticktext": ["buy", "short"], "showgrid": False},
        "yaxis": {"rangemode": "tozero", "nticks": 4, "ticksuffix": "%"},
    }
    return Panel(data, layout, _capitalise(name_feature(feature)))


def draw_volatility_exits(metrics: Metrics) -> Plot:
    """Draw best and worst exit against volatility, gold and synthetic side by side on the same axes."""
    parts = get_mapping(metrics, "plots", "volatility_exits")
    columns = {
        name: {
            column: get_numbers(parts, name, f"{column}_percent")
            for column in ("entry_volatility", "best_exit", "worst_exit")
        }
        for name in ("gold", "synthetic")
    }
    shown = [value for each in columns.values() for value in _trim(each["entry_volatility"]) if value > 0.0]
    x = (min(shown, default=0.1) / 1.05, max(shown, default=1.0) * 1.05)
    y = span_range(
        [value for each in columns.values() for end in ("best_exit", "worst_exit") for value in _trim(each[end])]
    )
    panels = []
    for name, each in columns.items():
        data = [
            make_dots(
                each["entry_volatility"],
                each[f"{end}_exit"],
                f"@{name}",
                f"volatility %{{x:.2f}}%<br>{end} exit %{{y:.2f}}%",
                marker={"size": 5, "opacity": 0.5, "symbol": symbol},
            )
            for end, symbol in (("best", "circle"), ("worst", "circle-open"))
        ]
        layout = {
            "height": 300,
            "margin": {"l": 44, "r": 10, "t": 8, "b": 44},
            "xaxis": {"title": {"text": "volatility at entry, %"}, **make_log_axis(*x)},
            "yaxis": {"range": y, "title": {"text": "exit, %"}, "zeroline": True, "nticks": 7},
        }
        panels.append(Panel(data, layout, f"{_capitalise(name)}, {len(each['entry_volatility']):,} trades shown"))
    return Plot(
        "volatility-exits",
        "Volatility against exits",
        "The two clouds should open alike: the more volatile the entry, the further the best exit lies above zero "
        "and the worst below. The outermost 1% of the trades lie beyond the axes.",
        tuple(panels),
        is_wide=True,
        legend=(("best exit, filled", "soft", "dot"), ("worst exit, open", "soft", "ring")),
    )


def _trim(values: Sequence[float | None]) -> list[float]:
    """Leave out the outermost 1%, which would squeeze all others."""
    known = sorted(keep_numbers(values))
    cut = int(0.005 * len(known))
    return known[cut : len(known) - cut]


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]

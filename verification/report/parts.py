"""What plots are made of: panels for Plotly, colours by name, labels that cannot be markup, readers of metrics."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

UNKNOWN = "\u2013"  # a dash for what is not known
LONGEST_LABEL = 44  # characters that fit above a row on a phone
SMALLEST = 1e-12  # what arithmetic leaves of 0
ROW_HEIGHT = 48  # pixels of a row with its label above it

Trace = dict[str, Any]
MINUS_ZERO = re.compile(r"(?<![\w.])-0(?:\.0+)?(?![\w.]*\d)")


class MissingDataError(Exception):
    """A plot's data is not there; the message says why, as a sentence of the report."""


@dataclass(frozen=True)
class Panel:
    """One Plotly figure: `data` and `layout` as Plotly has them; a colour `@name` or `@name/opacity` is the page's.

    One that `is_set` shows what the run's controls set, and is greyed.
    """

    data: list[Trace]
    layout: dict[str, Any]
    title: str = ""
    is_set: bool = False


@dataclass(frozen=True)
class Table:
    """A small table: `head` names the columns, the first cell of a row names the row; `equal` marks rows."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    equal: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Plot:
    """One or more panels or tables under one title; `sentence` says what to see, or why there is nothing to see.

    `legend` are (label, colour, mark) with mark one of line, dash, dot, ring, band. `least_width` of a panel is in rem:
    as many stand beside each other as there is room for.
    """

    key: str
    title: str
    sentence: str
    panels: tuple[Panel, ...] = ()
    tables: tuple[Table, ...] = ()
    legend: tuple[tuple[str, str, str], ...] = ()
    is_wide: bool = False
    least_width: int = 18

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but the sentence."""
        return not self.panels and not self.tables


def escape_label(value: object, longest: int = LONGEST_LABEL) -> str:
    """Return text for a Plotly label: on one line, cut to `longest`, with no markup that Plotly would obey."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in str(value)).split())
    text = text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def format_number(value: object, digits: int = 3) -> str:
    """Return a number in few digits, thousands with commas; a dash where it is unknown."""
    if not is_number(value):
        return UNKNOWN
    number = float(value)
    if abs(number) < SMALLEST:
        return "0"
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    if abs(number) >= 1000.0:
        return f"{number:,.0f}"
    return f"{number:.{digits}g}" if abs(number) >= 1e-4 else f"{number:.1e}"


def drop_minus_zero(text: str) -> str:
    """Write every number that was rounded to -0 as 0."""
    return MINUS_ZERO.sub("0", text)


def format_count(value: object) -> str:
    """Return a count in at most five signs: 950, 12k, 3.4M; a dash where it is unknown."""
    if not is_number(value):
        return UNKNOWN
    number = float(value)
    for unit, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= 0.9995 * unit:
            return f"{number / unit:.{1 if number < 9.95 * unit else 0}f}{sign}"
    return format_number(number, 2) if abs(number) < 10.0 else f"{number:,.0f}"


def is_number(value: object) -> TypeGuard[float]:
    """Whether this is a finite number, and no Boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def get_mapping(source: object, *path: str) -> Mapping[str, Any]:
    """Follow keys to a mapping with something in it.

    Raises:
        MissingDataError: a key is missing or holds nothing.
    """
    found = get_value(source, *path)
    if not isinstance(found, Mapping) or not found:
        raise MissingDataError(_say_missing(path))
    return found


def get_list(source: object, *path: str) -> list[Any]:
    """Follow keys to a list with something in it.

    Raises:
        MissingDataError: a key is missing or holds nothing.
    """
    found = get_value(source, *path)
    if not isinstance(found, Sequence) or isinstance(found, str) or not found:
        raise MissingDataError(_say_missing(path))
    return list(found)


def get_numbers(source: object, *path: str) -> list[float | None]:
    """Follow keys to a list with at least one number; what is no number is None.

    Raises:
        MissingDataError: a key is missing, or there is no number.
    """
    numbers = [float(value) if is_number(value) else None for value in get_list(source, *path)]
    if all(number is None for number in numbers):
        raise MissingDataError(_say_missing(path))
    return numbers


def get_rows(source: object, *path: str) -> list[Mapping[str, Any]]:
    """Follow keys to a list of mappings, leaving out what is none.

    Raises:
        MissingDataError: a key is missing, or no mapping is there.
    """
    rows = [row for row in get_list(source, *path) if isinstance(row, Mapping) and row]
    if not rows:
        raise MissingDataError(_say_missing(path))
    return rows


def get_value(source: object, *path: str) -> Any:
    """Follow keys; None where one is missing."""
    for key in path:
        source = source.get(key) if isinstance(source, Mapping) else None
    return source


def keep_numbers(values: Iterable[float | None]) -> list[float]:
    """Leave out what is unknown."""
    return [value for value in values if value is not None]


def _say_missing(path: tuple[str, ...]) -> str:
    what = " ".join(path).replace("_", " ")
    return f"Left out: the metrics hold no {what}." if what else "Left out: the metrics hold nothing for it."


def make_rows_layout(labels: Sequence[str], *, height: int = ROW_HEIGHT, **more: Any) -> dict[str, Any]:
    """Lay out one row per label, the first on top at y = 0, -1, ...; each label stands above its row."""
    notes = [
        {
            "text": escape_label(label),
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": -place,
            "yshift": round(height * 0.37),
            "showarrow": False,
            "align": "left",
            "xshift": -6,
        }
        for place, label in enumerate(labels)
    ]
    return {
        "height": height * len(labels) + 54,
        "margin": {"l": 6, "r": 16, "t": 4, "b": 46},
        "yaxis": {"visible": False, "range": [-len(labels) + 0.62, 0.66]},
        "annotations": notes,
        **more,
    }


def make_whiskers(lows: Sequence[float | None], highs: Sequence[float | None], colour: str, width: float = 2) -> Trace:
    """Make one horizontal line per row from low to high; rows where either is unknown have none."""
    x: list[float | None] = []
    y: list[float | None] = []
    for place, (low, high) in enumerate(zip(lows, highs, strict=True)):
        if low is not None and high is not None:
            x += [low, high, None]
            y += [-place, -place, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": colour, "width": width},
        "hoverinfo": "skip",
    }


def make_band(x: Sequence[Any], low: Sequence[Any], high: Sequence[Any], colour: str) -> list[Trace]:
    """Make a filled band between two lines, where all three are known."""
    known = [each for each in zip(x, low, high, strict=False) if all(is_number(value) for value in each)]
    if len(known) < 2:
        return []
    xs, lows, highs = (list(values) for values in zip(*known, strict=True))
    outline = {
        "x": xs + xs[::-1],
        "y": highs + lows[::-1],
        "fill": "toself",
        "fillcolor": f"{colour}/0.18",
        "line": {"width": 0, "color": f"{colour}/0"},
    }
    return [{"type": "scatter", "mode": "lines", "hoverinfo": "skip", **outline}]


def make_line(x: Sequence[Any], y: Sequence[Any], colour: str, hover: str, **more: Any) -> Trace:
    """Make a line; `hover` is a template of Plotly's, never a text from data."""
    style = {"color": colour, "width": 2, **more.pop("line", {})}
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(x),
        "y": list(y),
        "line": style,
        "hovertemplate": f"{hover}<extra></extra>",
        **more,
    }


def make_dots(x: Sequence[Any], y: Sequence[Any], colour: str, hover: str, **more: Any) -> Trace:
    """Make dots; `hover` is a template of Plotly's, never a text from data."""
    style = {"color": colour, "size": 6, **more.pop("marker", {})}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(x),
        "y": list(y),
        "marker": style,
        "hovertemplate": f"{hover}<extra></extra>",
        **more,
    }


def span_range(values: Iterable[float | None], pad: float = 0.06) -> list[float]:
    """Return an axis range that holds all the values, with some room."""
    known = keep_numbers(values)
    if not known:
        return [0.0, 1.0]
    low, high = min(known), max(known)
    room = (high - low) * pad or max(abs(high), 1.0) * pad
    return [low - room, high + room]


def draw_intervals(
    rows: Sequence[tuple[str, Mapping[str, Any]]],
    axis: str,
    *,
    zero: float = 0.0,
    colours: Sequence[str] = (),
    **xaxis: Any,
) -> Panel:
    """Draw labelled intervals as dots with whiskers, one per row, with a thin line at `zero`."""
    ends = [[get_end(row, end) for _, row in rows] for end in ("value", "low", "high")]
    shades = list(colours) or ["@synthetic"] * len(rows)
    texts = [
        f"{escape_label(label)}<br>{format_number(value)} [{format_number(low)}, {format_number(high)}]"
        for (label, _), value, low, high in zip(rows, *ends, strict=True)
    ]
    heights = [-place for place in range(len(rows))]
    data = [
        *(
            make_whiskers([None] * place + [ends[1][place]], [None] * place + [ends[2][place]], shades[place], 3)
            for place in range(len(rows))
        ),
        make_dots(ends[0], heights, "@synthetic", "%{text}", text=texts, marker={"size": 11, "color": shades}),
    ]
    shape = {
        "type": "line",
        "x0": zero,
        "x1": zero,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "layer": "below",
        "line": {"color": "@soft", "width": 1},
    }
    reach = span_range([*keep_numbers(value for values in ends for value in values), zero])
    layout = make_rows_layout(
        [label for label, _ in rows],
        shapes=[shape],
        xaxis={"range": reach, "title": {"text": axis}, "nticks": 6, **xaxis},
    )
    return Panel(data, layout)


def get_end(row: object, end: str) -> float | None:
    """Get one end of an interval, None where it is unknown."""
    value = get_value(row, end)
    return float(value) if is_number(value) else None


def say_interval(interval: object) -> str:
    """Say an estimate and its interval in two digits; a dash where unknown."""
    value, low, high = (format_number(get_value(interval, end), 2) for end in ("value", "low", "high"))
    return value if low == UNKNOWN else f"{value} [{low}, {high}]"

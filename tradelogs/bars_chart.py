"""Bars as a small chart of characters."""

from collections.abc import Mapping
from typing import Any

import polars as pl

HEIGHT, WIDTH, LABEL = 12, 64, 11
RANGE, CLOSE = "│", "●"


def draw_bars(bars: pl.DataFrame, marks: Mapping[str, Any], room: int = LABEL + WIDTH) -> str:
    """Draw bars (timestamp, high, low, close) as ranges with their last closes, and the moments of a row below them.

    Bars are put together until they fit into `room` characters, labels too; a moment's mark stands below the bars
    that it lies in.
    """
    bars = bars.sort("timestamp")
    groups = pl.int_range(pl.len()) * min(bars.height, WIDTH, max(1, room - LABEL)) // pl.len()
    drawn = bars.group_by(groups.alias("at"), maintain_order=True).agg(
        pl.col("timestamp").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last()
    )
    top, bottom = float(str(drawn["high"].max())), float(str(drawn["low"].min()))
    span = (top - bottom) or 1.0

    def place(price: float) -> int:
        return min(HEIGHT - 1, int((top - price) / span * HEIGHT))

    canvas = [[" "] * drawn.height for _ in range(HEIGHT)]
    for at, (high, low, close) in enumerate(drawn.select("high", "low", "close").iter_rows()):
        for line in range(place(high), place(low) + 1):
            canvas[line][at] = RANGE
        canvas[place(close)][at] = CLOSE
    prices = [top - span * (line + 0.5) / HEIGHT for line in range(HEIGHT)]
    labels = [f"{price:>{LABEL - 1}.2f} " if line % 3 == 0 else " " * LABEL for line, price in enumerate(prices)]
    lines = [label + "".join(line) for label, line in zip(labels, canvas, strict=True)]
    return "\n".join([*lines, *_mark(drawn["timestamp"], marks), _say_ends(bars, room)])


def _mark(starts: pl.Series, marks: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, moment in sorted(marks.items(), key=lambda mark: str(mark[1])):
        at = max(0, int((starts <= moment).sum()) - 1)
        said = f"{name} {moment:%H:%M:%S}"
        fits_before = len(said) + 1 <= LABEL + at
        lines.append(f"{said + ' ' if fits_before else '':>{LABEL + at}}▲{'' if fits_before else ' ' + said}")
    return lines


def _say_ends(bars: pl.DataFrame, room: int) -> str:
    first, last = bars["timestamp"][0], bars["timestamp"][-1]
    said = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}, {bars.height} bars"
    return " " * max(0, min(LABEL, room - len(said))) + said

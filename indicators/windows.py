"""Smoothed and rolling values over the bars of many series that lie one after the other in one frame.

Smoothing runs within each series. Windows reach over the whole column, so they are right only from a series' own bar
`window - 1` on: whoever uses them blanks the bars before.

Rolling means and deviations are those of pandas and numpy, called on all series at once: `ta` is built on them, pandas
carries the rounding of a series' earlier bars along (1e-7 of a deviation after 100,000 bars), and numpy's mean of equal
numbers may miss them by a rounding. Agreement with `ta` to 1e-9 is only to be had by doing what it does.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pandas.api.indexers import BaseIndexer

if TYPE_CHECKING:
    from pandas.core.window import Rolling

GROUP = "_group"
POSITION = "_position"


def smooth(values: pl.Expr, alpha: float) -> pl.Expr:
    """Return the exponential average of a series, y = (1 - alpha) y' + alpha x, that starts at the first value."""
    return values.ewm_mean(alpha=alpha, adjust=False).over(GROUP)


def smooth_span(values: pl.Expr, span: int) -> pl.Expr:
    """Return the exponential average with alpha = 2 / (span + 1)."""
    return smooth(values, 2 / (span + 1))


def seed_wilder(values: pl.Expr, window: int, first: int) -> pl.Expr:
    """Return the values that `smooth` with alpha = 1 / window turns into Wilder's average.

    His average starts with the mean of the bars `first` to `first + window - 1`, which stands here at all of them. They
    are warm-up, and an average that starts with nulls is slower; so is one whose input is not a column yet.
    """
    start = values.slice(first, window).mean().over(GROUP)
    return pl.when(pl.col(POSITION) >= first + window).then(values).otherwise(start)


def sum_14(values: pl.Expr) -> pl.Expr:
    """Return the sum over 14 bars as 8 + 4 + 2, sums of sums; nothing is taken away again, so nothing cancels."""
    two = values + values.shift(1)
    four = two + two.shift(2)
    return four + four.shift(4) + four.shift(8) + two.shift(12)


def divide_exactly(values: pl.Expr, divisor: float) -> pl.Expr:
    """Return values / divisor to the last bit: Polars multiplies by the inverse, which is rounded itself."""
    return values.map_batches(lambda column: pl.Series(column.to_numpy() / divisor), return_dtype=pl.Float64)


class SeriesWindows(BaseIndexer):
    """Bounds of pandas' windows that end at every bar and never reach back beyond its own series."""

    def __init__(self, positions: NDArray[np.int64], window: int) -> None:
        """Take the number of every bar within its series, counted from 0, and the bars per window."""
        super().__init__(window_size=window)
        self.reach = np.minimum(positions, window - 1)

    def get_window_bounds(
        self,
        num_values: int = 0,
        min_periods: int | None = None,
        center: bool | None = None,
        closed: str | None = None,
        step: int | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first bar of every window and the one after its last, as pandas asks for them."""
        del min_periods, center, closed, step
        bars = np.arange(num_values)
        return bars - self.reach, bars + 1


def roll_mean(values: pl.Expr, window: int) -> pl.Expr:
    """Return pandas' rolling mean within every series; NaN before bar `window - 1`."""
    return pl.map_batches(
        [values, pl.col(POSITION)],
        lambda columns: pl.Series(_open_windows(columns, window).mean().to_numpy()),
        return_dtype=pl.Float64,
    )


def roll_deviation(values: pl.Expr, window: int) -> pl.Expr:
    """Return pandas' rolling standard deviation (ddof 0) within every series; NaN before bar `window - 1`."""
    return pl.map_batches(
        [values, pl.col(POSITION)],
        lambda columns: pl.Series(_open_windows(columns, window).std(ddof=0).to_numpy()),
        return_dtype=pl.Float64,
    )


def _open_windows(columns: Sequence[pl.Series], window: int) -> "Rolling[pd.Series[float]]":
    values, positions = (column.to_numpy() for column in columns)
    return pd.Series(values).rolling(SeriesWindows(positions.astype(np.int64), window), min_periods=window)


def roll_mean_deviation(values: pl.Expr, window: int) -> pl.Expr:
    """Return numpy's mean absolute deviation from the mean of every window; NaN in the column's first bars."""

    def measure(column: pl.Series) -> pl.Series:
        if len(column) < window:
            return pl.repeat(np.nan, len(column), eager=True)
        windows = sliding_window_view(column.to_numpy(), window)
        gaps = windows - windows.mean(axis=1, keepdims=True)
        measured = np.abs(gaps, out=gaps).mean(axis=1)
        return pl.Series(np.concatenate([np.full(window - 1, np.nan), measured]))

    return values.map_batches(measure, return_dtype=pl.Float64)

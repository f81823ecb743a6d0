"""Prices of one run of bars as arrays, and the averages that the series of a strategy are made of.

Averages and windows are pandas', in which a window of equal numbers has exactly their value as its mean: flat prices
never cross their own average by a rounding. Every exponential average starts at the first value it is given and is
null until it has seen as many values as it is long. All values are NaN where they are null.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Values = NDArray[np.float64]
MeasureWindows = Callable[[Values], Values]

SOURCES = ("CLOSE", "OPEN", "HIGH", "LOW", "HLC3", "HL2", "OHLC4", "HLCC4")
SMOOTHINGS = ("RMA", "SMA", "EMA", "WMA")


@dataclass(frozen=True)
class Prices:
    """Open, high, low, close in dollars and volume in shares of bars in order of time; arrays of one length."""

    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values

    def take_source(self, source: str) -> Values:
        """Return the price of every bar that `source`, one of SOURCES, names."""
        opened, high, low, close = self.open, self.high, self.low, self.close
        match source:
            case "HLC3":
                return (high + low + close) / 3.0
            case "HL2":
                return (high + low) / 2.0
            case "OHLC4":
                return (opened + high + low + close) / 4.0
            case "HLCC4":
                return (high + low + close + close) / 4.0
            case _:
                return {"CLOSE": close, "OPEN": opened, "HIGH": high, "LOW": low}[source]


def average(values: Values, length: int) -> Values:
    """Return the mean of the last `length` values; null in the first `length - 1` bars."""
    return pd.Series(values).rolling(length).mean().to_numpy()


def add_up(values: Values, length: int) -> Values:
    """Return the sum of the last `length` values; null in the first `length - 1` bars."""
    return pd.Series(values).rolling(length).sum().to_numpy()


def find_highest(values: Values, length: int) -> Values:
    """Return the greatest of the last `length` values."""
    return pl.Series(values).rolling_max(length).to_numpy()


def find_lowest(values: Values, length: int) -> Values:
    """Return the least of the last `length` values."""
    return pl.Series(values).rolling_min(length).to_numpy()


def measure_deviation(values: Values, length: int) -> Values:
    """Return the population standard deviation of the last `length` values."""
    return pd.Series(values).rolling(length).std(ddof=0).to_numpy()


def smooth_span(values: Values, length: int) -> Values:
    """Return the exponential average with alpha = 2 / (length + 1)."""
    return pd.Series(values).ewm(span=length, adjust=False, min_periods=length).mean().to_numpy()


def smooth_wilder(values: Values, length: int) -> Values:
    """Return the exponential average with alpha = 1 / length."""
    return pd.Series(values).ewm(alpha=1 / length, adjust=False, min_periods=length).mean().to_numpy()


def weigh(values: Values, length: int) -> Values:
    """Return the mean of the last `length` values with the weights 1, 2, ..., `length`."""
    weights = np.arange(1, length + 1)
    return roll(values, length, lambda windows: windows @ weights / weights.sum())


def smooth(values: Values, length: int, smoothing: str) -> Values:
    """Return the average that `smoothing`, one of SMOOTHINGS, names: Wilder's, simple, exponential, weighted."""
    return {"RMA": smooth_wilder, "SMA": average, "EMA": smooth_span, "WMA": weigh}[smoothing](values, length)


def roll(values: Values, length: int, measure: MeasureWindows) -> Values:
    """Return what `measure` makes of every window of `length` values (rows); null in the first `length - 1` bars."""
    out = np.full(len(values), np.nan)
    if len(values) >= length:
        out[length - 1 :] = measure(sliding_window_view(values, length))
    return out


def shift(values: Values, bars: int) -> Values:
    """Return the value `bars` bars ago; null in the first `bars` bars."""
    if not bars:
        return values
    return np.concatenate([np.full(min(bars, len(values)), np.nan), values[:-bars]])


def find_true_range(prices: Prices) -> Values:
    """Return the largest of high - low, |high - previous close|, |low - previous close|; high - low at the first."""
    before = shift(prices.close, 1)
    parts = (prices.high - prices.low, np.abs(prices.high - before), np.abs(prices.low - before))
    largest: Values = np.fmax.reduce(parts)
    return largest

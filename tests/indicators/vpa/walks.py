"""Bars that the tests of volume price analysis share: seeded random walks, and series told bar by bar."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from gold_data.sessions import EXCHANGE_ZONE, ZONE

Row = tuple[float, float, float, float, float]


def make_walk(count: int, seed: int, ticker: str = "IBM", every: str = "1m") -> pl.DataFrame:
    """Random bars in cents: a tenth of the time is missing, some prices are equal, one bar in twenty has no volume.

    Volumes are fractions, whose sums show in which order they were added.
    """
    rng = np.random.default_rng(seed)
    close = np.round(400 + np.cumsum(rng.choice([0.0, 0.01, 0.03, 0.1], count) * rng.choice([-1, 1], count)), 2)
    opened = np.round(np.concatenate([[400.0], close[:-1]]) + rng.choice([0.0, 0.02, -0.05], count), 2)
    kept = np.flatnonzero(rng.random(2 * count + 20) >= 0.1)[:count]
    return pl.DataFrame(
        {
            "ticker": [ticker] * count,
            "timestamp": list_moments(2 * count + 20, every).gather(kept),
            "open": opened,
            "high": np.round(np.maximum(close, opened) + rng.choice([0.0, 0.01, 0.08], count), 2),
            "low": np.round(np.minimum(close, opened) - rng.choice([0.0, 0.01, 0.08], count), 2),
            "close": close,
            "volume": np.exp(rng.normal(6, 1.2, count)) * rng.choice([0.0, 1.0], count, p=[0.05, 0.95]),
        }
    )


def list_moments(count: int, every: str) -> pl.Series:
    """Starts of bars in a row: minutes from 04:00 of Monday, 4 March 2024, on; days from that day on."""
    start = datetime(2024, 3, 4, 0 if every == "1d" else 4, tzinfo=ZONE)
    moments = pl.select(pl.lit(start).dt.cast_time_unit("us").dt.convert_time_zone(EXCHANGE_ZONE).repeat_by(count))
    return (
        moments.to_series()
        .explode()
        .dt.offset_by(pl.select(pl.format("{}" + every[-1], pl.int_range(count))).to_series())
    )


def tell_bars(rows: Sequence[Row], ticker: str = "IBM", every: str = "1m") -> pl.DataFrame:
    """Bars in a row, each given as open, high, low, close, volume."""
    values = pl.DataFrame(rows, ["open", "high", "low", "close", "volume"], orient="row").cast(pl.Float64)
    return values.select(pl.lit(ticker).alias("ticker"), list_moments(len(rows), every).alias("timestamp"), pl.all())


def calm_rows(count: int, price: float = 100.0, step: float = 0.0) -> list[Row]:
    """Bars of spread 1 and volume 1000, closes a tenth up and down in turn, all moved by `step` from bar to bar."""
    closes = [round(price + step * number + 0.1 * (number % 2), 4) for number in range(count)]
    return [(close, close + 0.5, close - 0.5, close, 1000.0) for close in closes]

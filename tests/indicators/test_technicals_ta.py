"""Every value against the library `ta` on the same bars: wild ones, long ones."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.oracles.ta import list_disagreements
from indicators.technicals import INDICATORS, attach_technicals

START = datetime(2024, 3, 5, 14, 30, tzinfo=UTC)


def make_series(moves: np.ndarray, wicks: np.ndarray, volume: np.ndarray, price: float, digits: int) -> pl.DataFrame:
    close = np.maximum(np.round(price * np.exp(np.cumsum(moves)), digits), 10.0**-digits)
    opening = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(opening, close) * (1 + wicks[0])
    low = np.minimum(opening, close) * (1 - wicks[1])
    minutes = [START + timedelta(minutes=number) for number in range(len(close))]
    zoned = pl.Series(minutes, dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone("America/New_York")
    columns = {"open": opening, "high": high, "low": low, "close": close, "volume": volume}
    return pl.DataFrame({"ticker": "IBM", "timestamp": zoned, **columns})


@settings(max_examples=60, deadline=None)
@given(
    bars=st.lists(
        st.tuples(
            st.sampled_from([0, 0, 1, -1, 3, -7]),
            st.integers(0, 2),
            st.integers(0, 2),
            st.sampled_from([0, 0, 1, 70, 1e7]),
        ),
        min_size=1,
        max_size=120,
    ),
    price=st.sampled_from([0.02, 14.13, 49.17, 180.0, 5e5]),
    size=st.sampled_from([0, 1e-6, 1e-4, 3e-3, 0.4]),
    digits=st.sampled_from([2, 4, 12]),
)
def test_wild_bars_agree(bars: list[tuple[int, int, int, float]], price: float, size: float, digits: int) -> None:
    moves, above, below, volume = (np.array(column, dtype=float) for column in zip(*bars, strict=True))
    series = make_series(size * moves, size * np.array([above, below]) / 4, volume, price, digits)
    assert list_disagreements(attach_technicals(series, INDICATORS)) == []


@pytest.mark.parametrize("digits", [2, 12])
def test_long_series_agree(digits: int) -> None:
    assert list_disagreements(attach_technicals(make_long_series(5_000, digits), INDICATORS)) == []


@pytest.mark.slow
@pytest.mark.parametrize("digits", [2, 12])
def test_very_long_series_agree(digits: int) -> None:
    assert list_disagreements(attach_technicals(make_long_series(100_000, digits), INDICATORS)) == []


def make_long_series(count: int, digits: int) -> pl.DataFrame:
    rng = np.random.default_rng(8)
    wicks = rng.exponential(2e-4, (2, count)) * rng.integers(0, 2, (2, count))
    volume = rng.integers(0, 5000, count).astype(float)
    return make_series(3e-4 * rng.standard_t(3, count), wicks, volume, 100.0, digits)


def test_a_disagreement_is_named() -> None:
    valued = attach_technicals(make_long_series(60, 2), INDICATORS)
    wrong = valued.with_columns(pl.col("ema_9") * (1 + 1e-8), atr_14=pl.col("atr_14").backward_fill())
    assert [found.split(":")[0] for found in list_disagreements(wrong)] == ["atr_14 at bar 0", "ema_9 at bar 8"]

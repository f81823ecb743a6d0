"""Regimes are measured from the past alone, and as their formulas say."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from indicators.regimes import ATR_BARS, LAW, SPAN, measure_regimes

START = datetime(2024, 3, 4, 9, 30, tzinfo=ZoneInfo("America/New_York"))


def make_bars(count: int, seed: int = 1, ticker: str = "A", drift: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(drift, 0.001, count)))
    open_ = np.concatenate([[100.0], close[:-1]])
    spread = np.abs(rng.normal(0, 0.05, count))
    return pl.DataFrame(
        {
            "ticker": ticker,
            "timestamp": [START + timedelta(minutes=place) for place in range(count)],
            "open": open_,
            "high": np.maximum(open_, close) + spread,
            "low": np.minimum(open_, close) - spread,
            "close": close,
            "volume": 1.0,
        },
        schema_overrides={"timestamp": pl.Datetime("us", "America/New_York")},
    )


def test_a_bar_is_measured_by_its_formulas() -> None:
    bars = make_bars(160)
    last = measure_regimes(bars, ("1m",)).tail(1).to_dicts()[0]
    close, high, low = (bars[name].to_numpy() for name in ("close", "high", "low"))
    moved, path = close[-1] - close[-1 - SPAN], np.abs(np.diff(close[-1 - SPAN :])).sum()
    ranges = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    assert abs(last["efficiency"] - abs(moved) / path) <= 0.005
    assert abs(last["change_percent"] - 100 * moved / close[-1 - SPAN]) < 1e-5
    assert abs(last["atr_percent"] - 100 * ranges[-ATR_BARS:].mean() / close[-1]) < 1e-6


def test_the_first_bars_have_no_row() -> None:
    assert measure_regimes(make_bars(LAW + ATR_BARS), ("1m",)).height == 0
    assert measure_regimes(make_bars(LAW + ATR_BARS + 1), ("1m",)).height == 1


def test_a_series_cut_at_a_bar_is_measured_alike() -> None:
    bars = make_bars(700)
    whole = measure_regimes(bars, ("1m", "5m"))
    for row in whole.sample(12, seed=3).to_dicts():
        cut = measure_regimes(bars.filter(pl.col("timestamp") < row["ends"]), ("1m", "5m"))
        same = (pl.col("timeframe") == row["timeframe"]) & (pl.col("timestamp") == row["timestamp"])
        assert cut.filter(same).to_dicts() == [row]


def test_series_do_not_touch_one_another() -> None:
    one, other = make_bars(200), make_bars(200, seed=2, ticker="B")
    both = measure_regimes(pl.concat([one, other]), ("1m",))
    assert both.filter(pl.col("ticker") == "A").equals(measure_regimes(one, ("1m",)))


def test_a_steady_climb_is_a_trend_up() -> None:
    measured = measure_regimes(make_bars(300, drift=0.002), ("1m",))
    assert set(measured["regime"]) == {"trending_up"}

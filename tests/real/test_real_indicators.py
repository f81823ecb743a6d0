"""Indicators and price paths on real minute bars: extended hours, missing minutes, five sessions."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.oracles.ta import list_disagreements
from gold_data.trades.ingest import read_gold
from indicators.attach import attach_indicators
from indicators.bars_file import attach_to_bars_file
from indicators.price_path.build import build_price_paths
from indicators.technicals import INDICATORS, attach_technicals

REAL = Path(__file__).parents[3] / "shared" / "real"
BARS, TRADES = REAL / "minute_bars.parquet", REAL / "cross_trades_on_bars.csv"
pytestmark = pytest.mark.skipif(not BARS.exists(), reason=f"the real inputs are not at {REAL}")


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return pl.read_parquet(BARS)


@pytest.fixture(scope="module")
def trades() -> pl.DataFrame:
    return read_gold(TRADES, None).rows


@pytest.mark.parametrize("ticker", ["AIG", "BAC", "IBM", "SPY"])
def test_every_value_of_a_whole_series_agrees_with_ta(ticker: str, bars: pl.DataFrame) -> None:
    assert list_disagreements(attach_technicals(bars, INDICATORS).filter(pl.col("ticker") == ticker)) == []


def test_session_price_is_that_of_a_plain_loop(bars: pl.DataFrame) -> None:
    spy = attach_technicals(bars.filter(pl.col("ticker") == "SPY"), ["vwap_session"])
    value = shares = 0.0
    for row in spy.iter_rows(named=True):
        regular = "09:30" <= row["timestamp"].strftime("%H:%M") < "16:00"
        value = value + (row["high"] + row["low"] + row["close"]) / 3 * row["volume"] if regular else 0.0
        shares = shares + row["volume"] if regular else 0.0
        assert row["vwap_session"] == (pytest.approx(value / shares, rel=1e-12) if regular else None)


def test_the_file_of_real_bars_gets_its_indicators(tmp_path: Path) -> None:
    summary = attach_to_bars_file(BARS, tmp_path / "out.parquet")
    assert (summary.tickers, summary.bars) == (("AIG", "BAC", "IBM", "SPY"), 11217)
    assert summary.nulls["adx_28"] == 4 * 55


def test_real_trades_find_their_bars(bars: pl.DataFrame, trades: pl.DataFrame) -> None:
    attached = attach_indicators(trades, bars, ["macd_hist", "ema_9"])
    assert attached.get_column("macd_hist").null_count() == 0
    distance = (attached.get_column("ema_9") / attached.get_column("entry_price") - 1).abs()
    assert distance.max() < 0.01  # type: ignore[operator]


def test_real_trades_are_donors_of_paths(bars: pl.DataFrame, trades: pl.DataFrame) -> None:
    rng = np.random.default_rng(2)
    ids = trades.get_column("trade_id")
    synthetic = trades.with_columns(
        row_id=pl.col("trade_id").str.replace("gold", "row"),
        gold_example_ids=pl.Series([[ids[int(pick)] for pick in rng.integers(0, len(ids), 3)] for _ in ids]),
    )
    paths = build_price_paths(synthetic, trades, bars, seed=1)
    attached = attach_indicators(synthetic, paths.bars, list(INDICATORS))
    reached = 100 * attached.get_column("atr_14") / attached.get_column("entry_price")
    np.testing.assert_allclose(reached, attached.get_column("entry_volatility_percent"), rtol=1e-9)
    assert attached.select("adx_28", "ema_50", "macd_hist", "obv").null_count().sum_horizontal().item() == 0
    assert len(paths.fallback_row_ids) < 0.05 * trades.height

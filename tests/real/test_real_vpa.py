"""Volume price analysis on real minute bars: extended hours, missing minutes, five sessions."""

import random
from pathlib import Path

import polars as pl
import pytest

from benchmarks.bench_vpa import count_changed_by_cutting
from benchmarks.oracles.vpa import end_of, explain_bar, read_series
from indicators.vpa.context import build_context
from indicators.vpa.patterns import PATTERNS

BARS = Path(__file__).parents[3] / "shared" / "real" / "minute_bars.parquet"
LADDER = ("1m", "5m", "1h")
pytestmark = pytest.mark.skipif(not BARS.exists(), reason=f"the real bars are not at {BARS}")


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return pl.read_parquet(BARS)


@pytest.fixture(scope="module")
def context(bars: pl.DataFrame) -> pl.DataFrame:
    return build_context(bars, LADDER)


def test_rows_are_those_of_a_plain_loop(bars: pl.DataFrame, context: pl.DataFrame) -> None:
    series = {ticker: read_series(bars, ticker) for ticker in ("AIG", "BAC", "IBM", "SPY")}
    for row in context[random.Random(1).sample(range(context.height), 4)].iter_rows(named=True):
        until = end_of(row["timestamp"], row["timeframe"])
        cut = [bar for bar in series[row["ticker"]] if end_of(bar.timestamp, "1m") <= until]
        assert explain_bar(cut, LADDER, row["ticker"], row["timeframe"]) == row


def test_real_history_is_mostly_hold_and_shows_every_pattern(context: pl.DataFrame) -> None:
    assert (context.get_column("signal") == "HOLD").mean() == pytest.approx(0.95, abs=0.03)
    assert set(context.get_column("pattern")) == {"none", *PATTERNS}


def test_no_row_contradicts_itself(context: pl.DataFrame) -> None:
    both = pl.all_horizontal(pl.col("pattern_analysis").struct.field("accumulation", "distribution"))
    assert context.filter(both | (pl.col("stop") == pl.col("target"))).is_empty()
    assert context.filter((pl.col("signal") == "HOLD") != pl.col("strength").is_null()).is_empty()


@pytest.mark.slow
def test_a_thousand_cuts_of_real_bars_give_the_same_bytes(bars: pl.DataFrame) -> None:
    assert count_changed_by_cutting(bars, 1000) == 0

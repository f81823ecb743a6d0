"""Real trades on real bars: every row is gold."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from gold_data.store import Gold, write_gold
from gold_data.trades.ingest import read_gold

REAL = Path(__file__).parents[3] / "shared" / "real"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real inputs are not here: {REAL}")


@pytest.fixture(scope="module")
def gold() -> Gold:
    return read_gold(REAL / "cross_trades_on_bars.csv", REAL / "minute_bars.parquet")


def test_every_row_is_read(gold: Gold) -> None:
    assert (gold.rows.height, gold.rejected.height, gold.notes) == (591, 0, [])
    assert dict(gold.rows.group_by("ticker").len().rows()) == {"AIG": 139, "BAC": 160, "IBM": 154, "SPY": 138}
    assert gold.bars is not None
    assert gold.bars.height == 11_217


def test_the_stated_percent_is_the_computed_one_rounded(gold: Gold) -> None:
    stated = pl.read_csv(REAL / "cross_trades_on_bars.csv")["trade_percent_change"]
    assert (gold.rows["trade_percent_change"] - stated).abs().max() <= 0.0005 + 1e-9  # type: ignore[operator]


def test_the_last_session_is_held_out(gold: Gold, tmp_path: Path) -> None:
    folder = write_gold(gold, tmp_path, 0.2)
    assert (folder.train.height, folder.holdout.height) == (472, 119)
    assert folder.holdout["session_date"].unique().to_list() == [date(2013, 10, 10)]
    assert folder.bars is not None
    assert folder.bars["timestamp"].dt.date().max() == date(2013, 10, 9)


def test_prices_tell_the_tickers_apart(gold: Gold, tmp_path: Path) -> None:
    ranges = write_gold(gold, tmp_path, 0.2).facts["price_ranges"]
    for ticker, price in gold.rows.select("ticker", "entry_price").rows():
        assert [name for name, (low, high) in ranges.items() if low <= price <= high] == [ticker]


def test_the_same_rows_from_parquet(gold: Gold, tmp_path: Path) -> None:
    pl.read_csv(REAL / "cross_trades_on_bars.csv", try_parse_dates=True).write_parquet(tmp_path / "trades.parquet")
    assert read_gold(tmp_path / "trades.parquet", None).rows.equals(gold.rows)

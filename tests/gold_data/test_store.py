"""The gold folder: what is held out, and that nothing of it leaks."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gold_data.errors import GoldError
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.splits import plan_split, take_part
from gold_data.store import Gold, load_gold, take_rows, write_gold
from gold_data.trades.limits import (
    PRICE_MARGIN_OF_PRICE,
    PRICE_MARGIN_OF_RANGE,
    GoldLimits,
    derive_limits,
    describe_limits,
)
from gold_data.trades.schema import GoldTrades

DAYS = [date(2013, 10, day) for day in (4, 7, 8, 9, 10)]


def make_trades(days: list[date], price: float = 100.0, ticker: str = "IBM") -> pl.DataFrame:
    times = [datetime(day.year, day.month, day.day, 15, tzinfo=UTC) for day in days]
    return pl.DataFrame(
        {
            "trade_id": [f"gold-{number:04d}" for number, _ in enumerate(days, start=1)],
            "ticker": ticker,
            "trade_type": "buy",
            "session_date": days,
            "entry_time": times,
            "exit_time": [moment + timedelta(minutes=5) for moment in times],
            "entry_price": [price + number for number, _ in enumerate(days)],
            "exit_price": [price + number for number, _ in enumerate(days)],
            "entry_volatility_percent": [0.1 + 0.01 * number for number, _ in enumerate(days)],
            "worst_exit_percent": -0.1,
            "best_exit_percent": 0.1,
            "trade_percent_change": 0.0,
        }
    ).with_columns(pl.col("entry_time", "exit_time").cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(EXCHANGE_ZONE))


def make_bars(days: list[date], *tickers: str) -> pl.DataFrame:
    stamps = [datetime(day.year, day.month, day.day, 13, 30, tzinfo=UTC) for day in days]
    rows = [(ticker, stamp, 1.0, 1.0, 1.0, 1.0, 1.0) for ticker in tickers for stamp in stamps]
    frame = pl.DataFrame(rows, schema=["ticker", "timestamp", "open", "high", "low", "close", "volume"], orient="row")
    return frame.with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(EXCHANGE_ZONE))


def split_sessions(trades: pl.DataFrame, holdout: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    split = plan_split(trades["session_date"], holdout)
    return take_part(trades, split.train), take_part(trades, split.holdout)


def make_gold(bars: pl.DataFrame | None) -> Gold:
    rejected = pl.DataFrame({"line": [7], "rule": ["finite"]})
    return Gold(make_trades(DAYS), bars, rejected, describe=describe_limits)


@pytest.mark.parametrize(("share", "held"), [(0.0, 0), (0.01, 1), (0.2, 1), (0.4, 2), (0.5, 2), (0.99, 4)])
def test_whole_sessions_are_held_out_from_the_end(share: float, held: int) -> None:
    train, holdout = split_sessions(make_trades([*DAYS, DAYS[0]]), share)
    assert holdout["session_date"].unique().sort().to_list() == DAYS[len(DAYS) - held :]
    assert train["trade_id"].to_list()[-1] == "gold-0006"


def test_one_session_is_not_held_out() -> None:
    train, holdout = split_sessions(make_trades(DAYS[:1]), 0.5)
    assert (train.height, holdout.height) == (1, 0)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_what_is_no_share(tmp_path: Path, share: float) -> None:
    with pytest.raises(GoldError, match="is not a share of the sessions"):
        write_gold(make_gold(None), tmp_path / "gold", share)
    assert not (tmp_path / "gold").exists()


@given(st.lists(st.sampled_from(DAYS), min_size=1, max_size=12), st.floats(0, 0.99))
def test_a_split_loses_nothing_and_shares_no_session(days: list[date], share: float) -> None:
    trades = make_trades(days)
    train, holdout = split_sessions(trades, share)
    assert sorted(train["trade_id"].to_list() + holdout["trade_id"].to_list()) == trades["trade_id"].to_list()
    assert train.height > 0
    assert all(early < late for early in train["session_date"] for late in holdout["session_date"])


def test_what_is_written_is_what_is_loaded(tmp_path: Path) -> None:
    written = write_gold(make_gold(make_bars(DAYS, "IBM")), tmp_path / "gold", 0.2)
    loaded = load_gold(tmp_path / "gold")
    assert GoldTrades.is_valid(loaded.train)
    assert loaded.train.equals(written.train)
    assert loaded.holdout["trade_id"].to_list() == ["gold-0005"]
    assert loaded.facts == written.facts
    assert (tmp_path / "gold" / "rejected_rows.csv").read_text() == "line,rule\n7,finite\n"
    names = {
        "train.parquet",
        "holdout.parquet",
        "bars.parquet",
        "holdout_bars.parquet",
        "facts.json",
        "rejected_rows.csv",
    }
    assert {file.name for file in loaded.folder.iterdir()} == names


def test_no_bar_and_no_limit_knows_of_the_held_out_sessions(tmp_path: Path) -> None:
    gold = write_gold(make_gold(make_bars([*DAYS, date(2013, 10, 11)], "IBM", "OTHER")), tmp_path, 0.4)
    assert gold.bars is not None
    assert gold.bars["ticker"].unique().to_list() == ["IBM"]
    assert gold.bars["timestamp"].dt.date().to_list() == DAYS[:3]
    assert gold.holdout_bars is not None
    assert gold.holdout_bars["timestamp"].dt.date().to_list() == DAYS[3:]
    assert GoldLimits.from_facts(gold.facts) == derive_limits(make_trades(DAYS[:3]))


def test_gold_without_bars_leaves_none_of_an_earlier_one(tmp_path: Path) -> None:
    write_gold(make_gold(make_bars(DAYS, "IBM")), tmp_path, 0.2)
    assert write_gold(make_gold(None), tmp_path, 0.2).bars is None
    assert not (tmp_path / "bars.parquet").exists()


def test_a_folder_that_is_not_complete(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match=r"holds no gold: facts.json is missing"):
        load_gold(tmp_path)


def test_limits_of_a_wide_and_of_a_narrow_range() -> None:
    wide, narrow = make_trades(DAYS, price=10.0), make_trades(DAYS[:1], price=200.0, ticker="SPY")
    limits = derive_limits(pl.concat([narrow, wide]))
    margin = PRICE_MARGIN_OF_RANGE * 4.0
    assert limits.price_ranges["IBM"] == pytest.approx((10.0 - margin, 14.0 + margin))
    assert limits.price_ranges["SPY"] == pytest.approx(
        (200.0 * (1 - PRICE_MARGIN_OF_PRICE), 200.0 * (1 + PRICE_MARGIN_OF_PRICE))
    )
    assert list(limits.price_ranges) == ["IBM", "SPY"]
    assert limits.volatility_range == pytest.approx((0.1, 0.14))


def test_a_price_is_never_below_nothing() -> None:
    trades = make_trades(DAYS[:2]).with_columns(entry_price=pl.Series([0.1, 100.0]))
    assert derive_limits(trades).price_ranges["IBM"][0] == 0.0


@pytest.mark.parametrize("hours", [0, 72])
def test_limits_say_whether_the_gold_holds_overnight(hours: int) -> None:
    trades = make_trades(DAYS[:1]).with_columns(pl.col("exit_time") + timedelta(hours=hours))
    limits = derive_limits(trades)
    assert limits.holds_overnight is (hours > 0)
    assert GoldLimits.from_facts(json.loads(json.dumps(describe_limits(trades)))) == limits


@given(st.integers(0, 30), st.floats(0, 0.99), st.integers(0, 5))
def test_rows_without_sessions_are_held_out_from_the_end_and_none_is_lost(
    count: int, share: float, embargo: int
) -> None:
    gold = Gold(pl.DataFrame({"id": range(count)}, schema={"id": pl.Int64}))
    train, kept_apart, held = (
        take_rows(gold, part, share, embargo)["id"].to_list() for part in ("train", "embargo", "holdout")
    )
    assert train + kept_apart + held == list(range(count))
    assert len(held) == round(count * share)
    assert len(kept_apart) == (min(embargo, count - len(held)) if held else 0)


def test_rows_without_sessions_keep_all_bars_with_the_train_part(tmp_path: Path) -> None:
    rows = pl.DataFrame({"gold_id": ["a", "b", "c", "d"], "text": ["w", "x", "y", "z"]})
    stored = write_gold(Gold(rows, make_bars(DAYS, "IBM")), tmp_path, 0.25)
    assert (stored.train["gold_id"].to_list(), stored.holdout["gold_id"].to_list()) == (["a", "b", "c"], ["d"])
    assert stored.bars is not None
    assert stored.bars.height == len(DAYS)
    assert stored.holdout_bars is None
    assert stored.facts == {}


def test_gold_without_a_row_is_kept(tmp_path: Path) -> None:
    stored = write_gold(Gold(pl.DataFrame()), tmp_path, 0.2)
    assert (stored.train.height, stored.holdout.height, stored.bars) == (0, 0, None)
    assert load_gold(tmp_path).train.is_empty()


def test_facts_are_told_of_the_train_part_alone(tmp_path: Path) -> None:
    rows = pl.DataFrame({"gold_id": ["a", "b", "c", "d"]})
    stored = write_gold(Gold(rows, describe=lambda train: {"ids": train["gold_id"].to_list()}), tmp_path, 0.5)
    assert stored.facts == {"ids": ["a", "b"]}

"""A run's own bars, prices and indicators are held against its trades; what is broken is named."""

from datetime import date, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from verification.answers import GOOD, UNDERFIT
from verification.trades.bar_rules import find_own_strange
from verification.trades.questions import make_yardstick
from verification.trades.table import shape_trades
from verification.trades.validity import ask_validity
from verification.trades.yardstick import Yardstick

PRICES = ("open", "high", "low", "close")


@pytest.fixture(scope="module")
def run(run_folder: Path) -> tuple[Yardstick, pl.DataFrame, pl.DataFrame]:
    """Give the yardstick, the trades and the bars of a small run."""
    accepted, train, holdout = (
        shape_trades(pl.read_parquet(run_folder / name), key, run_folder)
        for name, key in (
            ("accepted.parquet", "row_id"),
            ("gold/train.parquet", "trade_id"),
            ("gold/holdout.parquet", "trade_id"),
        )
    )
    return make_yardstick(train, holdout, accepted.height, 0), accepted, pl.read_parquet(run_folder / "bars.parquet")


def write(bars: pl.DataFrame, place: Path) -> Path:
    bars.write_parquet(place / "bars.parquet")
    return place / "bars.parquet"


def test_a_runs_own_bars_break_no_rule(run: tuple[Yardstick, pl.DataFrame, pl.DataFrame], tmp_path: Path) -> None:
    yardstick, trades, bars = run
    answer = ask_validity(yardstick, trades, write(bars, tmp_path))
    assert answer.metrics["impossible"] == 0
    assert {"entry_in_bar", "indicators", "price_range"} <= {rule["rule"] for rule in answer.metrics["rules"]}
    assert answer.verdict != UNDERFIT


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (pl.lit(float("nan")), "own bars"),
        (pl.col("close").first().over("row_id"), "path extremes"),
        (pl.col("close") * 1.5, "exit in bar"),
    ],
)
def test_bars_that_are_not_the_trades_are_named(
    run: tuple[Yardstick, pl.DataFrame, pl.DataFrame], tmp_path: Path, spoil: pl.Expr, rule: str
) -> None:
    yardstick, trades, bars = run
    made = bars.with_columns(spoil.alias(name) for name in PRICES)
    answer = ask_validity(yardstick, trades, write(made, tmp_path))
    assert answer.verdict in (UNDERFIT, "noise")
    assert rule in answer.reason


def test_an_indicator_that_bars_do_not_give(run: tuple[Yardstick, pl.DataFrame, pl.DataFrame], tmp_path: Path) -> None:
    yardstick, trades, bars = run
    answer = ask_validity(yardstick, trades.with_columns(pl.col("rsi_14") + 0.5), write(bars, tmp_path))
    assert f"indicators ({trades.height})" in answer.reason


def test_another_tickers_price_is_named(run: tuple[Yardstick, pl.DataFrame, pl.DataFrame]) -> None:
    yardstick, trades, _ = run
    assert ask_validity(yardstick, yardstick.train).verdict == GOOD
    moved = yardstick.train.with_columns(pl.Series("ticker", np.roll(yardstick.train["ticker"].to_numpy(), 1)))
    assert "price range" in ask_validity(yardstick, moved).reason
    unknown = trades.with_columns(ticker=pl.lit("XYZ"))
    assert "known ticker" in ask_validity(yardstick, unknown).reason


def test_prices_beyond_the_range_of_little_gold_are_chance_and_another_tickers_are_not() -> None:
    days = [date(2024, 1, 2) + timedelta(days=day) for day in range(30)]
    ids = [f"g{day}" for day in range(30)]
    told = {"trade_id": ids, "ticker": "AAA", "session_date": days, "entry_price": 100.0, "exit_price": 101.0}
    calm = complete(pl.DataFrame(told))
    assert find_own_strange(calm).sum().row(0) == (0, 0)
    dear = pl.concat([calm[:29], calm[29:].with_columns(pl.col("entry_price", "exit_price") * 2.0)])
    assert find_own_strange(dear).sum().row(0) == (0, 1)
    yardstick = make_yardstick(calm[:24], calm[24:], 30, 0)
    others = calm.with_columns(pl.col("entry_price", "exit_price") * 3.0)
    assert "price range (30)" in ask_validity(yardstick, others).reason
    few = pl.concat([others[:1], calm[1:]])
    assert "price range" not in ask_validity(yardstick, few).reason


def test_tickers_that_four_days_of_gold_do_not_show_are_the_days_doing() -> None:
    """Real bars are traded a ticker a day: a ticker that few days lack is no fault, however many trades have it."""
    days = [date(2024, 1, 2) + timedelta(days=day // 20) for day in range(160)]
    tickers = ["AAA", "AAA", "BBB", "BBB", "CCC", "AAA", "CCC", "BBB"]
    told = {
        "trade_id": [f"g{row}" for row in range(160)],
        "ticker": [tickers[row // 20] for row in range(160)],
        "session_date": days,
        "entry_price": 100.0,
        "exit_price": 101.0,
    }
    trades = complete(pl.DataFrame(told))
    assert find_own_strange(trades[:80]).height == 4
    answer = ask_validity(make_yardstick(trades[:60], trades[60:80], 80, 0), trades[80:])
    assert "known ticker" not in answer.reason


def complete(trades: pl.DataFrame) -> pl.DataFrame:
    """Add what a trade has besides ticker, day and prices."""
    noon = pl.col("session_date").dt.combine(time(12)).dt.replace_time_zone("America/New_York")
    return trades.with_columns(
        trade_type=pl.lit("buy"),
        entry_time=noon,
        exit_time=noon + pl.duration(minutes=5),
        entry_volatility_percent=pl.lit(0.5),
        worst_exit_percent=pl.lit(-0.1),
        best_exit_percent=pl.lit(1.2),
        trade_percent_change=100.0 * (pl.col("exit_price") / pl.col("entry_price") - 1.0),
    )

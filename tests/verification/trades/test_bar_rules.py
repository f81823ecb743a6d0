"""A run's own bars, prices and indicators are held against its trades; what is broken is named."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from verification.answers import GOOD, UNDERFIT
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

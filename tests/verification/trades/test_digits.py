"""Copies and leaks are found by their digits, whatever was done to price and clock."""

import numpy as np
import polars as pl

from tests.verification.trades.test_memorisation import make_trades, make_yardstick
from verification.answers import COPIES, GOOD, LEAK
from verification.trades.digits import match_digits
from verification.trades.memorisation import ask_memorisation


def mix(fresh: pl.DataFrame, known: pl.DataFrame, count: int, *, by: float = 1.0) -> pl.DataFrame:
    copied = known[np.random.default_rng(0).integers(0, len(known), count)].with_columns(
        pl.col("entry_price") * by,
        pl.col("exit_price") * by,
        pl.format("copy-{}", pl.int_range(pl.len())).alias("trade_id"),
    )
    return pl.concat([fresh[count:], copied])


def test_copies_at_prices_moved_by_a_hair() -> None:
    yardstick = make_yardstick()
    answer = ask_memorisation(yardstick, mix(make_trades(400, 3), yardstick.train, 40, by=1.0002))
    assert (answer.verdict, answer.metrics["exact_copies"]) == (COPIES, 0)
    assert "to the last digit" in answer.reason


def test_held_out_rows_are_a_leak() -> None:
    yardstick = make_yardstick()
    answer = ask_memorisation(yardstick, mix(make_trades(400, 3), yardstick.holdout, 2))
    assert answer.verdict == LEAK
    assert "2 of 400 trades are held-out gold" in answer.reason
    assert ask_memorisation(yardstick, mix(make_trades(400, 3), yardstick.holdout, 20, by=1.0002)).verdict == LEAK


def test_rows_of_both_parts_are_copies_first_seen_in_train() -> None:
    yardstick = make_yardstick()
    assert ask_memorisation(yardstick, mix(make_trades(400, 3), yardstick.train, 20)).verdict == COPIES


def test_gold_that_is_rounded_coarsely_matches_itself() -> None:
    coarse = [
        make_trades(count, seed).with_columns(
            pl.lit(0.5).alias("entry_volatility_percent"),
            pl.col("worst_exit_percent", "best_exit_percent").round(0),
        )
        for count, seed in ((300, 1), (300, 2))
    ]
    assert not match_digits(coarse[0], coarse[1], coarse[0]).is_beyond_chance
    assert ask_memorisation(make_yardstick(), make_trades(400, 3)).verdict == GOOD

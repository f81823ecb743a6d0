"""Days that do not hang together are called, and those of a fresh draw are not."""

from datetime import time

import numpy as np
import polars as pl
import pytest

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT
from verification.trades.days import ask_days, describe_days
from verification.trades.known_laws import simulate_momentum
from verification.trades.questions import make_yardstick
from verification.trades.selftest import draw_parts
from verification.trades.yardstick import Yardstick

Golds = tuple[Yardstick, pl.DataFrame]


@pytest.fixture(scope="module")
def held() -> Golds:
    """Give a yardstick of 250 gold trades and as many fresh ones."""
    train, holdout, fresh = draw_parts(simulate_momentum(100), 250, seed=2)
    return make_yardstick(train, holdout, 250, 0), fresh


def move_days(trades: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    moved = trades.with_columns(days.alias("session_date"))
    clock = [pl.col("session_date").dt.combine(pl.col(name).dt.time()) for name in ("entry_time", "exit_time")]
    zoned = [each.dt.replace_time_zone("America/New_York") for each in clock]
    return moved.with_columns(zoned[0].alias("entry_time"), zoned[1].alias("exit_time"))


def test_a_fresh_draw_has_days_like_the_golds(held: Golds) -> None:
    assert ask_days(*held).verdict == GOOD


def test_all_trades_on_one_day(held: Golds) -> None:
    answer = ask_days(held[0], move_days(held[1], pl.repeat(held[1]["session_date"][0], 250, eager=True)))
    assert answer.verdict == UNDERFIT
    assert "250 trades are on 1 day; the gold" in answer.reason
    assert answer.numbers[0][0].startswith("trades a day")


def test_sessions_dealt_anew(held: Golds) -> None:
    mixed = held[1]["session_date"][np.random.default_rng(0).permutation(250).tolist()]
    answer = ask_days(held[0], move_days(held[1], mixed))
    assert answer.verdict == UNDERFIT
    assert answer.reason.startswith("Days do not hang together")


def test_times_on_two_moments(held: Golds) -> None:
    at = pl.Series([time(10, 0), time(13, 30)] * 125)
    clumped = held[1].with_columns(
        entry_time=held[1]["session_date"].dt.combine(at[0]).dt.replace_time_zone("America/New_York")
    )
    answer = ask_days(held[0], clumped)
    assert answer.verdict == UNDERFIT
    assert "Times are clumped" in answer.reason
    assert answer.numbers[0][0].startswith("two entries in one minute")


def test_few_trades_are_not_told(held: Golds) -> None:
    assert ask_days(held[0], held[1].head(10)).verdict == CANNOT_TELL


def test_days_are_described(held: Golds) -> None:
    told = describe_days(held[1])
    assert told["per_day"] == pytest.approx(250 / held[1]["session_date"].n_unique())
    assert 0.0 <= told["overlap"] < 0.05

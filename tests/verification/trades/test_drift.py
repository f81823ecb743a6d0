"""Last sessions that are another market are told, by gold alone."""

import polars as pl

from tests.verification.trades.test_memorisation import make_trades
from verification.answers import CANNOT_TELL, UNDERFIT
from verification.trades.drift import ask_drift
from verification.trades.yardstick import Yardstick


def test_another_market_is_told() -> None:
    later = make_trades(120, 2, first=200).with_columns(pl.col("worst_exit_percent", "best_exit_percent") * 3.0)
    answer = ask_drift(Yardstick(make_trades(300, 1), later, 100))
    assert answer.verdict == UNDERFIT
    assert "your last sessions are another market" in answer.reason


def test_the_same_market_is_not() -> None:
    assert ask_drift(Yardstick(make_trades(300, 1), make_trades(120, 2, first=200), 100)).verdict != UNDERFIT
    assert ask_drift(Yardstick(make_trades(300, 1), make_trades(10, 2), 100)).verdict == CANNOT_TELL

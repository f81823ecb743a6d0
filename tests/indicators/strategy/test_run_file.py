"""One strategy of a file on the bars of a file, and what a person is told when that cannot be."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from indicators.errors import IndicatorError
from indicators.strategy.executor import Trade
from indicators.strategy.money import book_trades
from indicators.strategy.run_file import StrategyRun, run_strategy_file

MakeBars = Callable[..., pl.DataFrame]
Run = Callable[..., StrategyRun]

CLOSES = [100.0, 100, 102, 103, 103, 101, 99, 98, 98, 102, 104, 104]
RISE: dict[str, Any] = {
    "ticker": "IBM",
    "position_type": "LONG",
    "buy_condition": {"cross_over": [{"CLOSE": {}}, 101]},
    "sell_condition": {"cross_under": [{"CLOSE": {}}, 100]},
    "interval": "1m",
    "initial_capital": 1_000,
    "order_size": {"contracts": 2},
    "trade_commissions": {"usd": 0.5},
}
NAN = float("nan")


@pytest.fixture
def run(tmp_path: Path, make_bars: MakeBars) -> Run:
    """Write a strategy and bars, and run them."""

    def run_one(document: object, bars: pl.DataFrame | None = None) -> StrategyRun:
        (tmp_path / "strategy.json").write_text(json.dumps(document), encoding="utf-8")
        (make_bars(CLOSES) if bars is None else bars).write_parquet(tmp_path / "bars.parquet")
        return run_strategy_file(tmp_path / "strategy.json", tmp_path / "bars.parquet")

    return run_one


def test_trades_and_numbers_are_those_of_a_trader(run: Run) -> None:
    found = run(RISE)
    columns = ("entry_bar", "exit_bar", "side", "entry_price", "exit_price", "reason", "shares", "net")
    assert found.trades.select(columns).rows() == [
        (3, 7, "long", 103, 98, "signal", 2, -12),
        (10, 11, "long", 104, 104, "end", 2, -2),
    ]
    assert found.trades["entry_time"][0].strftime("%Y-%m-%d %H:%M %Z") == "2024-03-05 09:33 EST"
    numbers = found.numbers
    assert (numbers.trades, numbers.net_percent, numbers.win_percent, numbers.profit_factor) == (2, -1.4, 0, 0)
    assert numbers.worst_drawdown_percent == pytest.approx(1.4)
    assert numbers.average_bars_held == 2.5
    assert "2 trades" in str(found)
    assert "net -14.00 dollars, -1.400% of the capital, worst drawdown 1.400%; -3.39% a trade" in str(found)
    assert "lost -3.39% each" in str(found)


def test_one_share_of_a_large_account_has_a_result_that_can_be_read(run: Run) -> None:
    said = str(run({**RISE, "initial_capital": 1_000_000, "order_size": {"contracts": 1}}))
    assert "net -7.00 dollars, -0.000700% of the capital, worst drawdown 0.000700%; -3.39% a trade" in said


def test_shorter_bars_are_joined_and_longer_ones_refused(run: Run, make_bars: MakeBars) -> None:
    assert (run({**RISE, "interval": "5m"}).bars, run({**RISE, "interval": "1d"}).bars) == (3, 1)
    daily = make_bars(CLOSES).with_columns(
        timestamp=pl.col("timestamp").dt.offset_by(pl.format("{}d", pl.int_range(pl.len())))
    )
    assert run({**RISE, "interval": "1d"}, daily).interval == "1d"
    with pytest.raises(IndicatorError, match=r"\$\.interval: the bars are of 1d, longer than 1m"):
        run(RISE, daily)


def test_one_bar_and_a_strategy_that_never_trades_have_numbers(run: Run, make_bars: MakeBars) -> None:
    found = run(RISE, make_bars([100.0]))
    assert (found.numbers.trades, found.numbers.win_percent, found.numbers.net_percent) == (0, None, 0)
    assert "won - of the trades" in str(found)


def test_what_is_wrong_with_the_bars_is_told(run: Run, make_bars: MakeBars) -> None:
    with pytest.raises(IndicatorError, match=r"no bars of SPY, which .* trades; it has IBM\. Change the ticker"):
        run({**RISE, "ticker": "SPY"})
    wrong = make_bars(CLOSES).with_columns(
        high=pl.when(pl.int_range(pl.len()) == 3).then(pl.lit(NAN)).otherwise("high")
    )
    assert any("dropped 1 of 12 bars: values missing or not finite" in note for note in run(RISE, wrong).notes)


@pytest.mark.parametrize("text", ["", "{}", '{"ticker": 3}', "[" * 9_000])
def test_what_is_wrong_with_the_strategy_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "strategy.json").write_text(text, encoding="utf-8")
    with pytest.raises(IndicatorError, match=r"strategy\.json cannot be used: \$"):
        run_strategy_file(tmp_path / "strategy.json", tmp_path / "bars.csv")


def test_a_file_may_begin_with_the_mark_of_an_editor(run: Run, tmp_path: Path) -> None:
    expected = run(RISE).numbers
    (tmp_path / "strategy.json").write_text(json.dumps(RISE), encoding="utf-8-sig")
    assert run_strategy_file(tmp_path / "strategy.json", tmp_path / "bars.parquet").numbers == expected


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(IndicatorError, match=r"none\.json cannot be read: .* Name a JSON file"):
        run_strategy_file(tmp_path / "none.json", tmp_path / "bars.csv")


@pytest.mark.parametrize(
    ("size", "shares"),
    [
        ({"contracts": 3}, 3),
        ({"contracts": 300}, 10),
        ({"usd": 500}, 5),
        ({"percent": 20}, 2),
        ({"risk_percent": 1}, 5),
        ({"risk_percent": 50}, 10),
    ],
)
def test_a_size_is_what_was_asked_for_within_the_equity(size: dict[str, float], shares: float) -> None:
    trade = Trade(1, 2, 1, 100.0, 110.0, "signal", 2.0)
    account = book_trades({"initial_capital": 1_000, "order_size": size}, [trade])
    assert account.bookings[0].shares == pytest.approx(shares)
    assert account.net_percent == pytest.approx(shares)


def test_a_used_up_account_trades_no_more_shares() -> None:
    loss = Trade(1, 2, -1, 100.0, 201.0, "signal", NAN)
    account = book_trades({"initial_capital": 100}, [loss, loss])
    assert [booked.shares for booked in account.bookings] == [1, 0]
    assert account.net_percent == pytest.approx(-101)


def test_commissions_in_percent_are_paid_at_both_ends() -> None:
    document = {"trade_commissions": {"percent": 1}, "order_size": {"contracts": 2}}
    account = book_trades(document, [Trade(1, 2, 1, 100.0, 110.0, "signal", NAN)])
    assert account.bookings[0][1:] == pytest.approx((4.2, 15.8, 7.9))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IndicatorError, match=r"pipe is no regular file\. Name a JSON file"):
        run_strategy_file(tmp_path / "pipe", tmp_path / "bars.csv")

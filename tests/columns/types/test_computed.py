"""The rules as a column: each row is told the limits of its own session and ticker."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from columns.types.computed import TradeRulesColumnGenerator
from columns.types.configs import TradeRulesColumnConfig

MakeGold = Callable[..., Path]


@pytest.fixture
def gold(make_gold: MakeGold) -> Path:
    return make_gold(("2024-10-01", "IBM", 0.4), ("2024-10-01", "SPY", 0.4), ("2024-10-02", "HELD", 0.4))


def say_rules(gold: Path, data: pd.DataFrame, ticker_column: str | None) -> list[str]:
    config = TradeRulesColumnConfig(name="trade_rules", gold=str(gold), ticker_column=ticker_column)
    rows: pd.DataFrame = TradeRulesColumnGenerator(config=config, resource_provider=None).generate(data)
    return [str(rules) for rules in rows["trade_rules"]]


def test_row_with_a_ticker_is_told_the_prices_of_that_one(gold: Path) -> None:
    data = pd.DataFrame({"session_date": ["2024-10-01"] * 2, "symbol": ["SPY", "IBM"]})
    spy, ibm = say_rules(gold, data, "symbol")
    assert "Ticker: SPY.\n- Price of SPY: 98.91 to 106.09." in spy
    assert "Ticker: IBM.\n- Price of IBM: " in ibm
    assert "IBM" not in spy


def test_row_without_a_ticker_is_told_the_prices_of_all_in_the_train_part(gold: Path) -> None:
    (rules,) = say_rules(gold, pd.DataFrame({"session_date": ["2024-10-01"]}), None)
    assert "Ticker: IBM, SPY." in rules
    assert "HELD" not in rules


def test_each_row_is_told_the_hours_of_its_session_whatever_its_index(gold: Path) -> None:
    data = pd.DataFrame({"session_date": ["2024-11-29", "2024-10-01"]}, index=[4, 9])
    early, usual = say_rules(gold, data, None)
    assert "Regular session: 09:30:00 to 13:00:00" in early
    assert "Regular session: 09:30:00 to 16:00:00" in usual


@pytest.mark.parametrize(("ticker", "needed"), [(None, ["session_date"]), ("symbol", ["session_date", "symbol"])])
def test_rules_need_the_session_and_the_ticker_where_one_is_drawn(ticker: str | None, needed: list[str]) -> None:
    assert TradeRulesColumnConfig(name="trade_rules", gold="gold", ticker_column=ticker).required_columns == needed

"""The derived form of a trade: no parts can contradict one another."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from columns.dataset import Given, load_dataset
from columns.errors import DatasetError
from columns.trade_log.parts import complete_trade, draw_volatility, narrow_parts
from designer_configs.compile.checks.project import PROJECT_ROOT
from gold_data.store import load_gold
from gold_data.trades.rules import GoldLimits, check_trade
from tests.columns.conftest import MakeGold

ASKED = {"ticker": ("ticker", None), "trade_type": ("trade_type", None), "entry_volatility_percent": ("heat", 0.05)}
ROW = {"session_date": "2024-10-22", "variation": 5, "ticker": "SIM1", "trade_type": "buy", "heat": 0.4}
PARTS = {
    "entry_time": "10:00:00",
    "seconds_held": 90,
    "entry_price_cents": 1000,
    "adverse_hundredths": 20,
    "favourable_hundredths": 50,
    "exit_hundredths": 30,
}
LIMITS = GoldLimits({"SIM1": (5.0, 20.0)}, False, (0.3, 1.1))


def give() -> Given:
    dataset = load_dataset(PROJECT_ROOT / "columns/trade_log")
    gold: Any = None
    return Given(dataset, gold, ASKED, 7)


def test_a_trade_is_computed_from_its_parts() -> None:
    trade = complete_trade(PARTS, ROW, give())
    assert {name: trade[name] for name in ("exit_time", "entry_price", "exit_price")} == {
        "exit_time": "10:01:30",
        "entry_price": 10.0,
        "exit_price": 10.03,
    }
    assert (trade["worst_exit_percent"], trade["best_exit_percent"]) == (-0.2, 0.5)
    short = complete_trade(PARTS, ROW | {"trade_type": "short"}, give())
    assert short["exit_price"] == 9.97


def test_an_exit_beyond_an_excursion_is_that_excursion() -> None:
    assert complete_trade(PARTS | {"exit_hundredths": 80}, ROW, give())["best_exit_percent"] == 0.8
    assert complete_trade(PARTS | {"exit_hundredths": -60}, ROW, give())["worst_exit_percent"] == -0.6


@given(
    st.builds(
        dict,
        entry_time=st.sampled_from(["09:30:00", "12:13:14", "15:00:00"]),
        seconds_held=st.integers(1, 3599),
        entry_price_cents=st.integers(600, 1800),
        adverse_hundredths=st.integers(0, 900),
        favourable_hundredths=st.integers(0, 900),
        exit_hundredths=st.integers(-900, 900),
    ),
    st.sampled_from(["buy", "short"]),
    st.integers(0, 99),
)
def test_no_parts_break_a_rule(parts: dict[str, Any], side: str, variation: int) -> None:
    given_ = give()
    row = ROW | {"trade_type": side, "variation": variation}
    trade = complete_trade(parts, row, given_)
    broken = check_trade(trade, session_date=date(2024, 10, 22), limits=LIMITS, expectations=given_.expect(row))
    assert [violation.message for violation in broken] == []


def test_a_field_that_no_control_sets_is_named() -> None:
    with pytest.raises(DatasetError, match="needs controls that set trade_type"):
        complete_trade(PARTS, ROW, replace(give(), asked={k: v for k, v in ASKED.items() if k != "trade_type"}))


def test_the_volatility_is_a_rows_own_and_within_its_tolerance() -> None:
    drawn = [draw_volatility(ROW | {"variation": number}, give()) for number in range(50)]
    assert len(set(drawn)) > 20
    assert all(abs(value - 0.4) <= 0.05 for value in drawn)
    assert draw_volatility(ROW, give()) == draw_volatility(ROW, give())


def test_parts_are_bounded_by_the_gold(make_gold: MakeGold) -> None:
    gold = load_gold(make_gold(("2024-10-21", "NVDA", 0.5), ("2024-10-22", "NVDA", 0.6)))
    given_ = replace(give(), gold=gold)
    ticker = str(gold.train["ticker"][0])
    schema = {"properties": {name: {"type": "integer"} for name in PARTS}}
    fields = narrow_parts(schema, ROW | {"ticker": ticker}, given_, {ticker: (5.0, 20.0)})["properties"]
    assert (fields["entry_price_cents"]["minimum"], fields["entry_price_cents"]["maximum"]) == (501, 2000)
    assert fields["exit_hundredths"]["minimum"] < 0 < fields["exit_hundredths"]["maximum"]

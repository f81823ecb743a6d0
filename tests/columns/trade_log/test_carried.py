"""What accepted trades take from the gold beyond their fields."""

import polars as pl
import pytest

from columns.trade_log.carried import carry_from_gold
from columns.types.configs import MatchRule
from columns.types.gold_examples import GoldSampler
from gold_data.markets import read_markets

TRAIN = pl.DataFrame(
    {
        "trade_id": ["gold-1", "gold-2"],
        "ticker": ["A", "B"],
        "trade_type": ["buy", "buy"],
        "entry_price": [100.0, 10.0],
        "quantity": [200.0, 5.0],
        "stop": [99.0, None],
        "setup": ["fade", "gap"],
    }
)


def make_trade(**changes: object) -> pl.DataFrame:
    trade = {"row_id": "r", "ticker": "A", "trade_type": "buy", "entry_price": 50.0, "exit_price": 51.0}
    return pl.DataFrame([trade | {"gold_example_ids": ["gold-2", "gold-1"]} | changes])


def test_size_setup_and_stop_are_those_of_the_seed_of_its_ticker() -> None:
    row = carry_from_gold(make_trade(), TRAIN, read_markets(None, ""), 7).row(0, named=True)
    assert (row["quantity"], row["setup"], row["stop"]) == (200.0, "fade", 49.5)
    assert row["result_r"] == pytest.approx(2.0)


def test_a_stop_lies_on_the_losing_side_and_on_a_tick() -> None:
    markets = read_markets({"tickers": {"A": {"tick": 0.25}}}, "")
    row = carry_from_gold(make_trade(trade_type="short", entry_price=51.0), TRAIN, markets, 7).row(0, named=True)
    assert row["stop"] == 51.5


def test_what_a_control_asked_for_stands() -> None:
    row = carry_from_gold(make_trade(setup="gap"), TRAIN, read_markets(None, ""), 7).row(0, named=True)
    assert (row["setup"], row["quantity"]) == ("gap", 200.0)


def test_gold_without_them_adds_nothing() -> None:
    bare = TRAIN.drop("quantity", "stop", "setup")
    assert carry_from_gold(make_trade(), bare, read_markets(None, ""), 7).equals(make_trade())


def test_one_seed_at_least_is_of_the_setup_that_was_drawn() -> None:
    rows = pl.DataFrame({"vol": [0.1] * 9 + [0.9], "setup": ["fade"] * 9 + ["gap"]})
    match = [MatchRule(column="v", field="vol", tolerance=0.05, widest=0.1), MatchRule(column="s", field="setup")]
    sampler = GoldSampler(rows, match, 3, {"setup"})
    assert sampler.draw({"v": 0.1, "s": "gap"}, "7:row")[-1] == 9
    assert 9 not in sampler.draw({"v": 0.1, "s": "fade"}, "7:row")

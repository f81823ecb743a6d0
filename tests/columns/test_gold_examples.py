"""Grounding seeds come from the smallest window round the sampled value, repeatably."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from columns.configs import MatchRule
from columns.gold_examples import GoldSampler

VOLATILITY = MatchRule(column="target", field="entry_volatility_percent", tolerance=0.05, widest=0.5)
TICKER = MatchRule(column="ticker", field="ticker")


def trades(volatilities: list[float], tickers: list[str] | None = None) -> pl.DataFrame:
    names = tickers or ["SPY"] * len(volatilities)
    return pl.DataFrame({"entry_volatility_percent": volatilities, "ticker": names})


def draw(volatilities: list[float], target: float, key: str = "7:1") -> set[int]:
    return set(GoldSampler(trades(volatilities), [VOLATILITY], 3).draw({"target": target}, key))


def test_seeds_lie_within_the_tolerance_where_three_do() -> None:
    assert draw([0.3, 0.32, 0.35, 0.36, 0.9], 0.3) == {0, 1, 2}


def test_window_widens_by_one_tolerance_until_three_lie_in_it() -> None:
    assert draw([0.3, 0.38, 0.4, 0.41, 0.9], 0.3) == {0, 1, 2}


def test_beyond_the_widest_window_the_nearest_three_are_taken() -> None:
    assert draw([1.0, 1.2, 1.3, 1.4], 0.3) == {0, 1, 2}


def test_fewer_gold_trades_than_seeds_are_all_taken() -> None:
    assert draw([0.3, 0.9], 0.3) == {0, 1}


def test_same_key_draws_the_same_and_other_keys_differ() -> None:
    many = [0.3] * 50
    assert draw(many, 0.3, "7:1") == draw(many, 0.3, "7:1")
    assert len({frozenset(draw(many, 0.3, f"7:{i}")) for i in range(20)}) > 10


def test_trades_of_the_sampled_ticker_are_likelier() -> None:
    sampler = GoldSampler(trades([0.3] * 40, ["SPY", "IBM"] * 20), [VOLATILITY, TICKER], 3)
    drawn = [i for n in range(300) for i in sampler.draw({"target": 0.3, "ticker": "IBM"}, f"7:{n}")]
    assert 0.7 < sum(i % 2 for i in drawn) / len(drawn) < 0.9


def test_without_a_numeric_rule_every_trade_may_be_drawn() -> None:
    sampler = GoldSampler(trades([0.1, 0.5, 0.9, 1.3]), [], 3)
    assert {i for n in range(50) for i in sampler.draw({}, str(n))} == {0, 1, 2, 3}


@given(
    st.lists(st.integers(1, 120).map(lambda n: n / 100), min_size=1, max_size=30),
    st.integers(1, 120).map(lambda n: n / 100),
)
def test_seeds_are_those_of_a_window_tried_step_by_step(volatilities: list[float], target: float) -> None:
    distances = [abs(v - target) for v in volatilities]
    k = min(3, len(volatilities))
    windows = [0.05 * step for step in range(1, 11)]
    window = next((w for w in windows if sum(d <= w + 1e-9 for d in distances) >= k), sorted(distances)[k - 1])
    assert all(distances[i] <= window + 1e-7 for i in draw(volatilities, target))


@pytest.mark.parametrize("value", [0.35, 0.25])
def test_edge_of_the_window_belongs_to_it(value: float) -> None:
    assert draw([value, value, value, 0.42], 0.3) == {0, 1, 2}

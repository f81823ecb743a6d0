"""Grounding seeds come from the smallest window round the sampled value, repeatably."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from columns.errors import DatasetError
from columns.types.configs import GoldExamplesColumnConfig, MatchRule
from columns.types.gold_examples import ExactSampler, GoldExamplesColumnGenerator, GoldSampler
from designer_configs.compile.checks.project import PROJECT_ROOT
from gold_data.store import Gold, write_gold
from tests.columns.notes import write_notes

MakeGold = Callable[..., Path]
VOLATILITY = MatchRule(column="target", field="entry_volatility_percent", tolerance=0.05, widest=0.5)
TICKER = MatchRule(column="ticker", field="ticker")
PRICE = MatchRule(column="price", field="entry_price", tolerance=10.0, widest=30.0)


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


def test_of_no_gold_trades_none_is_taken() -> None:
    assert draw([], 0.3) == set()


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


def test_windows_of_two_numbers_widen_together() -> None:
    gold = trades([0.3, 0.34, 0.4, 0.3]).with_columns(entry_price=pl.Series([100.0, 119.0, 101.0, 131.0]))
    drawn = GoldSampler(gold, [VOLATILITY, PRICE], 3).draw({"target": 0.3, "price": 100.0}, "7:1")
    assert set(drawn) == {0, 1, 2}


def test_narrowest_rule_says_how_far_all_windows_open() -> None:
    gold = trades([0.3] * 4).with_columns(entry_price=pl.Series([100.0, 131.0, 132.0, 145.0]))
    drawn = GoldSampler(gold, [VOLATILITY, PRICE], 3).draw({"target": 0.3, "price": 100.0}, "7:1")
    assert set(drawn) == {0, 1, 2}


def draw_examples(gold: Path, data: pd.DataFrame, seed: int = 7) -> pd.DataFrame:
    folder = str(PROJECT_ROOT / "columns/trade_log")
    config = GoldExamplesColumnConfig(
        name="gold_examples", dataset=folder, gold=str(gold), seed=seed, match=[VOLATILITY]
    )
    frame: pd.DataFrame = GoldExamplesColumnGenerator(config=config, resource_provider=None).generate(data.copy())
    return frame


def plan_rows(*variations: int, target: float = 0.3) -> pd.DataFrame:
    return pd.DataFrame({"variation": variations, "target": target})


@pytest.fixture
def gold(make_gold: MakeGold) -> Path:
    """Nine trades to train on, far from 0.3; nine held out, right there."""
    seen = [("2024-10-01", "SPY", 0.5 + n / 100) for n in range(9)]
    return make_gold(*seen, *(("2024-10-02", "SPY", 0.3) for _ in range(9)))


def test_held_out_trades_are_never_drawn_however_near(gold: Path) -> None:
    drawn = draw_examples(gold, plan_rows(*range(50)))["gold_examples__ids"]
    assert {trade_id for ids in drawn for trade_id in ids} == {f"gold-000{n}" for n in range(1, 7)}  # 0.5 to 0.55


def test_ids_are_those_of_the_trades_shown(gold: Path) -> None:
    ids = {0.5 + n / 100: f"gold-000{n + 1}" for n in range(9)}
    for _, row in draw_examples(gold, plan_rows(1, 2, 3)).iterrows():
        shown = json.loads(row["gold_examples"].removeprefix("```json").removesuffix("```"))
        assert [ids[trade["entry_volatility_percent"]] for trade in shown] == row["gold_examples__ids"]
        assert len(set(row["gold_examples__ids"])) == 3


def test_frame_with_dropped_rows_keeps_each_row_its_own_examples(gold: Path) -> None:
    whole = draw_examples(gold, plan_rows(1, 2, 3, 4))
    gapped = draw_examples(gold, plan_rows(1, 2, 3, 4).drop(index=[0, 2]))
    pd.testing.assert_frame_equal(gapped, whole.loc[[1, 3]])


def test_examples_do_not_depend_on_the_order_of_the_rows(gold: Path) -> None:
    forwards = draw_examples(gold, plan_rows(1, 2, 3, 4))
    backwards = draw_examples(gold, plan_rows(4, 3, 2, 1))
    assert forwards["gold_examples"].tolist() == backwards["gold_examples"].tolist()[::-1]


def test_another_seed_draws_other_examples(gold: Path) -> None:
    rows = plan_rows(*range(20))
    drawn = [draw_examples(gold, rows, seed)["gold_examples__ids"].tolist() for seed in (7, 8)]
    assert drawn[0] != drawn[1]


@given(st.integers(1, 5), st.integers(1, 40), st.sampled_from(["SPY", "IBM", "XYZ"]), st.text(max_size=8))
def test_seeds_differ_from_one_another_and_are_all_there(k: int, count: int, ticker: str, key: str) -> None:
    gold = trades([0.3] * count, ["SPY", "IBM"] * (count // 2) + ["SPY"] * (count % 2))
    drawn = GoldSampler(gold, [TICKER], k).draw({"ticker": ticker}, key)
    assert len(set(drawn)) == len(drawn) == min(k, count)
    assert set(drawn) <= set(range(count))


ROWS = pl.DataFrame(
    {"ticker": ["SPY", "IBM", "SPY", "IBM"], "kind": ["a", "a", "b", "b"], "size": [1.0, 2.0, 3.0, 4.0]}
)
KIND = MatchRule(column="wanted", field="kind")
SIZE = MatchRule(column="size", field="size", tolerance=1.0)


def draw_exactly(match: list[MatchRule], **sampled: object) -> set[int]:
    return set(ExactSampler(ROWS, match, 9).draw(sampled, "7:1"))


def test_exact_rows_agree_with_every_category() -> None:
    assert draw_exactly([KIND, TICKER], wanted="b", ticker="IBM") == {3}
    assert draw_exactly([KIND], wanted="a") == {0, 1}
    assert draw_exactly([]) == {0, 1, 2, 3}


def test_exact_rows_lie_within_every_tolerance_its_edge_included() -> None:
    assert draw_exactly([SIZE], size=2.0) == {0, 1, 2}
    assert draw_exactly([SIZE, KIND], size=2.0, wanted="b") == {2}
    near = ExactSampler(pl.DataFrame({"size": [0.35]}), [MatchRule(column="size", field="size", tolerance=0.05)], 1)
    assert near.draw({"size": 0.3}, "7:1") == [0]  # 0.35 and 0.3 are 0.05 apart, also in binary


def test_no_row_that_agrees_is_said_and_no_other_is_taken() -> None:
    for asked in ({"wanted": "c", "size": 1.0}, {"wanted": "a", "size": 4.0}):
        with pytest.raises(DatasetError, match=rf"no gold row agrees with .*'wanted': '{asked['wanted']}'"):
            draw_exactly([SIZE, KIND], **asked)


def test_exact_rows_are_drawn_repeatably_without_the_same_twice() -> None:
    sampler = ExactSampler(pl.DataFrame({"kind": ["a"] * 50}), [KIND], 3)
    drawn = [tuple(sampler.draw({"wanted": "a"}, f"7:{n}")) for n in range(20)]
    assert drawn == [tuple(sampler.draw({"wanted": "a"}, f"7:{n}")) for n in range(20)]
    assert all(len(set(places)) == 3 for places in drawn)
    assert len(set(drawn)) > 10


@given(
    rows=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), min_size=1, max_size=20),
    wanted=st.sampled_from("ab"),
    size=st.integers(0, 5),
)
def test_exact_rows_are_those_of_a_plain_reading(rows: list[tuple[str, int]], wanted: str, size: int) -> None:
    sampler = ExactSampler(pl.DataFrame(rows, schema=["kind", "size"], orient="row"), [KIND, SIZE], len(rows))
    agreeing = {place for place, (kind, number) in enumerate(rows) if kind == wanted and abs(number - size) <= 1}
    if agreeing:
        assert set(sampler.draw({"wanted": wanted, "size": size}, "k")) == agreeing
    else:
        with pytest.raises(DatasetError):
            sampler.draw({"wanted": wanted, "size": size}, "k")


def test_exact_examples_are_shown_with_the_fields_that_gold_has(tmp_path: Path) -> None:
    rows = pl.DataFrame({"gold_id": ["g1", "g2", "g3"], "kind": ["a", "b", "b"], "text": ["x", "y", "z"]})
    gold = write_gold(Gold(rows), tmp_path / "gold", 0.34).folder
    folder = str(write_notes(tmp_path))
    config = GoldExamplesColumnConfig(name="examples", dataset=folder, gold=str(gold), exact=True, k=2, match=[KIND])
    drawn = GoldExamplesColumnGenerator(config=config, resource_provider=None).generate(
        pd.DataFrame({"variation": [1], "wanted": ["b"]})
    )
    assert drawn["examples__ids"].tolist() == [["g2"]]  # g3 is held out
    assert json.loads(drawn["examples"][0].removeprefix("```json").removesuffix("```")) == [{"kind": "b", "text": "y"}]

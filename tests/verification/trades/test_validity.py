"""Impossible trades are found by the rules that every trade obeys, as the row-by-row check finds them."""

import math
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from gold_data.trades.limits import GoldLimits
from gold_data.trades.rules import check_trade
from gold_data.trades.schema import CORE_FIELDS
from verification.trades.references import CORE, build_references, spoil_some
from verification.trades.validity import RULES, ask_validity, find_broken, measure_share
from verification.trades.yardstick import Yardstick

ANY = GoldLimits(price_ranges={}, holds_overnight=True, volatility_range=(0.0, math.inf))
NAMES = {"finite": {"schema", "finite"}, "complete": {"schema"}}  # the oracle's names, where they are others


def make_trade(**changed: object) -> pl.DataFrame:
    day = datetime(2024, 10, 1, tzinfo=UTC)
    row: dict[str, object] = {
        "trade_id": "a",
        "ticker": "SIM1",
        "trade_type": "buy",
        "session_date": day.date(),
        "entry_time": day.replace(hour=10),
        "exit_time": day.replace(hour=10, minute=5),
        "entry_price": 10.0,
        "exit_price": 10.2,
        "entry_volatility_percent": 0.5,
        "worst_exit_percent": -1.0,
        "best_exit_percent": 3.0,
        "trade_percent_change": 2.0,
    }
    times = [pl.col(name).dt.replace_time_zone("America/New_York") for name in ("entry_time", "exit_time")]
    kinds = {name: pl.Datetime("us", "UTC") for name in ("entry_time", "exit_time")} | {"session_date": pl.Date}
    return pl.DataFrame([row | changed], schema_overrides=kinds).with_columns(times)


def list_broken(trades: pl.DataFrame) -> list[str]:
    broken = find_broken(trades)
    return [name for name in RULES if broken[name][0]]


def find_by_row(row: dict[str, object]) -> set[str]:
    core = {name: row[name] for name in CORE_FIELDS}
    entry, leave = row["entry_time"], row["exit_time"]
    assert isinstance(entry, datetime)
    assert isinstance(leave, datetime)
    core |= {"entry_time": f"{entry:%H:%M:%S}", "exit_time": f"{leave:%H:%M:%S}"}
    change = row["trade_percent_change"]
    found = check_trade(
        core,
        session_date=row["session_date"],  # type: ignore[arg-type]
        limits=ANY,
        exit_date=leave.date(),
        stated_percent=change if isinstance(change, float) and math.isfinite(change) else None,
    )
    return {violation.rule for violation in found}


def test_a_sound_trade_breaks_no_rule() -> None:
    assert list_broken(make_trade()) == []


@pytest.mark.parametrize(
    ("changed", "rules"),
    [
        ({"trade_type": "long"}, ["complete"]),
        ({"ticker": None}, ["complete"]),
        ({"exit_time": None}, ["complete"]),
        ({"worst_exit_percent": math.nan}, ["finite"]),
        ({"trade_percent_change": None}, ["finite"]),
        ({"entry_price": math.inf}, ["finite"]),
        ({"exit_price": -10.2}, ["positive_price"]),
        ({"entry_volatility_percent": 0.0}, ["positive_volatility"]),
        ({"exit_time": datetime(2024, 10, 1, 16, 0, 1, tzinfo=UTC)}, ["session_hours"]),
        ({"exit_time": datetime(2024, 10, 1, 16, tzinfo=UTC)}, []),
        ({"exit_time": datetime(2024, 10, 1, 9, 59, tzinfo=UTC)}, ["exit_after_entry"]),
        ({"exit_time": datetime(2024, 10, 2, 9, 59, tzinfo=UTC)}, []),
        ({"exit_time": datetime(2024, 10, 2, 10, 1, tzinfo=UTC)}, ["exit_after_entry"]),
        ({"best_exit_percent": 1.99}, []),
        ({"best_exit_percent": 1.98}, ["excursion_bounds"]),
        ({"worst_exit_percent": 3.5}, ["percent_order", "excursion_bounds"]),
        ({"trade_percent_change": -2.0}, ["exit_sign"]),
        ({"trade_type": "short"}, ["excursion_bounds", "exit_sign"]),
    ],
)
def test_each_fault_is_found_under_its_rule(changed: dict[str, object], rules: list[str]) -> None:
    assert list_broken(make_trade(**changed)) == rules


def test_all_rows_agree_with_the_check_of_single_rows(gold: pl.DataFrame) -> None:
    rng = np.random.default_rng(3)
    noise = build_references(gold, 100, rng)
    sets = [noise["gaussian_copula"], noise["uniform_noise"], noise["jittered_bootstrap"]]
    trades = pl.concat([spoil_some(gold.select(CORE).head(100), 0.5, rng), *(each.select(CORE) for each in sets)])
    broken = find_broken(trades)
    for row, found in zip(trades.iter_rows(named=True), broken.iter_rows(named=True), strict=True):
        assert {rule for rule, is_broken in found.items() if is_broken} == find_by_row(row), row


def test_the_gold_is_possible(gold: pl.DataFrame) -> None:
    assert ask_validity(Yardstick(gold, gold.clear(), len(gold)), gold).verdict == "good"


def test_two_percent_impossible_trades_of_400_are_called(gold: pl.DataFrame) -> None:
    yardstick = Yardstick(gold, gold.clear(), 400)
    fresh = gold.head(400)
    found = [ask_validity(yardstick, spoil_some(fresh, 0.02, np.random.default_rng(seed))) for seed in range(20)]
    assert sum(answer.verdict == "underfit" for answer in found) >= 19
    assert {answer.metrics["impossible"] for answer in found} == {8}


def test_noise_is_most_rows_impossible(gold: pl.DataFrame) -> None:
    bad = gold.with_columns(pl.lit(math.nan).alias("best_exit_percent"))
    answer = ask_validity(Yardstick(gold, gold.clear(), len(gold)), bad)
    assert answer.verdict == "noise"
    rules = {rule["rule"]: rule["broken"] for rule in answer.metrics["rules"]}
    assert rules["finite"] == len(gold)
    assert answer.metrics["rules"][1]["first_ids"] == gold["trade_id"].head(5).to_list()


def test_one_of_400_is_too_few_to_tell(gold: pl.DataFrame) -> None:
    first = pl.int_range(pl.len()) == 0
    price = pl.when(first).then(-1.0).otherwise("entry_price")
    answer = ask_validity(Yardstick(gold, gold.clear(), 400), gold.head(400).with_columns(price.alias("entry_price")))
    assert answer.verdict == "cannot tell"


def test_a_fault_that_the_gold_has_as_often_is_no_fault(gold: pl.DataFrame) -> None:
    bad = spoil_some(gold.select(CORE), 0.05, np.random.default_rng(0))
    assert ask_validity(Yardstick(bad, bad.clear(), len(bad)), bad).verdict == "good"


def test_without_trades_nothing_is_told(gold: pl.DataFrame) -> None:
    assert ask_validity(Yardstick(gold, gold.clear(), 0), gold.clear()).verdict == "cannot tell"
    assert ask_validity(Yardstick(gold.clear(), gold.clear(), 5), gold.head(100)).verdict == "good"


@pytest.mark.parametrize(("rows", "verdict"), [(1, "cannot tell"), (71, "cannot tell"), (72, "good")])
def test_good_needs_enough_trades_to_exclude_faults(gold: pl.DataFrame, rows: int, verdict: str) -> None:
    answer = ask_validity(Yardstick(gold, gold.clear(), rows), gold.head(rows))
    assert answer.verdict == verdict
    assert answer.numbers[0] == ("impossible trades", f"0 of {rows}")


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("shuffled_marginals", "noise"), ("uniform_noise", "noise"), ("gaussian_copula", "underfit")],
)
def test_noise_is_what_breaks_rules_as_noise_of_the_gold_does(gold: pl.DataFrame, name: str, verdict: str) -> None:
    few = gold.filter(pl.col("session_date").rank("dense") <= 3)
    for own in (gold, few):
        made = build_references(own, 400, np.random.default_rng(5))[name]
        assert ask_validity(Yardstick(own, own.clear(), 400), made).verdict == verdict


def test_noise_is_not_called_on_a_handful_of_trades(gold: pl.DataFrame) -> None:
    made = build_references(gold, 30, np.random.default_rng(5))["uniform_noise"]
    answer = ask_validity(Yardstick(gold, gold.clear(), 30), made)
    assert (answer.verdict, answer.metrics["share"]["value"] > 0.3) == ("underfit", True)


def test_shares_have_the_exact_interval() -> None:
    share = measure_share(8, 400)
    assert (share.value, share.low, share.high) == pytest.approx((0.02, 0.008672, 0.039019), abs=1e-5)
    assert (measure_share(0, 10).low, measure_share(10, 10).high) == (0.0, 1.0)

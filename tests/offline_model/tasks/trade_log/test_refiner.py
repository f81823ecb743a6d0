"""The refiner changes what the critique names, so that the rest still fits, and errs at its rates."""

from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any

import pytest

from gold_data.trades.rules import GoldLimits, check_trade
from offline_model.tasks.trade_log import faults
from offline_model.tasks.trade_log.generator import draft_trade
from offline_model.tasks.trade_log.judge import find_faults
from offline_model.tasks.trade_log.refiner import FAILURE_RATE, STRAY_RATE, find_named, mend_trade, refine_trade
from offline_model.tasks.trade_log.task import Task
from offline_model.tasks.trade_log.trades import FIELDS, Trade, read_trade, write_row
from tests.offline_model.tasks.trade_log.reading import read

WritePrompt = Callable[..., str]

TRADE = {
    "ticker": "NVDA",
    "trade_type": "buy",
    "entry_time": "10:00:01",
    "exit_time": "10:15:31",
    "entry_price": 120.0,
    "exit_price": 120.6,
    "entry_volatility_percent": 0.51,
    "worst_exit_percent": -0.31,
    "best_exit_percent": 0.75,
}


def mend(task: Task, named: set[str], seed: int = 0) -> Trade:
    old = read_trade(task.row)
    assert old is not None
    return mend_trade(task, old, draft_trade(task, Random(seed)), named)


def list_changes(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    return {field for field in FIELDS if old[field] != new[field]}


def criticise(text: str, trade: Trade, limits: GoldLimits, session_date: date) -> tuple[str, set[str]]:
    """Write the critique as the pipeline does: the checks' messages, or the judge's where the checks find nothing."""
    violations = check_trade(write_row(trade), session_date=session_date, limits=limits)
    lines = [f"- [{violation.rule}] {violation.message}" for violation in violations]
    named = {field for violation in violations for field in violation.fields}
    if not lines:
        lines = [f"- [{fault.criterion} {fault.score}/5] {fault}" for fault in find_faults(read(text))]
        named = find_named("\n".join(lines))
    return "\n".join(lines), named


@pytest.mark.parametrize("fault", dict.fromkeys(faults.FAULTS))
def test_mended_row_is_sound_and_changed_only_where_named(
    write_prompt: WritePrompt, limits: GoldLimits, session_date: date, fault: faults.Fault
) -> None:
    start = read(write_prompt("generator"))
    for seed in range(40):
        trade = fault(start, draft_trade(start, Random(seed)), Random(seed))
        assert trade is not None
        critique, named = criticise(write_prompt("judge", trade=write_row(trade)), trade, limits, session_date)
        task = read(write_prompt("refiner", trade=write_row(trade), critique=critique))
        mended = mend(task, named, seed)
        assert list_changes(write_row(trade), write_row(mended)) <= named
        assert check_trade(write_row(mended), session_date=session_date, limits=limits) == []
        assert find_faults(read(write_prompt("judge", trade=write_row(mended)))) == []


@pytest.mark.parametrize(
    ("change", "named", "expected"),
    [
        ({"best_exit_percent": 0.3}, {"best_exit_percent"}, {"best_exit_percent"}),
        ({"exit_time": "16:20:00"}, {"entry_time", "exit_time"}, {"exit_time"}),
        ({"exit_price": 130.0}, {"entry_price", "exit_price"}, {"exit_price"}),
        ({"entry_price": 12.0}, {"entry_price"}, {"entry_price"}),
        ({"ticker": "TSLA"}, {"ticker"}, {"ticker"}),
        ({"trade_type": "short"}, {"trade_type"}, {"trade_type"}),
        ({}, {"entry_time"}, {"entry_time"}),
    ],
)
def test_sound_fields_are_kept_even_when_named(
    write_prompt: WritePrompt, change: dict[str, Any], named: set[str], expected: set[str]
) -> None:
    row = TRADE | change
    mended = mend(read(write_prompt("refiner", trade=row)), named)
    assert list_changes(row, write_row(mended)) == expected


def test_swapped_excursions_are_swapped_back(write_prompt: WritePrompt) -> None:
    row = TRADE | {"worst_exit_percent": 0.75, "best_exit_percent": -0.31}
    mended = mend(read(write_prompt("refiner", trade=row)), {"worst_exit_percent", "best_exit_percent"})
    assert write_row(mended) == TRADE


def test_wrong_direction_is_mended_by_the_control(write_prompt: WritePrompt) -> None:
    task = read(write_prompt("refiner", trade=TRADE | {"trade_type": "short"}))
    assert mend(task, {"trade_type"}).trade_type == "buy"


def test_unusable_field_is_filled_in(write_prompt: WritePrompt) -> None:
    task = read(write_prompt("refiner", trade=TRADE | {"exit_time": None}, critique="- [schema] exit_time is missing"))
    assert refine_trade(task, Random(1))["exit_time"] > "10:00:01"  # type: ignore[operator]


def test_critique_without_a_field_changes_nothing(write_prompt: WritePrompt) -> None:
    task = read(write_prompt("refiner", trade=TRADE, critique="- [realism 3/5] It does not feel right."))
    assert write_row(mend(task, find_named(task.critique))) == TRADE


def test_fields_are_named_by_key_or_in_words() -> None:
    assert find_named("The Exit Price of bestickers; `entry_time`") == {"exit_price", "entry_time"}


def test_failures_and_strays_come_at_their_rates(write_prompt: WritePrompt) -> None:
    critique = "- [excursion_bounds] best_exit_percent 0.1 is below the exit percent 0.5"
    row = TRADE | {"best_exit_percent": 0.1}
    task = read(write_prompt("refiner", trade=row, critique=critique))
    answers = [refine_trade(task, Random(seed)) for seed in range(600)]
    failed = sum(answer["best_exit_percent"] < 0.49 for answer in answers)  # type: ignore[operator]
    strayed = sum(list_changes(row, answer) > {"best_exit_percent"} for answer in answers)
    assert abs(failed / 600 - FAILURE_RATE) < 0.05
    assert abs(strayed / 600 - STRAY_RATE) < 0.04


def test_failed_mend_is_another_row_each_time(write_prompt: WritePrompt) -> None:
    task = read(write_prompt("refiner", trade=TRADE | {"exit_time": "17:00:00"}, critique="- [a] exit_time is late"))
    answers = [refine_trade(task, Random(seed)) for seed in range(100)]
    assert all(answer["exit_time"] != "17:00:00" for answer in answers)

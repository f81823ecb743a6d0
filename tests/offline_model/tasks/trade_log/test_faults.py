"""Every planted fault is a real one: the checks or the judge catch it."""

from collections.abc import Callable
from datetime import date
from random import Random

import pytest

from gold_data.trades.rules import Expectation, GoldLimits, check_trade
from offline_model.tasks.trade_log import faults
from offline_model.tasks.trade_log.generator import draft_trade
from offline_model.tasks.trade_log.judge import find_faults
from offline_model.tasks.trade_log.task import Task
from offline_model.tasks.trade_log.trades import Trade, write_row
from tests.offline_model.tasks.trade_log.reading import read

WritePrompt = Callable[..., str]

SEEN_BY_CHECKS: dict[faults.Fault, set[str]] = {
    faults.push_exit_out: {"worst_exit_percent", "best_exit_percent"},
    faults.swap_excursions: {"worst_exit_percent", "best_exit_percent"},
    faults.leave_session: {"entry_time", "exit_time"},
    faults.turn_back_time: {"entry_time", "exit_time"},
    faults.miss_volatility: {"entry_volatility_percent"},
    faults.leave_price_range: {"entry_price", "exit_price"},
}
SEEN_BY_JUDGE: dict[faults.Fault, set[str]] = {
    faults.exaggerate_excursion: {"worst_exit_percent", "best_exit_percent"},
    faults.distort_hold: {"exit_time"},
    faults.miss_period: {"entry_time"},
    faults.round_coarsely: {"worst_exit_percent", "best_exit_percent"},
}


def name_violated(trade: Trade, limits: GoldLimits, session_date: date) -> set[str]:
    asked = [Expectation("entry_volatility_percent", 0.5, 0.05)]
    found = check_trade(write_row(trade), session_date=session_date, limits=limits, expectations=asked)
    return {field for violation in found for field in violation.fields}


def plant(fault: faults.Fault, task: Task, seed: int) -> Trade:
    honest = draft_trade(task, Random(seed))
    trade = fault(task, honest, Random(seed))
    assert trade is not None
    return trade


def test_every_kind_of_fault_is_tried_here() -> None:
    assert SEEN_BY_CHECKS.keys() | SEEN_BY_JUDGE.keys() == set(faults.FAULTS)


@pytest.mark.parametrize("fault", SEEN_BY_CHECKS)
def test_checks_catch_the_fault(
    write_prompt: WritePrompt, limits: GoldLimits, session_date: date, fault: faults.Fault
) -> None:
    task = read(write_prompt("generator"))
    for seed in range(60):
        named = name_violated(plant(fault, task, seed), limits, session_date)
        assert named & SEEN_BY_CHECKS[fault], seed


@pytest.mark.parametrize("fault", SEEN_BY_JUDGE)
def test_judge_catches_what_the_checks_cannot_see(
    write_prompt: WritePrompt, limits: GoldLimits, session_date: date, fault: faults.Fault
) -> None:
    task = read(write_prompt("generator"))
    for seed in range(60):
        trade = plant(fault, task, seed)
        assert name_violated(trade, limits, session_date) == set(), seed
        found = find_faults(read(write_prompt("judge", trade=write_row(trade))))
        assert {fault.field for fault in found} & SEEN_BY_JUDGE[fault], seed


def test_fault_is_planted_where_nothing_is_asked_for(write_prompt: WritePrompt) -> None:
    task = read(write_prompt("generator", controls={}, allowed=GoldLimits({}, True, (0.3, 1.1))))
    for seed in range(60):
        honest = draft_trade(task, Random(seed))
        assert faults.plant_fault(task, honest, Random(seed)) != honest

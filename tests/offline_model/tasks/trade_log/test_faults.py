"""Every planted fault is a real one: the checks or the judge catch it; every spoilt answer is refused."""

from collections.abc import Callable
from datetime import date
from random import Random

import pytest
from data_designer.engine.models.parsers.errors import ParserException
from data_designer.engine.models.recipes.response_recipes import StructuredResponseRecipe

from gold_data.trades.rules import Expectation, GoldLimits, check_trade
from gold_data.trades.schema import load_core_schema
from offline_model.tasks.trade_log import faults
from offline_model.tasks.trade_log.generator import draft_trade
from offline_model.tasks.trade_log.judge import find_faults
from offline_model.tasks.trade_log.task import Task, read_task
from offline_model.tasks.trade_log.trades import Trade, write_row

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


def read(text: str) -> Task:
    task = read_task(text)
    assert task is not None
    return task


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


ANSWER = {
    "ticker": "NVDA",
    "trade_type": "buy",
    "entry_time": "10:00:01",
    "exit_time": "10:05:31",
    "entry_price": 120.11,
    "exit_price": 120.51,
    "entry_volatility_percent": 0.512,
    "worst_exit_percent": -0.11,
    "best_exit_percent": 0.35,
}


def test_data_designer_refuses_spoilt_answers() -> None:
    recipe = StructuredResponseRecipe(json_schema=load_core_schema())
    for seed in range(40):
        with pytest.raises(ParserException):
            recipe.parse(faults.spoil_answer(dict(ANSWER), Random(seed)))


def test_data_designer_reads_wrapped_answers() -> None:
    recipe = StructuredResponseRecipe(json_schema=load_core_schema())
    texts = {faults.wrap_answer(dict(ANSWER), Random(seed)) for seed in range(80)}
    assert {text[0] for text in texts} == {"`", "{", "H"}
    assert all(recipe.parse(text) == ANSWER for text in texts)

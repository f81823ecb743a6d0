"""Faults that are planted in descriptions: what each changes, and that checks and judge catch them."""

import json
import random
from pathlib import Path

import pytest

from designer_configs.compile.native import compile_profile
from designer_configs.compile.profile import Profile, load_profile
from gold_data.store import GoldFolder, write_gold
from indicators.strategy.grammar import read_strategy
from jobs.library.backend import LibraryBackend
from offline_model.launch import launch
from offline_model.options import Options
from refine_loop.run import read_checked_gold
from verification.judge.calibration import ask_judge, collect_calibration
from verification.judge.job import TRIES, JudgePlan, build_job, judge_rows, plan_calibration
from verification.strategies.faults import FAULTS, plant_fault

CROSS = {"cross_over": [{"CLOSE": {}}, {"EMA": {"length": 20}}]}
BARE = {
    "ticker": "IBM",
    "position_type": "LONG",
    "buy_condition": CROSS,
    "take_profit": {"percent": 2},
    "interval": "5m",
}
WHOLE = {**BARE, "sell_condition": {"less": [{"RSI": {}}, 45]}, "stop_loss": {"percent": 2}}
BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.mark.parametrize("name", list(BY_NAME))
def test_a_fault_changes_what_is_traded_and_stays_sound(name: str) -> None:
    tried = (plant_fault(BY_NAME[name], WHOLE, random.Random(number)) for number in range(9))
    planted = next(document for document in tried if document is not None)
    assert read_strategy(json.dumps(planted)) != WHOLE


@pytest.mark.parametrize("name", ["swapped sides", "stop missing"])
def test_a_strategy_that_cannot_have_a_fault_is_passed_over(name: str) -> None:
    assert plant_fault(BY_NAME[name], BARE, random.Random(1)) is None


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("strategy_offline", {"seed": 3})


@pytest.fixture(scope="module")
def gold(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> GoldFolder:
    return write_gold(read_checked_gold(profile), tmp_path_factory.mktemp("gold"), 0.0)


def make_plan(profile: Profile, gold: GoldFolder, rows: int, *, judges_all: bool = False) -> JudgePlan:
    return plan_calibration(profile, compile_profile(profile, gold), gold, rows, 3, judges_all=judges_all)


def test_the_writer_is_shown_what_was_planted_and_the_judge_the_strategy(profile: Profile, gold: GoldFolder) -> None:
    plan = make_plan(profile, gold, 1)
    columns = {column["name"]: column for column in build_job(plan, Path("rows.parquet"))["columns"]}
    assert "{{ planted__shown }}" in columns["description"]["prompt"]
    assert "{{ strategy__shown }}" in columns["judge"]["prompt"]
    assert "{{ strategy__shown }}" not in columns["description"]["prompt"]
    assert [name for name, column in columns.items() if "skip" in column] == ["parsed", "judge"]
    assert (plan.late_checks, plan.requests) == (["text_checks", "round_trip"], 10 * TRIES * 3)
    every = build_job(make_plan(profile, gold, 1, judges_all=True), Path("rows.parquet"))["columns"]
    assert not [column for column in every if "skip" in column]


def test_checks_and_judge_catch_what_is_planted_and_refuse_nothing_else(
    profile: Profile, gold: GoldFolder, tmp_path: Path
) -> None:
    plan = make_plan(profile, gold, 1)
    with launch(Options(fault_rate=0.0)) as endpoint:
        rows = judge_rows(plan, LibraryBackend(profile, endpoint, tmp_path / "artifacts"), tmp_path, lambda _: None)
    answer = ask_judge(collect_calibration(plan, rows, is_offline=True))
    assert answer.metrics["caught_in_all"]["value"] == 1.0
    assert [row.rules for row in rows if row.fault is None] == [()] * 5
    assert all(len(row.tries) == (TRIES if row.fault is None else 0) for row in rows)
    assert all(fault["missed"] == 0 for fault in answer.metrics["faults"][1:])

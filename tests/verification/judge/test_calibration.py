"""How far a judge can be trusted: rows of scores with the answer typed in, and one job on the offline model."""

import gc
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score

from columns.rendering import read_fence
from designer_configs.compile.native import CompiledProfile, compile_profile
from designer_configs.compile.profile import Profile, load_profile
from gold_data.errors import GoldError
from gold_data.store import Gold, GoldFolder, write_gold
from gold_data.trades.limits import describe_limits
from gold_data.trades.schema import list_core_rows
from jobs.library.backend import LibraryBackend
from offline_model.launch import launch
from offline_model.options import Options
from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Answer
from verification.errors import VerificationError
from verification.judge.calibration import (
    FILE,
    OFFLINE_SAYS,
    Calibration,
    ask_judge,
    collect_calibration,
    compute_kappa,
    measure_rate,
    read_answer,
    write_calibration,
)
from verification.judge.faults import PLANTED
from verification.judge.job import TRIES, JudgedRow, JudgePlan, build_job, judge_rows, plan_calibration
from verification.trades.faults import FAULTS

CRITERIA = ("realism", "consistency", "completeness")
ACCEPTANCE = dict.fromkeys(CRITERIA, 4)
UNSEEN = [fault for fault in FAULTS if not fault.seen_by_checks]
Tries = Sequence[Sequence[int] | None]


def score(*tries: Sequence[int] | None) -> tuple[dict[str, int] | None, ...]:
    """Give three tries: one triple of scores stands for all."""
    repeated = tries * TRIES if len(tries) == 1 else tries
    return tuple(None if each is None else dict(zip(CRITERIA, each, strict=True)) for each in repeated)


def judge_all(untouched: Tries, faulty: Tries, copies: int = 4, *, is_offline: bool = False) -> Calibration:
    """Have `copies` rows of every fault judged by `faulty`, in turn, and ten times as many untouched by `untouched`."""
    rows = [
        JudgedRow(None, f"gold-{at}", (), score(untouched[at % len(untouched)])) for at in range(len(UNSEEN) * copies)
    ]
    for at, fault in enumerate([fault for fault in FAULTS for _ in range(copies)]):
        rules = ("schema",) if fault.seen_by_checks else ()
        rows.append(JudgedRow(fault.name, f"gold-{at % 50}", rules, score(faulty[at % len(faulty)])))
    return Calibration("mine", "model", is_offline, 7, ACCEPTANCE, [], rows, FAULTS)


GOLD_SCORES, BAD_SCORES = (5, 5, 5), (2, 2, 2)


def test_judge_that_always_says_5_is_noise_that_catches_nothing() -> None:
    answer = ask_judge(judge_all([GOLD_SCORES], [GOLD_SCORES]))
    assert answer.verdict == NOISE
    assert answer.metrics["catch"]["value"] == answer.metrics["false_reject"]["value"] == 0.0
    assert answer.metrics["kappa"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert "caught 0% [0%, 9%]" in answer.reason


def test_judge_that_always_says_1_is_noise_that_refuses_all_gold() -> None:
    answer = ask_judge(judge_all([(1, 1, 1)], [(1, 1, 1)]))
    assert answer.verdict == NOISE
    assert answer.metrics["catch"]["value"] == answer.metrics["false_reject"]["value"] == 1.0
    assert [each["false_reject"]["value"] for each in answer.metrics["criteria"]] == [1.0, 1.0, 1.0]


def test_judge_that_draws_its_scores_is_noise() -> None:
    rng = np.random.default_rng(5)
    drawn = [tuple(int(each) for each in rng.integers(3, 6, size=3)) for _ in range(997)]
    assert ask_judge(judge_all(drawn, drawn[::-1], copies=12)).verdict == NOISE


def test_judge_that_is_always_right_is_good() -> None:
    answer = ask_judge(judge_all([GOLD_SCORES], [BAD_SCORES]))
    assert answer.verdict == GOOD
    assert answer.metrics["kappa"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert [label for label, _ in answer.numbers] == [
        "faults caught that only it can see",
        "untouched gold refused",
        "Cohen's kappa",
        "faults caught, by checks or judge",
    ]
    assert OFFLINE_SAYS not in answer.reason
    assert ask_judge(judge_all([GOLD_SCORES], [BAD_SCORES], is_offline=True)).reason.endswith(OFFLINE_SAYS)


@pytest.mark.parametrize(
    ("untouched", "faulty"),
    [([GOLD_SCORES], [BAD_SCORES, GOLD_SCORES, GOLD_SCORES]), ([GOLD_SCORES, BAD_SCORES], [BAD_SCORES])],
)
def test_judge_that_misses_or_refuses_too_much_is_underfit(untouched: Tries, faulty: Tries) -> None:
    answer = ask_judge(judge_all(untouched, faulty, copies=12))
    assert answer.verdict == UNDERFIT
    assert "at least 70% and at most 20% wanted" in answer.reason


def test_judge_near_the_line_cannot_be_told() -> None:
    answer = ask_judge(judge_all([GOLD_SCORES], [BAD_SCORES, BAD_SCORES, BAD_SCORES, GOLD_SCORES]))
    assert answer.verdict == CANNOT_TELL
    assert answer.reason.startswith("Too close to the line")


def test_few_rows_tell_nothing() -> None:
    answer = ask_judge(judge_all([GOLD_SCORES], [BAD_SCORES], copies=1))
    assert answer.verdict == CANNOT_TELL
    assert "10 rows with a fault that only it can see and 10 untouched ones, at least 20 of each" in answer.reason


def test_no_row_at_all_and_no_answer_at_all_tell_nothing() -> None:
    for rows in ([], [JudgedRow(None, "gold-1", (), (None, None, None))]):
        answer = ask_judge(Calibration("mine", "model", False, 7, ACCEPTANCE, [], rows, FAULTS))
        assert answer.verdict == CANNOT_TELL
        assert answer.metrics["kappa"]["value"] is None
        assert answer.metrics["rows_without_answer"] == len(rows)
        assert dict(answer.numbers)["untouched gold refused"] == "unknown"


def count(answer: Answer, fault: str) -> dict[str, object]:
    """Give one fault's counts without its words."""
    (found,) = (each for each in answer.metrics["faults"] if each["name"] == fault)
    return {key: found[key] for key in ("rows", "judged", "caught_by_checks", "caught_by_judge", "missed")}


def test_rows_are_counted_by_fault() -> None:
    rows = [
        JudgedRow("whole dollars", "gold-1", (), score(GOLD_SCORES)),
        JudgedRow("whole dollars", "gold-2", (), score((5, 5, 3))),
        JudgedRow("whole dollars", "gold-3", (), score(None)),
        JudgedRow("wrong sign", "gold-1", ("exit_sign",), score(GOLD_SCORES)),
        JudgedRow(None, "gold-1", (), score((3, 5, 5))),
    ]
    answer = ask_judge(Calibration("mine", "model", False, 7, ACCEPTANCE, ["session_period"], rows, FAULTS))
    names = ("rows", "judged", "caught_by_checks", "caught_by_judge", "missed")
    assert count(answer, "whole dollars") == dict(zip(names, (3, 2, 0, 1, 1), strict=True))
    assert count(answer, "wrong sign") == dict(zip(names, (1, 1, 1, 0, 0), strict=True))
    assert count(answer, "untouched gold") == dict(zip(names, (1, 1, 0, 1, 0), strict=True))
    assert answer.metrics["rows_without_answer"] == 1
    assert answer.metrics["tries_without_answer"] == 3
    assert answer.metrics["controls_left_out"] == ["session_period"]


def test_criterion_is_measured_on_what_hurts_it() -> None:
    rows = [
        JudgedRow("whole dollars", "gold-1", (), score((1, 1, 5))),  # refused, but not for its completeness
        JudgedRow("half-hour times", "gold-2", (), score((5, 5, 3))),
        JudgedRow("held too long", "gold-3", (), score((2, 5, 5))),
        JudgedRow(None, "gold-4", (), score((5, 5, 5))),
    ]
    answer = ask_judge(Calibration("mine", "model", False, 7, ACCEPTANCE, [], rows, FAULTS))
    realism, consistency, completeness = answer.metrics["criteria"]
    assert (realism["rows_hurt"], realism["catch"]["value"], realism["kappa"]["value"]) == (1, 1.0, 1.0)
    assert (consistency["rows_hurt"], consistency["catch"]["value"]) == (0, None)
    assert (completeness["rows_hurt"], completeness["catch"]["value"]) == (2, 0.5)
    assert completeness["kappa"]["value"] == pytest.approx(0.4)  # agreed 2/3, by chance 4/9


def test_repeatability_is_of_the_rows_answered_every_time() -> None:
    rows = [
        JudgedRow(None, "gold-1", (), score((5, 5, 5), (5, 4, 5), (5, 3, 5))),
        JudgedRow(None, "gold-2", (), score((4, 4, 4))),
        JudgedRow(None, "gold-3", (), score((1, 1, 1), None, (5, 5, 5))),
    ]
    answer = ask_judge(Calibration("mine", "model", False, 7, ACCEPTANCE, [], rows, FAULTS))
    realism, consistency, _ = answer.metrics["criteria"]
    assert (realism["same_score"], realism["mean_range"]) == (1.0, 0.0)
    assert (consistency["same_score"], consistency["mean_range"]) == (0.5, 1.0)
    assert answer.metrics["same_decision"] == 0.5
    assert answer.metrics["false_reject"]["value"] == pytest.approx(1 / 3)  # of the first tries


def test_rate_has_wilsons_interval() -> None:
    hits = np.array([True] * 8 + [False] * 2)
    rate, none, every = measure_rate(hits), measure_rate(~hits[:5]), measure_rate(hits[:5])
    assert [rate.value, rate.low, rate.high] == pytest.approx([0.8, 0.4902, 0.9433], abs=1e-4)
    assert [none.value, none.low, none.high] == pytest.approx([0.0, 0.0, 0.4345], abs=1e-4)
    assert [every.value, every.low, every.high] == pytest.approx([1.0, 0.5655, 1.0], abs=1e-4)
    assert not measure_rate(hits[:0]).is_known


def test_kappa_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        judge, truth = rng.random(50) < rng.random(), rng.random(50) < 0.5
        cells = [judge & truth, judge & ~truth, ~judge & truth, ~judge & ~truth]
        counts = np.array([[float(cell.sum()) for cell in cells]])
        assert compute_kappa(counts)[0] == pytest.approx(cohen_kappa_score(judge, truth))
    assert np.isnan(compute_kappa(np.array([[5.0, 0.0, 0.0, 0.0]]))).all()


def test_answer_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    calibration = judge_all([GOLD_SCORES], [BAD_SCORES])
    answer = ask_judge(calibration)
    path = write_calibration(calibration, answer, tmp_path)
    document = json.loads(path.read_text())
    assert (path.name, read_answer(document)) == (FILE, answer)
    assert document["rows"][0] == {
        "fault": None,
        "gold_id": "gold-0",
        "rules": [],
        "tries": [dict(zip(CRITERIA, GOLD_SCORES, strict=True))] * TRIES,
    }
    assert list(tmp_path.iterdir()) == [path]
    assert len(json.dumps(answer.metrics)) < 50_000
    assert ask_judge(calibration) == answer


@pytest.mark.parametrize("document", [{}, {"answer": None}, {"answer": {"numbers": [1]}}, {"answer": {"verdict": 3}}])
def test_file_that_is_something_else_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(VerificationError, match="is not what `tradelogs judge calibrate` writes"):
        read_answer(document)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("offline")


def store(trades: pl.DataFrame, folder: Path) -> GoldFolder:
    return write_gold(Gold(trades, describe=describe_limits), folder, 0.0)


@pytest.fixture(scope="module")
def stored(gold: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> GoldFolder:
    """The sample's first hundred trades, the second of which is there twice."""
    twin = gold[1].with_columns(trade_id=pl.lit("twin"))
    return store(pl.concat([gold.head(100), twin]), tmp_path_factory.mktemp("judge") / "gold")


@pytest.fixture(scope="module")
def compiled(profile: Profile, stored: GoldFolder) -> Iterator[CompiledProfile]:
    yield compile_profile(profile, stored)
    gc.collect()


@pytest.fixture(scope="module")
def plan(profile: Profile, compiled: CompiledProfile, stored: GoldFolder) -> JudgePlan:
    return plan_calibration(profile, compiled, stored, 2, 7, judges_all=True)


def test_plan_has_as_many_rows_as_asked_of_every_kind(plan: JudgePlan) -> None:
    counts = Counter(row.fault for row in plan.rows)
    assert counts.pop(None) == 10
    assert set(counts) == {fault.name for fault in FAULTS} - {"hour never traded"}  # the sample trades all day
    assert set(counts.values()) == {2}
    assert plan.requests == 3 * len(plan.rows)
    assert plan.controls_left_out == ("session_period",)


def test_checks_see_no_untouched_gold_and_of_the_faults_what_is_stated(plan: JudgePlan) -> None:
    seen = {fault.name: fault.seen_by_checks for fault in FAULTS}
    for row in plan.rows:
        assert bool(row.rules) == (row.fault is not None and seen[row.fault])
    assert {row.rules for row in plan.rows if row.fault == "stale copy"} == {("copy",)}


def test_no_row_is_among_its_own_examples_but_a_stale_copy(
    profile: Profile, compiled: CompiledProfile, stored: GoldFolder
) -> None:
    plan = plan_calibration(profile, compiled, stored, 21, 3)
    rows = dict(zip(stored.train["trade_id"], list_core_rows(stored.train), strict=True))
    assert {row.gold_id for row in plan.rows if row.fault is None} == set(rows)
    for row in plan.rows:
        examples: list[object] = read_fence(row.seed["gold_examples"])  # type: ignore[assignment]
        assert len(examples) == 3
        assert (rows[row.gold_id] in examples) == (row.fault == "stale copy")  # the twin of gold-0002 too


def test_controls_have_the_values_that_the_gold_trade_obeys(plan: JudgePlan, stored: GoldFolder) -> None:
    trades = {trade["trade_id"]: trade for trade in stored.train.to_dicts()}
    for row in plan.rows:
        trade = trades[row.gold_id]
        assert row.seed["session_date"] == trade["session_date"].isoformat()
        assert (row.seed["ticker"], row.seed["trade_type"]) == (trade["ticker"], trade["trade_type"])
        assert row.seed["target_volatility"] == pytest.approx(trade["entry_volatility_percent"], rel=1e-3)
        assert "session_period" not in row.seed


def test_same_seed_plans_the_same(
    profile: Profile, compiled: CompiledProfile, stored: GoldFolder, plan: JudgePlan
) -> None:
    assert plan_calibration(profile, compiled, stored, 2, 7).rows == plan.rows
    assert plan_calibration(profile, compiled, stored, 2, 8).rows != plan.rows


def test_job_has_the_profiles_own_columns(plan: JudgePlan, compiled: CompiledProfile, tmp_path: Path) -> None:
    job = build_job(plan, tmp_path / "rows.parquet")
    columns = {column["name"]: column for column in job["columns"]}
    assert list(columns) == ["controls", "trade_rules", "trade", "trade_checks", "judge"]
    judge = next(column for column in compiled.generate["columns"] if column["name"] == "judge")
    assert columns["judge"] == {key: value for key, value in judge.items() if key != "skip"}
    assert [model["alias"] for model in job["model_configs"]] == ["judge"]
    assert job["model_configs"][0] in compiled.generate["model_configs"]
    assert "session" not in columns["controls"]["expr"]
    assert len(columns["controls"]["expr"].splitlines()) == 3


def test_gold_without_a_second_trade_is_refused(profile: Profile, gold: pl.DataFrame, tmp_path: Path) -> None:
    alone = store(gold.head(1), tmp_path / "gold")
    with pytest.raises(GoldError, match=r"^1 gold trade to draw from: .* Give at least 2"):
        plan_calibration(profile, compile_profile(profile, alone), alone, 3, 7)


@pytest.mark.parametrize("trades", [2, 5])
def test_small_gold_is_planned(profile: Profile, gold: pl.DataFrame, tmp_path: Path, trades: int) -> None:
    few = store(gold.head(trades), tmp_path / "gold")
    plan = plan_calibration(profile, compile_profile(profile, few), few, 12, 7)
    assert sum(row.fault is None for row in plan.rows) == trades


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the library leaves its connections to the collector
def test_judge_is_asked_about_every_row_three_times(plan: JudgePlan, tmp_path: Path) -> None:
    told: list[int] = []
    with launch(Options(malformed_rate=0.0)) as endpoint:
        rows = judge_rows(plan, LibraryBackend(plan.profile, endpoint, tmp_path / "artifacts"), tmp_path, told.append)
    gc.collect()
    assert max(told) == plan.requests
    assert [(row.fault, row.gold_id, row.rules) for row in rows] == [
        (row.fault, row.gold_id, row.rules) for row in plan.rows
    ]
    assert all(len(row.tries) == TRIES and None not in row.tries for row in rows)
    answer = ask_judge(collect_calibration(plan, rows, is_offline=True))
    assert answer.metrics["false_reject"]["value"] == 0.0
    assert count(answer, "missing exit_price")["caught_by_judge"] == 2
    assert PLANTED not in answer.metrics

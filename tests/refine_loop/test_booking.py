"""Every candidate that goes into a job comes out accepted, open or failed, with what was said of it."""

import json
from typing import Any

import pytest

from columns.dataset import load_dataset
from columns.rendering import read_fence
from designer_configs.compile.checks.project import PROJECT_ROOT
from jobs.job import LOST_WITHOUT_TRACE, JobResult, LostRow
from refine_loop.booking import Book, Candidate, close_candidate
from refine_loop.state import build_candidate_schema

TRADE_LOG = load_dataset(PROJECT_ROOT / "columns/trade_log")
ACCEPTANCE = {"realism": 4, "consistency": 4, "completeness": 3}
PLAN = {"row_id": "a", "target_volatility": 0.5, "gold_examples__ids": ["gold-0001", "gold-0002", "gold-0003"]}


def make_trade(price: float = 100.0) -> dict[str, Any]:
    return {
        "ticker": "NVDA",
        "trade_type": "buy",
        "entry_time": "10:00:00",
        "exit_time": "10:20:00",
        "entry_price": price,
        "exit_price": 101.0,
        "entry_volatility_percent": 0.5,
        "worst_exit_percent": -0.4,
        "best_exit_percent": 1.2,
    }


def open_book() -> Book:
    return Book(TRADE_LOG, ACCEPTANCE)


def open_row(row_id: str = "a", **changes: Any) -> Candidate:
    return open_book().open_candidate(PLAN | {"row_id": row_id}, 1, "target_volatility") | changes


def make_row(row_id: str = "a", price: float = 100.0, score: Any = 5, **changes: Any) -> dict[str, Any]:
    verdict = {"reasoning": "best_exit_percent is too high", "score": score}
    judge = {"realism": verdict, "consistency": verdict, "completeness": verdict}
    checks = {"passed": True, "violations": []}
    return {"row_id": row_id, "trade": make_trade(price), "trade_checks": checks, "judge": judge} | changes


def book(candidates: list[Candidate], result: JobResult, refine_pass: int = 0) -> list[Candidate]:
    return open_book().book_result(candidates, result, refine_pass)


def test_candidate_opens_with_what_its_plan_says() -> None:
    candidate = open_book().open_candidate(PLAN, 3, "target_volatility")
    assert list(candidate) == list(build_candidate_schema(TRADE_LOG.declared))
    assert (candidate["row_id"], candidate["round"], candidate["status"]) == ("a", 3, "open")
    assert (candidate["volatility_constraint"], candidate["grounding_seeds"]) == (0.5, PLAN["gold_examples__ids"])


def test_candidate_without_a_control_on_volatility_has_no_constraint() -> None:
    assert open_book().open_candidate(PLAN, 1, None)["volatility_constraint"] is None


def test_row_that_reaches_every_score_is_accepted() -> None:
    (booked,) = book([open_row()], JobResult([make_row(score=4)]))
    assert (booked["status"], booked["judge_critique"], booked["reason"]) == ("accepted", None, None)
    assert (booked["realism"], booked["consistency"], booked["completeness"]) == (4, 4, 4)
    assert json.loads(booked["generated_row"]) == make_trade()


@pytest.mark.parametrize("score", ["4", 4])
def test_score_counts_as_a_number_whether_text_or_not(score: Any) -> None:
    (booked,) = book([open_row()], JobResult([make_row(score=score)]))
    assert (booked["status"], booked["realism"]) == ("accepted", 4)


def test_row_that_a_score_keeps_open_records_scores_and_critique() -> None:
    (booked,) = book([open_row()], JobResult([make_row(score=3)]))
    assert (booked["status"], booked["realism"], booked["completeness"]) == ("open", 3, 3)
    assert booked["critiques"] == [booked["judge_critique"]]
    assert booked["judge_critique"].split("\n") == [
        "- [realism 3/5, at least 4 wanted] best_exit_percent is too high",
        "- [consistency 3/5, at least 4 wanted] best_exit_percent is too high",
    ]
    assert booked["criticised_fields"] == ["best_exit_percent"]


def test_row_that_breaks_a_rule_stays_open_without_scores() -> None:
    violation = {"rule": "schema", "fields": ["exit_time"], "message": "exit_time is missing"}
    checks = {"passed": False, "violations": [violation]}
    (booked,) = book([open_row()], JobResult([make_row(trade_checks=checks, judge=None)]))
    assert (booked["status"], booked["realism"]) == ("open", None)
    assert booked["judge_critique"] == "- [schema] exit_time is missing"


def test_lost_row_is_failed_with_the_cause_of_its_place() -> None:
    causes = {0: LostRow("trade", "no JSON"), 1: LostRow("judge", "an earlier attempt"), 2: LostRow("judge", "timeout")}
    booked = book([open_row("a"), open_row("b"), open_row("c")], JobResult([make_row("b")], causes))
    assert [(c["status"], c["failed_column"], c["reason"]) for c in booked] == [
        ("failed", "trade", "no JSON"),
        ("accepted", None, None),
        ("failed", "judge", "timeout"),
    ]


def test_row_lost_without_a_trace_says_so() -> None:
    (lost,) = book([open_row()], JobResult([]))
    assert (lost["status"], lost["reason"], lost["failed_column"]) == ("failed", LOST_WITHOUT_TRACE, None)


def test_candidates_keep_their_order_whatever_the_jobs_is() -> None:
    booked = book([open_row("a"), open_row("b")], JobResult([make_row("b", 2.0), make_row("a", 1.0)]))
    assert [c["row_id"] for c in booked] == ["a", "b"]


def test_second_of_two_equal_rows_of_a_job_is_a_copy() -> None:
    first, second = book([open_row("a"), open_row("b")], JobResult([make_row("a"), make_row("b")]))
    assert (first["status"], second["status"]) == ("accepted", "rejected")  # a refiner would make a new one of it
    assert second["judge_critique"].startswith("- [copy]")
    assert second["reason"].startswith("[copy]")
    assert second["realism"] is None


def test_copy_of_an_earlier_rounds_row_is_not_accepted() -> None:
    book = open_book()
    book.read_back([{"row_id": "of-round-1", "generated_row": json.dumps(make_trade())}])
    (booked,) = book.book_result([open_row()], JobResult([make_row()]), 0)
    assert book.is_read_back
    assert booked["status"] == "rejected"
    assert "of-round-1" in booked["judge_critique"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"best_exit_percent": 1.3}, "rejected"), ({"exit_price": 100.9, "best_exit_percent": 1.3}, "accepted")],
)
def test_row_with_four_of_five_numbers_of_an_accepted_one_is_a_copy(changes: dict[str, Any], status: str) -> None:
    other = make_row("b") | {"trade": make_trade() | changes}
    _, second = book([open_row("a"), open_row("b")], JobResult([make_row("a"), other]))
    assert second["status"] == status


def test_row_that_was_not_accepted_may_be_had_again() -> None:
    first, second = book([open_row("a"), open_row("b")], JobResult([make_row("a", score=2), make_row("b")]))
    assert (first["status"], second["status"]) == ("open", "accepted")


def test_accepted_rows_are_known_afterwards() -> None:
    book = open_book()
    book.book_result([open_row()], JobResult([make_row()]), 0)
    assert TRADE_LOG.find_known(make_trade(), book.known.find) == "a"


def test_refined_row_adds_its_edits_its_pass_and_its_undone_fields() -> None:
    before = open_row(edits=["[1]"], undone_edits=2, critiques=["- x"], judge_critique="- x")
    (booked,) = book([before], JobResult([make_row(trade__edits="[2]", trade__undone=["ticker", "exit_time"])]), 2)
    assert (booked["status"], booked["retry_count"]) == ("accepted", 2)
    assert (booked["edits"], booked["undone_edits"], booked["critiques"]) == (["[1]", "[2]"], 4, ["- x"])


@pytest.mark.parametrize("column", ["refined_trade", "judge"])
def test_row_without_a_usable_answer_while_refined_is_rejected_with_its_critique(column: str) -> None:
    known: dict[str, Any] = {
        "critiques": ["- [exit] x\n- [b] y"],
        "judge_critique": "- [exit] x\n- [b] y",
        "generated_row": "{}",
    }
    result = JobResult([], {0: LostRow(column, "ticker must not be empty")})
    (lost,) = book([open_row(**known)], result, 1)
    assert (lost["status"], lost["failed_column"]) == ("rejected", column)
    assert lost["reason"] == f"[exit] x (no usable answer for {column}: ticker must not be empty)"
    assert {name: lost[name] for name in known} == known


def test_row_whose_judge_gave_no_usable_answer_is_rejected_with_its_trade_and_last_critique() -> None:
    silent = {name: {"reasoning": "the answer is empty", "score": None} for name in ACCEPTANCE}
    first, later = (open_row(), open_row(critiques=["- [exit] x"], judge_critique="- [exit] x"))
    (drafted,) = book([first], JobResult([make_row(judge=silent)]))
    (refined,) = book([later], JobResult([make_row(judge=silent, trade__edits="[1]", trade__undone=[])]), 1)
    assert (drafted["status"], drafted["failed_column"]) == ("rejected", "judge")
    assert drafted["reason"] == "no usable answer for judge: the answer is empty"
    assert json.loads(drafted["generated_row"]) == make_trade()
    assert (refined["status"], refined["judge_critique"], refined["critiques"]) == (
        "rejected",
        "- [exit] x",
        ["- [exit] x"],
    )
    assert refined["reason"] == "[exit] x (no usable answer for judge: the answer is empty)"
    assert drafted["realism"] is None


@pytest.mark.parametrize("score", [2, 5])
@pytest.mark.parametrize(
    ("undone", "why"),
    [
        ([], "the refiner gave it back unchanged"),
        (["ticker"], "the refiner changed was no field that a critique names"),
    ],
)
def test_row_that_stays_as_it_was_is_not_refined_again_nor_accepted_by_a_second_look(
    score: int, undone: list[str], why: str
) -> None:
    row = make_row(score=score, trade__edits="[]", trade__undone=undone)
    (booked,) = book([open_row(judge_critique="- [exit] x")], JobResult([row]), 1)
    assert booked["status"] == "rejected"
    assert why in booked["reason"]


def test_row_that_was_not_finished_while_refined_is_failed() -> None:
    loss = LostRow("judge", "not finished: the cap run.max_tokens was reached")
    (lost,) = book([open_row(judge_critique="- [exit] x")], JobResult([], {0: loss}), 1)
    assert (lost["status"], lost["reason"]) == ("failed", loss.message)


def test_row_that_is_lost_while_refined_keeps_what_was_known() -> None:
    (lost,) = book([open_row(edits=["[1]"], critiques=["- x"], generated_row="{}")], JobResult([]), 1)
    assert (lost["status"], lost["retry_count"], lost["generated_row"]) == ("failed", 1, "{}")
    assert (lost["edits"], lost["critiques"]) == (["[1]"], ["- x"])


def test_booking_changes_no_candidate_that_went_in() -> None:
    before = open_row()
    book([before], JobResult([make_row(score=2, trade__edits="[]", trade__undone=["ticker"])]), 1)
    assert before == open_row()


def test_closed_candidate_is_rejected_for_its_last_critique() -> None:
    closed = close_candidate(open_row(judge_critique="- [a] x\n- [b] y"), "after 2 refine passes")
    assert (closed["status"], closed["reason"]) == ("rejected", "[a] x (after 2 refine passes)")


def test_closed_candidate_that_nobody_criticised_says_why_it_ended() -> None:
    assert close_candidate(open_row(), "max_minutes")["reason"] == "max_minutes"


def test_refine_seed_has_the_plan_the_trade_and_the_critique() -> None:
    candidate = open_row(
        generated_row=json.dumps(make_trade()), judge_critique="- x", criticised_fields=["exit_price", "ticker"]
    )
    seed = open_book().seed_refinement(PLAN, candidate)
    assert PLAN.items() <= seed.items()
    assert read_fence(seed["prev_trade"]) == make_trade()
    assert (seed["critique"], seed["criticised_fields"]) == ("- x", "exit_price,ticker")

"""Candidates of a dataset that is no trade: several checks, what is kept, skipped rows, texts, and no refiner."""

import json
from pathlib import Path
from typing import Any

import pytest

from columns.dataset import Dataset, load_dataset
from columns.declared import read_declared
from columns.rendering import read_fence
from jobs.job import JobResult
from refine_loop.booking import Book, Candidate
from refine_loop.critique import judge_row
from refine_loop.state import build_candidate_schema
from tests.columns.notes import write_notes

NOTE = {"title": "a", "stars": 3, "parts": [1, "two"]}
TEXT = {"note": {"column_type": "llm-text", "model_alias": "writer"}}
MORAL = {"moral": {"column_type": "llm-text", "model_alias": "writer"}}
PASSED = {"passed": True, "violations": []}
UNJUDGED: dict[str, Any] = {"judge": None, "acceptance": None, "generate": ["note", "note_checks"], "refine": None}
PLAN = {"row_id": "a", "wanted": 4, "examples__ids": ["g1"]}


def load_notes(root: Path, columns: dict[str, Any] | None = None, **changes: Any) -> Dataset:
    return load_dataset(write_notes(root, columns, **changes))


def book_one(dataset: Dataset, returned: dict[str, Any], refine_pass: int = 0) -> Candidate:
    book = Book(dataset, dataset.declared.acceptance)
    opened = book.open_candidate(PLAN, 1, None)
    (booked,) = book.book_result([opened], JobResult([PLAN | returned]), refine_pass)
    return booked


def refuse(rule: str, mend: bool = True) -> dict[str, Any]:
    violation = {"rule": rule, "fields": ["stars"], "message": f"broke {rule}", "mend": mend}
    return {"passed": False, "violations": [violation]}


def score(clarity: int, wit: int) -> dict[str, Any]:
    scored = {"clarity": clarity, "wit": wit}
    return {name: {"score": value, "reasoning": "The title says little."} for name, value in scored.items()}


def test_least_scores_are_the_datasets_own(tmp_path: Path) -> None:
    notes = load_notes(tmp_path)
    accepted = book_one(notes, {"note": NOTE, "note_checks": PASSED, "judge": score(3, 4)})
    assert (accepted["status"], accepted["clarity"], accepted["wit"]) == ("accepted", 3, 4)
    refused = book_one(notes, {"note": NOTE, "note_checks": PASSED, "judge": score(3, 3)})
    assert (refused["status"], refused["criticised_fields"]) == ("open", ["title"])
    assert refused["judge_critique"] == "- [wit 3/5, at least 4 wanted] The title says little."


def test_dataset_without_a_judge_accepts_what_passes_its_checks(tmp_path: Path) -> None:
    booked = book_one(load_notes(tmp_path, **UNJUDGED), {"note": NOTE, "note_checks": PASSED})
    assert (booked["status"], json.loads(booked["generated_row"])) == ("accepted", NOTE)


def test_first_check_that_fails_is_the_critique(tmp_path: Path) -> None:
    checks = {name: {"column_type": "row-checks"} for name in ("style", "length")}
    notes = load_notes(tmp_path, checks, checks=["note_checks", "style", "length"])
    returned = {
        "note": NOTE,
        "note_checks": PASSED,
        "style": refuse("style"),
        "length": refuse("length"),
        "judge": None,
    }
    assert book_one(notes, returned)["judge_critique"] == "- [style] broke style"
    skipped = returned | {"style": None}  # a check that another one made needless
    assert book_one(notes, skipped)["judge_critique"] == "- [length] broke length"


def test_violation_that_nobody_can_mend_rejects_at_once_with_its_reason(tmp_path: Path) -> None:
    booked = book_one(load_notes(tmp_path), {"note": NOTE, "note_checks": refuse("gap", mend=False), "judge": None})
    assert (booked["status"], booked["reason"]) == ("rejected", "[gap] broke gap")
    assert booked["critiques"] == ["- [gap] broke gap"]


def test_one_violation_that_nobody_can_mend_is_enough(tmp_path: Path) -> None:
    notes = read_declared(write_notes(tmp_path))
    violations = [*refuse("style")["violations"], *refuse("gap", mend=False)["violations"]]
    assert not judge_row(violations, None, notes, notes.acceptance).may_mend
    assert judge_row(violations[:1], None, notes, notes.acceptance).may_mend


def test_row_whose_column_was_skipped_is_rejected_for_the_check_that_failed(tmp_path: Path) -> None:
    notes = load_notes(tmp_path)
    booked = book_one(notes, {"note": None, "note_checks": refuse("gap"), "judge": None})
    assert (booked["status"], booked["reason"], booked["generated_row"]) == ("rejected", "[gap] broke gap", None)
    silent = book_one(notes, {"note": None, "note_checks": None, "judge": score(5, 5)})
    assert (silent["status"], silent["reason"]) == ("rejected", "[skipped] note was not made")


@pytest.mark.parametrize("moral", ["Be kind.", {"deep": [1, None]}, ["x"], 3, None])
def test_what_is_kept_goes_with_the_row_and_into_its_refinement(tmp_path: Path, moral: Any) -> None:
    notes = load_notes(tmp_path, MORAL, keep=["moral"], generate=["moral", "note", "note_checks", "judge"])
    booked = book_one(notes, {"moral": moral, "note": NOTE, "note_checks": refuse("style"), "judge": None})
    assert json.loads(booked["moral"] or "null") == moral
    seed = Book(notes, {}).seed_refinement(PLAN, booked)
    assert (seed["critique"], seed["criticised_fields"], read_fence(seed["prev_note"])) == (
        "- [style] broke style",
        "stars",
        NOTE,
    )
    assert seed["moral"] == (json.dumps(moral) if isinstance(moral, dict | list) else moral)


def test_text_is_booked_as_it_stands_and_its_copy_is_named(tmp_path: Path) -> None:
    texts = load_notes(tmp_path, TEXT, **UNJUDGED)
    book = Book(texts, {})
    candidates = [book.open_candidate(PLAN | {"row_id": name}, 1, None) for name in ("a", "b")]
    rows = [{"row_id": name, "note": '{"no": "json"}', "note_checks": PASSED} for name in ("a", "b")]
    first, second = book.book_result(candidates, JobResult(rows), 0)
    assert (first["status"], first["generated_row"]) == ("accepted", '{"no": "json"}')
    assert (second["status"], second["judge_critique"]) == (
        "rejected",
        "- [copy] it is a copy of a; limit: differs from every known note",
    )
    assert book.seed_refinement(PLAN, second)["prev_note"] == '{"no": "json"}'


def test_rows_of_one_family_may_be_equal_and_no_others(tmp_path: Path) -> None:
    texts = load_notes(tmp_path, TEXT, **UNJUDGED, families={"size": "many", "shared": ["wanted"]})
    book, families = Book(texts, {}), {"a": "a", "b": "a", "c": "c"}
    plans = [PLAN | {"row_id": name, "family_id": family} for name, family in families.items()]
    candidates = [book.open_candidate(plan, 1, None) for plan in plans]
    rows = [{"row_id": name, "note": "Be kind.", "note_checks": PASSED} for name in families]
    booked = book.book_result(candidates, JobResult(rows), 0)
    assert [each["status"] for each in booked] == ["accepted", "accepted", "rejected"]
    assert booked[2]["reason"].startswith("[copy] it is a copy of a;")


def test_texts_of_one_family_may_not_be_near_copies(tmp_path: Path) -> None:
    copies = {"of": "moral", "nearer_than": 0.9}
    own = {"families": {"size": "many", "shared": ["wanted"]}, "copies": copies, "keep": ["moral"]}
    texts = load_notes(tmp_path, TEXT | MORAL, **{**UNJUDGED, "generate": ["note", "moral", "note_checks"]}, **own)
    book = Book(texts, {})
    candidates = [book.open_candidate(PLAN | {"row_id": name, "family_id": "a"}, 1, None) for name in ("a", "b")]
    rows = [
        {"row_id": name, "note": "x", "moral": "Be as kind as you can.", "note_checks": PASSED} for name in ("a", "b")
    ]
    booked = book.book_result(candidates, JobResult(rows), 0)
    assert [each["status"] for each in booked] == ["accepted", "open"]
    assert "[near_copy]" in booked[1]["judge_critique"]


def test_a_resumed_run_knows_the_families_of_its_rows(tmp_path: Path) -> None:
    texts = load_notes(tmp_path, TEXT, **UNJUDGED, families={"size": "many", "shared": ["wanted"]})
    book = Book(texts, {})
    book.read_back([{"row_id": "b", "family_id": "a", "generated_row": "Be kind."}])
    plans = [PLAN | {"row_id": name, "family_id": family} for name, family in (("c", "a"), ("d", "d"))]
    rows = [{"row_id": name, "note": "Be kind.", "note_checks": PASSED} for name in ("c", "d")]
    booked = book.book_result([book.open_candidate(plan, 2, None) for plan in plans], JobResult(rows), 0)
    assert [each["status"] for each in booked] == ["accepted", "rejected"]


def test_constraint_is_kept_under_the_name_that_the_dataset_gives_it(tmp_path: Path) -> None:
    notes = load_notes(tmp_path, constraint={"name": "stars_wanted", "field": "stars"})
    assert Book(notes, {}).open_candidate(PLAN, 1, "wanted")["stars_wanted"] == 4
    plain = load_notes(tmp_path / "plain")
    assert not {"stars_wanted", "volatility_constraint"} & set(build_candidate_schema(plain.declared))

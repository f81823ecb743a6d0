"""Rows that break their schema, are empty, or are not what a control drew."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.verification.texts.runs import make_control, make_run
from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT
from verification.texts.validity import ask_validity, obeys

FINE = {"mood": "calm", "size": 1.0, "note": "a note"}


def test_rows_that_fit_are_good() -> None:
    answer = ask_validity(make_run([FINE] * 100))
    assert answer.verdict == GOOD
    assert answer.numbers[0] == ("broken notes", "0 of 100")


@pytest.mark.parametrize("rows", [0, 1, 5, 72])
def test_few_rows_prove_nothing(rows: int) -> None:
    answer = ask_validity(make_run([FINE] * rows or []))
    assert (answer.verdict, answer.needs) == (CANNOT_TELL, "73 accepted notes")
    assert ask_validity(make_run([FINE] * 73)).verdict == GOOD


@pytest.mark.parametrize(
    ("change", "rule"),
    [({"mood": "sad"}, "field mood"), ({"size": -1.0}, "field size"), ({"note": None}, "field note")],
)
def test_a_row_that_breaks_its_schema_is_counted_by_its_field(change: dict[str, Any], rule: str) -> None:
    answer = ask_validity(make_run([FINE] * 98 + [FINE | change] * 2))
    assert answer.verdict == UNDERFIT
    (found,) = (each for each in answer.metrics["rules"] if each["broken"])
    assert (found["rule"], found["broken"], found["first_ids"]) == (rule, 2, ["row-98", "row-99"])


def test_a_text_that_is_empty_is_broken() -> None:
    assert ask_validity(make_run(["some text"] * 200)).verdict == GOOD
    assert ask_validity(make_run(["some text"] * 98 + [" ", None])).verdict == UNDERFIT
    assert ask_validity(make_run([""] * 20)).verdict == NOISE


def test_a_row_is_what_its_controls_drew() -> None:
    controls = [make_control("wanted_size", [1.0, 2.0], "size", 0.1), make_control("free", ["x"])]
    rows = [FINE | {"size": size} for size in (1.05, 1.2)] * 50
    answer = ask_validity(make_run(rows, controls=controls, drawn={"wanted_size": [1.0] * 100}))
    assert answer.verdict == UNDERFIT
    assert [(each["rule"], each["broken"]) for each in answer.metrics["rules"]] == [
        ("shape", 0),
        ("control wanted_size", 50),
    ]
    assert "Most often: size is what wanted_size drew within 0.1. (50 notes)." in answer.reason


def test_a_control_named_like_a_field_is_held_against_the_plan(tmp_path: Path) -> None:
    run = make_run([FINE] * 100, controls=[make_control("mood", ["calm", "wild"], "mood")], folder=tmp_path)
    assert "Not checked, the plan is not there: mood." in ask_validity(run).reason
    (tmp_path / "rounds/001").mkdir(parents=True)
    plan = pl.DataFrame({"row_id": [f"row-{place}" for place in range(100)], "mood": ["calm"] * 60 + ["wild"] * 40})
    plan.write_parquet(tmp_path / "rounds/001/plan.parquet")
    assert ask_validity(run).numbers[0] == ("broken notes", "40 of 100")


@pytest.mark.parametrize(
    ("found", "wanted", "tolerance", "is_so"),
    [(1.1, 1.0, 0.1, True), (1.2, 1.0, 0.1, False), ("a", "a", None, True), (1, "1", None, True),
     ("x", 1.0, 0.1, False), (None, 1.0, 0.1, True), (2.0, None, 0.1, True)],
)  # fmt: skip
def test_numbers_are_held_within_the_tolerance(found: Any, wanted: Any, tolerance: float | None, is_so: bool) -> None:
    assert obeys(make_control("asked", [1.0], "size", tolerance), {"size": found}, wanted) == is_so

"""Rows are restored as their column made them."""

from datetime import date
from pathlib import Path

import polars as pl

from tests.verification.texts.runs import OBJECT, TEXT
from verification.texts.rows import gather_text, iter_rows, read_drawn, write_canonical


def test_a_key_that_is_not_required_and_null_was_left_out() -> None:
    table = pl.DataFrame({"mood": ["calm", None], "size": [1.0, 2.0], "note": ["a", "b"], "tags": [["x"], None]})
    assert list(iter_rows(OBJECT, table)) == [
        {"mood": "calm", "size": 1.0, "note": "a", "tags": ["x"]},
        {"mood": None, "size": 2.0, "note": "b"},
    ]


def test_what_should_be_no_text_and_is_text_is_json() -> None:
    table = pl.DataFrame({"size": ["3.5"], "tags": ['["x", "y"]'], "note": ['["stays"]'], "mood": ["not json {"]})
    assert next(iter_rows(OBJECT, table)) == {
        "mood": "not json {",
        "size": 3.5,
        "note": '["stays"]',
        "tags": ["x", "y"],
    }


def test_references_are_followed_and_a_circle_ends() -> None:
    schema = {
        "properties": {"deep": {"$ref": "#/$defs/deep"}, "round": {"$ref": "#/$defs/round"}},
        "$defs": {
            "deep": {"properties": {"kept": {"type": ["string", "null"]}}, "required": ["kept"]},
            "round": {"$ref": "#/$defs/round"},
        },
    }
    table = pl.DataFrame({"deep": [{"kept": None, "left": None}], "round": ["x"]})
    dataset = type(OBJECT)("n", "n", "n", schema, None, (), "q", "none", "none")
    assert next(iter_rows(dataset, table)) == {"deep": {"kept": None}, "round": "x"}


def test_times_are_iso_texts() -> None:
    assert next(iter_rows(OBJECT, pl.DataFrame({"note": [date(2026, 1, 2)]}))) == {"note": "2026-01-02"}


def test_equal_rows_have_one_writing() -> None:
    assert write_canonical({"b": 1, "a": [1.0]}) == write_canonical({"a": [1.0], "b": 1})
    assert write_canonical(" two\n lines ") == "two lines"
    assert write_canonical(None) == ""


def test_labels_are_no_text() -> None:
    assert gather_text({"mood": "calm", "notes": ["one two three four", {"deep": "five six seven eight"}]}) == (
        "one two three four\nfive six seven eight"
    )
    assert gather_text("short") == "short"


def test_what_was_drawn_comes_from_the_plan_where_the_row_has_a_field_of_that_name(tmp_path: Path) -> None:
    for number, rows in enumerate((["b"], ["a", "c"])):
        (tmp_path / f"rounds/{number}").mkdir(parents=True)
        plan = pl.DataFrame({"row_id": rows, "mood": [f"drawn {row}" for row in rows]})
        plan.write_parquet(tmp_path / f"rounds/{number}/plan.parquet")
    table = pl.DataFrame({"row_id": ["a", "b"], "mood": ["calm", "wild"], "size_asked": [1, 2]})
    drawn = read_drawn(tmp_path, table, ["mood", "size_asked"], ["mood"])
    assert drawn.select("row_id", "mood", "size_asked").rows() == [("a", "drawn a", 1), ("b", "drawn b", 2)]
    assert read_drawn(tmp_path / "nowhere", table, ["mood", "size_asked"], ["mood"]).columns == ["row_id", "size_asked"]


def test_a_text_is_its_column() -> None:
    assert list(iter_rows(TEXT, pl.DataFrame({"note": ["a", None], "other": [1, 2]}))) == ["a", None]

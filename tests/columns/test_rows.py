"""Rows as Data Designer carries them and as tables keep them: optional keys, mixed lists, texts."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from columns.declared import Declared, read_declared
from columns.rows import frame_rows, read_row
from tests.columns.notes import SCHEMA, write_notes

FULL = {"title": "a", "stars": 3, "parts": [1, "two", {"three": None}], "hint": "h", "end": None}


@pytest.fixture
def notes(tmp_path: Path) -> Declared:
    return read_declared(write_notes(tmp_path))


def test_row_is_read_from_json_text_or_from_a_struct() -> None:
    assert read_row(json.dumps(FULL), SCHEMA) == FULL
    assert read_row(FULL, SCHEMA) == FULL


def test_null_of_a_struct_is_left_out_where_it_can_only_mean_a_missing_key() -> None:
    struct = {"title": None, "stars": 3, "parts": None, "hint": None, "end": None}
    assert read_row(struct, SCHEMA) == {"title": None, "stars": 3, "end": None}


def test_nulls_of_a_struct_within_are_left_out_too() -> None:
    schema = {"properties": {"who": {"properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}}}
    assert read_row({"who": {"name": "x", "age": None}}, schema) == {"who": {"name": "x"}}


@pytest.mark.parametrize("value", ["a text", '{"no": "json is read"}', None])
def test_text_stays_as_it_is(value: str | None) -> None:
    assert read_row(value, None) == value


def test_field_of_one_kind_has_its_type_and_any_other_is_json(notes: Declared) -> None:
    frame = frame_rows([FULL, {"title": "b", "stars": 1}], notes)
    assert frame.schema == {
        "title": pl.String,
        "stars": pl.Int64,
        "parts": pl.String,
        "hint": pl.String,
        "end": pl.String,
    }
    assert json.loads(frame["parts"][0]) == FULL["parts"]
    assert frame.row(0)[3:] == ("h", "null")
    assert frame.row(1) == ("b", 1, None, None, None)


def test_whole_number_with_a_point_is_a_whole_number(notes: Declared) -> None:
    assert frame_rows([{"title": "a", "stars": 3.0}], notes)["stars"].to_list() == [3]


def test_no_rows_make_an_empty_frame_of_the_same_columns(notes: Declared) -> None:
    assert frame_rows([], notes).schema == frame_rows([FULL], notes).schema


def test_texts_are_one_column_named_after_the_row(tmp_path: Path) -> None:
    text = {"note": {"column_type": "llm-text", "model_alias": "writer"}}
    frame = frame_rows(["one", "two"], read_declared(write_notes(tmp_path, text)))
    assert frame.to_dict(as_series=False) == {"note": ["one", "two"]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
OPTIONAL = {"parts": st.lists(JSON), "hint": st.text(), "end": st.none() | st.text()}
ROWS = st.fixed_dictionaries({"title": st.text(max_size=10), "stars": st.integers(1, 5)}, optional=OPTIONAL)


@given(rows=st.lists(ROWS, max_size=4))
def test_what_a_frame_keeps_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    notes = read_declared(write_notes(tmp_path_factory.mktemp("root")))
    for row, kept in zip(rows, frame_rows(rows, notes).to_dicts(), strict=True):
        nested = {name: json.loads(kept[name]) for name in ("parts", "end") if kept[name] is not None}
        assert {name: value for name, value in kept.items() if value is not None} | nested == row

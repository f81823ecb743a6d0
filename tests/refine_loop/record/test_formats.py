"""Accepted rows of any dataset in the text formats: optional keys, mixed lists, texts."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from columns.declared import read_declared
from columns.rows import frame_rows
from designer_configs.compile.profile import Profile
from refine_loop.record.outputs import export_rows
from tests.columns.notes import write_notes

TEXT = {"note": {"column_type": "llm-text", "model_alias": "writer"}}
NOTES = [
    {"title": "a", "stars": 3, "parts": [1, "two", {"three": None}], "hint": "h", "end": None},
    {"title": "=1+1", "stars": 5},
]


def export(profile: Profile, root: Path, rows: list[Any], columns: dict[str, Any] | None = None) -> Path:
    notes = read_declared(write_notes(root, columns))
    file = root / "accepted.parquet"
    frame_rows(rows, notes).with_columns(gold_example_ids=pl.lit(["g1", "g2"])).write_parquet(file)
    export_rows(file, replace(profile, dataset=notes, export=("parquet", "csv", "jsonl")))
    return root


def read_lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "accepted.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    assert all(row.pop("gold_example_ids") == ["g1", "g2"] for row in rows)
    return rows


def test_json_lines_have_rows_as_they_were_written(offline: Profile, tmp_path: Path) -> None:
    assert read_lines(export(offline, tmp_path, NOTES)) == NOTES


def test_csv_has_nested_values_as_json_and_runs_nothing(offline: Profile, tmp_path: Path) -> None:
    with (export(offline, tmp_path, NOTES) / "accepted.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert (json.loads(first["parts"]), first["gold_example_ids"]) == (NOTES[0]["parts"], "g1|g2")
    assert (second["title"], second["parts"]) == ("'=1+1", "")


def test_texts_are_a_column_of_their_own(offline: Profile, tmp_path: Path) -> None:
    folder = export(offline, tmp_path, ['{"no": "json"}', "two\nlines"], TEXT)
    assert read_lines(folder) == [{"note": '{"no": "json"}'}, {"note": "two\nlines"}]


JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=4)
ROWS = st.fixed_dictionaries(
    {"title": st.text(max_size=10), "stars": st.integers(1, 5)},
    optional={"parts": st.lists(JSON), "hint": st.text(), "end": st.none() | st.text()},
)


@given(rows=st.lists(ROWS, min_size=1, max_size=3))
def test_whatever_a_row_holds_comes_back(
    offline: Profile, tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    folder = export(offline, tmp_path_factory.mktemp("notes"), rows)
    lines = (folder / "accepted.jsonl").read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    assert [{k: v for k, v in json.loads(line).items() if k != "gold_example_ids"} for line in lines] == rows

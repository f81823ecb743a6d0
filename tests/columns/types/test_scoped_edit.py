"""Edits that no critique asked for are undone and counted."""

import json
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from columns.rendering import fence_json
from columns.types.configs import ScopedEditColumnConfig
from columns.types.scoped_edit import ScopedEditColumnGenerator, keep_criticised_edits
from designer_configs.compile.checks.project import PROJECT_ROOT
from tests.columns.notes import write_notes

PREVIOUS = {"ticker": "SPY", "exit_price": 100.5, "exit_time": "17:00:00"}


def test_criticised_field_takes_the_refined_value() -> None:
    edit = keep_criticised_edits(PREVIOUS, {**PREVIOUS, "exit_time": "15:00:00"}, ["exit_time"])
    assert edit.row["exit_time"] == "15:00:00"
    assert edit.patch == [{"op": "replace", "path": "/exit_time", "value": "15:00:00"}]
    assert edit.undone == []


def test_edit_elsewhere_is_undone() -> None:
    edit = keep_criticised_edits(PREVIOUS, {**PREVIOUS, "exit_price": 101.0, "exit_time": "15:00:00"}, ["exit_time"])
    assert edit.row["exit_price"] == 100.5
    assert edit.undone == ["exit_price"]


def test_refiner_that_changes_nothing_leaves_an_empty_patch() -> None:
    assert keep_criticised_edits(PREVIOUS, dict(PREVIOUS), ["exit_time"]).patch == []


def test_refiner_that_only_strays_leaves_the_row_as_it_was() -> None:
    edit = keep_criticised_edits(PREVIOUS, {**PREVIOUS, "ticker": "IBM"}, [])
    assert (edit.row, edit.undone, edit.patch) == (PREVIOUS, ["ticker"], [])


def test_field_that_was_missing_is_filled() -> None:
    edit = keep_criticised_edits({"ticker": "SPY"}, {"ticker": "SPY", "exit_price": 101.0}, ["exit_price"])
    assert edit.row == {"ticker": "SPY", "exit_price": 101.0}
    assert edit.patch == [{"op": "add", "path": "/exit_price", "value": 101.0}]


TRADES = st.fixed_dictionaries({name: st.integers(0, 2) for name in ("ticker", "exit_price", "exit_time", "a/b~c")})


@given(TRADES, TRADES, st.sets(st.sampled_from(["ticker", "exit_price", "exit_time", "a/b~c"])))
def test_patch_leads_from_the_previous_row_to_the_mended_one(
    previous: dict[str, Any], refined: dict[str, Any], criticised: set[str]
) -> None:
    edit = keep_criticised_edits(previous, refined, criticised)
    assert edit.row == {name: (refined if name in criticised else previous)[name] for name in previous}
    assert jsonpatch.apply_patch(previous, edit.patch) == edit.row
    assert edit.undone == sorted(n for n in previous if n not in criticised and refined[n] != previous[n])


@pytest.mark.parametrize(
    ("criticised", "mended", "undone"),
    [
        ("exit_time", {"exit_time": "15:00:00"}, ["exit_price"]),
        ("exit_price,exit_time", {"exit_price": 101.0, "exit_time": "15:00:00"}, []),
        ("exit", {}, ["exit_price", "exit_time"]),
        ("", {}, ["exit_price", "exit_time"]),
    ],
)
def test_column_reads_the_criticised_fields_from_one_text(
    criticised: str, mended: dict[str, Any], undone: list[str]
) -> None:
    config = ScopedEditColumnConfig(name="trade", dataset=str(PROJECT_ROOT / "columns/trade_log"))
    generator = ScopedEditColumnGenerator(config=config, resource_provider=None)
    refined = {**PREVIOUS, "exit_price": 101.0, "exit_time": "15:00:00"}
    row: dict[str, Any] = generator.generate(
        {"prev_trade": fence_json(PREVIOUS), "refined_trade": refined, "criticised_fields": criticised}
    )
    assert row["trade"] == PREVIOUS | mended
    assert (row["trade__undone"], len(json.loads(row["trade__edits"]))) == (undone, len(mended))
    assert row["refined_trade"] == refined


def test_column_names_what_it_needs_and_adds() -> None:
    config = ScopedEditColumnConfig(name="trade")
    assert config.required_columns == ["prev_trade", "refined_trade", "criticised_fields"]
    assert config.side_effect_columns == ["trade__edits", "trade__undone"]


def test_row_that_travels_as_json_text_comes_out_as_json_text(tmp_path: Path) -> None:
    config = ScopedEditColumnConfig(name="note", dataset=str(write_notes(tmp_path)))
    refined = json.dumps({"title": "b", "stars": 2, "parts": [1, "x"]})
    row: dict[str, Any] = ScopedEditColumnGenerator(config=config, resource_provider=None).generate(
        {"prev_note": fence_json({"title": "a", "stars": 1}), "refined_note": refined, "criticised_fields": "title"}
    )
    assert json.loads(row["note"]) == {"title": "b", "stars": 2, "parts": [1, "x"]} | {"stars": 1}
    assert (row["note__undone"], row["refined_note"]) == (["stars"], refined)

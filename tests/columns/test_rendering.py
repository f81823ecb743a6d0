"""A row for a prompt: fenced JSON that comes back as it went in."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from data_designer.engine.processing.utils import deserialize_json_values
from hypothesis import given
from hypothesis import strategies as st

from columns.declared import read_declared
from columns.rendering import fence_json, list_gold_rows, read_fence, show_row
from designer_configs.compile.checks.project import PROJECT_ROOT
from gold_data.trades.schema import CORE_FIELDS
from tests.columns.notes import write_notes

ANY_VALUE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
OBJECTS = st.dictionaries(st.text() | st.sampled_from(CORE_FIELDS), ANY_VALUE)


@given(OBJECTS)
def test_row_comes_back_as_it_went_in(trade: dict[str, Any]) -> None:
    assert read_fence(fence_json(trade)) == trade


@given(OBJECTS)
def test_data_designer_leaves_a_fence_as_text(trade: dict[str, Any]) -> None:
    assert deserialize_json_values({"trade": fence_json(trade)}) == {"trade": fence_json(trade)}


@given(st.lists(OBJECTS, min_size=1, max_size=3))
def test_examples_are_one_to_a_line(trades: list[dict[str, Any]]) -> None:
    opening, *lines, closing = fence_json(trades).removeprefix("```json\n").removesuffix("\n```").split("\n")
    assert (opening, closing) == ("[", "]")
    assert [json.loads(line.removesuffix(",")) for line in lines] == trades


def test_gold_trade_is_listed_as_a_model_reads_it() -> None:
    zone = ZoneInfo("America/New_York")
    trade = {
        "trade_id": "gold-0001",
        "ticker": "IBM",
        "trade_type": "buy",
        "entry_time": datetime(2024, 10, 1, 9, 30, 5, tzinfo=zone),
        "exit_time": datetime(2024, 10, 1, 15, 0, 0, tzinfo=zone),
        **dict.fromkeys(("entry_price", "exit_price", "entry_volatility_percent"), 1.5),
        **dict.fromkeys(("worst_exit_percent", "best_exit_percent"), -0.25),
        "trade_percent_change": 0.0,
    }
    (row,) = list_gold_rows(pl.DataFrame([trade]), read_declared(PROJECT_ROOT / "columns/trade_log"))
    assert tuple(row) == CORE_FIELDS
    assert (row["entry_time"], row["exit_time"], row["entry_price"]) == ("09:30:05", "15:00:00", 1.5)


def test_gold_row_of_other_fields_is_listed_with_all_but_its_id(tmp_path: Path) -> None:
    gold = pl.DataFrame({"gold_id": ["g1"], "title": ["a"], "day": [date(2024, 3, 5)], "tags": [["x"]]})
    (row,) = list_gold_rows(gold, read_declared(write_notes(tmp_path)))
    assert row == {"title": "a", "day": "2024-03-05", "tags": ["x"]}


def test_text_is_shown_as_it_stands_and_anything_else_is_fenced() -> None:
    assert show_row("some\nwords") == "some\nwords"
    assert show_row({"a": 1}) == fence_json({"a": 1})

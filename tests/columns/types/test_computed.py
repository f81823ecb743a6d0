"""What a function of the dataset makes of a row: cell by cell or of all rows, with sides or without."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from columns.errors import HookError
from columns.types.computed import ComputedColumnGenerator
from columns.types.configs import ComputedColumnConfig, ControlCheck
from designer_configs.compile.checks.project import PROJECT_ROOT
from gold_data.errors import GoldError
from gold_data.store import Gold, write_gold
from tests.columns.notes import write_notes

MakeGold = Callable[..., Path]
CODE = """
import json

def double(row, given):
    return {"twice": row["n"] * 2, "half": row["n"] / 2} if row.get("sided") else row["n"] * 2

def rank(rows, given):
    given.kept["calls"] = given.kept.get("calls", 0) + 1
    order = sorted(row["n"] for row in rows)
    return [{"ranked": order.index(row["n"]), "calls": given.kept["calls"]} for row in rows]

def tell(row, given):
    return json.dumps([given.seed, given.gold.train.height, given.dataset.declared.name, dict(given.asked)])
"""


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_notes(tmp_path / "root", code=CODE)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    return write_gold(Gold(pl.DataFrame({"gold_id": ["g1", "g2"]})), tmp_path / "gold", 0.0).folder


def make(dataset: Path, gold: Path, name: str, function: str, **given: Any) -> ComputedColumnGenerator:
    config = ComputedColumnConfig(name=name, dataset=str(dataset), gold=str(gold), function=function, **given)
    return ComputedColumnGenerator(config=config, resource_provider=None)


def test_value_of_a_cell_is_what_the_function_gives(dataset: Path, gold: Path) -> None:
    assert make(dataset, gold, "twice", "double").generate({"n": 3}) == {"n": 3, "twice": 6}


def test_value_with_sides_fills_a_column_each(dataset: Path, gold: Path) -> None:
    column = make(dataset, gold, "twice", "double", sides=["half"])
    assert column.config.side_effect_columns == ["twice__half"]
    assert column.generate({"n": 3, "sided": True}) == {"n": 3, "sided": True, "twice": 6, "twice__half": 1.5}


def test_function_that_gives_no_sides_is_told_what_it_must_give(dataset: Path, gold: Path) -> None:
    with pytest.raises(ValueError, match="double must give twice and half"):
        make(dataset, gold, "twice", "double", sides=["half"]).generate({"n": 3})


def test_function_over_the_whole_frame_is_called_once(dataset: Path, gold: Path) -> None:
    data = pd.DataFrame({"n": [30, 10, 20]}, index=[4, 9, 11])
    ranked = make(dataset, gold, "ranked", "rank", sides=["calls"], whole=True).generate(data)
    assert ranked.index.tolist() == [4, 9, 11]
    assert (ranked["ranked"].tolist(), ranked["ranked__calls"].tolist()) == ([2, 0, 1], [1, 1, 1])


def test_cells_of_a_frame_keep_their_rows_whatever_the_index(dataset: Path, gold: Path) -> None:
    data = pd.DataFrame({"n": [3, 1]}, index=[4, 9])
    assert make(dataset, gold, "twice", "double").generate(data)["twice"].to_dict() == {4: 6, 9: 2}


def test_function_is_given_gold_seed_dataset_and_what_controls_ask(dataset: Path, gold: Path) -> None:
    asked = [ControlCheck(column="wanted", field="stars", tolerance=1.0)]
    column = make(dataset, gold, "told", "tell", seed=7, checks=asked, reads=["n"])
    assert column.config.required_columns == ["n", "wanted"]
    assert json.loads(column.generate({"n": 1})["told"]) == [7, 2, "notes", {"stars": ["wanted", 1.0]}]


def test_function_that_raises_is_the_rows_failure(dataset: Path, gold: Path) -> None:
    with pytest.raises(HookError, match="the dataset's function double raised KeyError: 'n'"):
        make(dataset, gold, "twice", "double").generate({})


def test_gold_that_is_not_there_is_said(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(GoldError, match="holds no gold"):
        make(dataset, tmp_path / "nowhere", "twice", "double").generate({"n": 1})


def test_rules_of_a_trade_are_told_row_by_row(make_gold: MakeGold) -> None:
    gold = make_gold(("2024-10-01", "IBM", 0.4), ("2024-10-01", "SPY", 0.4), ("2024-10-02", "HELD", 0.4))
    asked = [ControlCheck(column="symbol", field="ticker")]
    column = make(PROJECT_ROOT / "columns/trade_log", gold, "trade_rules", "describe_rules", checks=asked)
    days, tickers = ["2024-11-29", "2024-10-01"], ["SPY", "IBM"]
    data = pd.DataFrame({"session_date": days, "symbol": tickers}, index=[4, 9])
    early, usual = column.generate(data)["trade_rules"]
    assert "Regular session: 09:30:00 to 13:00:00" in early
    assert "Ticker: SPY." in early
    assert "Regular session: 09:30:00 to 16:00:00" in usual
    assert "Ticker: IBM." in usual

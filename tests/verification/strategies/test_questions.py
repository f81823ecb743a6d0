"""What a report asks of described strategies: promises that are kept, and each that is broken."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from columns.declared import read_declared
from tests.conftest import ROOT
from tests.verification.texts.runs import make_run
from verification.answers import CANNOT_TELL, GOOD, UNDERFIT
from verification.strategies.cells import ask_cells, draw_cells
from verification.strategies.promises import iter_broken

CROSS = {"cross_over": [{"CLOSE": {}}, {"EMA": {"length": 20}}]}
STRATEGY = {
    "ticker": "IBM",
    "position_type": "LONG",
    "buy_condition": CROSS,
    "sell_condition": {"less": [{"RSI": {}}, 45]},
    "interval": "5m",
}
TEXT = "Trade IBM long on 5-minute bars. Buy when the close crosses above the 20-bar EMA, sell when RSI is below 45."
DEAD = {"all": [CROSS, {"greater": [{"RSI": {}}, 0.5]}]}
SAID = "crosses above the 20-bar EMA and RSI is above 0.5"


def write_row(name: str = "a", document: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    row = {"row_id": name, "strategy": json.dumps(document or STRATEGY), "description": TEXT, "withheld": []}
    return row | {"behaviour_hash": name, "split": "train"} | changes


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        ([write_row()], []),
        ([write_row(description=TEXT.replace("45", "40"))], ["unstated", "invented"]),
        ([write_row(description=TEXT + " Trail the stop.")], ["invented"]),
        (
            [
                write_row(
                    document=STRATEGY | {"buy_condition": DEAD},
                    description=TEXT.replace("crosses above the 20-bar EMA", SAID),
                )
            ],
            ["dead-clause"],
        ),
        ([write_row(document={"ticker": 3})], ["missing-key", "type"]),
        ([write_row(), write_row("b", behaviour_hash="a")], ["twin"]),
        ([write_row(), write_row("b", behaviour_hash="a", split="test")], ["leak"]),
        ([write_row(family_id="a"), write_row("b", behaviour_hash="a", family_id="a")], []),
        ([write_row(family_id="a"), write_row("b", behaviour_hash="a", family_id="b")], ["twin"]),
        ([write_row(family_id="a"), write_row("b", behaviour_hash="a", family_id="a", split="test")], ["leak"]),
    ],
)
def test_a_broken_promise_is_named(rows: list[dict[str, Any]], broken: list[str]) -> None:
    table = pl.DataFrame(rows, schema_overrides={"withheld": pl.List(pl.String)})
    assert [rule for _, rule in iter_broken(table)] == broken


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        (["seldom, brief, long", "often, brief, long"] * 20, GOOD),
        (["seldom, brief, long"] * 40, UNDERFIT),
        (["seldom, brief, long", "often, brief, long"], CANNOT_TELL),
        ([], CANNOT_TELL),
    ],
)
def test_a_cell_that_starves_is_named(cells: list[str], verdict: str) -> None:
    run = make_run(["x"] * len(cells), drawn={"behaviour_cell": cells})
    wanted = {"seldom, brief, long": 0.5, "often, brief, long": 0.5}
    answer = ask_cells(replace(run, profile=replace(run.profile, options={"behaviour": wanted})), 0)
    assert answer.verdict == verdict
    assert not answer.metrics["controls"] or draw_cells(answer.metrics).key == "cells"


def test_the_dataset_names_these_questions() -> None:
    assert read_declared(Path(ROOT / "columns/strategy")).questions == "verification.strategies.questions"

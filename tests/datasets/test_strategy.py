"""Strategies from natural language: the offline profile from end to end, and what its rows promise."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from columns.dataset import Given, load_dataset
from columns.rendering import read_fence
from columns.strategy.dataset import (
    check_round_trip,
    choose_strategy,
    choose_withheld,
    draw_strategies,
    plan_question,
    read_controls,
    write_reply,
)
from gold_data.store import GoldFolder
from indicators.strategy.bar_suite import load_suite
from indicators.strategy.behaviour import ALL_CELLS
from indicators.strategy.canonical import write_text
from indicators.strategy.equality import check_answer
from indicators.strategy.grammar import read_strategy
from indicators.strategy.liveliness import check_liveliness, know_liveliness
from indicators.strategy.said import check_said
from indicators.strategy.schema import write_schema
from tests.conftest import ROOT, run_cli

FOLDER = ROOT / "columns/strategy"
ROWS, FAMILY = 6, 2
DOCUMENT = {
    "ticker": "IBM",
    "position_type": "LONG",
    "buy_condition": {"less": [{"RSI": {}}, 40]},
    "stop_loss": {"percent": 2},
}
PLAN = {
    "variation": 7,
    "leaves": 2,
    "depth": 1,
    "position_type": "LONG",
    "timeframe": "5m",
    "stop": "atr",
    "target": "target",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("strategy") / "run"
    texts = place.with_name("texts.txt")
    texts.write_text("\n\n".join(f"buy {name} low, sell it high" for name in ("spy", "qqq", "dia", "iwm", "tlt")))
    result = run_cli(
        "generate",
        "strategy_offline",
        "--num",
        ROWS,
        "--set",
        f"paraphrases={FAMILY}",
        "--gold-rows",
        texts,
        "--out",
        place,
    )
    assert result.exit_code == 0, result.output
    return place


@pytest.fixture(scope="module")
def accepted(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "accepted.parquet")


def give(**facts: Any) -> Given:
    gold = GoldFolder(FOLDER)
    gold.__dict__["facts"] = {"behaviour": {}} | facts  # which are read from a folder when they are first asked for
    return Given(load_dataset(FOLDER), gold, seed=3)


def test_the_grammar_is_that_of_the_code() -> None:
    assert (FOLDER / "strategy.schema.json").read_text(encoding="utf-8") == write_schema()


def test_rows_trade_and_have_no_dead_clause_and_no_twin(accepted: pl.DataFrame) -> None:
    assert accepted.height == ROWS
    assert [check_liveliness(text) for text in accepted["strategy"]] == [()] * ROWS
    assert all(trades >= 5 for trades in accepted["trades"])
    families = accepted.group_by("behaviour_hash").agg(pl.col("family_id").n_unique())
    assert families["family_id"].to_list() == [1] * families.height


def test_descriptions_of_one_strategy_are_a_family_that_no_split_divides(folder: Path, accepted: pl.DataFrame) -> None:
    drawn = accepted.filter(origin="sampled").group_by("family_id").agg(pl.all())
    assert [len(rows) for rows in drawn["row_id"]] == [FAMILY] * drawn.height
    for name in ("strategy", "split", "stop", "condition_kind", "timeframe"):
        assert all(len(set(values)) == 1 for values in drawn[name]), name
    assert accepted["description"].n_unique() == ROWS
    assert pl.read_parquet(folder / "ledger.parquet")["family_id"].null_count() == 0


def test_texts_of_people_are_shown_and_counted_but_for_those_held_out(folder: Path, accepted: pl.DataFrame) -> None:
    shown = {name for names in accepted["gold_example_ids"] for name in names}
    assert shown <= {f"text-000{number}" for number in (1, 2, 3, 4)}
    assert all(len(names) == 3 for names in accepted["gold_example_ids"])
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["gold"]["rows"] == 5
    assert any(name.endswith("texts.txt") for name in provenance["sha256"])


def test_a_description_says_all_of_its_strategy(accepted: pl.DataFrame) -> None:
    for row in accepted.iter_rows(named=True):
        assert check_said(row["description"], read_strategy(row["strategy"]), row["withheld"]) == []


def test_the_answer_of_a_row_is_right(accepted: pl.DataFrame) -> None:
    for row in accepted.iter_rows(named=True):
        assert check_answer(row["answer"], read_strategy(row["strategy"]), row["withheld"], load_suite()) == []


def test_trades_are_those_of_the_home_bars(folder: Path, accepted: pl.DataFrame) -> None:
    counted = pl.read_parquet(folder / "trades.parquet").group_by("row_id").len().sort("row_id")
    assert counted["len"].to_list() == accepted.sort("row_id")["trades"].to_list()


def test_tables_are_as_declared(folder: Path) -> None:
    dictionary = json.loads((folder / "data_dictionary.json").read_text(encoding="utf-8"))
    assert dictionary["accepted"].keys() == set(pl.read_parquet_schema(folder / "accepted.parquet"))


def test_the_controls_of_a_row_are_those_of_its_strategy() -> None:
    text = draw_strategies([PLAN], give())[0]
    document = json.loads(text.removeprefix("```json\n").removesuffix("\n```"))
    assert document["position_type"] == "LONG"
    assert {"atr_stop", "take_profit"} <= document.keys()
    assert not {"stop_loss", "trailing", "session", "exit_after_bars"} & document.keys()


def test_a_control_that_a_profile_leaves_out_is_drawn() -> None:
    controls = read_controls({"variation": 1})
    assert controls.exits is None
    assert controls.kind is None


def test_no_two_rows_of_a_plan_are_twins() -> None:
    rows = [PLAN, {**PLAN}]  # the same variation draws the same strategy, which is then known
    assert len(set(draw_strategies(rows, give()))) == 2


def test_strategies_are_drawn_for_the_cells_that_are_wanted() -> None:
    rows = [{"variation": number, "position_type": "LONG", "timeframe": "5m"} for number in range(8)]
    shares = {"seldom, lasting, long": 1, "incessant, brief, long": 1}
    cells = Counter(know_liveliness(write_text(read_fence(text))).cell for text in draw_strategies(rows, give()))
    leaning = draw_strategies(rows, give(behaviour=shares))
    wanted = Counter(know_liveliness(write_text(read_fence(text))).cell for text in leaning)
    assert sum(wanted[cell] for cell in shares) >= 6 > sum(cells[cell] for cell in shares)


def test_the_behaviour_of_rows_is_told_of_all_cells_that_there_are(accepted: pl.DataFrame) -> None:
    assert set(accepted["behaviour_cell"]) <= set(ALL_CELLS)
    wanted = load_dataset(FOLDER).declared.default_options["behaviour"]
    assert set(wanted) == set(ALL_CELLS)
    assert sum(wanted.values()) == pytest.approx(1)


def test_a_proposed_strategy_that_is_none_is_shown_as_it_is() -> None:
    made = choose_strategy({"origin": "model", "proposed_strategy": '{"ticker": 3}', "variation": 1}, give())
    assert made["strategy"] == '{"ticker": 3}'


def test_a_value_is_withheld_only_where_it_is_asked_for() -> None:
    assert choose_withheld(DOCUMENT, {"ambiguity": "complete", "variation": 1}) == []
    assert len(choose_withheld(DOCUMENT, {"ambiguity": "one value withheld", "variation": 1})) == 1


@pytest.mark.parametrize(
    ("parsed", "rules", "key"),
    [
        (json.dumps(DOCUMENT), [], "strategy"),
        ('{"unresolved": ["$.stop_loss.percent"], "question": "How far?"}', [], "question"),
        ('{"unresolved": ["$.stop_loss.percent"]}', ["parser_missing_key"], "unresolved"),
        ('{"ticker": "IBM", "position_type": "LONG"}', ["parser_no_entry", "parser_no_exit"], "ticker"),
    ],
)
def test_a_person_is_told_the_strategy_executed_or_a_question(parsed: str, rules: list[str], key: str) -> None:
    plan = {**plan_question("Buy IBM.", give()), "parsed": parsed}
    assert [violation.rule for violation in check_round_trip(plan["strategy"], plan, give())] == rules
    assert key in json.loads(write_reply(plan, give()))


@pytest.mark.slow
def test_a_person_asks(tmp_path: Path) -> None:
    text = "Trade IBM, long only. Buy when the RSI crosses above 30. Sell when the RSI is above 60."
    result = run_cli("ask", "strategy_offline", text, "--json", "--log", tmp_path / "audit.jsonl")
    assert result.exit_code == 0, result.output
    assert "home_bars" in result.output

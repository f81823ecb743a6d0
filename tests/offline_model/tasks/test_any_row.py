"""Rows of any schema: sentences are followed, faults planted at their rate, critiques heeded."""

import json
from random import Random
from typing import Any

import pytest
from data_designer.engine.models.recipes.response_recipes import StructuredResponseRecipe

from offline_model.answer import answer_messages
from offline_model.options import Options
from offline_model.prompt import read_sections
from offline_model.row_schema.values import ValueDraw
from offline_model.tasks.any_row import answer_any, find_named
from tests.offline_model.prompts import ask_for_json

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["ticker", "action", "size", "risk"],
    "properties": {
        "ticker": {"type": "string", "maxLength": 16},
        "action": {"enum": ["buy", "sell", "hold"]},
        "size": {"type": "integer", "minimum": 1, "maximum": 10},
        "risk": {"$ref": "#/$defs/risk"},
        "rationale": {"type": "string", "minLength": 10, "maxLength": 80},
    },
    "$defs": {
        "risk": {
            "type": "object",
            "properties": {"stop_loss_pct": {"type": "number", "minimum": 0.5, "maximum": 5}},
            "required": ["stop_loss_pct"],
        }
    },
}
CONTROLS = "\n\n## What it must be\n- Its ticker is BRK.B.\n- Its size is close to 7.\n- stop loss pct: 1.5\n"
ROW: dict[str, Any] = {"ticker": "NVDA", "action": "buy", "size": 3, "risk": {"stop_loss_pct": 2.0}}
HONEST, FAULTY = Options(fault_rate=0, malformed_rate=0), Options(fault_rate=1, malformed_rate=0)


def draw_many(prompt: str, options: Options, count: int = 200) -> list[Any]:
    sections = read_sections(ask_for_json(prompt, SCHEMA))
    return [answer_any(sections, Random(seed), options) for seed in range(count)]


def fits(row: object) -> bool:
    return ValueDraw(SCHEMA, "", Random(0)).fits(row)


def ask_to_mend(row: object, critique: str) -> str:
    return (
        f"# Task: mend an order\n\n## The order\n```json\n{json.dumps(row)}\n```\n\n## The critique\n{critique}\n\n"
        "Mend only the fields that the critique names, never the action by itself."
    )


def test_honest_rows_follow_the_sentences() -> None:
    rows = draw_many("Write one order." + CONTROLS, HONEST)
    assert {(row["ticker"], row["size"], row["risk"]["stop_loss_pct"]) for row in rows} == {("BRK.B", 7, 1.5)}
    assert {row["action"] for row in rows} == {"buy", "sell", "hold"}
    assert all(map(fits, rows))


def test_free_text_is_set_to_few_words_or_to_quoted_ones_only() -> None:
    rows = draw_many("Write. The rationale is what a reader sees first. The ticker is `A B C D`.", HONEST)
    assert not any("what a reader" in row.get("rationale", "") for row in rows)
    assert {row["ticker"] for row in rows} == {"A B C D"}


def test_fault_ignores_a_sentence_where_there_is_one() -> None:
    rows = draw_many("Write one order." + CONTROLS, FAULTY)
    assert all(fits(row) and (row["ticker"] == "BRK.B") + (row["size"] == 7) == 1 for row in rows)


def test_fault_breaks_the_schema_where_no_sentence_is() -> None:
    rows = draw_many("Write one order.", FAULTY)
    assert not any(map(fits, rows))
    assert {name for row in rows for name in row if not fits(ROW | {name: row[name]})} == set(SCHEMA["properties"])


def test_faults_come_at_their_rate() -> None:
    rows = draw_many("Write one order.", Options(fault_rate=0.28), count=600)
    assert abs(sum(not fits(row) for row in rows) / 600 - 0.28) < 0.05


def test_row_sent_back_comes_again_without_its_fault() -> None:
    recipe, lost = StructuredResponseRecipe(json_schema=SCHEMA), 0
    for number in range(30):
        chat = [{"role": "user", "content": ask_for_json(f"Write order {number}.", SCHEMA)}]
        honest = recipe.parse(answer_messages(chat, HONEST).text)
        chat += [{"role": "assistant", "content": answer_messages(chat, FAULTY).text}]
        chat += [{"role": "user", "content": "Response doesn't match requested <response_schema>\nfound 11"}]
        assert recipe.parse(answer_messages(chat, FAULTY).text) == honest
        lost += chat[1]["content"] == answer_messages(chat[:1], HONEST).text
    assert lost == 0


@pytest.mark.parametrize(
    ("critique", "changed"),
    [
        ("- [safety 2/5] `size` 3 falls short", {"size"}),
        ("- [control] the Ticker is wrong\n- [policy] risk is too high", {"ticker", "risk"}),
        ("- [clarity 3/5] It does not feel right.", set()),
    ],
)
def test_what_the_critique_names_is_drawn_anew(critique: str, changed: set[str]) -> None:
    for row in draw_many(ask_to_mend(ROW, critique), FAULTY, count=40):
        assert fits(row)
        assert {name for name in row if row[name] != ROW.get(name)} == changed


def test_mended_field_takes_what_a_sentence_sets_and_a_misfit_is_mended_too() -> None:
    prompt = ask_to_mend(ROW | {"action": "wait"}, "- size is wrong").replace(
        "\n\n## The order", CONTROLS + "\n\n## The order"
    )
    (row,) = draw_many(prompt, HONEST, count=1)
    assert row["size"] == 7
    assert row["action"] in ("buy", "sell", "hold")
    assert row["ticker"] == "NVDA"


def test_roles_are_told_apart_by_what_the_prompt_shows() -> None:
    prompts = {"generator": "Write one order.", "refiner": ask_to_mend(ROW, "- size is wrong")}
    for role, prompt in prompts.items():
        assert answer_messages([{"role": "user", "content": ask_for_json(prompt, SCHEMA)}], HONEST).role == role


def test_names_within_longer_words_are_not_named() -> None:
    assert find_named("oversize; stop loss pct", ["size", "stop_loss_pct"]) == {"stop_loss_pct"}

"""The judge of any dataset: mostly content, and where it is not it names a field of the row."""

import json
from random import Random
from typing import Any

import pytest
from data_designer.engine.models.recipes.response_recipes import StructuredResponseRecipe

from offline_model.answer import answer_messages
from offline_model.options import Options
from offline_model.prompt import read_sections
from offline_model.tasks.any_judge import find_fields, judge_any_row, read_scores
from tests.offline_model.prompts import ask_for_json, make_judge_schema

FIVE = {score: f"worth {score}" for score in range(1, 6)}
SCORES: list[dict[str, Any]] = [
    {"name": "safety", "description": "Is it safe?", "options": FIVE},
    {"name": "clarity", "description": "Is it clear?", "options": {"3": "yes", "1": "no", "2": "partly"}},
]
ROW = {"action": "buy", "size": 3}
PROMPT = f"Judge this order.\n\n```json\n{json.dumps([ROW, ROW])}\n```\n\n## The order\n```json\n{json.dumps(ROW)}\n```"


def judge_many(prompt: str, options: Options, scores: list[dict[str, Any]] = SCORES) -> list[Any]:
    sections = read_sections(ask_for_json(prompt, make_judge_schema(scores)))
    ranks = read_scores(sections.schema)
    return [judge_any_row(ranks, sections, Random(seed), options) for seed in range(400)]


def test_criteria_and_scores_are_read_from_worst_to_best() -> None:
    assert read_scores(make_judge_schema(SCORES)) == {"safety": [1, 2, 3, 4, 5], "clarity": ["1", "2", "3"]}
    assert read_scores(make_judge_schema([SCORES[0] | {"options": {1: "the only one"}}])) == {"safety": [1]}


@pytest.mark.parametrize("schema", [None, {}, {"type": "string"}, {"properties": {"size": {"type": "integer"}}}])
def test_other_schemas_are_no_judges(schema: dict[str, Any] | None) -> None:
    assert read_scores(schema) == {}


def test_low_scores_come_at_the_fault_rate_and_name_a_field() -> None:
    verdicts = judge_many(PROMPT, Options(fault_rate=0.3))
    low = [part for verdict in verdicts for part in verdict.values() if part["score"] in (1, 2, "1")]
    assert abs(len(low) / 400 - 0.3) < 0.06
    assert all("`action` buy" in part["reasoning"] or "`size` 3" in part["reasoning"] for part in low)


def test_faultless_scores_are_good_and_mostly_the_best() -> None:
    scores = [verdict["safety"]["score"] for verdict in judge_many(PROMPT, Options(fault_rate=0))]
    assert set(scores) == {4, 5}
    assert scores.count(5) > 300


def test_score_of_yes_or_no_is_yes_without_a_fault() -> None:
    coin = [{"name": "holds", "description": "d", "options": {0: "no", 1: "yes"}}]
    assert {v["holds"]["score"] for v in judge_many(PROMPT, Options(fault_rate=0), coin)} == {1}
    assert {v["holds"]["score"] for v in judge_many(PROMPT, Options(fault_rate=1), coin)} == {0}


def test_row_without_a_fence_is_found_by_its_keys() -> None:
    assert find_fields("The order: {'action': 'buy', \"size\": 3}") == {"action": "buy", "size": "3"}
    assert find_fields("The order is to buy.") == {}


def test_data_designer_reads_the_verdict() -> None:
    schema = make_judge_schema(SCORES)
    answer = answer_messages([{"role": "user", "content": ask_for_json(PROMPT, schema)}], Options(malformed_rate=0))
    assert answer.role == "judge"
    assert StructuredResponseRecipe(json_schema=schema).parse(answer.text).keys() == {"safety", "clarity"}

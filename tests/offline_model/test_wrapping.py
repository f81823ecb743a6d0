"""Spoilt answers are refused by Data Designer, wrapped ones are read."""

from random import Random

import pytest
from data_designer.engine.models.parsers.errors import ParserException
from data_designer.engine.models.recipes.response_recipes import StructuredResponseRecipe

from gold_data.trades.schema import load_core_schema
from offline_model.wrapping import spoil_answer, wrap_answer

ANSWER = {
    "ticker": "NVDA",
    "trade_type": "buy",
    "entry_time": "10:00:01",
    "exit_time": "10:05:31",
    "entry_price": 120.11,
    "exit_price": 120.51,
    "entry_volatility_percent": 0.512,
    "worst_exit_percent": -0.11,
    "best_exit_percent": 0.35,
}


def test_data_designer_refuses_spoilt_answers() -> None:
    recipe = StructuredResponseRecipe(json_schema=load_core_schema())
    for seed in range(40):
        with pytest.raises(ParserException):
            recipe.parse(spoil_answer(dict(ANSWER), Random(seed)))


def test_data_designer_reads_wrapped_answers() -> None:
    recipe = StructuredResponseRecipe(json_schema=load_core_schema())
    texts = {wrap_answer(dict(ANSWER), Random(seed)) for seed in range(80)}
    assert {text[0] for text in texts} == {"`", "{", "H"}
    assert all(recipe.parse(text) == ANSWER for text in texts)


def test_row_of_one_short_field_is_spoilt_too() -> None:
    recipe = StructuredResponseRecipe(json_schema={"type": "object", "required": ["é"]})
    for seed in range(40):
        with pytest.raises(ParserException):
            recipe.parse(spoil_answer({"é": 1}, Random(seed)))

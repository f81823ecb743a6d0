"""The ends of prompts and the judges' schemas, made by Data Designer itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from data_designer.config.column_configs import Score
from data_designer.engine.column_generators.utils.judge_score_factory import (
    create_judge_response_model,
    create_judge_structured_output_model,
)
from data_designer.engine.models.recipes.response_recipes import StructuredResponseRecipe


def ask_for_json(text: str, schema: Mapping[str, Any]) -> str:
    """End a prompt as Data Designer ends that of a structured column."""
    return str(StructuredResponseRecipe(json_schema=dict(schema)).apply_recipe_to_user_prompt(text))


def make_judge_schema(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Make the schema that Data Designer makes of a judge column's scores."""
    parts = [create_judge_response_model(Score.model_validate(score)) for score in scores]
    schema: dict[str, Any] = create_judge_structured_output_model(parts).model_json_schema()
    return schema

"""Where the schema of an answer stands in a prompt: short, and first, so that prompts begin alike.

Data Designer ends each prompt with it, whole: half of a prompt, after all that differs from row to row. Providers keep
what prompts have in common at their beginning, and charge less for it.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

from data_designer.engine.models.recipes.response_recipes import PydanticResponseRecipe, StructuredResponseRecipe

from jobs.structured.schemas import Schema, change_parts, shorten

ASKED = "Answer with one JSON object that fits this schema, and with nothing else:"
RECIPES = (StructuredResponseRecipe, PydanticResponseRecipe)
SAYS_NOTHING = "Reasoning for the assigned score."
SCORING = re.compile(r"Score Descriptions for \w+:\n\* ")


def say_schema(schema: Schema) -> str:
    """Say in which form an answer is wanted."""
    text = json.dumps(shorten(_say_less(schema)), ensure_ascii=False, separators=(",", ":"))
    return f"{ASKED}\n<response_schema>\n{text}\n</response_schema>"


def _say_less(part: Any) -> Any:
    """Leave out of a judge's schema what the library says of every score."""
    if not isinstance(part, dict):
        return part
    told = {key: value for key, value in part.items() if (key, value) != ("description", SAYS_NOTHING)}
    if isinstance(said := told.get("description"), str):
        told["description"] = SCORING.sub("", said).replace("\n* ", "; ")
    if "$defs" in told:
        told["$defs"] = {name: _say_less(below) for name, below in told["$defs"].items()}
    return change_parts(told, _say_less)


@contextlib.contextmanager
def state_schema_first() -> Iterator[None]:
    """Let prompts say the schema of their answer in the system's message, once and short, while the context is open."""

    def keep_prompt(_: Any, user_prompt: str) -> str:
        return user_prompt

    def end_system(self: Any, system_prompt: str | None) -> str:
        said = vars(self).get("said_schema")
        if said is None:  # a recipe is made once a job and column
            schema = self.json_schema if isinstance(self, StructuredResponseRecipe) else json.loads(self.schema)
            said = self.said_schema = say_schema(schema)
        return f"{system_prompt.rstrip()}\n\n{said}" if system_prompt else said

    for recipe in RECIPES:
        recipe.apply_recipe_to_user_prompt = keep_prompt
        recipe.apply_recipe_to_system_prompt = end_system
    try:
        yield
    finally:
        for recipe in RECIPES:
            del recipe.apply_recipe_to_user_prompt, recipe.apply_recipe_to_system_prompt

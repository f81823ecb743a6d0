"""Column type `derived`: a row of which a model gives what is its to say, and a function of the dataset the rest."""

import functools
import json
from pathlib import Path
from typing import Any

from data_designer.engine.column_generators.generators.llm_completion import ColumnGeneratorWithModelChatCompletion
from data_designer.engine.models.recipes.response_recipes import StructuredResponseRecipe

from columns.dataset import find_function
from columns.hooks import call_hook
from columns.types.computed import give
from columns.types.configs import DerivedColumnConfig


class DerivedColumnGenerator(ColumnGeneratorWithModelChatCompletion[DerivedColumnConfig]):
    """Asks a model for `output_format`, and puts `function(parts, row, given)` in the place of what it gave."""

    def _initialize(self) -> None:
        self._complete = find_function(Path(self.config.dataset), self.config.function)
        self._given = give(self.config)

    @functools.cached_property
    def response_recipe(self) -> StructuredResponseRecipe:
        """Read answers as those of any structured column."""
        return StructuredResponseRecipe(json_schema=dict(self.config.output_format))

    def _process_generation_result(self, data: dict[str, Any], response: Any, trace: Any) -> dict[str, Any]:
        made: dict[str, Any] = super()._process_generation_result(data, response, trace)
        parts = made[self.config.name]
        parts = json.loads(parts) if isinstance(parts, str) else parts
        made[self.config.name] = call_hook(self.config.function, self._complete, parts, data, self._given)
        return made

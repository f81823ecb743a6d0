"""Column type `computed`: what a function of the dataset's own module makes of a row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from data_designer.engine.column_generators.generators.base import ColumnGenerator, GenerationStrategy

from columns.dataset import Given, find_function, load_dataset
from columns.hooks import call_hook
from columns.types.configs import ComputedColumnConfig, FunctionColumnConfig
from gold_data.store import load_gold


def give(config: FunctionColumnConfig) -> Given:
    """Put together what a dataset's function is given beside a row."""
    asked = {check.field: (check.column, check.tolerance) for check in config.checks}
    return Given(load_dataset(Path(config.dataset)), load_gold(Path(config.gold)), asked, config.seed)


class ComputedColumnGenerator(ColumnGenerator[ComputedColumnConfig]):
    """Calls `function(row, given)` for every cell, or `function(rows, given)` once with the whole frame.

    The function gives the value; where the column has sides, a mapping of the value, under the column's name, and of
    every side.
    """

    def get_generation_strategy(self) -> GenerationStrategy:
        return GenerationStrategy.FULL_COLUMN if self.config.whole else GenerationStrategy.CELL_BY_CELL

    def _initialize(self) -> None:
        self._compute = find_function(Path(self.config.dataset), self.config.function)
        self._given = give(self.config)

    def generate(self, data: Any) -> Any:
        if isinstance(data, pd.DataFrame):
            rows = data.to_dict(orient="records")
            made = self._call(rows) if self.config.whole else [self._call(row) for row in rows]
            cells = [self._name(value) for value in made]
            for name in [self.config.name, *self.config.side_effect_columns]:
                data[name] = [cell[name] for cell in cells]
            return data
        return data | self._name(self._call(data))

    def _call(self, rows: Any) -> Any:
        return call_hook(self.config.function, self._compute, rows, self._given)

    def _name(self, made: Any) -> dict[str, Any]:
        if not self.config.sides:
            return {self.config.name: made}
        if not isinstance(made, Mapping) or {self.config.name, *self.config.sides} - set(made):
            raise ValueError(f"{self.config.function} must give {self.config.name} and {', '.join(self.config.sides)}")
        sides = {f"{self.config.name}__{side}": made[side] for side in self.config.sides}
        return {self.config.name: made[self.config.name], **sides}

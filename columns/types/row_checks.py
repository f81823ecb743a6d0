"""Column type `row-checks`: what a dataset asks of its rows, tested in code before a judge is asked."""

from pathlib import Path
from typing import Any

from data_designer.engine.column_generators.generators.base import ColumnGeneratorCellByCell

from columns.dataset import find_function, load_dataset
from columns.hooks import call_hook
from columns.rendering import show_row
from columns.rows import read_row
from columns.types.computed import give
from columns.types.configs import RowChecksColumnConfig


class RowChecksColumnGenerator(ColumnGeneratorCellByCell[RowChecksColumnConfig]):
    """Writes `{passed, violations}`, and the row as a prompt shows it in the side column `<name>__<row>`."""

    def _initialize(self) -> None:
        folder = Path(self.config.dataset)
        dataset = load_dataset(folder)
        self._schema = dataset.declared.schema
        self._given = give(self.config)
        self._name = self.config.function or "check_row"
        self._check = find_function(folder, self._name) if self.config.function else dataset.check_row

    def generate(self, data: dict[str, Any]) -> dict[str, Any]:
        row = read_row(data[self.config.row], self._schema)
        violations = [violation.to_dict() for violation in call_hook(self._name, self._check, row, data, self._given)]
        data[self.config.name] = {"passed": not violations, "violations": violations}
        data[f"{self.config.name}__{self.config.row}"] = show_row(row)
        return data

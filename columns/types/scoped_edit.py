"""Column type `scoped-edit`: a refiner's row, with every edit undone that no critique asked for."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jsonpatch
from data_designer.engine.column_generators.generators.base import ColumnGeneratorCellByCell

from columns.declared import WHOLE, read_declared
from columns.rendering import read_fence
from columns.rows import read_row
from columns.types.configs import CRITICISED_FIELDS, ScopedEditColumnConfig


class Edit(NamedTuple):
    """A mended row, the RFC 6902 patch that leads to it, and the fields whose change was undone."""

    row: dict[str, Any]
    patch: list[dict[str, Any]]
    undone: list[str]


def keep_criticised_edits(previous: Mapping[str, Any], refined: Mapping[str, Any], criticised: Collection[str]) -> Edit:
    """Take the refined values of the criticised fields and the previous values of all others."""
    row = {name: value if name in criticised else previous.get(name, value) for name, value in refined.items()}
    undone = sorted(name for name, value in refined.items() if row[name] != value)
    return Edit(row, jsonpatch.make_patch(dict(previous), row).patch, undone)


class ScopedEditColumnGenerator(ColumnGeneratorCellByCell[ScopedEditColumnConfig]):
    """Writes the mended row, its patch in `<name>__edits` (JSON) and the undone fields in `<name>__undone`.

    A row that Data Designer carries as JSON text comes out as JSON text.
    """

    def _initialize(self) -> None:
        self._schema = read_declared(Path(self.config.dataset)).schema

    def generate(self, data: dict[str, Any]) -> dict[str, Any]:
        name = self.config.name
        refined = data[f"refined_{name}"]
        mended = read_row(refined, self._schema)
        criticised = data[CRITICISED_FIELDS].split(",") if self.config.form == WHOLE else mended.keys()
        edit = keep_criticised_edits(read_fence(data[f"prev_{name}"]), mended, criticised)
        data[name] = json.dumps(edit.row) if isinstance(refined, str) else edit.row
        data[f"{name}__edits"] = json.dumps(edit.patch)
        data[f"{name}__undone"] = edit.undone
        return data

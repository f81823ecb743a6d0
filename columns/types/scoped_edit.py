"""Column type `scoped-edit`: a refiner's row, with every edit undone that no critique asked for."""

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import jsonpatch
from data_designer.engine.column_generators.generators.base import ColumnGeneratorCellByCell

from columns.rendering import read_fence
from columns.types.configs import CRITICISED_FIELDS, PREVIOUS_TRADE, REFINED_TRADE, ScopedEditColumnConfig


class Edit(NamedTuple):
    """A mended trade, the RFC 6902 patch that leads to it, and the fields whose change was undone."""

    trade: dict[str, Any]
    patch: list[dict[str, Any]]
    undone: list[str]


def keep_criticised_edits(previous: Mapping[str, Any], refined: Mapping[str, Any], criticised: Collection[str]) -> Edit:
    """Take the refined values of the criticised fields and the previous values of all others."""
    trade = {name: value if name in criticised else previous.get(name, value) for name, value in refined.items()}
    undone = sorted(name for name, value in refined.items() if trade[name] != value)
    return Edit(trade, jsonpatch.make_patch(dict(previous), trade).patch, undone)


class ScopedEditColumnGenerator(ColumnGeneratorCellByCell[ScopedEditColumnConfig]):
    """Writes the mended trade, its patch in `<name>__edits` (JSON) and the undone fields in `<name>__undone`."""

    def generate(self, data: dict[str, Any]) -> dict[str, Any]:
        edit = keep_criticised_edits(
            read_fence(data[PREVIOUS_TRADE]), data[REFINED_TRADE], data[CRITICISED_FIELDS].split(",")
        )
        data[self.config.name] = edit.trade
        data[f"{self.config.name}__edits"] = json.dumps(edit.patch)
        data[f"{self.config.name}__undone"] = edit.undone
        return data

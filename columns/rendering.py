"""How a row is written for a language model: one JSON object in a fence.

A fence keeps Data Designer from decoding the text before it reaches a prompt, where it would arrive as a Python repr.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from columns.declared import Declared
from gold_data.clocks import write_clock

JsonObject = Mapping[str, object]
FENCE = "```json\n"


def fence_json(value: JsonObject | Sequence[JsonObject]) -> str:
    """Write a row, or a list of rows one to a line, as a fenced JSON block."""
    if isinstance(value, Mapping):
        return f"{FENCE}{json.dumps(value)}\n```"
    rows = ",\n".join(f"  {json.dumps(row)}" for row in value)
    return f"{FENCE}[\n{rows}\n]\n```"


def read_fence(text: str) -> dict[str, Any]:
    """Read back one row that `fence_json` wrote."""
    row: dict[str, Any] = load_fence(text)
    return row


def load_fence(text: str) -> Any:
    """Load what `fence_json` wrote: a row, or a list of rows."""
    return json.loads(text.removeprefix(FENCE).removesuffix("\n```"))


def show_row(row: Any) -> str:
    """Write a row for a prompt: a text as it stands, anything else fenced."""
    return row if isinstance(row, str) else fence_json(row)


def list_gold_rows(rows: pl.DataFrame, declared: Declared) -> list[dict[str, Any]]:
    """List gold rows as a model reads and writes them: the fields of a row, or all but the id where they have others.

    A moment whose field is a text of fixed form is a time of day, on the clock of the row's `zone` if it has one.
    """
    shown = list(declared.fields) if set(declared.fields) <= set(rows.columns) and declared.fields else rows.columns[1:]
    properties = (declared.schema or {}).get("properties", {})
    times = [
        write_clock(rows, name) if "pattern" in properties.get(name, {}) else pl.col(name).cast(pl.String)
        for name in shown
        if rows.schema[name].is_temporal()
    ]
    return rows.with_columns(times).select(shown).to_dicts()

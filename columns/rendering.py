"""How a trade is written for a language model: one JSON object in a fence.

A fence keeps Data Designer from decoding the text before it reaches a prompt, where it would arrive as a Python repr.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from gold_data.trades.schema import CORE_FIELDS

JsonObject = Mapping[str, object]


def fence_json(value: JsonObject | Sequence[JsonObject]) -> str:
    """Write a trade, or a list of trades one to a line, as a fenced JSON block."""
    if isinstance(value, Mapping):
        return f"```json\n{json.dumps(value)}\n```"
    rows = ",\n".join(f"  {json.dumps(row)}" for row in value)
    return f"```json\n[\n{rows}\n]\n```"


def read_fence(text: str) -> dict[str, Any]:
    """Read back one trade that `fence_json` wrote."""
    trade: dict[str, Any] = json.loads(text.removeprefix("```json\n").removesuffix("\n```"))
    return trade


def list_core_rows(trades: pl.DataFrame) -> list[dict[str, Any]]:
    """List gold trades as the core fields a model reads and writes, times as times of day."""
    times = [pl.col(name).dt.strftime("%H:%M:%S") for name in ("entry_time", "exit_time")]
    return trades.with_columns(times).select(CORE_FIELDS).to_dicts()

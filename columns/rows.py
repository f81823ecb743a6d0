"""Rows as Data Designer carries them, and as tables keep them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from columns.declared import Declared, name_plain_type

POLARS_TYPES: Mapping[str, type[pl.DataType]] = {
    "string": pl.String,
    "number": pl.Float64,
    "integer": pl.Int64,
    "boolean": pl.Boolean,
}


def read_row(value: Any, schema: Mapping[str, Any] | None) -> Any:
    """Read a row as Data Designer carries it: a text, JSON text, or a struct in which missing keys are nulls.

    Of a struct those nulls are left out whose key is neither required by the schema nor said to be null at times.
    """
    if schema is None:
        return value
    if isinstance(value, str):
        return json.loads(value)
    return _drop_missing(value, schema)


def _drop_missing(value: Any, schema: Mapping[str, Any]) -> Any:
    if not isinstance(value, Mapping):
        return value
    properties, required = schema.get("properties", {}), schema.get("required", ())
    return {
        name: _drop_missing(part, properties.get(name, {}))
        for name, part in value.items()
        if part is not None or name in required or _may_be_null(properties.get(name, {}))
    }


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type", [])
    return "null" in ([kinds] if isinstance(kinds, str) else kinds) or None in schema.get("enum", ())


def frame_rows(rows: Sequence[Any], declared: Declared) -> pl.DataFrame:
    """Put rows into a frame: a column per field, or one column of texts named after the row.

    A field that holds one kind of plain value has its type; any other is JSON text, so that it reads as it was written.
    """
    if declared.schema is None:
        return pl.DataFrame({declared.row: [str(row) for row in rows]}, schema={declared.row: pl.String})
    properties = declared.schema.get("properties", {})
    kinds = {name: name_plain_type(part) for name, part in properties.items()}
    columns = {name: [_store_value(row, name, kind) for row in rows] for name, kind in kinds.items()}
    return pl.DataFrame(columns, schema={name: POLARS_TYPES.get(kind or "", pl.String) for name, kind in kinds.items()})


def _store_value(row: Mapping[str, Any], name: str, kind: str | None) -> Any:
    if name not in row:
        return None
    if kind is None:
        return json.dumps(row[name])
    if kind == "integer":
        return int(row[name])  # 3.0 is a whole number in JSON Schema
    return float(row[name]) if kind == "number" else row[name]

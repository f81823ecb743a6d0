"""Accepted rows as their column made them: JSON objects restored from a table's columns, or texts."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from columns.declared import FAMILY
from verification.dataset import Dataset

BLOCK = 2_000  # rows that are restored at a time
LEAST_WORDS = 4  # of a field's text to count as one; shorter ones are labels

Row = Mapping[str, Any] | str | None
Json = Mapping[str, Any]


def list_fields(dataset: Dataset, table: pl.DataFrame) -> list[str]:
    """List the columns of a table that make its row: the schema's fields, or the one that holds the text."""
    named = [dataset.row] if dataset.schema is None else list(dataset.schema.get("properties", {}))
    return [name for name in named if name in table.columns]


def keep_one_of_each_family(table: pl.DataFrame) -> pl.DataFrame:
    """Keep the first row of each family; all where there are no families."""
    return table.unique(FAMILY, keep="first", maintain_order=True) if FAMILY in table.columns else table


def iter_rows(dataset: Dataset, table: pl.DataFrame) -> Iterator[Row]:
    """Restore a table's rows in their order, some at a time.

    A struct has every key in every row, so a null of a key that the schema does not require counts as left out. What
    the schema wants as anything but text, and is text, is JSON. Times are ISO 8601.
    """
    fields = list_fields(dataset, table)
    for block in table.select(fields).iter_slices(BLOCK):
        for row in block.iter_rows(named=True):
            yield row.get(dataset.row) if dataset.schema is None else _restore(row, dataset.schema, dataset.schema)


def _restore(value: Any, schema: Any, root: Json) -> Any:
    form = _resolve(schema, root)
    if isinstance(value, str) and _wants_json(form):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    if isinstance(value, dict):
        known, required = form.get("properties", {}), form.get("required", ())
        kept = {name: each for name, each in value.items() if each is not None or name in required}
        return {name: _restore(each, known.get(name), root) for name, each in kept.items()}
    if isinstance(value, list):
        return [_restore(each, form.get("items"), root) for each in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def _resolve(schema: Any, root: Json) -> Json:
    """Follow a reference within the same document; what is no schema says nothing."""
    seen = 0
    while isinstance(schema, dict) and str(schema.get("$ref", "")).startswith("#/") and seen < 32:
        target: Any = root
        for step in str(schema["$ref"])[2:].split("/"):
            target = target.get(step) if isinstance(target, dict) else None
        schema, seen = target, seen + 1
    return schema if isinstance(schema, dict) else {}


def _wants_json(form: Json) -> bool:
    kinds = form.get("type")
    return kinds is not None and "string" not in ([kinds] if isinstance(kinds, str) else kinds)


def write_canonical(row: Row) -> str:
    """Write a row so that equal ones are equal: keys sorted, white space of texts as single spaces."""
    if row is None or isinstance(row, str):
        return " ".join((row or "").split())
    return json.dumps(row, sort_keys=True, ensure_ascii=False, default=str)


def gather_text(row: Row) -> str:
    """Gather what a row says in words: the text itself, or the texts among an object's fields, in their order."""
    if isinstance(row, str):
        return row
    return "\n".join(text for text in _iter_texts(row) if len(re.findall(r"\w+", text)) >= LEAST_WORDS)


def _iter_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _iter_texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _iter_texts(each)


def read_drawn(folder: Path, table: pl.DataFrame, names: Sequence[str], fields: Sequence[str]) -> pl.DataFrame:
    """Read what the plan drew for each accepted row: a column per control that is known, rows in the table's order.

    A control whose column is one of the row's own fields is read from the run's plans; without them it is left out.
    """
    own = [name for name in names if name in table.columns and name not in fields]
    drawn = table.select("row_id", *own)
    rest = [name for name in names if name not in own]
    try:
        plans = [pl.read_parquet(path, glob=False) for path in sorted(folder.glob("rounds/*/plan.parquet"))]
        planned = pl.concat([plan.select("row_id", *rest) for plan in plans], how="vertical_relaxed")
        return drawn.join(planned.unique("row_id"), on="row_id", how="left", maintain_order="left")
    except (PolarsError, OSError, ValueError):
        return drawn

"""The tables that a run of a dataset leaves behind, as schemas, and what holds across them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from dataframely.exc import SchemaError, ValidationError
from polars.exceptions import PolarsError

from columns.declared import Declared

Table = type[dy.Schema]
ENDS = ("accepted", "rejected", "failed")
NAMES = ("ledger", "accepted", "rejected")
SENTENCES = {
    "stands_where_its_status_says": "accepted and rejected have the rows of the ledger, by status, each once",
    "has_bars_if_accepted": "every accepted row has bars, and no other row",
}


def build_schemas(dataset: Declared) -> dict[str, Table]:
    """Build the schemas of a dataset's tables; each says the columns that every run has, others may stand beside."""
    scores = {name: dy.Int64(nullable=True, min=1, max=5) for name in dataset.criteria}
    ids = dy.List(dy.String(), nullable=False)
    ledger = {
        "row_id": dy.String(primary_key=True),
        "round": dy.Int64(min=1),
        "status": dy.String(check=lambda value: value.is_in(ENDS)),
        "reason": dy.String(nullable=True),
        "refine_passes": dy.Int64(min=0),
        "critiques": dy.List(dy.String(nullable=True), nullable=False),
        "generated_row": dy.String(nullable=True),
        "gold_example_ids": ids,
        **scores,
    }
    reached = {name: dy.Int64(min=1, max=5) for name in dataset.criteria}
    accepted = {"row_id": dy.String(primary_key=True), "refine_passes": dy.Int64(min=0), **reached}
    rejected = {"row_id": dy.String(primary_key=True), "status": dy.String(check=lambda value: value != "accepted")}
    plan = {"row_id": dy.String(primary_key=True)}
    columns: dict[str, dict[str, Any]] = {"ledger": ledger, "accepted": accepted, "rejected": rejected, "plan": plan}
    return {name: type(name.capitalize(), (dy.Schema,), parts) for name, parts in columns.items()}


def build_collection(dataset: Declared) -> type[dy.Collection]:
    """Build the schema of a run's tables together: what holds across them, by `row_id`."""
    schemas = build_schemas(dataset)
    members: dict[str, Any] = {name: dy.LazyFrame[schemas[name]] for name in NAMES}  # type: ignore[valid-type]
    members["bars"] = dy.LazyFrame[RowIds] | None
    rules = {rule.__name__: dy.filter()(rule) for rule in (stands_where_its_status_says, has_bars_if_accepted)}
    return type("Tables", (dy.Collection,), {"__annotations__": members, **rules})


class RowIds(dy.Schema):
    """The rows that a table of a dataset's own speaks of."""

    row_id = dy.String(primary_key=True)


def stands_where_its_status_says(tables: Any) -> pl.LazyFrame:
    """Keep rows of the ledger that stand in `accepted` or in `rejected`, as their status says, and not in both."""
    ends = [tables.accepted.select("row_id", accepted=True), tables.rejected.select("row_id", accepted=False)]
    ledger: pl.LazyFrame = tables.ledger.select("row_id", accepted=pl.col("status") == "accepted")
    return ledger.join(pl.concat(ends).unique("row_id", keep="none"), on=["row_id", "accepted"])


def has_bars_if_accepted(tables: Any) -> pl.LazyFrame:
    """Keep rows that are accepted and have bars, or neither; all where the run has no table of bars."""
    if tables.bars is None:
        every: pl.LazyFrame = tables.ledger.select("row_id")
        return every
    accepted = pl.col("status") == "accepted"
    ledger = tables.ledger.join(tables.bars.select("row_id", barred=True), on="row_id", how="left")
    kept: pl.LazyFrame = ledger.filter(accepted == pl.col("barred").fill_null(value=False))
    return kept


def check_tables(folder: Path, dataset: Declared) -> list[str]:
    """Say what is wrong with a run's tables, each by itself and all together; nothing where they are sound.

    Every candidate stands once in the ledger; accepted are the ledger's accepted rows, rejected the others; `bars` has
    every accepted row and no other.
    """
    tables, found = dict[str, pl.DataFrame](), list[str]()
    for name, schema in build_schemas(dataset).items():
        if name in NAMES:
            try:
                tables[name] = pl.read_parquet(folder / f"{name}.parquet", glob=False).select(schema.column_names())
                schema.validate(tables[name])
            except (PolarsError, OSError, SchemaError, ValidationError) as exc:
                found.append(f"{name}.parquet: {' '.join(str(exc).split())}")
    if found:
        return found
    if (bars := folder / "bars.parquet").is_file():
        tables["bars"] = pl.scan_parquet(bars, glob=False).select(pl.col("row_id").unique()).collect()
    failures = build_collection(dataset).filter(tables).failure
    return [sentence for name, failure in failures.items() for sentence in _say_failures(name, failure)]


def _say_failures(name: str, failure: Any) -> Iterator[str]:
    for rule, rows in failure.counts().items():
        first = failure.invalid()["row_id"].min()
        yield f"{name}.parquet: {rows} rows break {rule!r} ({SENTENCES.get(rule, 'its schema')}), such as {first}"

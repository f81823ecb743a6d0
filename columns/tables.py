"""The tables that a run of a dataset leaves behind, as schemas, and what holds across them."""

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


def check_tables(folder: Path, dataset: Declared) -> list[str]:
    """Say what is wrong with a run's tables, each by itself and all together; nothing where they are sound.

    Every candidate stands once in the ledger; accepted are the ledger's accepted rows, rejected the others; a table of
    the dataset's own speaks of accepted rows only, and `bars` of every one.
    """
    schemas, tables, found = build_schemas(dataset), dict[str, pl.DataFrame](), list[str]()
    for name in NAMES:
        try:
            tables[name] = pl.read_parquet(folder / f"{name}.parquet", glob=False)
            schemas[name].validate(tables[name].select(schemas[name].column_names()))
        except (PolarsError, OSError, SchemaError, ValidationError) as exc:
            found.append(f"{name}.parquet: {' '.join(str(exc).split())}")
    return found or [*_compare_ids(tables), *_check_own_tables(folder, tables["accepted"])]


def _compare_ids(tables: dict[str, pl.DataFrame]) -> list[str]:
    ledger, is_accepted = tables["ledger"], pl.col("status") == "accepted"
    found = []
    for name, ids in {
        "accepted": ledger.filter(is_accepted)["row_id"],
        "rejected": ledger.filter(~is_accepted)["row_id"],
    }.items():
        other = set(tables[name]["row_id"]) ^ set(ids)
        if other:
            found.append(f"{name}.parquet: {len(other)} rows are not those of the ledger, such as {min(other)}")
    return found


def _check_own_tables(folder: Path, accepted: pl.DataFrame) -> list[str]:
    bars = folder / "bars.parquet"
    if not bars.is_file():
        return []
    ids = pl.scan_parquet(bars, glob=False).select(pl.col("row_id").unique()).collect()["row_id"]
    other = set(accepted["row_id"]) ^ set(ids)
    return [f"bars.parquet: {len(other)} rows have no bars, or bars no row, such as {min(other)}"] if other else []

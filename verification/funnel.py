"""What a run took: candidates stage by stage, and requests, tokens, seconds and cost of each stage."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from jobs.job import WROTE

QUOTED = 3  # answers that were not read, which the report shows
CHECKED = r"^- \[[a-z_]+\]"  # how a critique of the checks begins; a judge's names a criterion and its score


def count_funnel(ledger: pl.DataFrame) -> list[tuple[str, int]]:
    """Count candidates stage by stage, each a part of the one before up to acceptance, then accepted in all by pass."""
    if ledger.is_empty():
        return []
    first = pl.col("critiques").list.first()
    usable = (pl.col("status") != "failed") | pl.col("critiques").list.len().gt(0)
    checked = usable & ~first.str.contains(CHECKED).fill_null(value=False)
    accepted = pl.col("status") == "accepted"
    passes = range(1, max([1, *ledger["refine_passes"].to_list()]) + 1)
    stages: list[tuple[str, pl.Expr]] = [
        ("candidates", pl.lit(value=True)),
        ("generated", usable),
        ("passed the checks at once", checked),
        ("accepted at once", accepted & (pl.col("refine_passes") == 0)),
        *((f"accepted after refine {n}", accepted & (pl.col("refine_passes") <= n)) for n in passes),
    ]
    return [(name, ledger.filter(condition).height) for name, condition in stages]


def quote_failures(ledger: pl.DataFrame) -> list[str]:
    """Quote some answers that were not read: the column, why, and what the model wrote."""
    if not {"failed_column", "reason"} <= set(ledger.columns):
        return []
    written = pl.col("reason").str.contains(WROTE, literal=True)
    quoted = ledger.filter(pl.col("failed_column").is_not_null(), written).head(QUOTED)
    return [f"not read, for {column}: {reason}" for column, reason in quoted.select("failed_column", "reason").rows()]


def sum_stages(usage: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Sum requests, tokens, seconds and cost of each stage; a sum is null where any part of it is."""
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for part in usage.get("by_stage", []):
        parts.setdefault(part["stage"], []).append(part)
    summed = ("requests", "prompt_tokens", "completion_tokens", "request_seconds", "cost")
    return [
        {"stage": stage} | {name.removeprefix("request_"): _add([part.get(name) for part in rows]) for name in summed}
        for stage, rows in parts.items()
    ]


def _add(values: Sequence[float | None]) -> float | None:
    return None if None in values else sum(value for value in values if value is not None)

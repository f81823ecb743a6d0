"""What there is to say of a run's ledger, counted where it lies: it may be longer than memory should hold."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from columns.declared import Declared
from designer_configs.compile.profile import Profile
from jobs.job import NOT_FINISHED, WROTE
from refine_loop.booking import NO_EDIT
from refine_loop.state import ENDS

LEAST_JUDGED = 20  # rows before it means anything that their scores are all the same
LONGEST_REASON = 400  # characters of a failure that the terminal shows, what to do included; the ledger has the whole


def name_model_columns(dataset: Declared) -> dict[str, str]:
    """Name the ledger's column of each role's model: `model` for the one that writes the row."""
    return {role: f"{role}_model" if place else "model" for place, role in enumerate(dataset.roles)}


def count_ledger(ledger: pl.LazyFrame) -> dict[str, Any]:
    """Count how candidates ended, the passes that were used, the edits undone, and why rows were not accepted."""
    ended = [(pl.col("status") == status).sum().cast(pl.Int64).alias(status) for status in ENDS]
    passes, undone = pl.col("refine_passes").max().fill_null(0), pl.col("undone_edits").sum()
    return {**_collect(ledger.select(*ended, passes, undone)).row(0, named=True), "reasons": count_reasons(ledger)}


def note_ledger(ledger: pl.LazyFrame, profile: Profile) -> list[str]:
    """Say what somebody should know who does not look into the ledger."""
    return [
        *note_failures(ledger),
        *note_models(ledger, profile),
        *note_judge(ledger, profile.dataset.criteria),
        *note_refiner(ledger),
    ]


def note_failures(ledger: pl.LazyFrame) -> list[str]:
    """Quote the commonest reason why candidates failed: a provider that stopped answering says so there."""
    reasons = ledger.filter(pl.col("status") == "failed", pl.col("reason").is_not_null())
    reasons = reasons.with_columns(pl.col("reason").str.split(WROTE).list.first())
    counted = _collect(reasons.with_row_index().group_by("reason").agg(pl.len(), pl.col("index").min()))
    if counted.is_empty():
        return []
    reason, count, _ = counted.sort("len", "index", descending=[True, False]).row(0)
    return [f"commonest failure ({count} of {counted['len'].sum()}): {reason[:LONGEST_REASON]}"]


def note_models(ledger: pl.LazyFrame, profile: Profile) -> list[str]:
    """Say how many rows a model wrote, mended or judged that stood in for the role's own."""
    notes = []
    for role, column in name_model_columns(profile.dataset).items():
        others = ledger.filter(pl.col(column) != profile.models[role].model)
        count, other = _collect(others.select(pl.len(), pl.col(column).first())).row(0)
        if count:
            notes.append(f"{count} rows were answered by the {role}'s fallback {other}")
    return notes


def note_judge(ledger: pl.LazyFrame, criteria: Sequence[str]) -> list[str]:
    """Say that a judge gave every row the same scores: such a one tells nothing apart."""
    if not criteria:
        return []
    kinds = _collect(ledger.select(criteria).drop_nulls().group_by(criteria).len())
    if kinds.height != 1 or kinds["len"].item() < LEAST_JUDGED:
        return []
    scores = ", ".join(f"{name} {kinds[name].item()}" for name in criteria)
    return [f"the judge gave each of {kinds['len'].item()} rows the same scores ({scores}): it tells nothing apart"]


def note_refiner(ledger: pl.LazyFrame) -> list[str]:
    """Say how many rows a refiner gave back as they were."""
    edits = pl.col("edits").list
    counts = [edits.count_matches(NO_EDIT).sum().alias("unchanged"), edits.len().sum().alias("all")]
    unchanged, count = _collect(ledger.select(counts)).row(0)
    return [f"the refiner gave {unchanged} of {count} rows back unchanged"] if unchanged else []


def count_reasons(ledger: pl.LazyFrame) -> list[tuple[str, int]]:
    """Count why candidates were not accepted, the commonest first: `[rule]` of a critique, or the failed column."""
    lost = ledger.filter(pl.col("status") != "accepted")
    kind = (
        pl.when(pl.col("status").eq("failed") | pl.col("failed_column").is_not_null())
        .then(
            pl.when(pl.col("reason").str.starts_with(NOT_FINISHED))
            .then(pl.col("reason"))
            .otherwise(
                pl.concat_str(pl.lit("no usable answer for "), pl.col("failed_column").fill_null("a column unknown"))
            )
        )
        .otherwise(pl.col("reason").str.extract(r"^\[([a-z_]+)", 1).fill_null(pl.col("reason")))
    )
    counted = _collect(lost.group_by(kind.alias("kind")).len()).sort(["len", "kind"], descending=[True, False])
    return [(str(kind), int(count)) for kind, count in counted.rows()]


def _collect(frame: pl.LazyFrame) -> pl.DataFrame:
    return frame.collect(engine="streaming")

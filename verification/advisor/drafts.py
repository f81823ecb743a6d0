"""The first draft of every candidate beside what was asked of it and how it ended."""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from verification.inputs import FinishedRun

NO_ATTACK = "none"
WANTED = ("row_id", "attack", "request")
ENDS = ("row_id", "status", "policy_decision", "policy_rule", "policy_history", "generated_row")
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys((*WANTED, "status", "policy_decision", "policy_rule", "first", "last"), pl.String),
    "history": pl.List(pl.String),
}


def read_drafts(run: FinishedRun) -> pl.DataFrame:
    """Read one row per candidate that has a first draft.

    Columns: `row_id`; `attack` and `request` as the plan drew them; `status`, `policy_decision`, `policy_rule`; the
    decisions in turn as `history`; the intent of the `first` draft and of the `last` version. No row where the run's
    rounds or its ledger are not there, or hold no policy.
    """
    plans = _read_all(run.folder, "plan", WANTED)
    first = _read_all(run.folder, "pass_0", ("row_id", "generated_row"))
    if plans is None or first is None or not set(ENDS) <= set(run.ledger.columns):
        return pl.DataFrame(schema=SCHEMA)
    drafts = first.filter(pl.col("generated_row").is_not_null()).rename({"generated_row": "first"})
    joined = (
        plans.join(drafts, on="row_id")
        .join(run.ledger.select(ENDS), on="row_id")
        .rename({"generated_row": "last", "policy_history": "history"})
    )
    intents = [pl.Series(name, [read_intent(text) for text in joined[name]], pl.String) for name in ("first", "last")]
    return joined.with_columns(intents).select(*SCHEMA)


def read_intent(text: str | None) -> str | None:
    """Read the intent of a recommendation that is kept as JSON."""
    row = json.loads(text) if text is not None else None
    return str(row.get("intent")) if isinstance(row, dict) else None


def _read_all(folder: Path, name: str, columns: Sequence[str]) -> pl.DataFrame | None:
    try:
        parts = [pl.read_parquet(path, glob=False) for path in sorted(folder.glob(f"rounds/*/{name}.parquet"))]
        return pl.concat([part.select(columns) for part in parts], how="vertical_relaxed") if parts else None
    except (PolarsError, OSError):
        return None

"""Runs of datasets in plain YAML, made of literal rows."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from designer_configs.compile.controls import Control
from designer_configs.compile.profile import Profile, load_profile
from verification.dataset import Dataset
from verification.inputs import FinishedRun

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["mood", "size", "note"],
    "properties": {
        "mood": {"type": "string", "enum": ["calm", "wild"]},
        "size": {"type": "number", "minimum": 0},
        "note": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
TEXT = Dataset("notes", "note", "note", None, "critic", ("safety",), "verification.texts.questions", "none", "none")
OBJECT = Dataset("notes", "note", "note", SCHEMA, "critic", ("safety",), TEXT.questions, "optional", "none")


@cache
def load_offline() -> Profile:
    """Load a profile that any run may have."""
    return load_profile("offline")


def draw_texts(count: int, seed: int = 0, words: int = 30) -> list[str]:
    """Draw texts of words that have next to nothing in common."""
    rng = np.random.default_rng(seed)
    return [" ".join(f"word{number}" for number in rng.integers(0, 500, words)) for _ in range(count)]


def make_control(name: str, values: Sequence[Any], field: str | None = None, tolerance: float | None = None) -> Control:
    """Make a control with even shares, which checks a field where one is named."""
    column = {"name": name, "sampler_type": "category", "params": {"values": list(values)}}
    check = None if field is None else {"field": field, "tolerance": tolerance}
    return Control(column, "", None, check)


def make_run(
    rows: Sequence[Any],
    *,
    controls: Sequence[Control] = (),
    drawn: Mapping[str, Sequence[Any]] | None = None,
    gold: Sequence[Any] = (),
    held_out: Sequence[Any] = (),
    ledger: pl.DataFrame | None = None,
    usage: Mapping[str, Any] | None = None,
    folder: Path = Path("nowhere"),
) -> FinishedRun:
    """Make a run of texts or of objects, by what its rows are; `drawn` are the controls' columns."""
    is_text = not any(isinstance(row, Mapping) for row in rows)
    accepted = frame_rows(rows)
    ids = pl.Series("row_id", [f"row-{place}" for place in range(len(rows))], dtype=pl.String)
    return FinishedRun(
        folder=folder,
        profile=load_offline(),
        dataset=TEXT if is_text else OBJECT,
        accepted=accepted.with_columns(ids, *(pl.Series(name, list(column)) for name, column in (drawn or {}).items())),
        train=frame_rows(gold) if gold else None,
        holdout=frame_rows(held_out) if held_out else None,
        bars=None,
        holdout_bars=None,
        controls=tuple(controls),
        ledger=pl.DataFrame() if ledger is None else ledger,
        usage=usage or {},
        calibration=None,
        notes=(),
    )


def frame_rows(rows: Sequence[Any]) -> pl.DataFrame:
    """Put rows into a table as a run does: a column per field, or one for the text."""
    objects = [row if isinstance(row, Mapping) else {"note": row} for row in rows]
    return pl.DataFrame(objects, schema=None if objects else {"note": pl.String}, infer_schema_length=None)

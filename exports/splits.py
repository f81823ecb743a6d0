"""The parts of a finished run's rows that are trained on, validated on and tested on."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from exports.finished_run import FinishedRun
from gold_data.splits import plan_split
from gold_data.store import SESSION

EVALUATED = 0.1  # share of the sessions that are validated on, and of those that are tested on
PARTS = ("train", "validation", "test")
SPLIT = "split"  # the column of a dataset that says it itself


def split_by_time(sessions: list[date], embargo: int) -> dict[str, set[date]]:
    """Split sessions by time, the last for tests, those before for validation, with an embargo before each."""
    tested = plan_split(sessions, EVALUATED, embargo=embargo)
    validated = plan_split(tested.train, EVALUATED, embargo=embargo)
    return dict(zip(PARTS, map(set, (validated.train, validated.holdout, tested.holdout)), strict=True))


def split_accepted(run: FinishedRun) -> dict[str, pl.DataFrame]:
    """Split the accepted rows as they say themselves, or by time; those of an embargo are in no part.

    Rows that have neither a split nor a session are all of them `train`. No part is empty, where there are rows.
    """
    rows = run.accepted
    if SPLIT in rows.columns:
        parts = {str(key[0]): part for key, part in rows.group_by(SPLIT, maintain_order=True)}
    elif SESSION in rows.columns:
        sessions = rows[SESSION].cast(pl.Date)
        days = split_by_time(sessions.to_list(), run.profile.gold.embargo)
        parts = {name: rows.filter(sessions.is_in(sorted(own))) for name, own in days.items()}
    else:
        parts = {"train": rows}
    return {name: part for name, part in parts.items() if part.height} or {"train": rows}


def say_parts(counts: Mapping[str, int], rows: int) -> str:
    """Say how many rows are in which part, and how many in none."""
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    left = rows - sum(counts.values())
    return f"{said}; {left} rows of the sessions between them are in none"

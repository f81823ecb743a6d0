"""One candidate from its plan to its end, read from a run's folder."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from columns.declared import Declared
from columns.rendering import list_gold_rows
from designer_configs.compile.profile import Profile
from files.append_file import read_lines
from files.shown_text import write_command
from gold_data.folder import TRAIN
from refine_loop.errors import RunInputError
from refine_loop.run import load_run_profile

SHORTEST = 4  # characters of a row_id by which a candidate is found
NEAREST = 5  # candidates that are named where one was not found


@dataclass(frozen=True)
class Version:
    """A candidate's row as it stood after a pass, 0 the draft: the row as text, its scores, its critique."""

    refine_pass: int
    status: str
    row: str | None
    scores: dict[str, int | None]
    critique: str | None


@dataclass(frozen=True)
class Story:
    """All that a run knows of one candidate.

    `drawn` are its controls and the plan's other short values, `seeds` the gold rows that its prompt showed, by id,
    `requests` the events of what was sent for it, `traced` its prompts and answers (empty without `trace: full`),
    `bars` the table of its bars, None without; `marks` are the moments in them that its row names.
    """

    ledger: dict[str, Any]
    drawn: dict[str, Any]
    seeds: dict[str, dict[str, Any]]
    versions: list[Version]
    requests: list[dict[str, Any]]
    traced: list[dict[str, Any]]
    bars: pl.DataFrame | None
    marks: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data; bars as rows."""
        plain = {"versions": [vars(version) for version in self.versions]}
        return vars(self) | plain | {"bars": None if self.bars is None else self.bars.to_dicts()}


def read_ledger(folder: Path) -> pl.DataFrame:
    """Read a run's ledger.

    Raises:
        RunInputError: there is none, or it cannot be read.
    """
    path = folder / "ledger.parquet"
    if not path.is_file():
        raise RunInputError(
            f"{folder} has no ledger yet: go on with the run: {write_command('tradelogs', 'resume', folder)}"
        )
    return _read_table(path)


def find_candidate(ledger: pl.DataFrame, row_id: str) -> str:
    """Find a candidate by its id or the beginning of it.

    Raises:
        RunInputError: there is none, or more than one.
    """
    found = ledger.filter(pl.col("row_id").str.starts_with(row_id))["row_id"].to_list()
    if row_id in found or (len(found) == 1 and len(row_id) >= SHORTEST):
        return row_id if row_id in found else str(found[0])
    some = ", ".join((found or ledger["row_id"].to_list())[:NEAREST])
    why = f"{len(found)} of {ledger.height} candidates begin so" if found else f"none of {ledger.height} is called so"
    raise RunInputError(f"row_id {row_id!r}: {why}; such as {some}. {SHORTEST} characters are the least")


def read_story(folder: Path, row_id: str) -> Story:
    """Read all that a run knows of a candidate, by its id or the beginning of it.

    Raises:
        RunInputError: the folder holds no run that has a ledger, or no such candidate.
    """
    profile, ledger = load_run_profile(folder), read_ledger(folder)
    row_id = find_candidate(ledger, row_id)
    row = ledger.row(by_predicate=pl.col("row_id") == row_id, named=True)
    place, dataset = folder / "rounds" / f"{row['round']:03d}", profile.dataset
    plan = _pick(_read_table(place / "plan.parquet"), row_id) or {}
    bars, marks = _read_bars(folder, row_id)
    return Story(
        ledger=row,
        drawn={name: plan.get(name) for name in list_drawn(profile)},
        seeds=_read_seeds(folder, row.get("gold_example_ids") or [], dataset),
        versions=list(_read_versions(place, row_id, row, dataset)),
        requests=[e for e in read_lines(folder / "events.jsonl") if e.get("row_id") == row_id],
        traced=list(_read_trace(folder, row["round"], row_id)),
        bars=bars,
        marks=marks,
    )


def list_drawn(profile: Profile) -> list[str]:
    """Name what the plan draws for a row: its sampler columns, then the profile's controls."""
    samplers = [c["name"] for c in profile.dataset.list_stage("plan") if c["column_type"] == "sampler"]
    return list(dict.fromkeys([*samplers, *(control.name for control in profile.controls)]))


def _read_seeds(folder: Path, ids: list[str], dataset: Declared) -> dict[str, dict[str, Any]]:
    path = folder / "gold" / TRAIN
    if not ids or not path.is_file():
        return {}
    train = _read_table(path)
    found = train.filter(pl.col(train.columns[0]).is_in(ids))
    rows = dict(zip(found[train.columns[0]].to_list(), list_gold_rows(found, dataset), strict=True))
    return {name: rows[name] for name in ids if name in rows}


def _read_versions(place: Path, row_id: str, row: dict[str, Any], dataset: Declared) -> Iterator[Version]:
    for refine_pass in range(int(row["refine_passes"] or 0) + 1):
        path = place / f"pass_{refine_pass}.parquet"
        stood = _pick(_read_table(path), row_id) if path.is_file() else None
        if stood is not None:
            scores = {name: stood[name] for name in dataset.criteria}
            yield Version(refine_pass, stood["status"], stood["generated_row"], scores, stood["judge_critique"])


def _read_trace(folder: Path, number: int, row_id: str) -> Iterator[dict[str, Any]]:
    """Read the prompts and answers of a candidate in the order of their jobs, also those of a round under way."""
    for path in sorted(folder.glob(f"trace/{number:03d}_*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from (entry for entry in map(json.loads, lines) if entry.get("row_id") == row_id)
    for path in sorted(folder.glob(f"rounds/{number:03d}/answers_*.jsonl")):
        yield from (entry for entry in read_lines(path) if entry.get("row_id") == row_id and "messages" in entry)


def _read_bars(folder: Path, row_id: str) -> tuple[pl.DataFrame | None, dict[str, Any]]:
    """Read the bars of an accepted row, and the moments of its row that lie within them."""
    path, accepted = folder / "bars.parquet", folder / "accepted.parquet"
    if not path.is_file() or not accepted.is_file():
        return None, {}
    try:
        bars = pl.scan_parquet(path, glob=False).filter(pl.col("row_id") == row_id).collect()
    except PolarsError as exc:
        raise RunInputError(f"{path} cannot be read ({exc})") from exc
    if bars.is_empty():
        return None, {}
    row = _pick(_read_table(accepted), row_id) or {}
    first: Any = bars["timestamp"].min()
    last: Any = bars["timestamp"].max()
    moments = {name: value for name, value in row.items() if type(value) is type(first)}
    return bars, {name: value for name, value in moments.items() if first <= value <= last}


def _pick(frame: pl.DataFrame, row_id: str) -> dict[str, Any] | None:
    found = frame.filter(pl.col("row_id") == row_id)
    return found.row(0, named=True) if found.height else None


def _read_table(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False)
    except (PolarsError, OSError) as exc:
        raise RunInputError(f"{path} cannot be read ({exc}): it is damaged, or no Parquet file") from exc

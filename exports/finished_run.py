"""A finished run as exports read it."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from designer_configs.compile.profile import Profile, load_profile
from designer_configs.errors import ConfigError
from exports.errors import ExportError
from files.shown_text import say_unfinished

NEEDED = ("profile.yaml", "accepted.parquet", "ledger.parquet", "provenance.json", "usage.json")


@dataclass(frozen=True)
class FinishedRun:
    """A run's folder, its profile, and what it left behind, each read when it is first asked for."""

    folder: Path
    profile: Profile

    @functools.cached_property
    def accepted(self) -> pl.DataFrame:
        """One row per accepted row."""
        return read_table(self.folder / "accepted.parquet")

    @functools.cached_property
    def ledger(self) -> pl.DataFrame:
        """One row per candidate."""
        return read_table(self.folder / "ledger.parquet")

    @functools.cached_property
    def plans(self) -> pl.DataFrame:
        """The plan's row of every candidate."""
        files = sorted(self.folder.glob("rounds/*/plan.parquet"))
        return pl.concat([read_table(file) for file in files], how="diagonal_relaxed") if files else pl.DataFrame()

    @functools.cached_property
    def drafts(self) -> pl.DataFrame:
        """The first draft of every candidate that came back: row_id and generated_row."""
        files = sorted(self.folder.glob("rounds/*/pass_0.parquet"))
        drafts = [read_table(file).select("row_id", "generated_row") for file in files]
        return pl.concat(drafts) if drafts else pl.DataFrame(schema={"row_id": pl.String, "generated_row": pl.String})

    @functools.cached_property
    def first_candidates(self) -> pl.DataFrame:
        """Every candidate as its first pass left it, with all that is kept of it."""
        files = sorted(self.folder.glob("rounds/*/pass_0.parquet"))
        tables = [read_table(file) for file in files]
        return pl.concat(tables, how="diagonal_relaxed") if tables else pl.DataFrame()

    def read_json(self, name: str) -> Mapping[str, Any] | None:
        """Read one of the run's JSON files; None where it is not there."""
        path = self.folder / name
        try:
            told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        except (OSError, ValueError) as exc:
            raise ExportError(f"{path} cannot be read: {exc}") from exc
        if told is not None and not isinstance(told, dict):
            raise ExportError(f"{path} cannot be read: it holds no JSON object")
        return told


def read_finished_run(folder: Path, profile: Profile | None = None) -> FinishedRun:
    """Read a run's folder, and its profile where that is not at hand.

    Raises:
        ExportError: it holds no run that has ended.
    """
    for name in NEEDED:
        try:
            is_there = (folder / name).is_file()
        except OSError as exc:  # a name that is too long, a folder that may not be looked into
            raise ExportError(f"{folder} cannot be read ({exc.strerror}): name the folder of a run") from exc
        if not is_there:
            raise ExportError(say_unfinished(folder, name))
    try:
        profile = profile or load_profile(str(folder / "profile.yaml"), {})
    except ConfigError as exc:
        raise ExportError(f"{folder}: {exc}") from exc
    return FinishedRun(folder.resolve(), profile)


def read_table(path: Path) -> pl.DataFrame:
    """Read one of a run's tables.

    Raises:
        ExportError: it cannot be read.
    """
    try:
        return pl.read_parquet(path, glob=False)
    except (PolarsError, OSError) as exc:
        raise ExportError(f"{path} cannot be read: {exc}") from exc

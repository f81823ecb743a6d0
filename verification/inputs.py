"""Reads what a run left behind, and refuses what cannot be verified."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from columns.tables import check_tables
from designer_configs.compile.controls import Control, resolve_controls
from designer_configs.compile.profile import Profile, load_profile
from designer_configs.errors import ConfigError
from files.shown_text import say_unfinished
from gold_data.errors import GoldError
from gold_data.folder import BARS, FACTS, HOLDOUT, HOLDOUT_BARS, TRAIN
from gold_data.markets import Markets, read_markets
from gold_data.store import MARKETS
from verification.dataset import Dataset, read_dataset
from verification.delivery import Declared, declare_shares
from verification.errors import VerificationError

CALIBRATION = "judge_calibration.json"
BAR_COLUMNS = ("ticker", "timestamp", "open", "high", "low", "close", "volume")
LEDGER_COLUMNS = ("status", "refine_passes", "critiques")


@dataclass(frozen=True)
class FinishedRun:
    """A run as verification reads it.

    `accepted` has `row_id`, the row's fields (or its text, in the column named after it), controls, criteria and what
    finishing added. `train` and `holdout` are gold rows, None without any. `bars` are the train part's, `holdout_bars`
    the held-out sessions'; None without. `ledger` is empty and `usage` too where the run has none. `notes` name what
    was not there, or could not be read.
    """

    folder: Path
    profile: Profile
    dataset: Dataset
    accepted: pl.DataFrame
    train: pl.DataFrame | None
    holdout: pl.DataFrame | None
    bars: pl.DataFrame | None
    holdout_bars: pl.DataFrame | None
    controls: tuple[Control, ...]
    ledger: pl.DataFrame
    usage: Mapping[str, Any]
    calibration: Mapping[str, Any] | None
    notes: tuple[str, ...]

    @property
    def declared(self) -> tuple[Declared, ...]:
        """Controls with the shares they were declared with."""
        return tuple(declare_shares(control) for control in self.controls)

    @property
    def markets(self) -> Markets:
        """Where the tickers are traded, by the facts of its gold.

        Raises:
            VerificationError: they cannot be read.
        """
        path = self.folder / "gold" / FACTS
        try:
            facts = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            return read_markets(facts.get(MARKETS), str(path))
        except (OSError, ValueError, AttributeError, GoldError) as exc:
            raise VerificationError(f"{path} cannot be read: {exc}") from exc


def read_run(folder: Path) -> FinishedRun:
    """Read a run's folder; what a question can do without may be missing or damaged.

    Raises:
        VerificationError: there is no run, or it lacks its accepted rows, its profile, or gold that its dataset needs.
    """
    if not folder.is_dir():
        raise VerificationError(f"{folder} is no folder: name the one that `tradelogs generate` printed")
    _refuse_unfinished(folder, ("profile.yaml", "accepted.parquet"))
    try:
        profile = load_profile(str(folder / "profile.yaml"), {})
    except ConfigError as exc:
        raise VerificationError(f"{folder}: {exc}") from exc
    dataset = read_dataset(profile)
    accepted = read_table(folder / "accepted.parquet")
    if "row_id" not in accepted.columns:
        raise VerificationError(f"{folder / 'accepted.parquet'} is no run's: the column row_id is missing")
    train, holdout = (_read_gold(folder, name, is_needed=dataset.rows == "required") for name in (TRAIN, HOLDOUT))
    if dataset.rows == "required" and train is None:
        raise VerificationError(f"{folder / 'gold' / TRAIN} has no row: there is nothing to hold the run against")
    optional = _Optional(folder)
    return FinishedRun(
        folder=folder,
        profile=profile,
        dataset=dataset,
        accepted=accepted,
        train=train,
        holdout=holdout,
        bars=optional.read_bars(f"gold/{BARS}"),
        holdout_bars=optional.read_bars(f"gold/{HOLDOUT_BARS}"),
        controls=_resolve_controls(folder, profile, train),
        ledger=(ledger := optional.read_ledger()),
        usage=optional.read_usage(),
        calibration=_read_json(folder / CALIBRATION) if (folder / CALIBRATION).is_file() else None,
        notes=(*optional.notes, *(check_tables(folder, profile.dataset) if ledger.width else ())),
    )


def _resolve_controls(folder: Path, profile: Profile, train: pl.DataFrame | None) -> tuple[Control, ...]:
    try:
        return tuple(resolve_controls(profile, pl.DataFrame() if train is None else train))
    except PolarsError as exc:
        raise VerificationError(
            f"{folder}: a control takes its buckets from a column of gold/{TRAIN} that is not there ({exc})"
        ) from exc


def read_table(path: Path) -> pl.DataFrame:
    """Read a table that cannot be done without.

    Raises:
        VerificationError: it cannot be read.
    """
    try:
        return pl.read_parquet(path, glob=False)
    except (PolarsError, OSError) as exc:
        raise VerificationError(f"{path} cannot be read ({exc}): it is damaged, or no Parquet file") from exc


def _read_gold(folder: Path, name: str, *, is_needed: bool) -> pl.DataFrame | None:
    """Read a part of the gold; None where there is none."""
    if is_needed:
        _refuse_unfinished(folder, (f"gold/{name}",))
    path = folder / "gold" / name
    rows = read_table(path) if path.is_file() else None
    return None if rows is None or rows.is_empty() else rows


def _refuse_unfinished(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise VerificationError(say_unfinished(folder, name))


class _Optional:
    """Reads what a run may lack; what is damaged is as good as missing, and said."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.notes: list[str] = []

    def read_bars(self, name: str) -> pl.DataFrame | None:
        """Read gold bars; gold may have come without."""
        bars = self._read(name, BAR_COLUMNS) if (self._folder / name).is_file() else None
        return bars if bars is not None and bars.height else None

    def read_ledger(self) -> pl.DataFrame:
        """Read the ledger."""
        ledger = self._read("ledger.parquet", LEDGER_COLUMNS)
        return pl.DataFrame() if ledger is None else ledger

    def read_usage(self) -> Mapping[str, Any]:
        """Read the usage."""
        try:
            usage = json.loads((self._folder / "usage.json").read_text(encoding="utf-8"))
            stages = usage["by_stage"]
            if all(isinstance(part["stage"], str) and isinstance(part["requests"], int) for part in stages):
                return dict(usage)
        except (OSError, ValueError, LookupError, TypeError):
            pass
        self._note("usage.json")
        return {}

    def _read(self, name: str, columns: Sequence[str]) -> pl.DataFrame | None:
        try:
            table = pl.read_parquet(self._folder / name, glob=False)
        except (PolarsError, OSError):
            table = pl.DataFrame()
        if set(columns) <= set(table.columns):
            return table
        self._note(name)
        return None

    def _note(self, name: str) -> None:
        self.notes.append(note_left_out(self._folder / name, name))


def note_left_out(path: Path, name: str) -> str:
    """Say that a file is missing or damaged, and so left out."""
    return f"{name} {'cannot be read' if path.is_file() else 'is missing'}, so what is told from it is left out"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as exc:
        raise VerificationError(f"{path} cannot be read: {exc}") from exc
    return document

"""Reads what a run left behind, and refuses what cannot be verified."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from designer_configs.compile.controls import resolve_controls
from designer_configs.compile.profile import Profile, load_profile
from designer_configs.errors import ConfigError
from gold_data.folder import BARS, HOLDOUT, HOLDOUT_BARS, TRAIN
from verification.delivery import declare_shares
from verification.errors import VerificationError
from verification.trades.diversity import Declared
from verification.trades.table import BAR_COLUMNS, name_controlled, read_trades

CALIBRATION = "judge_calibration.json"
LEDGER_COLUMNS = ("status", "refine_passes", "critiques")


@dataclass(frozen=True)
class FinishedRun:
    """A run as verification reads it; all tables of trades are trade tables (`trade_id` is the run's row_id).

    `synthetic` has controls and indicators as well. `controlled` names the features whose law the profile's controls
    set on purpose. `bars` are the train part's, `holdout_bars` the held-out sessions'; None without. `ledger` is empty
    and `usage` too where the run has none. `notes` name what was not there, or could not be read.
    """

    folder: Path
    profile: Profile
    synthetic: pl.DataFrame
    train: pl.DataFrame
    holdout: pl.DataFrame
    bars: pl.DataFrame | None
    holdout_bars: pl.DataFrame | None
    declared: tuple[Declared, ...]
    controlled: tuple[str, ...]
    ledger: pl.DataFrame
    usage: Mapping[str, Any]
    calibration: Mapping[str, Any] | None
    notes: tuple[str, ...]

    @property
    def bars_file(self) -> Path:
        """Bars of the accepted trades."""
        return self.folder / "bars.parquet"


def read_run(folder: Path) -> FinishedRun:
    """Read a run's folder; what a question can do without may be missing or damaged.

    Raises:
        VerificationError: there is no run, or it lacks its accepted trades, its gold or its profile.
    """
    if not folder.is_dir():
        raise VerificationError(f"{folder} is no folder: name the one that `tradelogs generate` printed")
    for name in ("profile.yaml", "accepted.parquet", "gold/facts.json", "gold/train.parquet", "gold/holdout.parquet"):
        if not (folder / name).is_file():
            raise VerificationError(
                f"{folder} is no finished run: {name} is missing. Go on with it: tradelogs resume {folder}"
            )
    try:
        profile = load_profile(str(folder / "profile.yaml"), {})
    except ConfigError as exc:
        raise VerificationError(f"{folder}: {exc}") from exc
    train = read_trades(folder / "gold" / TRAIN, "trade_id")
    if train.is_empty():
        raise VerificationError(f"{folder / 'gold' / TRAIN} has no trade: there is nothing to hold the run against")
    controls = resolve_controls(profile, train)
    optional = _Optional(folder)
    optional.look_at_bars()
    return FinishedRun(
        folder=folder,
        profile=profile,
        synthetic=read_trades(folder / "accepted.parquet", "row_id"),
        train=train,
        holdout=read_trades(folder / "gold" / HOLDOUT, "trade_id"),
        bars=optional.read_bars(f"gold/{BARS}"),
        holdout_bars=optional.read_bars(f"gold/{HOLDOUT_BARS}"),
        declared=tuple(declare_shares(control) for control in controls),
        controlled=name_controlled(controls),
        ledger=optional.read_ledger(),
        usage=optional.read_usage(),
        calibration=_read_json(folder / CALIBRATION) if (folder / CALIBRATION).is_file() else None,
        notes=tuple(optional.notes),
    )


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

    def look_at_bars(self) -> None:
        """Look whether the accepted trades' bars can be read; the questions that take them do it piece by piece."""
        try:
            pl.read_parquet_schema(self._folder / "bars.parquet")
        except (PolarsError, OSError):
            self._note("bars.parquet")

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
        there = (self._folder / name).is_file()
        self.notes.append(f"{name} {'cannot be read' if there else 'is missing'}, so what is told from it is left out")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as exc:
        raise VerificationError(f"{path} cannot be read: {exc}") from exc
    return document

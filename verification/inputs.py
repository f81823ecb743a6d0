"""Reads what a run left behind, and refuses what cannot be verified."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from designer_configs.compile.controls import Control, resolve_controls
from designer_configs.compile.profile import Profile, load_profile
from designer_configs.errors import ConfigError
from gold_data.folder import BARS, HOLDOUT, HOLDOUT_BARS, TRAIN
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.trades.schema import NUMBER_FIELDS, TIME_FIELDS
from verification.diversity import Declared
from verification.errors import VerificationError
from verification.features import FEATURES

CALIBRATION = "judge_calibration.json"
BAR_COLUMNS = ("ticker", "timestamp", "open", "high", "low", "close", "volume")
LEDGER_COLUMNS = ("status", "refine_passes", "critiques")
TRADE_COLUMNS = ("ticker", "trade_type", "session_date", *TIME_FIELDS, *NUMBER_FIELDS, "trade_percent_change")
CONDITIONS = ("entry_volatility_percent", "entry_minute", "is_short")  # what is known of a trade when it is opened
FEATURE_OF = {
    "entry_volatility_percent": "entry_volatility_percent",
    "worst_exit_percent": "worst_exit_percent",
    "best_exit_percent": "best_exit_percent",
    "trade_percent_change": "trade_percent_change",
    "exit_time": "holding_minutes",
    "entry_time": "entry_minute",
    "trade_type": "is_short",
}


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
    for name in ("profile.yaml", "accepted.parquet", "gold/limits.json", "gold/train.parquet", "gold/holdout.parquet"):
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


def declare_shares(control: Control) -> Declared:
    """Say with which shares a control draws its values, and which field it sets; no values where there are no shares.

    Only a category sampler has shares, and it has none where they depend on another column.
    """
    rule = control.check or control.match or {}
    field, tolerance = rule.get("field"), rule.get("tolerance")
    params = control.column.get("params", {})
    values, weights = params.get("values"), params.get("weights")
    is_fixed = control.column.get("sampler_type") == "category" and not control.column.get("conditional_params")
    if not is_fixed or not values or isinstance(values, Mapping):
        return Declared(control.name, (), field=field, tolerance=tolerance)
    drawn = [float(weight) for weight in weights] if weights else [1.0] * len(values)
    shares = tuple(weight / sum(drawn) for weight in drawn)
    return Declared(control.name, tuple(values), shares, field, tolerance)


def name_controlled(controls: Sequence[Control]) -> tuple[str, ...]:
    """Name the features whose law the controls set: those of the fields they match or check.

    A control tied to no field may set any feature that is known when a trade is opened, so then it is all of those
    besides. A field without a feature, such as the ticker, sets none.
    """
    named = [{rule["field"] for rule in (control.match, control.check) if rule} for control in controls]
    found = {FEATURE_OF[field] for fields in named for field in fields if field in FEATURE_OF}
    if not all(named):
        found.update(CONDITIONS)
    return tuple(name for name in FEATURES if name in found)


def read_trades(path: Path, key: str) -> pl.DataFrame:
    """Read a trade table, whose ids are in the column `key`; times come on the exchange's clock.

    Raises:
        VerificationError: it cannot be read, or lacks a column, or has one of another type.
    """
    try:
        table = pl.read_parquet(path, glob=False)
    except (PolarsError, OSError) as exc:
        raise VerificationError(f"{path} cannot be read ({exc}): it is damaged, or no Parquet file") from exc
    if missing := [name for name in (key, *TRADE_COLUMNS) if name not in table.columns]:
        raise VerificationError(f"{path} is no table of trades: the column {missing[0]} is missing")
    naive = [name for name in TIME_FIELDS if getattr(table.schema[name], "time_zone", None) is None]
    if naive:
        raise VerificationError(f"{path}: {naive[0]} is {table.schema[naive[0]]}; it should be a time with a zone")
    zoned = [pl.col(name).dt.convert_time_zone(EXCHANGE_ZONE).dt.cast_time_unit("us") for name in TIME_FIELDS]
    numbers = [pl.col(name).cast(pl.Float64) for name in (*NUMBER_FIELDS, "trade_percent_change")]
    texts = [pl.col(name).cast(pl.String) for name in (key, "ticker", "trade_type")]
    try:
        return table.with_columns(*zoned, *numbers, *texts, pl.col("session_date").cast(pl.Date)).rename(
            {key: "trade_id"}
        )
    except PolarsError as exc:
        raise VerificationError(f"{path} is no table of trades: {exc}") from exc


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as exc:
        raise VerificationError(f"{path} cannot be read: {exc}") from exc
    return document

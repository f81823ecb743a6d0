"""Reads what a run left behind, and refuses what cannot be verified."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from designer_configs.controls import Control, resolve_controls
from designer_configs.errors import ConfigError
from designer_configs.profile import Profile, load_profile
from gold_data.errors import GoldError
from gold_data.schema import NUMBER_FIELDS, TIME_FIELDS
from gold_data.store import GoldFolder, load_gold
from verification.diversity import Declared
from verification.errors import VerificationError

TRADE_COLUMNS = ("ticker", "trade_type", "session_date", *TIME_FIELDS, *NUMBER_FIELDS, "trade_percent_change")
CONDITIONS = ("entry_volatility_percent", "entry_minute", "is_short")  # what is known of a trade when it is opened
FEATURE_OF = {
    "entry_volatility_percent": "entry_volatility_percent",
    "trade_type": "is_short",
    "entry_time": "entry_minute",
}


@dataclass(frozen=True)
class FinishedRun:
    """A run as verification reads it.

    `synthetic` is the accepted trades as a trade table (`trade_id` is the run's row_id) with their controls and
    indicators. `controlled` names the features whose law the profile's controls set on purpose. `ledger` is empty and
    `usage` too where the run has none; `missing` names the files that were not there.
    """

    folder: Path
    profile: Profile
    synthetic: pl.DataFrame
    gold: GoldFolder
    declared: tuple[Declared, ...]
    controlled: tuple[str, ...]
    ledger: pl.DataFrame
    usage: Mapping[str, Any]
    calibration: Mapping[str, Any] | None
    missing: tuple[str, ...]

    @property
    def bars_file(self) -> Path:
        """Bars of the accepted trades."""
        return self.folder / "bars.parquet"


def read_run(folder: Path) -> FinishedRun:
    """Read a run's folder; what a question can do without may be missing.

    Raises:
        VerificationError: there is no run, or it lacks its accepted trades, its gold or its profile.
    """
    if not folder.is_dir():
        raise VerificationError(f"{folder} is no folder: name the one that `tradelogs generate` printed")
    for name in ("profile.yaml", "accepted.parquet", "gold/limits.json"):
        if not (folder / name).is_file():
            raise VerificationError(
                f"{folder} is no finished run: {name} is missing. Go on with it: tradelogs resume {folder}"
            )
    try:
        profile = load_profile(str(folder / "profile.yaml"), {})
        gold = load_gold(folder / "gold")
        controls = resolve_controls(profile, gold.train)
        for part in (gold.train, gold.holdout):
            _check_columns(part, "trade_id", folder / "gold")
    except (ConfigError, GoldError) as exc:
        raise VerificationError(f"{folder}: {exc}") from exc
    except (PolarsError, OSError) as exc:
        raise VerificationError(f"{folder / 'gold'} cannot be read: {exc}") from exc
    accepted = _read_table(folder / "accepted.parquet")
    _check_columns(accepted, "row_id", folder / "accepted.parquet")
    optional = ("bars.parquet", "ledger.parquet", "usage.json")
    ledger, usage = folder / "ledger.parquet", folder / "usage.json"
    calibration = folder / "judge_calibration.json"
    return FinishedRun(
        folder=folder,
        profile=profile,
        synthetic=accepted.rename({"row_id": "trade_id"}),
        gold=gold,
        declared=tuple(declared for control in controls if (declared := declare_shares(control)) is not None),
        controlled=name_controlled(controls),
        ledger=_read_table(ledger) if ledger.is_file() else pl.DataFrame(),
        usage=_read_json(usage) if usage.is_file() else {},
        calibration=_read_json(calibration) if calibration.is_file() else None,
        missing=tuple(name for name in optional if not (folder / name).is_file()),
    )


def declare_shares(control: Control) -> Declared | None:
    """Say with which shares a control draws its values; None where its sampler has no list of them."""
    params = control.column.get("params", {})
    values, weights = params.get("values"), params.get("weights")
    if control.column.get("sampler_type") != "category" or not values or isinstance(values, Mapping):
        return None
    drawn = [float(weight) for weight in weights] if weights else [1.0] * len(values)
    return Declared(control.name, tuple(values), tuple(weight / sum(drawn) for weight in drawn))


def name_controlled(controls: Sequence[Control]) -> tuple[str, ...]:
    """Name the features whose law the controls set: those of the fields they match or check.

    A control tied to no field may set any feature that is known when a trade is opened, so then it is all of those.
    """
    fields = [(control.match or control.check or {}).get("field") for control in controls]
    if None in fields:
        return CONDITIONS
    return tuple(name for field, name in FEATURE_OF.items() if field in fields)


def _check_columns(table: pl.DataFrame, key: str, place: Path) -> None:
    if missing := [name for name in (key, *TRADE_COLUMNS) if name not in table.columns]:
        raise VerificationError(f"{place} is no table of trades: the column {missing[0]} is missing")


def _read_table(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (PolarsError, OSError) as exc:
        raise VerificationError(f"{path} cannot be read ({exc}): it is damaged, or no Parquet file") from exc


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as exc:
        raise VerificationError(f"{path} cannot be read: {exc}") from exc
    return document

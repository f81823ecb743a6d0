"""What people are shown beside a candidate: its text as it is printed, what its judge was shown, the bars it knows."""

import contextlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from columns.dataset import Dataset
from columns.declared import Declared
from columns.rendering import load_fence
from designer_configs.compile.checks.template import find_columns
from designer_configs.compile.profile import Profile, load_profile
from designer_configs.errors import ConfigError
from gold_data.folder import BARS
from gold_data.store import GoldFolder
from indicators.vpa.timeframes import LENGTHS
from service.errors import ServiceError

LAST_BAR = ("bar", "timestamp")  # of a gold row that is a moment: the start of the last bar that was known
MOMENT = "%Y-%m-%d %H:%M:%S"
SHOWN_BARS = 60  # up to a moment


def read_profile(folder: Path) -> Profile:
    """Read the profile of a run.

    Raises:
        ServiceError: 409 where it cannot be read.
    """
    try:
        return load_profile(str(folder / "profile.yaml"), {})
    except ConfigError as exc:
        raise ServiceError(409, f"the run's profile cannot be read: {exc}") from exc


def read_plans(folder: Path, names: Collection[str]) -> dict[str, dict[str, Any]]:
    """Read the plan's rows of some candidates, by row_id."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("rounds/*/plan.parquet")):
        plan = pl.scan_parquet(path, glob=False).filter(pl.col("row_id").is_in(sorted(names))).collect()
        found |= {row["row_id"]: row for row in plan.iter_rows(named=True)}
    return found


def print_row(dataset: Dataset, text: str, plan: Mapping[str, Any] | None) -> str:
    """Print a candidate's text as people read it; one that is too broken for that stays as it is."""
    with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
        return text if plan is None else dataset.print_row(text, plan)
    return text


def list_facts(declared: Declared, row: Mapping[str, Any]) -> str:
    """List what the judge is shown of a candidate beside its text: the columns that its prompt reads."""
    judge = declared.find_column(declared.judge)
    read = sorted(find_columns(str(judge["prompt"]))) if judge else []
    return "\n\n".join(f"{name}:\n{row[name]}" for name in read if row.get(name) not in (None, ""))


def read_known_bars(folder: Path, declared: Declared, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read the bars of the gold up to the moment of a candidate; none where it has no such moment."""
    gold = GoldFolder(folder / "gold")
    with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
        shown = load_fence(plan[declared.grounding or ""])
        row = shown[0] if isinstance(shown, list) else shown
        (begun,) = (row[name] for name in LAST_BAR if name in row)
        start = datetime.fromisoformat(begun)
        zone = gold.markets.find(row["ticker"]).zone
        start = start.astimezone(zone) if start.tzinfo else start.replace(tzinfo=zone)
        length = LENGTHS.get(row.get("timeframe", ""), timedelta(microseconds=1))
        return _take_bars(gold, row["ticker"], start + length)
    return []


def _take_bars(gold: GoldFolder, ticker: str, until: datetime) -> list[dict[str, Any]]:
    if not (gold.folder / BARS).is_file():
        return []
    bars = pl.scan_parquet(gold.folder / BARS, glob=False)
    mine = bars.filter(pl.col("ticker") == ticker, pl.col("timestamp") < until).tail(SHOWN_BARS).collect()
    clock = pl.col("timestamp").dt.convert_time_zone(str(until.tzinfo)).dt.to_string(MOMENT)
    return mine.select(clock, "open", "high", "low", "close", "volume").to_dicts()

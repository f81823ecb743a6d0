"""Keeps gold in a folder, split by sessions: what the loop may see, and what only verification does."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gold_data.errors import GoldError
from gold_data.ingest import Gold
from gold_data.limits import GoldLimits, derive_limits

TRAIN, HOLDOUT, BARS = "train.parquet", "holdout.parquet", "bars.parquet"
LIMITS, REJECTED = "limits.json", "rejected_rows.csv"


@dataclass(frozen=True)
class GoldFolder:
    """Gold as it is kept: `train` and `holdout` share no session; `bars` and `limits` come from the train part."""

    folder: Path
    train: pl.DataFrame
    holdout: pl.DataFrame
    bars: pl.DataFrame | None
    limits: GoldLimits


def split_sessions(trades: pl.DataFrame, holdout: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split trades into (train, holdout) by whole sessions, the last ones held out; both in the order given.

    A share above 0 holds out one session at least, and leaves one to train on; of a single session nothing is held out.

    Raises:
        GoldError: `holdout` is not a share.
    """
    if not 0.0 <= holdout < 1.0:
        raise GoldError(
            f"holdout {holdout:g} is not a share of the sessions; give a number from 0 to below 1, such as 0.2"
        )
    sessions = trades["session_date"].unique().sort()
    held = min(max(round(holdout * len(sessions)), int(holdout > 0)), len(sessions) - 1)
    last_train = sessions[len(sessions) - held - 1]
    return trades.filter(pl.col("session_date") <= last_train), trades.filter(pl.col("session_date") > last_train)


def write_gold(gold: Gold, folder: Path, holdout: float) -> GoldFolder:
    """Write gold into a folder, made if need be; `limits.json` comes last and marks the folder complete.

    Bars are those of the train part's tickers up to its last session, so that nothing held out can leak through them.

    Raises:
        GoldError: `holdout` is not a share.
    """
    train, held_out = split_sessions(gold.trades, holdout)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LIMITS).unlink(missing_ok=True)
    train.write_parquet(folder / TRAIN)
    held_out.write_parquet(folder / HOLDOUT)
    (folder / BARS).unlink(missing_ok=True)
    if gold.bars is not None:
        seen = pl.col("timestamp").dt.date() <= train["session_date"].max()
        gold.bars.filter(seen & pl.col("ticker").is_in(train["ticker"].unique().to_list())).write_parquet(folder / BARS)
    gold.rejected.write_csv(folder / REJECTED)
    (folder / LIMITS).write_text(derive_limits(train).to_json() + "\n", encoding="utf-8")
    return load_gold(folder)


def load_gold(folder: Path) -> GoldFolder:
    """Load the gold that `write_gold` wrote.

    Raises:
        GoldError: the folder does not hold it, or not all of it.
    """
    if not (folder / LIMITS).is_file():
        raise GoldError(f"{folder} holds no gold: {LIMITS} is missing; run `tradelogs generate`, which writes it")
    return GoldFolder(
        folder=folder,
        train=pl.read_parquet(folder / TRAIN),
        holdout=pl.read_parquet(folder / HOLDOUT),
        bars=pl.read_parquet(folder / BARS) if (folder / BARS).is_file() else None,
        limits=GoldLimits.from_json((folder / LIMITS).read_text(encoding="utf-8")),
    )

"""Keeps gold in a folder, split by sessions: what the loop may see, and what only verification does."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from files.csv_cells import neutralise_cells
from gold_data.errors import GoldError
from gold_data.folder import BARS, HOLDOUT, HOLDOUT_BARS, LIMITS, REJECTED, TRAIN
from gold_data.splits import Part, Split, plan_split, take_bars, take_part
from gold_data.trades.limits import GoldLimits, derive_limits


@dataclass(frozen=True)
class Gold:
    """Gold as it was read.

    `trades` are the rows that obey the rules, in the file's order; `rejected` has one row per rule that another row
    broke, with its line in the file; `notes` are sentences on what was converted, dropped or left unread. `split` says
    which sessions are held out, where that comes with the gold.
    """

    trades: pl.DataFrame
    bars: pl.DataFrame | None
    rejected: pl.DataFrame
    notes: list[str]
    split: Split | None = None


@dataclass(frozen=True)
class GoldFolder:
    """Gold as it is kept; each file is read when it is first asked for, so that what draws from train reads no more.

    `train` and `holdout` share no session; `bars` and `limits` come from the train part.
    """

    folder: Path

    @cached_property
    def train(self) -> pl.DataFrame:
        """Trades that prompts and price paths may draw from."""
        return pl.read_parquet(self.folder / TRAIN, glob=False)

    @cached_property
    def holdout(self) -> pl.DataFrame:
        """Trades of the held-out sessions."""
        return pl.read_parquet(self.folder / HOLDOUT, glob=False)

    @cached_property
    def bars(self) -> pl.DataFrame | None:
        """Minute bars up to the last train session; None where the gold came without."""
        return pl.read_parquet(self.folder / BARS, glob=False) if (self.folder / BARS).is_file() else None

    @cached_property
    def holdout_bars(self) -> pl.DataFrame | None:
        """Minute bars of the held-out sessions; None where the gold came without."""
        return (
            pl.read_parquet(self.folder / HOLDOUT_BARS, glob=False) if (self.folder / HOLDOUT_BARS).is_file() else None
        )

    @cached_property
    def limits(self) -> GoldLimits:
        """Bounds that the rules take from the train part."""
        return GoldLimits.from_json((self.folder / LIMITS).read_text(encoding="utf-8"))


def split_gold(gold: Gold, holdout: float, embargo: int = 0) -> Split:
    """Give the split that came with the gold, or else hold out its last sessions, with an embargo before them.

    Raises:
        GoldError: `holdout` is not a share.
    """
    return gold.split or plan_split(gold.trades["session_date"], holdout, embargo=embargo)


def write_gold(gold: Gold, folder: Path, holdout: float, embargo: int = 0) -> GoldFolder:
    """Write gold into a folder, made if need be; `limits.json` comes last and marks the folder complete.

    Only the hold-out's own two files have anything of it: trades of the embargo are in none, bars are those that a part
    may know, of its tickers.

    Raises:
        GoldError: `holdout` is not a share.
    """
    split = split_gold(gold, holdout, embargo)
    train = take_part(gold.trades, split.train)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LIMITS).unlink(missing_ok=True)
    train.write_parquet(folder / TRAIN)
    holdout_trades = take_part(gold.trades, split.holdout)
    holdout_trades.write_parquet(folder / HOLDOUT)
    _write_bars(gold.bars, split, "train", train, folder / BARS)
    _write_bars(gold.bars, split, "holdout", holdout_trades, folder / HOLDOUT_BARS)
    neutralise_cells(gold.rejected).write_csv(folder / REJECTED)
    (folder / LIMITS).write_text(derive_limits(train).to_json() + "\n", encoding="utf-8")
    return load_gold(folder)


def _write_bars(bars: pl.DataFrame | None, split: Split, part: Part, trades: pl.DataFrame, path: Path) -> None:
    path.unlink(missing_ok=True)
    if bars is not None:
        traded = pl.col("ticker").is_in(trades["ticker"].unique().to_list())
        take_bars(bars.filter(traded), split, part).write_parquet(path)


def load_gold(folder: Path) -> GoldFolder:
    """Load the gold that `write_gold` wrote.

    Raises:
        GoldError: the folder does not hold it, or not all of it.
    """
    if not (folder / LIMITS).is_file():
        raise GoldError(f"{folder} holds no gold: {LIMITS} is missing; run `tradelogs generate`, which writes it")
    return GoldFolder(folder)

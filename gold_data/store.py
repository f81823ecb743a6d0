"""Keeps gold in a folder, split by sessions: what the loop may see, and what only verification does."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from files.csv_cells import neutralise_cells
from gold_data.errors import GoldError
from gold_data.folder import BARS, FACTS, HOLDOUT, HOLDOUT_BARS, REJECTED, TRAIN
from gold_data.markets import USUAL, Markets, read_markets
from gold_data.splits import Part, Split, plan_split, take_bars, take_part

SESSION = "session_date"
MARKETS = "markets"


def _describe_nothing(_: pl.DataFrame) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Gold:
    """Gold as it was read.

    `rows` are those that obey the rules, in the file's order, none where a dataset needs none; `rejected` has one row
    per rule that another row broke, with its line in the file; `notes` are sentences on what was converted, dropped or
    left unread. `split` says which sessions are held out, where that comes with the gold. `describe` tells, as plain
    data, what the dataset wants to know of the train part: whatever it tells, nothing held out has a part in it.
    `markets` say where its tickers are traded, and so in which session every bar lies.
    """

    rows: pl.DataFrame
    bars: pl.DataFrame | None = None
    rejected: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"line": pl.Int64}))
    notes: list[str] = field(default_factory=list)
    split: Split | None = None
    describe: Callable[[pl.DataFrame], Mapping[str, Any]] = _describe_nothing
    markets: Markets = USUAL


@dataclass(frozen=True)
class GoldFolder:
    """Gold as it is kept; each file is read when it is first asked for, so that what draws from train reads no more.

    `train` and `holdout` share no session; `bars` and `facts` come from the train part.
    """

    folder: Path

    @cached_property
    def train(self) -> pl.DataFrame:
        """Rows that prompts and price paths may draw from."""
        return pl.read_parquet(self.folder / TRAIN, glob=False)

    @cached_property
    def holdout(self) -> pl.DataFrame:
        """Rows of the held-out sessions."""
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
    def facts(self) -> dict[str, Any]:
        """What the dataset wanted to know of the train part."""
        facts: dict[str, Any] = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
        return facts

    @cached_property
    def markets(self) -> Markets:
        """Where its tickers are traded.

        Raises:
            GoldError: the facts do not say it as they should.
        """
        return read_markets(self.facts.get(MARKETS), str(self.folder / FACTS))

    def scan_train(self) -> pl.LazyFrame:
        """Scan the train part, which may be larger than memory should hold."""
        return pl.scan_parquet(self.folder / TRAIN, glob=False)


def split_gold(gold: Gold, holdout: float, embargo: int = 0) -> Split:
    """Give the split that came with the gold, or else hold out its last sessions, with an embargo before them.

    Raises:
        GoldError: `holdout` is not a share.
    """
    sessions: Iterable[date] = gold.rows[SESSION].unique() if SESSION in gold.rows.columns else ()
    return gold.split or plan_split(sessions, holdout, embargo=embargo)


def take_rows(gold: Gold, part: Part, holdout: float, embargo: int = 0) -> pl.DataFrame:
    """Take the rows of a part: by their sessions, or where they have none by their order, the last held out.

    Raises:
        GoldError: `holdout` is not a share.
    """
    split = split_gold(gold, holdout, embargo)
    if SESSION in gold.rows.columns:
        return take_part(gold.rows, {"train": split.train, "embargo": split.embargo, "holdout": split.holdout}[part])
    held = round(gold.rows.height * holdout)
    set_aside = min(embargo, gold.rows.height - held) if held else 0
    kept = gold.rows.height - held - set_aside
    start, length = {"train": (0, kept), "embargo": (kept, set_aside), "holdout": (kept + set_aside, held)}[part]
    return gold.rows.slice(start, length)


def write_gold(gold: Gold, folder: Path, holdout: float, embargo: int = 0) -> GoldFolder:
    """Write gold into a folder, made if need be; `facts.json` comes last and marks the folder complete.

    Only the hold-out's own two files have anything of it: rows of the embargo are in none, bars are those that a part
    may know, of its tickers.

    Raises:
        GoldError: `holdout` is not a share.
    """
    split = split_gold(gold, holdout, embargo)
    train, held = (take_rows(gold, part, holdout, embargo) for part in ("train", "holdout"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FACTS).unlink(missing_ok=True)
    train.write_parquet(folder / TRAIN)
    held.write_parquet(folder / HOLDOUT)
    _write_bars(gold, split, "train", train, folder / BARS)
    _write_bars(gold, split, "holdout", held, folder / HOLDOUT_BARS)
    neutralise_cells(gold.rejected).write_csv(folder / REJECTED)
    facts = {**gold.describe(train), **({} if gold.markets.is_usual else {MARKETS: gold.markets.to_data()})}
    (folder / FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return load_gold(folder)


def _write_bars(gold: Gold, split: Split, part: Part, rows: pl.DataFrame, path: Path) -> None:
    path.unlink(missing_ok=True)
    bars = gold.bars
    if bars is None:
        return
    if {"ticker", SESSION} <= set(rows.columns):
        traded = bars.filter(pl.col("ticker").is_in(rows["ticker"].unique().to_list()))
        days = gold.markets.find_days(traded["ticker"], traded["timestamp"])
        take_bars(traded, split, part, days).write_parquet(path)
    elif part == "train":  # without sessions that are held out, nothing of the bars is
        bars.write_parquet(path)


def load_gold(folder: Path) -> GoldFolder:
    """Load the gold that `write_gold` wrote.

    Raises:
        GoldError: the folder does not hold it, or not all of it.
    """
    if not (folder / FACTS).is_file():
        raise GoldError(f"{folder} holds no gold: {FACTS} is missing; run `tradelogs generate`, which writes it")
    return GoldFolder(folder)

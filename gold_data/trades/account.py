"""What became of everything that an import read."""

from dataclasses import dataclass

import polars as pl

from gold_data.importers.base import ImportedFile
from gold_data.market import BarsReport
from gold_data.markets import USUAL, Markets
from gold_data.splits import Split


@dataclass(frozen=True)
class Account:
    """What became of everything that was read.

    `trips` has one row per round trip: `file`, `line`, the stated measures, the measured ones as `measured_*`, why
    there are none (`unmeasured`), and its `fate`: `gold`, `duplicate` (an earlier file has it too) or `rejected`.
    `rejected` has one row per rule that a row of a file, or a round trip, broke: `file`, `line`, `rule`, `value`.
    `markets` says where each ticker is traded.
    """

    files: dict[str, ImportedFile]
    trips: pl.DataFrame
    rejected: pl.DataFrame
    bars: BarsReport | None
    trades: pl.DataFrame
    split: Split
    notes: list[str]
    markets: Markets = USUAL

    def sum_up(self) -> list[str]:
        """Say what became of it in a few lines, and all there is to know about it."""
        files = self.files.values()
        rows, again = sum(file.rows_in for file in files), sum(len(file.duplicates) for file in files)
        idle = sum(len(file.not_fills) for file in files)
        spoilt, waiting = sum(len(file.rejected) for file in files), sum(file.rows_open for file in files)
        fates = dict(self.trips.get_column("fate").value_counts().rows())
        tickers = ", ".join(self.trades.get_column("ticker").unique().sort())
        parts = (self.split.train, self.split.embargo, self.split.holdout)
        return [
            f"{rows} rows: {again} duplicates, {idle} no fills, {spoilt} rejected, {waiting} of positions still open; "
            f"{self.trips.height} round trips",
            f"{self.trades.height} gold trades of {tickers}; {fates.get('rejected', 0)} round trips rejected, "
            f"{fates.get('duplicate', 0)} in an earlier file too",
            "sessions: {} to train on, {} embargoed, {} held out".format(*map(len, parts)),
            *self.notes,
            *(self.bars.splits + self.bars.notes if self.bars else []),
        ]

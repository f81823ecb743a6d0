"""The command `tradelogs indicators`: every indicator on every bar of a file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from files.csv_cells import neutralise_cells
from files.whole_file import write_whole
from gold_data.bars import FAULTS, VALUES, WHAT, read_number_column, read_tickers, read_timestamps, spell_timestamps
from gold_data.errors import GoldError
from gold_data.markets import USUAL, Markets
from gold_data.tables import check_columns, read_frame
from indicators.bars import sort_bars
from indicators.errors import IndicatorError
from indicators.technicals import INDICATORS, attach_technicals

SHOWN_ROWS = 3


@dataclass(frozen=True)
class BarsFileSummary:
    """What was attached to a bars file: bars of which tickers, from when to when, and the nulls of every column."""

    out: Path
    tickers: tuple[str, ...]
    bars: int
    first: datetime
    last: datetime
    nulls: dict[str, int]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in a few lines."""
        tickers = f"{len(self.tickers)} tickers" if len(self.tickers) > 5 else ", ".join(self.tickers)
        nulls = ", ".join(f"{name} {count:,}" for name, count in self.nulls.items() if count)
        lines = [
            f"{self.out}: {self.bars:,} bars of {tickers}, {self.first:%Y-%m-%d %H:%M} to {self.last:%Y-%m-%d %H:%M}",
            f"{len(self.nulls)} indicators attached; without a value (warming up, or no value): {nulls or 'none'}",
            *self.notes,
        ]
        return "\n".join(lines)


def attach_to_bars_file(source: Path, out: Path, markets: Markets = USUAL) -> BarsFileSummary:
    """Attach every indicator to every bar of a file, and write `out` as CSV or Parquet, by its suffix.

    `source` is CSV or Parquet with `ticker`, `timestamp` (start of the bar), `open`, `high`, `low`, `close`, `volume`;
    its rows may be in any order. Timestamps with a zone or offset are converted to the exchange's zone, those without
    are times of the market, and dates are bars of whole days, which lie in no session. Sessions are those of each
    ticker's market. `out` has the seven columns and one per indicator, sorted by ticker and timestamp, null as in
    `attach_technicals`; it appears when it is complete.

    Raises:
        IndicatorError: A file that cannot be read or written, or a bar that cannot be (the first few are named).
    """
    if out.suffix not in WRITERS:
        raise IndicatorError(f"{out}: the name should end in {' or '.join(WRITERS)}, which says how to write it.")
    if out.is_dir() or not out.parent.is_dir():
        raise IndicatorError(
            f"{out}: {'this is a directory' if out.is_dir() else 'its directory does not exist'}; name a file."
        )
    if out.exists() and source.exists() and out.samefile(source):
        raise IndicatorError(f"{out} is the bars file itself; write to another one.")
    bars, notes = _read_bars_file(source, markets)
    parts = [attach_technicals(own, INDICATORS, market=market) for market, own in markets.split(bars)]
    valued = parts[0] if len(parts) == 1 else pl.concat(parts).sort("ticker", "timestamp")
    try:
        with write_whole(out) as partial:
            WRITERS[out.suffix](valued, partial)
    except OSError as exc:
        raise IndicatorError(f"{out} cannot be written: {exc}. Name a file in a directory you may write to.") from exc
    first, last = valued.select(pl.col("timestamp").min(), last=pl.col("timestamp").max()).row(0)
    nulls = {name: valued.get_column(name).null_count() for name in INDICATORS}
    tickers = tuple(valued.get_column("ticker").unique(maintain_order=True))
    return BarsFileSummary(out, tickers, valued.height, first, last, nulls, tuple(notes))


def _read_bars_file(source: Path, markets: Markets) -> tuple[pl.DataFrame, list[str]]:
    try:
        raw = read_frame(source, WHAT)
        notes = check_columns(source, raw.columns, ["ticker", "timestamp", *VALUES])
        raw = spell_timestamps(source, raw)
        timestamps = read_timestamps(source, raw, notes, markets)
    except GoldError as exc:
        raise IndicatorError(str(exc)) from exc
    bars = raw.select(
        read_tickers(raw),
        timestamps.dt.truncate("1m"),
        *(read_number_column(name, raw.schema[name]) for name in VALUES),
    )
    if bars.is_empty():
        raise IndicatorError(f"{source} has a header and no rows; it should hold {WHAT}.")
    for fault, is_faulty in FAULTS.items():
        rows = bars.select(pl.arg_where(is_faulty)).to_series()
        if len(rows):
            named = "; ".join(_name_row(raw, row) for row in rows.head(SHOWN_ROWS))
            raise IndicatorError(
                f"{source}: {len(rows)} of {bars.height} rows have {fault}: {named}. Mend or remove them."
            )
    try:
        return sort_bars(bars, "ticker"), notes
    except IndicatorError as exc:
        raise IndicatorError(f"{source}: {exc}") from exc


def _name_row(raw: pl.DataFrame, row: int) -> str:
    values = raw.select("ticker", "timestamp", *VALUES).row(row)
    return f"row {row + 1} after the header ({', '.join(map(str, values))})"


def _write_csv(bars: pl.DataFrame, path: Path) -> None:
    neutralise_cells(bars.with_columns(pl.col("timestamp").dt.to_string("iso:strict"))).write_csv(path)


WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    ".parquet": pl.DataFrame.write_parquet,
    ".csv": _write_csv,
}

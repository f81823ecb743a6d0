"""Attaches indicators: to trades at their entries, to price paths as they are built, to the bars of a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from files.csv_cells import neutralise_cells
from files.whole_file import write_whole
from gold_data.bars import FAULTS, VALUES, WHAT, note_naive, place_timestamps, read_number_column
from gold_data.errors import GoldError
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.tables import check_columns, read_frame
from indicators.bars import TIMESTAMP, iter_series, sort_bars
from indicators.errors import IndicatorError
from indicators.price_path import BARS_SCHEMA, iter_price_paths
from indicators.technicals import BATCH_BARS, INDICATORS, attach_technicals, check_names

SHOWN_ROWS = 3


def attach_indicators(trades: pl.DataFrame, bars: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the trades, in their order, with one Float64 column per name: the value known at the entry.

    That is the value at the last bar complete at the entry (`timestamp` + 1 minute <= `entry_time`), however long ago
    that was; later bars are not read. It is null while the indicator warms up, where it has no value, and for a trade
    without a bar before its entry. Bars with a `row_id` belong to the trade of that id; without, to every trade of
    their `ticker`. They are worked through in batches of whole series: beyond bars and result, memory holds one
    batch, or the longest series.

    Raises:
        IndicatorError: Trades without the columns for it, names that `check_names` refuses, or bars that `sort_bars`
            does.
    """
    by = "row_id" if "row_id" in bars.columns else "ticker"
    expected = {by: pl.String(), "entry_time": TIMESTAMP}
    if wrong := [name for name, dtype in expected.items() if trades.schema.get(name) != dtype]:
        raise IndicatorError(f"Trades need {', '.join(f'`{name}` as {expected[name]}' for name in wrong)}.")
    check_names(names, trades.columns)
    entries = trades.select(by, "entry_time").with_row_index("trade").sort("entry_time")
    found = [entries.select("trade").clear().with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)]
    for series in iter_series(sort_bars(bars, by), by, BATCH_BARS):
        found.append(_read_at_entries(entries.join(series, on=by, how="semi"), series, names, by))
    values = entries.select("trade").sort("trade").join(pl.concat(found), on="trade", how="left", maintain_order="left")
    return trades.hstack(values.drop("trade"))


def _read_at_entries(entries: pl.DataFrame, bars: pl.DataFrame, names: Sequence[str], by: str) -> pl.DataFrame:
    last = entries.group_by(by).agg(pl.col("entry_time").last().alias("_last_entry"))
    complete = pl.col("timestamp").dt.offset_by("1m")
    known = bars.join(last, on=by, maintain_order="left").filter(complete <= pl.col("_last_entry"))
    valued = attach_technicals(known.drop("_last_entry"), names, by).select(by, *names, complete.alias("_complete"))
    return entries.join_asof(valued, left_on="entry_time", right_on="_complete", by=by, check_sortedness=False).select(
        "trade", *names
    )


def attach_price_paths(
    trades: pl.DataFrame,
    donors: pl.DataFrame,
    donor_bars: pl.DataFrame | None,
    names: Sequence[str],
    bars_file: Path,
    *,
    seed: int,
) -> tuple[pl.DataFrame, list[str]]:
    """Build the price paths of synthetic trades batch by batch, write their bars, and attach indicators to the trades.

    The same as `build_price_paths` and `attach_indicators` together, for more trades than memory has room for bars.

    Returns:
        The trades with one column per name, and the ids of rows whose path has the fallback's shape.

    Raises:
        IndicatorError: As `iter_price_paths` and `attach_indicators`.
    """
    empty = pl.DataFrame(schema=BARS_SCHEMA)
    parts = [attach_indicators(trades.clear(), empty, names)]
    fallback: list[str] = []
    schema = empty.to_arrow().schema
    with write_whole(bars_file) as partial, pq.ParquetWriter(partial, schema) as file:  # type: ignore[no-untyped-call]
        for paths in iter_price_paths(trades, donors, donor_bars, seed=seed):
            file.write_table(paths.bars.to_arrow())
            parts.append(attach_indicators(trades.join(paths.bars, on="row_id", how="semi"), paths.bars, names))
            fallback += paths.fallback_row_ids
    values = pl.concat(parts).select("row_id", *names)
    return trades.join(values, on="row_id", how="left", maintain_order="left"), fallback


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


def attach_to_bars_file(source: Path, out: Path) -> BarsFileSummary:
    """Attach every indicator to every bar of a file, and write `out` as CSV or Parquet, by its suffix.

    `source` is CSV or Parquet with `ticker`, `timestamp` (start of the minute), `open`, `high`, `low`, `close`,
    `volume`; its rows may be in any order. Timestamps with a zone or offset are converted to the exchange's zone,
    those without are exchange time. `out` has the seven columns and one per indicator, sorted by ticker and
    timestamp, null as in `attach_technicals`; it appears when it is complete.

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
    bars, notes = _read_bars_file(source)
    valued = attach_technicals(bars, INDICATORS)
    try:
        with write_whole(out) as partial:
            WRITERS[out.suffix](valued, partial)
    except OSError as exc:
        raise IndicatorError(f"{out} cannot be written: {exc}. Name a file in a directory you may write to.") from exc
    first, last = valued.select(pl.col("timestamp").min(), last=pl.col("timestamp").max()).row(0)
    nulls = {name: valued.get_column(name).null_count() for name in INDICATORS}
    tickers = tuple(valued.get_column("ticker").unique(maintain_order=True))
    return BarsFileSummary(out, tickers, valued.height, first, last, nulls, tuple(notes))


def _read_bars_file(source: Path) -> tuple[pl.DataFrame, list[str]]:
    try:
        raw = read_frame(source, WHAT)
        notes = check_columns(source, raw.columns, ["ticker", "timestamp", *VALUES])
        timestamps, is_naive = place_timestamps(source, "timestamp", raw.schema["timestamp"], EXCHANGE_ZONE)
    except GoldError as exc:
        raise IndicatorError(str(exc)) from exc
    bars = raw.select(
        pl.col("ticker").cast(pl.String).str.strip_chars().replace("", None),
        timestamps.dt.truncate("1m"),
        *(read_number_column(name, raw.schema[name]) for name in VALUES),
    )
    if naive := raw.select(is_naive.sum()).item():
        notes.append(note_naive(source, naive, EXCHANGE_ZONE))
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

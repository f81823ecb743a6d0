"""Imports market data: one-minute bars or anything finer, from CSV or Parquet, of any size and any one time zone.

1. `import_bars`    a file in, minute bars out, written ticker by ticker; the account of what was found
2. `merge_bars`     several of them to one
3. `iter_tickers`   reads such bars back in batches of whole tickers
4. `BarsReport`     that account

The file is read as a stream and worked through in batches of whole tickers, so that memory holds one batch, or the
longest ticker.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from zoneinfo import available_timezones

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from gold_data.bars import FAULTS, PRICES, VALUES, Bars, note_naive, place_timestamps, read_number_column
from gold_data.bars_blocks import WHAT, find_delimiter, iter_blocks, make_mending
from gold_data.bars_columns import BarColumns, find_columns, name_tickers
from gold_data.errors import GoldError
from gold_data.late_years import DateOrder, find_date_order, has_late_years, spell_times
from gold_data.markets import USUAL, Markets
from gold_data.trades.anomalies import find_anomalies, find_finest_step, find_splits, say_splits

BATCH_ROWS = 1_000_000
TELLING_PAIRS = 20  # neighbouring bars; of fewer, all may be minutes apart because hardly anything was traded
TIME_FORMS = "times are read as 2013-10-04 09:30:00, with an offset or without, or as seconds from 1970"
NAMELESS = f"{next(iter(FAULTS))} (dropped)"
CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")


@dataclass
class BarsReport:
    """What a file of market data held, and what was made of it.

    `kinds` counts what is odd about it, by kind; `splits` has a sentence on every overnight jump of a whole ratio, and
    `jumps` its ticker, its day, and how many shares one became; `notes` are sentences on what was assumed or left
    unread. `finer` says that several rows went into a minute. Of several `sources` it tells all together.
    """

    source: Path
    sources: int = 1
    rows_in: int = 0
    bars: int = 0
    tickers: list[str] = field(default_factory=list)
    finer: bool = False
    kinds: Counter[str] = field(default_factory=Counter)
    splits: list[str] = field(default_factory=list)
    jumps: list[tuple[str, date, Fraction]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Give the name of the file, or how many there are."""
        return self.source.name if self.sources == 1 else f"{self.source.name} and {self.sources - 1} more"


def check_zone(name: str) -> str:
    """Check the name of a time zone.

    Raises:
        GoldError: there is no such zone.
    """
    if name not in available_timezones():
        raise GoldError(f"there is no time zone {name}; give one such as America/New_York or Europe/Berlin")
    return name


def import_bars(
    source: Path,
    out: Path,
    *,
    zone: str | None = None,
    day: date | None = None,
    ticker: str | None = None,
    tickers: Sequence[str] | None = None,
    markets: Markets = USUAL,
    date_order: DateOrder | None = None,
) -> BarsReport:
    """Write the minute bars of a file, as Parquet sorted by ticker and minute.

    Rows of bars (`open`, `high`, `low`, `close`) or of single prices (`price`), with a ticker and a time, by the names
    of `bars_columns`; `volume` may be missing, and is 0 then. A bar's timestamp is its start. Where any timestamp is
    not a whole minute, the rows of a minute make one bar: first, highest, lowest and last price, and all their volume.
    Otherwise a minute's first row is kept. Rows that cannot be are dropped and counted.

    Args:
        source: CSV or Parquet, its rows in any order.
        out: File to write.
        zone: Time zone of timestamps without an offset; the source's own, or the market's, where None.
        day: The day, where timestamps are times of day only.
        ticker: That of all rows, where no column names one; else one of `tickers` that the file's name holds.
        tickers: Those to keep; all of them where None.
        markets: Where tickers are traded.
        date_order: The order of day and month, where the year comes last and no date tells.

    Raises:
        GoldError: the file cannot be read, lacks a column, is coarser than a minute, or no bar is left.
    """
    report = BarsReport(source)
    rows = out.with_name(f"{out.name}.rows")
    try:
        own_zone = markets.name_zone(tickers if tickers is not None else [])
        reading = Reading(zone and check_zone(zone), day, ticker and ticker.upper(), tickers, own_zone, date_order)
        _write_rows(rows, report, reading)
        _look_over(rows, report)
        found = report.tickers
        if tickers is not None:
            _keep_tickers(tickers, report)
        _write_bars(rows, out, report, markets)
    except (pl.exceptions.PolarsError, pa.ArrowException, UnicodeDecodeError, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:  # pyarrow's word for a damaged file has none
            raise
        raise GoldError(f"{source} cannot be read as {WHAT}: {str(exc).splitlines()[0]}") from exc
    finally:
        rows.unlink(missing_ok=True)
    if not report.bars:
        others = f"they are of {', '.join(found[:5])}{' and others' if len(found) > 5 else ''}"
        why = "; ".join(f"{count} x {kind}" for kind, count in report.kinds.items()) or others
        why += f"; {TIME_FORMS}" if NAMELESS in report.kinds else ""
        wanted = f"; wanted: {', '.join((tickers or [])[:5])}" if found and tickers else ""
        raise GoldError(f"{source}: none of its {report.rows_in} rows is a bar that can be used: {why}{wanted}")
    return report


def merge_bars(parts: Sequence[Path], out: Path, reports: Sequence[BarsReport], markets: Markets = USUAL) -> BarsReport:
    """Write the minute bars of several files as one; of a minute that several have, the first file's is kept.

    Args:
        parts: Files that `import_bars` wrote.
        out: File to write.
        reports: What was said of them.
        markets: Where tickers are traded.
    """
    report = BarsReport(reports[0].source, sources=len(reports), finer=any(one.finer for one in reports))
    for one in reports:
        report.rows_in += one.rows_in
        report.kinds.update(one.kinds)
        report.notes += one.notes
    report.tickers = sorted({ticker for one in reports for ticker in one.tickers})
    schema = Bars.create_empty().to_arrow().schema
    with pq.ParquetWriter(out, schema) as file:  # type: ignore[no-untyped-call]
        for ticker in report.tickers:
            found = [pl.scan_parquet(part, glob=False).filter(ticker=ticker).collect() for part in parts]
            bars = pl.concat(found).unique(["ticker", "timestamp"], keep="first", maintain_order=True).sort("timestamp")
            _count(report, "minute that an earlier file has too (left out)", sum(map(len, found)) - bars.height)
            _note_splits(report, bars, markets)
            report.bars += bars.height
            file.write_table(bars.to_arrow().cast(schema))
    return report


def _note_splits(report: BarsReport, bars: pl.DataFrame, markets: Markets) -> None:
    jumps = find_splits(bars, markets)
    report.splits += say_splits(jumps)
    for ticker, day, whole, forward in jumps.select("ticker", "day", "whole", "forward").rows():
        report.jumps.append((ticker, day, Fraction(int(whole)) if forward else Fraction(1, int(whole))))


def iter_tickers(bars: Path, tickers: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """Read a Parquet file with a column `ticker` in batches of whole tickers, in the order of their names.

    A batch is the fewest tickers that have `BATCH_ROWS` rows; rows keep the order of the file within a ticker.
    """
    scan = pl.scan_parquet(bars, glob=False)
    counts = scan.group_by("ticker").len().collect(engine="streaming").sort("ticker").rows()
    batch: list[str] = []
    size = 0
    for ticker, count in counts:
        if tickers is None or ticker in tickers:
            batch, size = [*batch, ticker], size + count
        if batch and (size >= BATCH_ROWS or ticker == counts[-1][0]):
            yield scan.filter(pl.col("ticker").is_in(batch)).collect(engine="streaming")
            batch, size = [], 0


class Reading(NamedTuple):
    """How a file is to be read, as `import_bars` was told."""

    zone: str | None
    day: date | None
    ticker: str | None
    tickers: Sequence[str] | None
    usual_zone: str
    date_order: DateOrder | None


def _write_rows(out: Path, report: BarsReport, reading: Reading) -> None:
    """Write the columns that are wanted of every row, block by block, typed; nothing is dropped but blank lines."""
    source = report.source
    delimiter = find_delimiter(source)
    blocks = iter_blocks(source, delimiter)
    empty = next(blocks)
    first = next(blocks, empty)
    columns = find_columns(source, empty.columns, first.head(100), reading.ticker, reading.tickers)
    _note_columns(report, columns)
    zone = reading.zone or columns.zone or reading.usual_zone
    stamps = first.get_column(columns.stamps[0])
    order = None
    if stamps.dtype == pl.String and has_late_years(stamps):
        times = (block.get_column(columns.stamps[0]) for block in iter_blocks(source, delimiter))
        order = find_date_order(source, times, reading.date_order)
    select = _make_selection(source, columns, first, zone, day=reading.day, order=order)
    mend = make_mending(first, columns.numbers.values()) if delimiter not in ("", ",") else None
    without_offset = 0
    schema = select(empty).to_arrow().schema
    with pq.ParquetWriter(out, schema, compression="lz4") as file:  # type: ignore[no-untyped-call]
        for block in chain([first], blocks):
            rows = select(mend(block) if mend else block)
            without_offset += int(rows.get_column("naive").sum())
            file.write_table(rows.to_arrow().cast(schema))
    if without_offset:
        report.notes.append(note_naive(source, without_offset, zone))


def _note_columns(report: BarsReport, columns: BarColumns) -> None:
    name = report.source.name
    if columns.unread:
        report.notes.append(f"{name}: columns not read: {', '.join(columns.unread)}")
    if columns.numbers["volume"] is None:
        report.notes.append(f"{name}: it has no volume; all bars have 0")
    if columns.ticker_column is None:
        report.notes.append(f"{name}: all its bars are of {columns.ticker}")
    if columns.divisor != 1:
        report.notes.append(f"{name}: prices were read as billionths of a dollar")


def _make_selection(
    source: Path, columns: BarColumns, first: pl.DataFrame, zone: str, *, day: date | None, order: DateOrder | None
) -> Callable[[pl.DataFrame], pl.DataFrame]:
    stamps = columns.stamps[0]
    stamp = pl.col(stamps)
    kind = first.schema[stamps]
    if len(columns.stamps) == 2:
        stamp, kind = pl.format("{} {}", *(pl.col(name).cast(pl.String) for name in columns.stamps)), pl.String()
    elif kind == pl.String and _needs_day(source, first.select(spell_times(stamp, order)).to_series(), day):
        stamp = pl.format("{} {}", pl.lit(str(day)), stamp)
    if kind == pl.String:
        stamp = spell_times(stamp, order)
    moments, naive = place_timestamps(source, stamps, kind, zone)
    named = pl.col(columns.ticker_column) if columns.ticker_column else pl.lit(columns.ticker)
    divisors = dict.fromkeys(PRICES, columns.divisor)
    wanted = [
        name_tickers(named).alias("ticker"),
        moments.alias("timestamp"),
        naive.fill_null(False).alias("naive"),
        *(
            (read_number_column(name, first.schema[name]) / divisors.get(number, 1.0) if name else pl.lit(0.0)).alias(
                number
            )
            for number, name in columns.numbers.items()
        ),
    ]
    return lambda block: (
        block.filter(~pl.all_horizontal(pl.all().is_null())).with_columns(stamp.alias(stamps)).select(wanted)
    )


def _needs_day(source: Path, stamps: pl.Series, day: date | None) -> bool:
    texts = stamps.drop_nulls().head(1).to_list()
    bare = any(CLOCK.fullmatch(text.strip()) for text in texts)
    if bare and day is None:
        raise GoldError(
            f"{source}: column {stamps.name} holds times of day, such as {texts[0]}, without a date; state the date"
        )
    if texts and not bare and day is not None:
        raise GoldError(
            f"{source}: column {stamps.name} has dates of its own, such as {texts[0]}; leave the stated date out"
        )
    return bare


def _look_over(rows: Path, report: BarsReport) -> None:
    """Count the rows, name the tickers, and find out whether rows are finer than a minute."""
    stamp = pl.col("timestamp")
    usable = pl.col("ticker").is_not_null() & stamp.is_not_null()
    scan = pl.scan_parquet(rows, glob=False)
    report.rows_in, unusable, report.finer = (
        scan.select(
            pl.len(), (~usable).sum().alias("unusable"), (stamp != stamp.dt.truncate("1m")).any().alias("finer")
        )
        .collect(engine="streaming")
        .row(0)
    )
    report.kinds.update({NAMELESS: unusable} if unusable else {})
    found = scan.filter(usable).select(pl.col("ticker").unique()).collect(engine="streaming")
    report.tickers = sorted(found.to_series().to_list())


def _keep_tickers(tickers: Sequence[str], report: BarsReport) -> None:
    left_out = len(set(report.tickers) - set(tickers))
    report.tickers = [ticker for ticker in report.tickers if ticker in tickers]
    if left_out:
        report.notes.append(f"{report.source.name}: bars of {left_out} other tickers were left out")


def _write_bars(rows: Path, out: Path, report: BarsReport, markets: Markets) -> None:
    schema = Bars.create_empty().to_arrow().schema
    finest, pairs = timedelta.max, 0
    with pq.ParquetWriter(out, schema) as file:  # type: ignore[no-untyped-call]
        for batch in iter_tickers(rows, report.tickers):
            bars = _make_minutes(_drop_faulty(batch.drop_nulls("timestamp").drop("naive"), report), report)
            if bars.is_empty():
                continue
            report.kinds.update(find_anomalies(bars, markets))
            _note_splits(report, bars, markets)
            step, count = find_finest_step(bars)
            finest, pairs = min(finest, step), pairs + count
            report.bars += bars.height
            file.write_table(bars.to_arrow().cast(schema))
    if finest > timedelta(minutes=1) and pairs >= TELLING_PAIRS:
        raise GoldError(f"{report.source}: its bars are {finest} apart (h:mm:ss); give one-minute bars, or finer")


def _drop_faulty(rows: pl.DataFrame, report: BarsReport) -> pl.DataFrame:
    for fault, is_faulty in FAULTS.items():
        kept = rows.filter(~is_faulty)
        if kept.height < rows.height:
            report.kinds[f"{fault} (dropped)"] += rows.height - kept.height
        rows = kept
    return rows


def _make_minutes(rows: pl.DataFrame, report: BarsReport) -> pl.DataFrame:
    """Make one bar per ticker and minute; sorted by both."""
    key = ["ticker", "timestamp"]
    ordered = rows.sort(key, maintain_order=True)
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in key).fill_null(False)
    if not report.finer:
        other = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in VALUES)
        twice, conflicting = ordered.select(same.sum(), (same & other).sum().alias("other")).row(0)
        _count(report, "minute there twice (first kept)", twice - conflicting)
        _count(report, "minute there twice, with other values (first kept)", conflicting)
        return ordered.filter(~same) if twice else ordered
    _count(report, "moment there twice (all used)", ordered.select(same.sum()).item())
    return (
        ordered.group_by("ticker", pl.col("timestamp").dt.truncate("1m"), maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        .sort(key)
    )


def _count(report: BarsReport, kind: str, count: int) -> None:
    if count:
        report.kinds[kind] += count

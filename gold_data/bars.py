"""Reads bars from CSV or Parquet: of minutes, or of anything longer."""

from pathlib import Path

import dataframely as dy
import polars as pl

from gold_data.errors import GoldError
from gold_data.late_years import find_date_order, spell_times
from gold_data.markets import USUAL, Markets
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.tables import check_columns, read_frame

WHAT = "one-minute bars"
VALUES = ("open", "high", "low", "close", "volume")
PRICES = VALUES[:4]

# Why a bar is dropped, in the order the reasons are tried.
FAULTS = {
    "no ticker, or a timestamp that is no time": pl.col("ticker").is_null() | pl.col("timestamp").is_null(),
    "values missing or not finite": ~pl.all_horizontal(pl.col(VALUES).is_finite().fill_null(False)),
    "prices not above 0 or volume below 0": pl.any_horizontal(pl.col(PRICES) <= 0) | (pl.col("volume") < 0),
    "low or high crossed by another price": (pl.col("low") > pl.min_horizontal(PRICES))
    | (pl.col("high") < pl.max_horizontal(PRICES)),
}


class Bars(dy.Schema):
    """One row per ticker and minute, sorted by both; minutes without a trade may be missing."""

    ticker = dy.String(primary_key=True, description="Symbol.")
    timestamp = dy.Datetime(
        primary_key=True, time_unit="us", time_zone=EXCHANGE_ZONE, description="Start of the minute, exchange time."
    )
    open = dy.Float64(min_exclusive=0.0, description="First price of the minute, dollars.")
    high = dy.Float64(min_exclusive=0.0, description="Highest price of the minute, dollars.")
    low = dy.Float64(min_exclusive=0.0, description="Lowest price of the minute, dollars.")
    close = dy.Float64(min_exclusive=0.0, description="Last price of the minute, dollars.")
    volume = dy.Float64(min=0.0, description="Shares traded in the minute.")


def read_bars(path: Path, markets: Markets = USUAL) -> tuple[pl.DataFrame, list[str]]:
    """Read bars of minutes or of anything longer, and note what was changed or dropped.

    A timestamp is the start of a bar. One with an offset or zone is converted to the exchange's zone; one without is
    a time of the markets' clock, of UTC where they have several. A plain date is that trading day of its ticker's
    market, and so are bars that all begin at midnight UTC, as those of markets without an exchange do. Bars that cannot
    be are dropped and counted, and so is every later bar of the same ticker and minute.

    Returns:
        Bars sorted by ticker and timestamp, and notes, one sentence each.

    Raises:
        GoldError: the file cannot be read, lacks a column, or no bar is left.
    """
    raw = read_frame(path, WHAT)
    notes = check_columns(path, raw.columns, Bars.column_names())
    raw = spell_timestamps(path, raw)
    bars = raw.select(
        read_tickers(raw),
        read_timestamps(path, raw, notes, markets).dt.truncate("1m"),
        *(_read_numbers(raw, name) for name in VALUES),
    )
    bars = _drop_faulty(path, bars, notes)
    unique = bars.unique(["ticker", "timestamp"], keep="first", maintain_order=True).sort("ticker", "timestamp")
    if unique.height < bars.height:
        notes.append(f"{path.name}: dropped {bars.height - unique.height} bars of a ticker and minute already there")
    if unique.is_empty():
        raise GoldError(f"{path}: none of its {raw.height} rows is a bar that can be used. {' '.join(notes)}".strip())
    return Bars.validate(unique), notes


def _drop_faulty(path: Path, bars: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    total = bars.height
    for fault, is_faulty in FAULTS.items():
        kept = bars.filter(~is_faulty)
        if kept.height < bars.height:
            notes.append(f"{path.name}: dropped {bars.height - kept.height} of {total} bars: {fault}")
        bars = kept
    return bars


def _read_numbers(raw: pl.DataFrame, name: str) -> pl.Expr:
    return read_number_column(name, raw.schema[name])


def read_number_column(name: str, dtype: pl.DataType) -> pl.Expr:
    """Read a column as numbers; null where it holds none."""
    column = pl.col(name).str.strip_chars() if dtype == pl.String else pl.col(name)
    return column.cast(pl.Float64, strict=False)


def read_tickers(raw: pl.DataFrame) -> pl.Series:
    """Read the column `ticker`; null where it is blank."""
    return raw.get_column("ticker").cast(pl.String).str.strip_chars().replace("", None)


def spell_timestamps(path: Path, raw: pl.DataFrame) -> pl.DataFrame:
    """Give timestamps that are text with the year first; which number is the month, they tell together.

    Raises:
        GoldError: they do not, or contradict each other.
    """
    stamps = raw.get_column("timestamp")
    if stamps.dtype != pl.String:
        return raw
    return raw.with_columns(spell_times(pl.col("timestamp"), find_date_order(path, [stamps])).alias("timestamp"))


def read_timestamps(path: Path, raw: pl.DataFrame, notes: list[str], markets: Markets) -> pl.Expr:
    """Read the column `timestamp` as `read_bars` says it, and note what was taken for what.

    Raises:
        GoldError: it holds neither dates nor moments.
    """
    tickers = read_tickers(raw)
    if (days := read_days(raw["timestamp"])) is not None:
        notes.append(f"{path.name}: its timestamps are dates, and were read as bars of whole days")
        return pl.lit(markets.start_days(tickers, days))
    zone = markets.name_zone(tickers.drop_nulls().unique())
    moments, naive = place_timestamps(path, "timestamp", raw.schema["timestamp"], zone)
    without_offset = int(raw.select(naive.sum()).item() or 0)
    if without_offset:
        notes.append(note_naive(path, without_offset, zone))
    return moments


def read_days(stamps: pl.Series) -> pl.Series | None:
    """Read a column as days; None where any of it is more than a date.

    Dates are of that type, text such as 2024-10-01, or moments that all are midnight UTC.
    """
    if isinstance(stamps.dtype, pl.Datetime) and stamps.dtype.time_zone is not None:
        utc = stamps.dt.convert_time_zone("UTC")
        is_midnight = len(utc) > 1 and bool((utc == utc.dt.truncate("1d")).all()) and utc.null_count() < len(utc)
        days = utc.dt.date() if is_midnight else None
    elif stamps.dtype == pl.String:
        bare = stamps.str.strip_chars().replace("", None)
        dated = bare.str.contains(r"^\d{4}-\d{2}-\d{2}(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00))?$")
        is_dated = bool(dated.all()) and bare.null_count() < len(bare)
        days = bare.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False) if is_dated else None
    else:
        days = stamps if stamps.dtype == pl.Date else None
    return None if days is None else days.alias(stamps.name)


def place_timestamps(path: Path, name: str, dtype: pl.DataType, zone: str) -> tuple[pl.Expr, pl.Expr]:
    """Read a column as moments in the exchange's zone, and tell which of them came without an offset.

    Those are times of `zone`: the earlier of two where the clocks go back, null where they skip it or it is no time.
    Whole numbers of 10, 13, 16 or 19 digits are seconds from 1970, or thousandths of thousandths of them.

    Raises:
        GoldError: the column holds neither dates with times nor text.
    """
    column = pl.col(name)
    if dtype.is_integer():
        return _read_epoch(column).dt.convert_time_zone(EXCHANGE_ZONE), pl.lit(False)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return column.dt.cast_time_unit("us").dt.convert_time_zone(EXCHANGE_ZONE), pl.lit(False)
    if isinstance(dtype, pl.Datetime):
        return _place(column.dt.cast_time_unit("us"), zone), column.is_not_null()
    if dtype != pl.String:
        raise GoldError(f"{path}: column {name} is {dtype}; give dates with times, such as 2013-10-04T09:30:00-04:00")
    text = column.str.strip_chars().str.replace("T", " ", literal=True).str.replace("Z$", "+00:00")
    text = text.str.replace(r"^(\d{4})[./](\d{2})[./](\d{2})", "$1-$2-$3")
    text = pl.when(text.str.contains(r"^\d{4}")).then(text)  # 26-03-09 is of no one year
    moments = text.map_batches(
        lambda texts: _read_moments(texts, zone), return_dtype=pl.Datetime("us", EXCHANGE_ZONE), is_elementwise=True
    )
    return moments, text.str.contains(r"(:\d{2}(\.\d+)?|^\d{8} \d{6})$") & ~text.str.contains(r"[+-]\d{2}:\d{2}$")


def _read_moments(texts: pl.Series, zone: str) -> pl.Series:
    """Read text as moments, form by form, each where none before it fits: most files keep to one."""
    name = texts.name
    epochs = pl.when(texts.str.contains(r"^\d{10}(\d{3}){0,3}$")).then(texts).cast(pl.Int64)
    found = pl.select(_read_epoch(epochs).dt.convert_time_zone(EXCHANGE_ZONE)).to_series()
    for offset in ("%:z", ""):
        for clock in ("%H:%M:%S%.f", "%H:%M", *(() if offset else ("compact",))):
            left = pl.select(pl.when(found.is_null()).then(texts)).to_series()
            if left.null_count() == len(left):
                break
            form = "%Y%m%d %H%M%S" if clock == "compact" else f"%Y-%m-%d {clock}{offset}"
            read = left.str.to_datetime(form, time_unit="us", strict=False)
            placed = (
                read.dt.convert_time_zone(EXCHANGE_ZONE)
                if offset
                else pl.select(_place(pl.lit(read), zone)).to_series()
            )
            found = pl.select(pl.coalesce(found, placed)).to_series()
    return found.alias(name)


def _read_epoch(number: pl.Expr) -> pl.Expr:
    """Read seconds from 1970, or thousandths, millionths or billionths of them, by their size."""
    micro = pl.lit(None, pl.Int64)
    for digits, factor, divisor in ((10, 1_000_000, 1), (13, 1_000, 1), (16, 1, 1), (19, 1, 1_000)):
        fits = number.is_between(10 ** (digits - 1), 10**digits - 1)
        micro = pl.when(fits).then(number * factor // divisor).otherwise(micro)
    return micro.cast(pl.Datetime("us", "UTC"))


def _place(naive: pl.Expr, zone: str) -> pl.Expr:
    placed = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return placed.dt.convert_time_zone(EXCHANGE_ZONE)


def note_naive(path: Path, count: int, zone: str) -> str:
    """Say that times without an offset were taken as those of a zone."""
    clock = f"exchange time ({zone})" if zone == EXCHANGE_ZONE else f"times of {zone}"
    return f"{path.name}: {count} timestamps without an offset were read as {clock}"

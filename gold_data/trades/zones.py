"""Tells by the bars whether a log's times were read in the right zone.

A trade fits where both its prices lie within the minute bars of their moments, or those of the minute before. Moments
an hour off meet other prices: a log read in its own zone fits nearly always, one read in another hardly ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gold_data.sessions import EXCHANGE_ZONE

USUAL_ZONES = (
    EXCHANGE_ZONE,
    *("America/Chicago", "America/Denver", "America/Los_Angeles", "UTC", "Europe/London", "Europe/Berlin"),
    *("Europe/Athens", "Europe/Moscow", "Asia/Dubai", "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo"),
    *("Australia/Sydney", "America/Sao_Paulo", "America/Phoenix", "Pacific/Auckland"),
)
SHIFTS = tuple(hours for hours in range(-14, 15) if hours)
MOST_TRADES = 1000  # that are tried; of more, evenly many
ROUNDING = 0.0051  # dollars: a price is told to the cent
LEAST_FITS, LEAST_SHARE, LEAST_RATIO = 2, 0.6, 2.0  # of a reading that is taken for the right one


@dataclass(frozen=True)
class ZoneFinding:
    """A reading of the times that fits far better than the declared one: in another zone, or hours later."""

    zones: tuple[str, ...]
    hours: int | None
    fits: int
    declared_fits: int
    trades: int


def find_better_zone(trades: pl.DataFrame, bars: Path, zone: str) -> ZoneFinding | None:
    """Find a zone in which far more trades fit their bars; None where the declared one is as good as any.

    Another reading is far better where at least 2 trades and 60% of those whose ticker has bars fit it, and twice as
    many as the declared one.

    Args:
        trades: `ticker`, `entry_time`, `exit_time`, `entry_price`, `exit_price`.
        bars: Parquet of minute bars.
        zone: The zone in which times were read; where empty, they had offsets, and only whole hours are tried.
    """
    known = pl.scan_parquet(bars, glob=False)
    tickers = known.select(pl.col("ticker").unique()).collect().to_series()
    tried = trades.filter(pl.col("ticker").is_in(tickers.implode())).with_row_index("trade")
    tried = tried.gather_every(-(-tried.height // MOST_TRADES) or 1)
    if tried.is_empty():
        return None
    others = [other for other in USUAL_ZONES if other != zone] if zone else []
    readings = [_shift(tried, 0)]
    readings += [_read_in(tried, zone, other) for other in others]
    readings += [_shift(tried, hours) for hours in SHIFTS]
    fits = _count_fits(readings, known)
    declared, best = fits[0], max(fits[1:])
    if best < LEAST_FITS or best < LEAST_SHARE * tried.height or best < LEAST_RATIO * declared:
        return None
    zones = tuple(other for other, count in zip(others, fits[1:], strict=False) if count == best)
    hours = next((hours for hours, count in zip(SHIFTS, fits[1 + len(others) :], strict=True) if count == best), None)
    return ZoneFinding(zones, hours, best, declared, tried.height)


def _shift(trades: pl.DataFrame, hours: int) -> pl.DataFrame:
    return trades.with_columns(pl.col("entry_time", "exit_time").dt.offset_by(f"{hours}h"))


def _read_in(trades: pl.DataFrame, zone: str, other: str) -> pl.DataFrame:
    clock = pl.col("entry_time", "exit_time").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    placed = clock.dt.replace_time_zone(other, ambiguous="earliest", non_existent="null")
    return trades.with_columns(placed.dt.convert_time_zone(EXCHANGE_ZONE))


def _count_fits(readings: Sequence[pl.DataFrame], bars: pl.LazyFrame) -> list[int]:
    """Count the trades of each reading whose prices both are those of their minute, or the one before."""
    wanted = pl.concat(
        [
            reading.select(
                "trade",
                "ticker",
                pl.lit(number).alias("reading"),
                pl.lit(side).alias("side"),
                pl.col(f"{side}_price").alias("price"),
                pl.col(f"{side}_time").dt.truncate("1m").dt.offset_by(f"-{before}m").alias("timestamp"),
            )
            for number, reading in enumerate(readings)
            for side in ("entry", "exit")
            for before in (0, 1)
        ]
    )
    met = wanted.lazy().join(bars.select("ticker", "timestamp", "low", "high"), on=["ticker", "timestamp"]).collect()
    fitting = met.filter(pl.col("price").is_between(pl.col("low") - ROUNDING, pl.col("high") + ROUNDING))
    both = fitting.group_by("reading", "trade").agg(pl.col("side").n_unique()).filter(pl.col("side") == 2)
    counts = dict(both.group_by("reading").len().rows())
    return [counts.get(number, 0) for number in range(len(readings))]


def say_better_zone(file: str, zone: str, finding: ZoneFinding) -> str:
    """Say which zone the times of a file are of, and what to do."""
    of = f"of {finding.trades} trades"
    declared = f"{zone}: {finding.declared_fits}" if zone else f"the log's own offsets: {finding.declared_fits}"
    if finding.zones:
        named = " or ".join(finding.zones[:3])
        return (
            f"{file}: at {named} {finding.fits} {of} match the prices of their minute bars; at {declared}. Times were "
            f"read in the wrong zone: give --zone {finding.zones[0]}, or, where it is the bars' times that are wrong, "
            "--bars-zone"
        )
    word = "later" if (finding.hours or 0) > 0 else "earlier"
    remedy = "give the zone of the log's times as --zone, or" if zone else "the log's times say their offset, so give"
    return (
        f"{file}: read {abs(finding.hours or 0)} hours {word}, {finding.fits} {of} match the prices of their minute "
        f"bars; at {declared}. Times were read in the wrong zone: {remedy} that of the bars' times as --bars-zone"
    )

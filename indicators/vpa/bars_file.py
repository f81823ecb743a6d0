"""Context and signal for every bar of a file, by itself: what the command `tradelogs vpa` does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from files.whole_file import write_whole
from gold_data.bars import read_bars
from gold_data.clocks import put_on_clock
from gold_data.errors import GoldError
from gold_data.markets import USUAL, Markets
from gold_data.sessions import EXCHANGE_ZONE
from indicators.errors import IndicatorError
from indicators.vpa.context import iter_context
from indicators.vpa.timeframes import DAY_LADDER, MINUTE_LADDER, TIMEFRAMES, start_bars


@dataclass(frozen=True)
class VpaFileSummary:
    """What was written: rows by timeframe and by signal with its strength, and what was noted on the way."""

    out: Path
    bars: int
    rows: dict[str, int]
    signals: dict[str, int]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in a few lines."""
        total = sum(self.rows.values())
        rows = ", ".join(f"{timeframe} {count:,}" for timeframe, count in self.rows.items())
        signals = ", ".join(f"{name} {count:,} ({count / total:.1%})" for name, count in self.signals.items())
        lines = [
            f"{self.out}: {total:,} rows of context from {self.bars:,} bars",
            rows,
            signals or NO_ROWS,
            *self.notes,
        ]
        return "\n".join(line for line in lines if line)


LADDERS = {
    "1m": MINUTE_LADDER,
    "5m": ("5m", "15m", "1h"),
    "15m": ("15m", "1h", "1d"),
    "1h": ("1h", "1d"),
    "1d": DAY_LADDER,
    "1w": ("1w",),
}
NO_ROWS = "no bar has 50 bars of its ticker before it, which a context needs"


def attach_context_to_bars_file(
    source: Path, out: Path, timeframes: Sequence[str] | None = None, markets: Markets = USUAL
) -> VpaFileSummary:
    """Build the context of every bar of a file, and write `out` as Parquet or JSON lines, by its suffix.

    `source` is read as `gold_data.bars.read_bars` does: CSV or Parquet, any order; what cannot be used is dropped and
    noted. Without `timeframes` bars are of the longest one that all of them start on, with higher ones above it: at
    midnight days with weeks, else minutes with 5 minutes and hours, and so on (LADDERS). `out` has the columns of
    `build_context`, ticker by ticker, on the clock of their `markets`, UTC where they have several; it appears when it
    is complete. Beside the bars, memory holds the context of some tickers, or of one with many bars.

    Raises:
        IndicatorError: A file that cannot be read or written, or timeframes that its bars are not of.
    """
    _check_out(source, out)
    try:
        bars, notes = read_bars(source, markets)
    except GoldError as exc:
        raise IndicatorError(str(exc)) from exc
    counts: list[pl.DataFrame] = []
    parts = _count(_iter_parts(bars, timeframes or choose_timeframes(bars, markets), markets), counts)
    try:
        with write_whole(out) as partial:
            WRITERS[out.suffix](parts, partial)
    except OSError as exc:
        raise IndicatorError(f"{out} cannot be written: {exc}. Name a file in a directory you may write to.") from exc
    signals = pl.concat_str(pl.col("strength", "signal").cast(pl.String), separator=" ", ignore_nulls=True)
    rows = _add_up(counts, pl.col("timeframe").cast(pl.String))
    return VpaFileSummary(out, bars.height, rows, _add_up(counts, signals), tuple(notes))


def _iter_parts(bars: pl.DataFrame, timeframes: Sequence[str], markets: Markets) -> Iterator[pl.DataFrame]:
    zone = markets.name_zone(bars["ticker"].unique())
    for market, own in markets.split(bars):
        for part in iter_context(own, timeframes, market):
            yield part if zone == EXCHANGE_ZONE else put_on_clock(part, zone)


def choose_timeframes(bars: pl.DataFrame, markets: Markets = USUAL) -> tuple[str, ...]:
    """Choose timeframes by when bars start: the longest that all of them fit is theirs, with higher ones above it."""
    start = pl.col("timestamp")
    fits = pl.concat(
        own.select((start == start_bars(name, market)).all().alias(name) for name in LADDERS)
        for market, own in markets.split(bars)
    )
    return LADDERS[[name for name in LADDERS if name == TIMEFRAMES[0] or fits[name].all()][-1]]


def _check_out(source: Path, out: Path) -> None:
    if out.suffix not in WRITERS:
        raise IndicatorError(f"{out}: the name should end in {' or '.join(WRITERS)}, which says how to write it.")
    if out.is_dir() or not out.parent.is_dir():
        raise IndicatorError(
            f"{out}: {'this is a directory' if out.is_dir() else 'its directory does not exist'}; name a file."
        )
    if out.exists() and source.exists() and out.samefile(source):
        raise IndicatorError(f"{out} is the bars file itself; write to another one.")


def _count(parts: Iterator[pl.DataFrame], counts: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    for part in parts:
        counts.append(part.group_by("timeframe", "signal", "strength").len("rows"))
        yield part


def _add_up(counts: Sequence[pl.DataFrame], names: pl.Expr) -> dict[str, int]:
    counted = pl.concat(counts).sort("timeframe", "signal", "strength", nulls_last=True)
    added = counted.group_by(names.alias("name"), maintain_order=True).agg(pl.col("rows").sum())
    return dict(added.iter_rows())


def _write_parquet(parts: Iterator[pl.DataFrame], path: Path) -> None:
    first = next(parts).to_arrow()
    with pq.ParquetWriter(path, first.schema) as file:  # type: ignore[no-untyped-call]
        file.write_table(first)
        for part in parts:
            file.write_table(part.to_arrow())


def _write_lines(parts: Iterator[pl.DataFrame], path: Path) -> None:
    with path.open("wb") as file:
        for part in parts:
            part.write_ndjson(file)


WRITERS: dict[str, Callable[[Iterator[pl.DataFrame], Path], None]] = {
    ".parquet": _write_parquet,
    ".jsonl": _write_lines,
}

"""How fast and how lean indicators are: `python -m benchmarks.bench_indicators`.

The same bars go through `attach_indicators` at once and through the library `ta` trade by trade, in one run; of the
latter a sample is enough to extrapolate from, and the values of the sample are compared. Peak memory is that of child
processes that build price paths, write their bars and attach indicators, for a few trades and for many.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import click
import numpy as np
import polars as pl

from benchmarks.oracles.ta import ask_ta, list_disagreements
from indicators.attach import attach_indicators, attach_price_paths
from indicators.bars import list_minutes
from indicators.price_path.build import build_price_paths
from indicators.technicals import INDICATORS, attach_technicals

SAMPLE = 200  # trades that `ta` is timed on
TARGET = 100
MEMORY_TRADES = (5_000, 20_000)


def make_market(seed: int, tickers: int) -> pl.DataFrame:
    """Random walks over 20 sessions, in cents, with volume."""
    rng = np.random.default_rng(seed)
    minutes = list_minutes(date(2024, 2, 1), date(2024, 2, 29)).get_column("minute")
    close = pl.Series(
        np.round(100 * np.exp(np.cumsum(rng.normal(0, 1e-3, (tickers, len(minutes))), axis=1)).ravel(), 2)
    )
    return pl.DataFrame(
        {
            "ticker": np.repeat([f"T{number}" for number in range(tickers)], len(minutes)),
            "timestamp": pl.concat([minutes] * tickers),
            "open": close,
            "high": close + pl.Series(rng.integers(0, 9, len(close))) / 100,
            "low": close - pl.Series(rng.integers(0, 9, len(close))) / 100,
            "close": close,
            "volume": pl.Series(rng.integers(100, 9000, len(close))).cast(pl.Float64),
        }
    )


def make_trades(market: pl.DataFrame, count: int) -> pl.DataFrame:
    """Trades of ten minutes from the market's own bars, which serve as donors of each other."""
    entries = market.filter(pl.col("timestamp").dt.hour().is_between(11, 14)).sample(
        count, with_replacement=True, seed=1
    )
    number = pl.int_range(pl.len())
    return entries.select(
        "ticker",
        row_id=pl.format("row-{}", number.cast(pl.String).str.zfill(6)),
        trade_id=pl.format("gold-{}", number),
        gold_example_ids=pl.concat_list(pl.format("gold-{}", (number * step + 7) % pl.len()) for step in (3, 5, 11)),
        trade_type=pl.when(number % 2 == 0).then(pl.lit("buy")).otherwise(pl.lit("short")),
        entry_time=pl.col("timestamp").dt.offset_by("20s"),
        exit_time=pl.col("timestamp").dt.offset_by("10m30s"),
        entry_price="close",
        exit_price="close",
        entry_volatility_percent=pl.lit(0.2),
        worst_exit_percent=pl.lit(-0.4),
        best_exit_percent=pl.lit(0.5),
    )


def cut_bars(market: pl.DataFrame, trades: int, bars: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give every trade `bars` bars of its own, and an entry right after the last of them."""
    starts = np.random.default_rng(3).integers(0, market.height - bars, trades)
    minutes = market.get_column("timestamp").head(bars)
    rows = market[(starts[:, None] + np.arange(bars)).ravel()].with_columns(timestamp=pl.concat([minutes] * trades))
    row_ids = pl.Series([f"row-{number:06d}" for number in range(trades)])
    own = rows.drop("ticker").insert_column(0, row_ids.gather(np.repeat(np.arange(trades), bars)).alias("row_id"))
    return pl.DataFrame({"row_id": row_ids}).with_columns(entry_time=minutes.dt.offset_by("1m")[-1]), own


def take_time(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare_with_ta(trades: int, bars: int) -> None:
    """Print trades per second of ours and of `ta`, and their ratio."""
    entries, own = cut_bars(make_market(1, 8), trades, bars)
    sample = own.head(SAMPLE * bars).partition_by("row_id")
    attach_indicators(entries.head(SAMPLE), own.head(SAMPLE * bars), list(INDICATORS))
    ours = trades / take_time(lambda: attach_indicators(entries, own, list(INDICATORS)))
    theirs = len(sample) / take_time(lambda: [ask_ta(series) for series in sample])
    wrong = [
        line for series in sample for line in list_disagreements(attach_technicals(series, INDICATORS, by="row_id"))
    ]
    print(f"indicators: {ours:,.0f} trades/s ({trades:,} trades x {bars} bars, {len(INDICATORS)} indicators)")
    print(f"ta trade by trade: {theirs:,.0f} trades/s (all but vwap_session; extrapolated from {len(sample)} trades)")
    print(f"indicators / ta: {ours / theirs:.0f} times (target {TARGET}; {len(wrong)} values of the sample differ)")


def time_price_paths(trades: int) -> None:
    """Print trades per second of rebuilding price paths, with donors' bars and without."""
    market = make_market(2, 8)
    rows = make_trades(market, trades)
    for how, bars in (("from donors' bars", market), ("fallback shape", None)):
        seconds = take_time(lambda bars=bars: build_price_paths(rows, rows, bars, seed=1))  # type: ignore[misc]
        print(f"price paths: {trades / seconds:,.0f} trades/s ({how}, {trades:,} trades)")


def print_peak_memory(trades: int) -> None:
    """Build paths, write their bars, attach indicators, and print this process's peak memory in MiB."""
    market = make_market(2, 8)
    rows = make_trades(market, trades)
    with tempfile.TemporaryDirectory() as folder:
        attach_price_paths(rows, rows.head(400), market, list(INDICATORS), Path(folder) / "bars.parquet", seed=1)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure_child(trades: int) -> float:
    """Run `print_peak_memory` in a process of its own; MiB."""
    command = [sys.executable, "-m", "benchmarks.bench_indicators", "--memory-of", str(trades)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603


def compare_memory() -> None:
    """Print the peak memory of runs with few and with many trades, each in a process of its own.

    To be called while this process is still small: the peak of a child counts what its parent had when it began.
    """
    peaks = [measure_child(trades) for trades in MEMORY_TRADES]
    for trades, peak in zip(MEMORY_TRADES, peaks, strict=True):
        print(f"peak memory: {peak:,.0f} MiB ({trades:,} trades, paths built, bars written, indicators attached)")
    times = MEMORY_TRADES[1] / MEMORY_TRADES[0]
    print(f"memory growth: {peaks[1] / peaks[0]:.2f} times (for {times:.0f} times the trades)")


@click.command()
@click.option("--trades", default=20_000, show_default=True)
@click.option("--bars", default=150, show_default=True, help="Bars per trade.")
@click.option("--memory-of", type=int, hidden=True)
def main(trades: int, bars: int, memory_of: int | None) -> None:
    """Print the ratio to `ta`, price paths per second, and peak memory."""
    if memory_of:
        print_peak_memory(memory_of)
        return
    compare_memory()
    compare_with_ta(trades, bars)
    time_price_paths(trades)


if __name__ == "__main__":
    main()

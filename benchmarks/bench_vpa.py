"""How fast, lean and right the context of volume price analysis is: `python -m benchmarks.bench_vpa`.

A million one-minute bars go through `build_context` in one pass, in a process of its own; a plain loop recomputes
single bars of the same market from the series cut at them, enough to extrapolate from, and its rows are compared with
ours. A thousand more rows are compared with the context of the series cut at them. Then the shares of every signal,
strength and pattern, on random walks, on the sample's market, and on real bars where a file of them is given.
"""

import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import click
import numpy as np
import polars as pl

from benchmarks.oracles.vpa import explain_bar, read_series
from indicators.bars import list_minutes
from indicators.vpa.context import build_context
from indicators.vpa.patterns import PATTERNS
from indicators.vpa.signal import STRENGTH
from indicators.vpa.timeframes import MINUTE_LADDER, end_bars

TARGET, MEMORY_TARGET = 100, 3072  # times the plain loop; MiB
LOOPED = 60  # bars that the plain loop is timed on
CUTS = 1000
CUT_BARS = 4000  # bars of a series that is cut: an hour's lookback, and as much again
SAMPLE_BARS = Path(__file__).parents[1] / "gold_data" / "sample" / "bars.parquet"


def make_market(bars: int, tickers: int, seed: int) -> pl.DataFrame:
    """Random walks in cents through regular minutes, each bar's volume its own."""
    rng = np.random.default_rng(seed)
    count = bars // tickers
    minutes = list_minutes(date(2020, 1, 2), date(2024, 12, 31)).get_column("minute").head(count)
    walks = np.cumsum(rng.normal(0, 8e-4, (tickers, count)), axis=1)
    close = np.round(100 * np.exp(walks), 2)
    opened = np.column_stack([close[:, :1], close[:, :-1]]).ravel()
    close = close.ravel()
    wicks = rng.integers(0, 9, (2, len(close))) / 100
    return pl.DataFrame(
        {
            "ticker": np.repeat([f"T{number:02d}" for number in range(tickers)], count),
            "timestamp": pl.concat([minutes] * tickers),
            "open": opened,
            "high": np.round(np.maximum(opened, close) + wicks[0], 2),
            "low": np.round(np.minimum(opened, close) - wicks[1], 2),
            "close": close,
            "volume": np.round(np.exp(rng.normal(8, 0.9, len(close)))),
        }
    )


def time_pass(bars: int, tickers: int) -> None:
    """Build the context of a market in this process, and print its seconds, rows and peak memory in MiB."""
    market = make_market(bars, tickers, seed=1)
    started = time.perf_counter()
    rows = build_context(market).height
    seconds = time.perf_counter() - started
    print(seconds, rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def compare_with_loop(bars: int, tickers: int) -> None:
    """Print rows per second of the one pass and of the plain loop, their ratio, and what differs between the two."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.bench_vpa",
        "--bars",
        str(bars),
        "--tickers",
        str(tickers),
        "--one-pass",
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    seconds, rows, peak = map(float, said.split())
    market = make_market(bars, tickers, seed=1).filter(pl.col("ticker") == "T00").head(20_000)
    series = read_series(market, "T00")
    context = build_context(market).filter(pl.col("timeframe") == "1m")
    known = [context.row(int(row), named=True) for row in np.random.default_rng(1).choice(context.height, LOOPED)]
    cuts = [series[: next(n for n, bar in enumerate(series, 1) if bar.timestamp == row["timestamp"])] for row in known]
    started = time.perf_counter()
    theirs = [explain_bar(cut, MINUTE_LADDER, "T00", "1m") for cut in cuts]
    looped = LOOPED / (time.perf_counter() - started)
    wrong = sum(ours != others for ours, others in zip(known, theirs, strict=True))
    print(
        f"context: {rows / seconds:,.0f} rows/s ({bars:,} bars of {tickers} tickers, {rows:,.0f} rows, {seconds:.1f} s)"
    )
    print(
        f"plain loop over the cut series: {looped:,.1f} rows/s (extrapolated from {LOOPED} bars; {wrong} rows differ)"
    )
    print(f"context / plain loop: {rows / seconds / looped:,.0f} times (target {TARGET})")
    print(f"peak memory: {peak:,.0f} MiB (limit {MEMORY_TARGET:,})")


def count_changed_by_cutting(bars: pl.DataFrame, cuts: int) -> int:
    """Return how many of some random rows are not, to the byte, those of the series cut at them."""
    whole = build_context(bars).filter(pl.col("timeframe") == "1m")
    changed = 0
    for chunk in np.array_split(np.random.default_rng(2).choice(whole.height, cuts), cuts // 50 + 1):
        wanted = whole[chunk].with_columns(cut=pl.format("cut {}", pl.int_range(pl.len())))
        cut = (
            bars.join(wanted.select("ticker", "cut", until=end_bars("1m")), on="ticker")
            .filter(end_bars("1m") <= pl.col("until"))
            .select(pl.col("cut").alias("ticker"), *bars.columns[1:])
        )
        known = build_context(cut).filter(pl.col("timeframe") == "1m").group_by("ticker").last()
        last = wanted.select("cut").join(known, left_on="cut", right_on="ticker", how="left")
        pairs = zip(wanted.select(last.columns).rows(), last.rows(), strict=True)
        changed += sum(repr(ours) != repr(others) for ours, others in pairs)
    return changed


def print_shares(name: str, bars: pl.DataFrame) -> None:
    """Print how often each signal, strength and pattern is there, which cells are empty, what contradicts itself."""
    context = build_context(bars)
    analysis = pl.col("pattern_analysis").struct
    both = analysis.field("accumulation") & analysis.field("distribution")
    equal, contradictory = (context.filter(found).height for found in (pl.col("stop") == pl.col("target"), both))
    print(
        f"\n{name}: {context.height:,} rows; stop = target in {equal}; accumulation and distribution in {contradictory}"
    )
    for column in ("signal", "strength", "pattern"):
        shares = context.drop_nulls(column).get_column(column).value_counts(sort=True, normalize=True)
        print(f"  {column}: " + ", ".join(f"{value} {100 * share:.2f}%" for value, share in shares.iter_rows()))
    allowed = {("HOLD", None, pattern) for pattern in ("none", *PATTERNS)} | {
        ("BUY" if pattern.side == "buy" else "SELL", strength, found)
        for found, pattern in PATTERNS.items()
        for strength in STRENGTH.categories
    }
    cells = set(context.select("signal", "strength", "pattern").unique().iter_rows())
    empty = ", ".join(" ".join(filter(None, cell)) for cell in sorted(allowed - cells, key=str)) or "none"
    print(f"  cells of signal, strength and pattern: {len(cells)} of {len(allowed)}; empty: {empty}")
    print(f"  cells that the rules do not allow: {len(cells - allowed)}")


@click.command()
@click.option("--bars", default=1_000_000, show_default=True)
@click.option("--tickers", default=20, show_default=True)
@click.option(
    "--real", type=click.Path(exists=True, path_type=Path), help="Parquet file of real minute bars to look at too."
)
@click.option("--one-pass", is_flag=True, hidden=True)
def main(bars: int, tickers: int, real: Path | None, one_pass: bool) -> None:
    """Print the ratio to a plain loop, peak memory, what cutting changes, and the shares of signals."""
    if one_pass:
        time_pass(bars, tickers)
        return
    compare_with_loop(bars, tickers)
    cut = pl.read_parquet(real) if real else make_market(4 * CUT_BARS, 4, seed=3)
    changed = count_changed_by_cutting(cut, CUTS)
    print(f"cut at {CUTS:,} random bars of {'real bars' if real else 'random walks'}: {changed} rows differ by a byte")
    print_shares("random walks", make_market(bars // 4, tickers // 4, seed=2))
    print_shares("simulated market of the sample", pl.read_parquet(SAMPLE_BARS))
    if real:
        print_shares("real bars", pl.read_parquet(real))


if __name__ == "__main__":
    main()

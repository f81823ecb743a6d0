"""How fast and how lean an import of market data is: `python -m benchmarks.bench_import`.

Generated minute bars go through `import_bars`, and trades on them through `measure_trades`, each in a process of its
own, whose peak memory is printed. `--full` takes a year of 100 tickers, 9.8 million bars, and 100,000 trades.
"""

import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import click
import numpy as np
import polars as pl
import pyarrow.parquet as pq

from gold_data.market import import_bars
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.trades.measures import measure_trades
from indicators.bars import list_minutes

MEMORY_LIMIT = 2048  # MiB
FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)


def write_market(path: Path, tickers: int, *, as_csv: bool) -> int:
    """Write a year of minute bars per ticker, ticker by ticker, and give their number."""
    minutes = list_minutes(FIRST, LAST).get_column("minute")
    rng = np.random.default_rng(1)
    writer: pq.ParquetWriter | None = None
    with path.open("wb") as file:
        for number in range(tickers):
            close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 5e-4, len(minutes)))), 2)
            bars = pl.DataFrame(
                {
                    "ticker": [f"T{number:03d}"] * len(minutes),
                    "timestamp": minutes,
                    "open": close,
                    "high": close + 0.02,
                    "low": close - 0.02,
                    "close": close,
                    "volume": rng.integers(1, 999, len(minutes)).astype(np.float64),
                }
            )
            if as_csv:
                bars.write_csv(file, include_header=number == 0, datetime_format="%Y-%m-%dT%H:%M:%S%:z")
            else:
                table = bars.to_arrow()
                writer = writer or pq.ParquetWriter(file, table.schema)  # type: ignore[no-untyped-call]
                writer.write_table(table)  # type: ignore[no-untyped-call]
        if writer:
            writer.close()  # type: ignore[no-untyped-call]
    return tickers * len(minutes)


def write_trades(bars: Path, path: Path, count: int) -> None:
    """Write trades of one to fifty minutes at the closes of bars drawn by chance."""
    rng = np.random.default_rng(2)
    scan = pl.scan_parquet(bars).select("ticker", "timestamp", "close").with_row_index("place")
    rows = int(scan.select(pl.len()).collect().item())
    drawn = pl.DataFrame({"place": pl.Series(rng.choice(rows, count, replace=False), dtype=pl.UInt32)})
    entries = scan.join(drawn.lazy(), on="place").collect(engine="streaming")
    held = pl.lit(pl.Series(rng.integers(60, 3000, count)))
    entries.select(
        "ticker",
        trade_type=pl.when(pl.col("place") % 2 == 0).then(pl.lit("buy")).otherwise(pl.lit("short")),
        session_date=pl.col("timestamp").dt.date(),
        entry_time=pl.col("timestamp").dt.offset_by("1m"),
        exit_time=pl.col("timestamp").dt.offset_by("1m") + pl.duration(seconds=held),
        entry_price="close",
        exit_price="close",
    ).write_parquet(path)


def measure_self(step: str, folder: Path) -> None:
    """Do one step, and print its seconds and this process's peak memory in MiB."""
    started = time.perf_counter()
    if step == "measure":
        measure_trades(pl.read_parquet(folder / "trades.parquet"), folder / "bars.parquet")
    else:
        import_bars(folder / f"market.{step}", folder / "bars.parquet", zone=EXCHANGE_ZONE)
    print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def run_step(step: str, folder: Path) -> tuple[float, float]:
    """Do one step in a child process; gives its seconds and its peak memory."""
    command = [sys.executable, "-m", "benchmarks.bench_import", "--step", step, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  our own module
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


@click.command()
@click.option("--tickers", default=20, show_default=True, help="A year of minute bars each.")
@click.option("--trades", default=20_000, show_default=True)
@click.option("--full", is_flag=True, help="100 tickers and 100,000 trades.")
@click.option("--step", nargs=2, hidden=True)
def main(tickers: int, trades: int, full: bool, step: tuple[str, str] | None) -> None:
    """Print rows per second and peak memory of importing bars, and trades per second of measuring them."""
    if step:
        measure_self(step[0], Path(step[1]))
        return
    tickers, trades = (100, 100_000) if full else (tickers, trades)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for kind in ("csv", "parquet"):
            rows = write_market(folder / f"market.{kind}", tickers, as_csv=kind == "csv")
            seconds, peak = run_step(kind, folder)
            print(
                f"import of bars: {rows / seconds:,.0f} rows/s ({kind}, {rows:,} rows of {tickers} tickers, "
                f"{seconds:.1f} s); peak memory {peak:,.0f} MiB (limit {MEMORY_LIMIT:,})"
            )
            (folder / f"market.{kind}").unlink()
        write_trades(folder / "bars.parquet", folder / "trades.parquet", trades)
        seconds, peak = run_step("measure", folder)
        print(
            f"measures: {trades / seconds:,.0f} trades/s, {rows / seconds:,.0f} bars/s ({trades:,} trades on {rows:,} "
            f"bars in one pass, {seconds:.1f} s); peak memory {peak:,.0f} MiB"
        )


if __name__ == "__main__":
    main()

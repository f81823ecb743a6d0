"""How fast and how lean the backtest is: `python -m benchmarks.bench_backtest`.

The same simulated bars go through `replay` and, in the same run, through a plain loop over trades and bars; of the
latter a sample is enough to extrapolate from, and the sample's values are compared. Beside it stands the least that
the work can take: one row of fills copied per strategy. Peak memory is that of child processes that simulate and
replay block by block, for some trades and for four times as many.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from itertools import product

import click
import numpy as np
import polars as pl

from benchmarks.oracles.replay import list_bars, replay_one
from indicators.replay import BLOCK_TRADES, NEVER, Paths, Percents, Strategy, replay, replay_blocks

SAMPLE_TRADES, SAMPLE_STRATEGIES = 60, 200


def make_strategies(count: int) -> list[Strategy]:
    """Take `count` combinations of ten stops, ten targets, five trailing stops and four time stops."""
    levels = (*np.round(np.geomspace(1, 30, 9), 2).tolist(), NEVER)
    combined = list(product(levels, levels, (2.0, 5.0, 10.0, 20.0, NEVER), (15, 60, 180, 390)))
    chosen = np.random.default_rng(1).permutation(len(combined))[:count]
    return [Strategy(*combined[place]) for place in chosen]


def make_paths(seed: int, trades: int, minutes: int) -> Paths:
    """Random walks from the entry price, 2% of the minutes without a bar."""
    rng = np.random.default_rng(seed)
    close = np.cumsum(rng.normal(0, 0.1, (minutes, trades)), axis=0)
    opened = np.vstack([np.zeros(trades), close[:-1]])
    spread = np.abs(rng.normal(0, 0.05, (2, minutes, trades)))
    missing = np.where(rng.random((minutes, trades)) < 0.02, np.nan, 0.0)
    missing[0] = 0.0
    worst, best = np.minimum(opened, close) - spread[0], np.maximum(opened, close) + spread[1]
    ids = pl.Series([f"row-{seed:03d}-{number:06d}" for number in range(trades)])
    rows = pl.DataFrame({"trade_id": ids, "session_date": [date(2024, 3, 5)] * trades})
    return Paths(rows, np.full(trades, 0.1), opened + missing, worst + missing, best + missing, close + missing)


def take_time(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare_with_loop(trades: int, minutes: int, strategies: list[Strategy]) -> None:
    """Print trade-strategies per second of ours, of the loop, and of a mere copy of the fills."""
    blocks = [make_paths(start, min(BLOCK_TRADES, trades - start), minutes) for start in range(0, trades, BLOCK_TRADES)]
    count = trades * len(strategies)
    out: list[Percents] = [np.empty((len(strategies), block.trades.height), np.float32) for block in blocks]

    def replay_all() -> None:
        for block, percents in zip(blocks, out, strict=True):
            replay(block, strategies, percents)

    replay_all()
    ours = count / take_time(replay_all)
    least = count / take_time(lambda: [percents.copy() for percents in out])
    sampled = SAMPLE_TRADES * SAMPLE_STRATEGIES
    slow: list[list[float]] = []

    def loop_over_sample() -> None:
        for trade in range(SAMPLE_TRADES):
            bars, volatility = list_bars(blocks[0], trade), blocks[0].volatility[trade].item()
            slow.append([replay_one(bars, volatility, each) for each in strategies[:SAMPLE_STRATEGIES]])

    loop = sampled / take_time(loop_over_sample)
    wrong = np.count_nonzero(np.abs(out[0][:SAMPLE_STRATEGIES, :SAMPLE_TRADES].T - np.array(slow)) > 1e-4)
    size = f"{len(strategies):,} strategies x {trades:,} trades x {minutes} bars"
    print(f"backtest: {ours:,.0f} trade-strategies/s ({size})")
    print(f"loop over trades and bars: {loop:,.0f} trade-strategies/s (extrapolated from {sampled:,})")
    print(f"backtest / loop: {ours / loop:,.0f} times ({wrong} values of the sample differ)")
    print(f"merely copying the result: {least:,.0f} trade-strategies/s ({least / ours:.0f} times ours)")


def print_peak_memory(trades: int, minutes: int, count: int) -> None:
    """Replay simulated trades block by block, and print this process's peak memory in MiB and that before the start."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    starts = range(0, trades, BLOCK_TRADES)
    blocks = (make_paths(start, min(BLOCK_TRADES, trades - start), minutes) for start in starts)
    replay_blocks(blocks, make_strategies(count), trades)
    print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def compare_memory(trades: int, minutes: int, count: int) -> None:
    """Print the peak memory of a process that replays all trades, made block by block.

    To be called while this process is still small: the peak of a child counts what its parent had when it began.
    """
    for times in (1, 4):
        sizes = [str(size) for size in (times * trades, minutes, count)]
        command = [sys.executable, "-m", "benchmarks.bench_backtest", "--memory-of", *sizes]
        done = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
        before, peak = map(float, done.split())
        result = 4 * times * trades * count / 2**20
        print(
            f"peak memory: {peak:,.0f} MiB ({count:,} strategies x {times * trades:,} trades x {minutes} bars; "
            f"{before:,.0f} before the start, {result:,.0f} the result)"
        )


@click.command()
@click.option("--trades", default=10_000, show_default=True)
@click.option("--bars", default=390, show_default=True, help="Bars per trade.")
@click.option("--strategies", default=1_000, show_default=True)
@click.option("--memory-of", type=(int, int, int), hidden=True)
def main(trades: int, bars: int, strategies: int, memory_of: tuple[int, int, int] | None) -> None:
    """Print trade-strategies per second, the ratio to a plain loop, and peak memory."""
    if memory_of:
        print_peak_memory(*memory_of)
        return
    compare_memory(trades, bars, strategies)
    compare_with_loop(trades, bars, make_strategies(strategies))


if __name__ == "__main__":
    main()

"""How fast and how lean strategies are executed: `python -m benchmarks.bench_strategy`.

The same strategies go through `execute`, the package `wickra-backtest` and the package `trading-strategy-tester` on the
same 1,000 bars in one run, in CPU time, so that a busy machine changes no ratio; the slower ones are asked a sample.
Ours starts without a single series computed. What is not installed is left out. Peak memory is that of child processes
that execute few and many strategies on every set of the suite.
"""

import random
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator

import click

from benchmarks.oracles import strategy_tst, strategy_wickra
from indicators.strategy.bar_set import BarSet
from indicators.strategy.bar_suite import hash_behaviour, load_suite, make_walks
from indicators.strategy.clock import lay_out
from indicators.strategy.errors import StrategyError
from indicators.strategy.executor import execute
from indicators.strategy.sampler import Controls, draw_strategy
from indicators.strategy.tree import Document
from indicators.strategy.tst_form import list_departures, write_tst
from indicators.strategy.wickra_form import write_wickra

BARS = 1_000
MOST_MILLISECONDS, WICKRA_TARGET, TST_TARGET = 0.5, 3, 400
WICKRA_SAMPLE, TST_SAMPLE = 200, 5
MEMORY_STRATEGIES = (500, 2_000)
DATES = ("start_date", "end_date", "period")


def make_bars() -> BarSet:
    """Give one random walk of 1,000 days, with nothing computed on it yet."""
    walk = list(make_walks(seed=3))[3]
    return BarSet("days", "1d", lay_out(BARS, "1d"), walk.prices)


def draw_many(count: int, controls: Controls | None = None) -> list[Document]:
    """Draw strategies for days, without dates."""
    wanted = controls or Controls(interval="1d")
    drawn = (draw_strategy(random.Random(seed), wanted) for seed in range(count))  # noqa: S311
    return [{key: value for key, value in each.items() if key not in DATES} for each in drawn]


def take_time(work: Callable[[], object]) -> float:
    """Milliseconds of CPU that a piece of work takes."""
    started = time.process_time()
    work()
    return 1_000 * (time.process_time() - started)


def time_ours(documents: list[Document]) -> float:
    """Milliseconds a strategy, from bars on which nothing is computed yet."""
    bars = make_bars()
    return take_time(lambda: [execute(each, bars) for each in documents]) / len(documents)


def iter_written(documents: list[Document], write: Callable[[Document], object]) -> Iterator[Document]:
    """Give the strategies that another form has words for."""
    for document in documents:
        try:
            write(document)
        except StrategyError:
            continue
        yield document


def compare_with_wickra(documents: list[Document]) -> None:
    """Print milliseconds a strategy of ours and of wickra, on strategies that both can execute."""
    if not strategy_wickra.is_installed():
        print(f"wickra: left out. {strategy_wickra.WHY_ABSENT}")
        return
    both = list(iter_written(documents, write_wickra))
    ours = time_ours(both)
    bars, sample = make_bars(), both[:WICKRA_SAMPLE]
    specs = [write_wickra(each) for each in sample]
    theirs = take_time(lambda: [strategy_wickra.trade_spec(each, bars, 0) for each in specs]) / len(specs)
    print(f"wickra: {theirs:.2f} ms a strategy ({len(sample)} of them), ours on the same: {ours:.3f} ms ({len(both)})")
    print(f"wickra / ours: {theirs / ours:.1f} times (target {WICKRA_TARGET})")


def compare_with_tst(count: int) -> None:
    """Print milliseconds a strategy of ours and of the reference, on strategies that both can execute."""
    if not strategy_tst.is_installed():
        print(f"trading-strategy-tester: left out. {strategy_tst.WHY_ABSENT}")
        return
    drawn = draw_many(count, Controls(position_type="LONG", interval="1d", exits=("stop_loss",), size="contracts"))
    both = [each for each in iter_written(drawn, write_tst) if not list_departures(each)]
    ours = time_ours(both)
    texts = [write_tst(each) for each in both[:TST_SAMPLE]]
    with warnings.catch_warnings(), strategy_tst.whole_package(strategy_tst.frame_bars(make_bars())) as run:
        warnings.simplefilter("ignore")
        theirs = take_time(lambda: [run(text) for text in texts]) / len(texts)
    print(f"trading-strategy-tester: {theirs:.0f} ms each ({len(texts)}), ours on such: {ours:.3f} ms ({len(both)})")
    print(f"trading-strategy-tester / ours: {theirs / ours:,.0f} times (target {TST_TARGET})")


def print_peak_memory(count: int) -> None:
    """Execute strategies on every set of the suite; print this process's peak memory before and after, MiB."""
    suite = load_suite()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for seed in range(count):
        hash_behaviour(draw_strategy(random.Random(seed)), suite)  # noqa: S311
    print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def compare_memory(counts: tuple[int, ...]) -> None:
    """Print the peak memory of processes that execute few and many strategies on the whole suite.

    To be called while this process is still small: the peak of a child counts what its parent had when it began.
    """
    peaks = []
    for count in counts:
        command = [sys.executable, "-m", "benchmarks.bench_strategy", "--memory-of", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
        before, peak = map(float, done.split())
        peaks.append(peak)
        print(f"peak memory: {peak:,.0f} MiB ({count:,} strategies x the suite; {before:,.0f} before the start)")
    print(f"memory growth: {peaks[-1] / peaks[0]:.2f} times (for {counts[-1] / counts[0]:.0f} times the strategies)")


@click.command()
@click.option("--strategies", default=4_000, show_default=True)
@click.option("--memory", default=MEMORY_STRATEGIES, nargs=2, show_default=True, help="Strategies, few and many.")
@click.option("--memory-of", type=int, hidden=True)
def main(strategies: int, memory: tuple[int, int], memory_of: int | None) -> None:
    """Print milliseconds a strategy per 1,000 bars, the ratios to two other engines, and peak memory."""
    if memory_of:
        print_peak_memory(memory_of)
        return
    compare_memory(memory)
    documents = draw_many(strategies)
    ours = time_ours(documents)
    print(
        f"strategies: {ours:.3f} ms a strategy per 1,000 bars (at most {MOST_MILLISECONDS}; {strategies:,} strategies)"
    )
    compare_with_wickra(documents)
    compare_with_tst(strategies)


if __name__ == "__main__":
    main()

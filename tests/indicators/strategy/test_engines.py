"""Two engines of other people trade the same: the packages `wickra-backtest` and `trading-strategy-tester`.

Scope of the first: long and short, stop, target and both, time stop, on bars by day and by minute; its averages start
otherwise, so nothing counts before they have met. Of the second: signals of all positions, and a long's stop or target
(`list_departures` says what is left out and why); it counts no tie as a cross and no exit on the entry bar.
"""

import random
from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.oracles import strategy_tst, strategy_wickra
from benchmarks.oracles.strategy_tst import OracleTrade
from indicators.strategy.bar_set import BarSet
from indicators.strategy.clock import lay_out
from indicators.strategy.conventions import Conventions
from indicators.strategy.errors import StrategyError
from indicators.strategy.executor import execute
from indicators.strategy.prices import Prices
from indicators.strategy.sampler import Controls, draw_strategy
from indicators.strategy.tree import Document
from indicators.strategy.tst_form import list_departures, write_tst

TST = Conventions(tie_is_cross=False, exits_on_entry_bar=False)
WAITS = {"1d": 700, "1m": 779}  # bars until two averages of 200 bars with different starts are equal; a day's last bar
EXITS = ((), ("stop_loss",), ("take_profit",), ("stop_loss", "take_profit"), ("exit_after_bars",))

wickra = pytest.mark.skipif(not strategy_wickra.is_installed(), reason=strategy_wickra.WHY_ABSENT)
tst = pytest.mark.skipif(not strategy_tst.is_installed(), reason=strategy_tst.WHY_ABSENT)


def make_bars(seed: int, count: int, interval: str) -> BarSet:
    """Give a random walk whose prices are not rounded: nothing is equal by chance."""
    rng = np.random.default_rng(seed)
    volatility = (0.001, 0.003, 0.01, 0.02)[seed % 4]
    close = 100 * np.exp(np.cumsum(rng.normal(0, volatility, count)))
    opened = np.append(100, close[:-1]) * np.exp(rng.normal(0, volatility / 4, count))
    reach = np.abs(rng.normal(0, volatility / 2, (2, count)))
    high, low = np.maximum(opened, close) * np.exp(reach[0]), np.minimum(opened, close) * np.exp(-reach[1])
    volume = np.round(10_000 * np.exp(rng.normal(0, 0.5, count)))
    return BarSet("walk", interval, lay_out(count, interval), Prices(opened, high, low, close, volume))


def draw_plain(seed: int, positions: tuple[str, ...], exits: tuple[tuple[str, ...], ...], interval: str) -> Document:
    """Draw a strategy of one contract, without dates and costs."""
    rng = random.Random(seed)
    controls = Controls(
        position_type=rng.choice(positions), interval=interval, exits=rng.choice(exits), size="contracts"
    )
    document = draw_strategy(rng, controls)
    return {
        key: value
        for key, value in document.items()
        if key not in ("start_date", "end_date", "period", "trade_commissions")
    }


def differ(ours: list[OracleTrade], theirs: list[OracleTrade]) -> bool:
    """Tell whether two lists of trades are not the same, prices to 1e-9."""
    return len(ours) != len(theirs) or any(
        one[:3] != other[:3] or max(abs(one[3] - other[3]), abs(one[4] - other[4])) > 1e-9
        for one, other in zip(ours, theirs, strict=True)
    )


def iter_wickra(count: int) -> Iterator[tuple[Document, list[OracleTrade], list[OracleTrade]]]:
    """Give strategies with the trades of both engines."""
    sets = {(interval, seed): make_bars(seed, 1_600, interval) for interval in WAITS for seed in range(4)}
    seed = found = 0
    while found < count:
        seed += 1
        interval = ("1d", "1m")[seed % 2]
        bars = sets[interval, seed // 2 % 4]
        document = draw_plain(seed, ("LONG", "SHORT"), EXITS, interval)
        try:
            theirs = strategy_wickra.trade_document(document, bars, WAITS[interval])
        except StrategyError:
            continue
        ours = execute(strategy_wickra.start_after(document, bars, WAITS[interval]), bars)
        found += 1
        yield document, [OracleTrade(*each[:5]) for each in ours], theirs


def iter_tst(count: int) -> Iterator[tuple[Document, list[OracleTrade], list[OracleTrade]]]:
    """Give strategies with the trades of both engines; ours end as that one's do."""
    sets = [make_bars(seed, 260, "1d") for seed in range(4)]
    frames = [strategy_tst.frame_bars(bars) for bars in sets]
    seed = found = 0
    while found < count:
        seed += 1
        long = seed % 2
        positions = ("LONG",) if long else ("LONG", "SHORT", "LONG_SHORT_COMBINED")
        document = draw_plain(seed, positions, EXITS[:3] if long else ((),), "1d")
        try:
            text = write_tst(document)
        except StrategyError:
            continue
        if list_departures(document):
            continue
        bars = sets[seed // 2 % 4]
        last = len(bars) - 1
        ours = [
            OracleTrade(*each[:4], float(bars.prices.open[last]) if each.reason == "end" else each.exit_price)
            for each in execute(document, bars, TST)
            if each.entry_bar < last
        ]
        found += 1
        yield document, ours, strategy_tst.trade_text(text, frames[seed // 2 % 4])


@wickra
def test_wickra_trades_a_few_alike() -> None:
    assert [document for document, ours, theirs in iter_wickra(40) if differ(ours, theirs)] == []


@tst
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_reference_trades_a_few_alike() -> None:
    assert [document for document, ours, theirs in iter_tst(5) if differ(ours, theirs)] == []


@wickra
@pytest.mark.slow
def test_wickra_trades_2000_alike() -> None:
    trades, wrong = 0, []
    for document, ours, theirs in iter_wickra(2_000):
        trades += len(theirs)
        wrong += [document] if differ(ours, theirs) else []
    assert wrong == []
    assert trades > 20_000


@tst
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_reference_trades_1000_alike() -> None:
    trades, wrong = 0, []
    for document, ours, theirs in iter_tst(1_000):
        trades += len(theirs)
        wrong += [document] if differ(ours, theirs) else []
    assert wrong == []
    assert trades > 5_000

"""The bars on which two strategies are the same or are not: the sample's sessions, given ones, and six random walks.

Every set is taken as bars of the strategy's own interval, and dates are left out of account: a strategy for days shows
on minutes what it does as well. Strategies are the same if they trade the same on every set: the same entry and exit
bars, sides, prices and reasons. Money is no part of it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import polars as pl

from indicators.strategy.bar_set import BarSet, read_bar_set
from indicators.strategy.clock import lay_out
from indicators.strategy.executor import Trade, execute
from indicators.strategy.prices import Prices
from indicators.strategy.schema import DEFAULTS
from indicators.strategy.tree import Document, Path, delete_clause, iter_conditions

SAMPLE_SESSIONS = 3  # of every ticker, other ones for each: 1,170 bars
WALK_BARS = 1_000
VOLATILITIES = (0.002, 0.004, 0.008, 0.015, 0.03, 0.05)  # of a bar's log change
SEED = 20_240_101
LEFT_OUT = ("start_date", "end_date", "period")
DIGITS = 9  # significant ones of a price in a hash
FAIR_VOLUME = 10_000.0  # shares a bar of a random walk, the middle

Suite = Sequence[BarSet]


class Difference(NamedTuple):
    """The first trade by which two strategies differ: the set's name, the trade's number, each one's trade or None."""

    bars: str
    number: int
    one: Trade | None
    other: Trade | None


@cache
def load_suite() -> tuple[BarSet, ...]:
    """Return the suite that every installation has: the sample's tickers and six random walks."""
    sample = pl.read_parquet(str(files("gold_data.sample") / "bars.parquet"), glob=False)
    return (*cut_sessions(sample), *make_walks())


def cut_sessions(bars: pl.DataFrame) -> Iterator[BarSet]:
    """Give SAMPLE_SESSIONS sessions of every ticker, in order of tickers, each beginning where the one before ended."""
    for number, ((ticker,), own) in enumerate(sorted(bars.group_by("ticker"), key=lambda each: str(each[0]))):
        dated = own.with_columns(day=pl.col("timestamp").dt.date().rank("dense"))
        days = int(str(dated["day"].max()))
        first = number * SAMPLE_SESSIONS % max(days - SAMPLE_SESSIONS + 1, 1)
        chosen = dated.filter(pl.col("day").is_between(first + 1, first + SAMPLE_SESSIONS))
        yield read_bar_set(str(ticker), "1m", chosen)


def make_walks(seed: int = SEED) -> Iterator[BarSet]:
    """Give one seeded random walk for each of VOLATILITIES, prices in cents from 100 dollars on."""
    for number, volatility in enumerate(VOLATILITIES):
        rng = np.random.default_rng((seed, number))
        changes = rng.normal(-(volatility**2) / 2, volatility, WALK_BARS)
        close = 100 * np.exp(np.cumsum(changes))
        opened = np.append(100.0, close[:-1]) * np.exp(rng.normal(0, volatility / 5, WALK_BARS))
        reach = np.abs(rng.normal(0, volatility / 2, (2, WALK_BARS)))
        high, low = np.maximum(opened, close) * np.exp(reach[0]), np.minimum(opened, close) * np.exp(-reach[1])
        volume = np.round(FAIR_VOLUME * np.exp(rng.normal(0, 0.5, WALK_BARS)))
        cents = [np.maximum(np.round(values, 2), 0.01) for values in (opened, high, low, close)]
        prices = Prices(cents[0], cents[1], cents[2], cents[3], volume)
        yield BarSet(f"walk {volatility:.1%}", "1m", lay_out(WALK_BARS, "1m"), prices)


def trade_on(document: Document, bars: BarSet) -> list[Trade]:
    """Return the trades of a sound strategy on a set that is taken as bars of its interval, dates left out."""
    rules = {key: value for key, value in document.items() if key not in LEFT_OUT}
    return execute(rules, bars.at(document.get("interval", DEFAULTS["interval"])))


def hash_behaviour(document: Document, suite: Suite) -> str:
    """Return the SHA-256 of all that a strategy trades on a suite, 64 hex digits: equal for the same strategies."""
    digest = hashlib.sha256()
    for bars in suite:
        for trade in trade_on(document, bars):
            digest.update(_write_trade(trade).encode())
        digest.update(b"/")
    return digest.hexdigest()


def find_difference(one: Document, other: Document, suite: Suite) -> Difference | None:
    """Return the first trade by which two strategies differ on a suite; None where they are the same."""
    for bars in suite:
        ours, theirs = trade_on(one, bars), trade_on(other, bars)
        for number in range(max(len(ours), len(theirs))):
            pair = [trades[number] if number < len(trades) else None for trades in (ours, theirs)]
            if len({trade and _write_trade(trade) for trade in pair}) > 1:
                return Difference(bars.name, number, pair[0], pair[1])
    return None


def find_dead_clauses(document: Document, suite: Suite) -> Iterator[Path]:
    """Give the paths of all leaves and groups whose deletion changes no trade on the suite."""
    own = cache(lambda number: [trade[:6] for trade in trade_on(document, suite[number])])
    for path, _ in iter_conditions(document):
        if path[-1] == "condition":  # it goes with the `after` that holds it
            continue
        other = delete_clause(document, path)
        if all(own(number) == [trade[:6] for trade in trade_on(other, bars)] for number, bars in enumerate(suite)):
            yield path


def _write_trade(trade: Trade) -> str:
    prices = f"{trade.entry_price:.{DIGITS}g},{trade.exit_price:.{DIGITS}g}"
    return f"{trade.entry_bar},{trade.exit_bar},{trade.side},{prices},{trade.reason};"

"""Finds trades that are one another: rows that repeat another one, and numbers that are the same in every trade."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from verification.answers import Interval, bound_share, say_percent
from verification.delivery import DIGITS
from verification.settling import join_words
from verification.trades.features import FEATURES, measure_features

DUPLICATE_BAR = 0.2  # surely more than the gold can have, by this share: so many rows that add nothing are no chance
LEAST_ROWS = 30  # on either side; fewer may be one number by chance
OFTEN = 0.5  # of the gold that has one value: of fewer so many trades in a row are no chance, whatever their session
NUMBERS = {
    "entry_volatility_percent": "volatility at the entry",
    "worst_exit_percent": "worst exit",
    "best_exit_percent": "best exit",
    "trade_percent_change": "result",
    "holding_minutes": "holding time",
    "entry_minute": "time of day",
}  # all trades on one side are a trader's choice, which `numbers` counts


@dataclass(frozen=True)
class Same:
    """Shares of trades that repeat another one, and what is surely too much alike: in words, and as numbers."""

    duplicates: Interval
    own: Interval
    faults: tuple[str, ...]
    numbers: tuple[tuple[str, str], ...]


def measure_duplicates(trades: pl.DataFrame) -> Interval:
    """Measure the share of rows whose features all equal those of an earlier row."""
    if trades.is_empty():
        return Interval(float("nan"))
    rows = measure_features(trades).select((pl.col(name).round_sig_figs(DIGITS) + 0.0) for name in FEATURES)
    return bound_share(1.0 - rows.n_unique() / len(rows), len(rows))


def find_same(train: pl.DataFrame, synthetic: pl.DataFrame, controlled: Sequence[str]) -> Same:
    """Find how many trades repeat another one, and which numbers no trade has otherwise."""
    found, own = measure_duplicates(synthetic), measure_duplicates(train)
    faults, numbers = [], []
    if found.low - own.high > DUPLICATE_BAR:
        faults.append(f"{say_percent(found)} of the trades repeat another one, of the gold {own.value:.0%}.")
        numbers.append(("trades that repeat another one", say_percent(found)))
    if frozen := list_frozen(train, synthetic, controlled):
        are = "are" if len(frozen) > 1 else "is"
        said = f"{join_words(frozen)} {are} the same in all {len(synthetic):,} trades."
        faults.append(f"{said[0].upper()}{said[1:]}")
        numbers.append(("numbers that are the same in all trades", str(len(frozen))))
    return Same(found, own, tuple(faults), tuple(numbers))


def list_frozen(train: pl.DataFrame, synthetic: pl.DataFrame, controlled: Sequence[str]) -> list[str]:
    """List the numbers that are the same in every trade and not in the gold; those that controls set may be."""
    if min(len(train), len(synthetic)) < LEAST_ROWS:
        return []
    gold, made = measure_features(train), measure_features(synthetic)
    return [
        says
        for name, says in NUMBERS.items()
        if name not in controlled
        and made[name].n_unique() == 1
        and gold[name].value_counts()["count"].to_numpy().max() < OFTEN * len(gold)
    ]

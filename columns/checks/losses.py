"""Whether candidates are lost alike whatever their controls asked: what is left would else be no fair sample.

A model's habit that loses some rows only, such as times before 10:00 written in another form, skews what is accepted,
though the run ends well. The loss rate of each value of a control is held against the others by Pearson's chi-square
statistic, whose distribution under equal rates is drawn with the margins as they are (multivariate hypergeometric).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

NOT_NEEDED = "not needed, enough was accepted"
UNTRIED = (NOT_NEEDED, "not finished")  # in the reason of a candidate that was not lost, but never came to its end
MOST_VALUES = 12  # of a control with numbers; more are put into as many parts as PARTS
PARTS = 4
MOST_WORDS = 60  # values of a control with texts, beyond which each is too rare to tell
FEWEST_LOST = 5  # candidates, below which nothing is certain
RESAMPLES = 20_000
CHANCE = 0.001  # over all controls together: a difference as large comes of equal rates so seldom

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Losses:
    """How many candidates of each value of a control were lost; `chance` that equal rates bring such a difference."""

    control: str
    values: tuple[str, ...]
    candidates: tuple[int, ...]
    lost: tuple[int, ...]
    chance: float
    is_uneven: bool

    def say(self) -> str:
        """Say in one sentence which values lose most and least."""
        rates = [lost / count for lost, count in zip(self.lost, self.candidates, strict=True)]
        worst, best = max(range(len(rates)), key=rates.__getitem__), min(range(len(rates)), key=rates.__getitem__)
        ends = ", ".join(f"{self.lost[i]} of {self.candidates[i]} at {self.values[i]}" for i in (worst, best))
        return f"losses are uneven over {self.control}: {ends}; what is accepted is skewed by what was lost"


def count_losses(ledger: pl.LazyFrame, plans: pl.LazyFrame, controls: Sequence[str]) -> list[Losses]:
    """Count the candidates that were lost, over each control's values.

    Args:
        ledger: `row_id`, `status` and `reason` of every candidate.
        plans: `row_id` and the controls' values.
        controls: Their names; those that `plans` lack, and those with texts of too many kinds, are left out.
    """
    names = [name for name in controls if name in plans.collect_schema().names()]
    tried = ~pl.any_horizontal(pl.col("reason").fill_null("").str.contains(words, literal=True) for words in UNTRIED)
    ended = ledger.filter(tried).select("row_id", lost=pl.col("status") != "accepted")
    counts = [(name, _count_control(ended.join(plans, on="row_id"), name)) for name in names]
    told = [(name, count) for name, count in counts if count.height > 1]
    return [_weigh(name, count, CHANCE / len(told)) for name, count in told]


def _count_control(joined: pl.LazyFrame, name: str) -> pl.DataFrame:
    """Count candidates and losses by value; no rows where there are too many kinds of texts."""
    frame = joined.select(pl.col(name).alias("value"), "lost").drop_nulls().collect(engine="streaming")
    values = frame["value"]
    if values.n_unique() > MOST_VALUES and values.dtype.is_numeric():
        frame = frame.with_columns(value=_name_parts(values))
    elif values.dtype.is_nested() or values.n_unique() > MOST_WORDS:
        return frame.clear()
    grouped = frame.group_by(pl.col("value").cast(pl.String))
    return grouped.agg(candidates=pl.len().cast(pl.Int64), lost=pl.col("lost").sum().cast(pl.Int64)).sort("value")


def _name_parts(values: pl.Series) -> pl.Series:
    """Name the part of equal size that each number lies in."""
    numbers = values.to_numpy()
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, PARTS + 1)))
    names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    places = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(names) - 1)
    return pl.Series(values.name, names)[places]


def _weigh(name: str, counts: pl.DataFrame, limit: float) -> Losses:
    candidates, lost = counts["candidates"].to_numpy(), counts["lost"].to_numpy()
    chance = measure_chance(candidates, lost)
    values = tuple(counts["value"].to_list())
    return Losses(name, values, tuple(candidates.tolist()), tuple(lost.tolist()), chance, chance < limit)


def measure_chance(candidates: Counts, lost: Counts) -> float:
    """Measure how often equal rates bring losses as uneven as these, 0 to 1; 1 where there are too few to tell."""
    total, gone = int(candidates.sum()), int(lost.sum())
    if gone < FEWEST_LOST or gone == total:
        return 1.0
    expected = candidates * gone / total
    drawn = np.random.default_rng(0).multivariate_hypergeometric(candidates, gone, RESAMPLES)
    weight = candidates / (expected * (candidates - expected))  # of (lost - expected)^2: both cells of a value
    found, chances = ((np.square(counts - expected) * weight).sum(axis=-1) for counts in (lost, drawn))
    return float((1 + np.count_nonzero(chances >= found * (1 - 1e-12))) / (1 + RESAMPLES))


def say_uneven(losses: Sequence[Losses]) -> Iterator[str]:
    """Say which losses differ for certain."""
    return (each.say() for each in losses if each.is_uneven)


def describe_losses(losses: Sequence[Losses]) -> list[Mapping[str, Any]]:
    """Describe losses as plain data."""
    return [vars(each) for each in losses]

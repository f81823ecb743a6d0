"""How far two judgements of the same rows agree: Cohen's kappa, which chance alone leaves at 0."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

DRAWS = 1_000  # of the bootstrap; its seed is fixed, so that an interval repeats

Scores = NDArray[np.int64]


@dataclass(frozen=True)
class Kappa:
    """Agreement of one thing: kappa with its 95 % bootstrap interval, None where one side never varies."""

    name: str
    rows: int
    same: int
    kappa: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Agreement:
    """Old and new verdicts of the rows that were judged both times; `table` counts (old, new, rows)."""

    table: list[tuple[str, str, int]]
    kappas: list[Kappa]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {"table": self.table, "kappas": [vars(kappa) for kappa in self.kappas]}


def compare_verdicts(old: pl.DataFrame, new: pl.DataFrame, criteria: Sequence[str]) -> Agreement:
    """Compare two ledgers of the same candidates: accepted or not, and the scores of each criterion (weighted)."""
    both = old.join(new, on="row_id", suffix="_new", maintain_order="left")
    counted = both.group_by("status", "status_new").len().sort("status", "status_new")
    kappas = [measure_kappa("accepted", both["status"] == "accepted", both["status_new"] == "accepted")]
    for name in (name for name in criteria if name in old.columns):
        scored = both.select(name, f"{name}_new").drop_nulls()
        kappas.append(measure_kappa(name, scored[name], scored[f"{name}_new"]))
    return Agreement([(str(a), str(b), int(n)) for a, b, n in counted.rows()], kappas)


def measure_kappa(name: str, old: pl.Series, new: pl.Series) -> Kappa:
    """Measure kappa and its interval over rows drawn anew; weights are quadratic, of two values that is without any."""
    first, second = old.cast(pl.Int64).to_numpy(), new.cast(pl.Int64).to_numpy()
    same = int((first == second).sum())
    value = _find_kappa(first, second)
    if value is None:
        return Kappa(name, len(first), same, None, None, None)
    draw = np.random.default_rng(0)
    drawn = (draw.integers(0, len(first), len(first)) for _ in range(DRAWS))
    values = [found for at in drawn if (found := _find_kappa(first[at], second[at])) is not None]
    low, high = (float(bound) for bound in np.quantile(values, [0.025, 0.975]))
    return Kappa(name, len(first), same, value, low, high)


def _find_kappa(first: Scores, second: Scores) -> float | None:
    """Find kappa from the moments of both sides' ranks; None where both are one value, and chance agrees always."""
    labels = np.union1d(first, second)
    if len(labels) < 2:
        return None
    ranks, others = np.searchsorted(labels, first), np.searchsorted(labels, second)
    apart = float(np.square(ranks - others).mean())
    by_chance = float(ranks.var() + others.var() + (ranks.mean() - others.mean()) ** 2)
    return 1.0 - apart / by_chance

"""How far two judgements of the same rows agree: Cohen's kappa, which chance alone leaves at 0."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import cohen_kappa_score

DRAWS = 1_000  # of the bootstrap; its seed is fixed, so that an interval repeats


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
        kappas.append(measure_kappa(name, scored[name], scored[f"{name}_new"], weights="quadratic"))
    return Agreement([(str(a), str(b), int(n)) for a, b, n in counted.rows()], kappas)


def measure_kappa(name: str, old: pl.Series, new: pl.Series, weights: str | None = None) -> Kappa:
    """Measure kappa and its interval over rows drawn anew."""
    first, second = old.cast(pl.Int64).to_numpy(), new.cast(pl.Int64).to_numpy()
    same = int((first == second).sum())
    value = _find_kappa(first, second, weights)
    if value is None:
        return Kappa(name, len(first), same, None, None, None)
    draw = np.random.default_rng(0)
    drawn = (draw.integers(0, len(first), len(first)) for _ in range(DRAWS))
    values = [found for at in drawn if (found := _find_kappa(first[at], second[at], weights)) is not None]
    low, high = (float(bound) for bound in np.quantile(values, [0.025, 0.975]))
    return Kappa(name, len(first), same, value, low, high)


def _find_kappa(first: Any, second: Any, weights: str | None) -> float | None:
    """Find kappa in one pass over the table of both; None where both sides are one value, and chance agrees always."""
    labels = np.union1d(first, second)
    if len(labels) < 2:
        return None
    if weights is None and len(labels) == 2:
        return _find_binary_kappa(first == labels[1], second == labels[1])
    value = float(cohen_kappa_score(first, second, weights=weights))
    return value if math.isfinite(value) else None


def _find_binary_kappa(first: Any, second: Any) -> float | None:
    agreed, p, q = float((first == second).mean()), float(first.mean()), float(second.mean())
    chance = p * q + (1 - p) * (1 - q)
    return None if chance == 1 else (agreed - chance) / (1 - chance)

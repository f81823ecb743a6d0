"""Can both sides be of one law? Whole sessions and origins are given other labels, and all numbers tried at once.

1. `Sums.take`       every number as two sums per group of rows that belong together
2. `measure_gaps`    its difference between the sides, over its standard error (linearised ratio, between groups)
3. `test_families`   the greatest of a family's, held against that of relabelled groups; families by closed testing

Studentised permutation: Janssen 1997, Chung and Romano 2013 (right also where the sides' spreads differ). Greatest of
many at once: Westfall and Young 1993. Closed testing over families: Marcus, Peritz and Gabriel 1976. More of the chance
of a false alarm for what is asked first: Genovese, Roeder and Wasserman 2006.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from verification.answers import Matrix
from verification.trades.numbers.terms import CORE, LEADING, Term

RELABELLINGS = 3_999
ALPHA = 0.015  # over all families: twenty sets, each with a chance of 5%, would cry wolf once
CHUNK = 200  # relabellings at once, which keeps 10,000 groups in some megabytes
TINY = 1e-12
RIDGE = 0.3  # added to the spread of each gap, which is about 1: numbers that all but repeat another tell no more
LEAD = 6.0  # how much more of ALPHA goes to the number that is asked first than to each further look
FLOOR = 0.05  # of a number's usual variance that is added to its own, so that one with hardly any spread does not lead

Groups = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Sums:
    """Two weighted sums per group and term, shape (groups, terms)."""

    above: Matrix
    below: Matrix

    @classmethod
    def take(cls, terms: Sequence[Term], weights: Matrix, groups: Groups, told: Matrix | None = None) -> "Sums":
        """Add the rows up by group; groups are numbered from 0 without a gap.

        With `told`, what is known of each row beside the terms (rows, columns), a term's rows are taken less what that
        explains of them on both sides together: what weights have made alike moves no gap, and shall widen no error.
        """
        count = int(groups.max()) + 1
        above = [term.above if told is None else _take_off(term, weights, told) for term in terms]
        sides = (above, [term.below for term in terms])
        found = [
            np.column_stack([np.bincount(groups, weights=weights * row, minlength=count) for row in rows])
            for rows in sides
        ]
        return cls(found[0].astype(np.float64), found[1].astype(np.float64))


def _take_off(term: Term, weights: Matrix, told: Matrix) -> Matrix:
    """Take off what a linear regression on `told` explains, over the rows that the term counts."""
    rows = told * term.below[:, None]
    scaled = rows * weights[:, None]
    slopes = np.linalg.solve(scaled.T @ rows + TINY * len(rows) * np.eye(told.shape[1]), scaled.T @ term.above)
    return np.asarray(term.above - rows @ slopes)


@dataclass(frozen=True)
class Gaps:
    """Differences of gold and synthetic numbers: shape (relabellings, terms); NaN where a side has no such row."""

    gap: Matrix
    variance: Matrix


def measure_gaps(sums: Sums, is_gold: Mask) -> Gaps:
    """Measure synthetic less gold of each term, for each labelling of the groups, shape (labellings, groups)."""
    a, b = sums.above, sums.below
    parts = np.hstack([a, b, a * a, a * b, b * b, (b > 0.0).astype(np.float64)])
    total = parts.sum(axis=0)
    gold = is_gold.astype(np.float64) @ parts
    sides = [_measure_side(each, a.shape[1]) for each in (gold, total - gold)]
    return Gaps(sides[1][0] - sides[0][0], sides[0][1] + sides[1][1])


def _measure_side(sums: Matrix, terms: int) -> tuple[Matrix, Matrix]:
    """Measure each term of a side, and its variance between groups."""
    a, b, aa, ab, bb, groups = (sums[:, place * terms : (place + 1) * terms] for place in range(6))
    is_known = (b > 1e-9) & (groups > 1.5)
    whole = np.where(is_known, b, 1.0)
    value = np.where(is_known, a / whole, np.nan)
    squares = aa - 2.0 * value * ab + value**2 * bb
    spread = np.maximum(squares, 0.0) / whole**2 * groups / np.maximum(groups - 1.0, 1.0)
    return value, np.where(is_known, spread, np.nan)


@dataclass(frozen=True)
class Tested:
    """What came of testing: each term's gap over its error, adjusted chances by family, and the line for a gap alone.

    `line` is how many standard errors make the number that is asked first (without one, any number) off by itself.
    """

    gap: Matrix
    error: Matrix
    height: Matrix
    chance: Mapping[str, float]
    line: float


def test_families(
    sums: Sums, is_gold: Mask, terms: Sequence[Term], ends: Mapping[str, Sequence[Groups]], rng: np.random.Generator
) -> Tested:
    """Test every family of terms.

    Of a family, or of several together, some things are looked at: the gap of the number that is asked first; the
    greatest gap; all of them at once (squared, whitened by how they vary together when relabelled); the greatest of
    the core; and of `ends` how many of the outermost rows are of one side without a break, which is what is seen where
    one side was cut off. The rarest, the first counting LEAD times, is held against the rarest of every relabelling.

    Args:
        sums: Of the terms, by group.
        is_gold: Each group's side.
        terms: What is tested.
        ends: By family, groups of the outermost rows in an order that matters, the outermost first.
        rng: Draws the relabellings.
    """
    labels = np.vstack([is_gold, rng.permuted(np.tile(is_gold, (RELABELLINGS, 1)), axis=1)])
    own = measure_gaps(sums, labels[:1])
    drawn = _relabel(sums, labels[1:])
    runs = {
        family: np.min([_rank(_measure_run(labels[:, rows])) for rows in each], axis=0) for family, each in ends.items()
    }
    known = np.isfinite(drawn.variance)
    usual = np.where(known, drawn.variance, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    heights = np.vstack([_scale(each, FLOOR * usual) for each in (own, drawn)])
    counted = heights * np.array([term.counts for term in terms])
    families = np.array([term.family for term in terms])
    is_lead, is_core = (np.array([term.place <= place for term in terms]) for place in (LEADING, CORE))
    names = list(dict.fromkeys(families.tolist()))
    chance = dict.fromkeys(names, 0.0)
    share = 1.0
    for size in range(1, len(names) + 1):
        for chosen in combinations(names, size):
            is_own = np.isin(families, chosen)
            looks = [(-runs[name], 1.0) for name in chosen if name in runs]
            looks += [(_find_greatest(counted[:, is_own & is_core]), 1.0)] if (is_own & is_core).any() else []
            looks += [(_find_greatest(counted[:, is_own & is_lead]), LEAD)] if (is_own & is_lead).any() else []
            found, share = _measure_chance(counted[:, is_own], looks)
            chance |= {name: max(chance[name], found) for name in chosen}
    asked = counted[1:, is_lead] if is_lead.any() else counted[1:]
    line = float(np.quantile(_find_greatest(asked), 1.0 - ALPHA * share))
    return Tested(own.gap[0], np.sqrt(own.variance[0] + FLOOR * usual), heights[0], chance, line)


def _find_greatest(heights: Matrix) -> Matrix:
    return np.asarray(np.abs(heights).max(axis=1))


def _rank(look: Matrix) -> Matrix:
    """Rank labellings by how rare their look is, the rarest first; ties have the higher rank."""
    return np.asarray(rankdata(-look, method="max"))


def _scale(gaps: Gaps, floor: Matrix) -> Matrix:
    """Return gaps in standard errors; 0 where a side has no such row."""
    width = np.sqrt(gaps.variance + floor)
    height = np.divide(gaps.gap, width, out=np.zeros_like(width), where=width > TINY)
    return np.where(np.isfinite(height), height, 0.0)


def _measure_run(labels: Mask) -> Matrix:
    """Count how many rows from the first on have its label, of each labelling."""
    is_other = labels != labels[:, :1]
    return np.asarray(np.where(is_other.any(axis=1), is_other.argmax(axis=1), labels.shape[1]).astype(np.float64))


def _measure_chance(heights: Matrix, looks: Sequence[tuple[Matrix, float]]) -> tuple[float, float]:
    """Measure in which share of the labellings, the first being the true one, the gaps are as rare as the first's.

    Returns:
        That share, and which part of all looks the last one of `looks` is, as they count.
    """
    spread = np.cov(heights[1:].T).reshape(heights.shape[1], -1)
    whitened = np.linalg.solve(spread + RIDGE * np.eye(len(spread)), heights.T).T
    every = [(_find_greatest(heights), 1.0), ((heights * whitened).sum(axis=1), 1.0), *looks]
    rarest = np.min([_rank(look) / counts for look, counts in every], axis=0)
    return float(np.mean(rarest <= rarest[0])), every[-1][1] / sum(counts for _, counts in every)


def _relabel(sums: Sums, labels: Mask) -> Gaps:
    found = [measure_gaps(sums, labels[start : start + CHUNK]) for start in range(0, len(labels), CHUNK)]
    return Gaps(np.vstack([each.gap for each in found]), np.vstack([each.variance for each in found]))

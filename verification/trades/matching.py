"""Pairs gold with synthetic trades that agree in what a run's controls fixed, so that the rest can be compared.

A control draws a feature unlike the gold on purpose: volatility evenly over nine buckets, say. That is asked for and
no fault. What is compared is the law of everything else given such features, on pairs that share them.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from verification.answers import Matrix
from verification.trades.features import FEATURES, measure_features, straighten

CALIPER = 0.2  # standard deviations of the gold: nearer than that two trades count as equal in what is controlled
JITTER = 0.1  # of the caliper; rounded values would otherwise all want the same partner
ROUNDS = 40  # of proposals; few are left without a partner in reach after ten
APART = 1e3  # standard deviations between a buy and a short: only like pairs with like

Places = NDArray[np.int64]


def measure_sound(trades: pl.DataFrame) -> pl.DataFrame:
    """Measure features of the trades that have a session and finite numbers only; the others drop out."""
    is_sound = pl.all_horizontal(pl.col(FEATURES).is_finite().fill_null(value=False))
    return measure_features(trades).filter(is_sound, pl.col("session_date").is_not_null())


def match_trades(
    gold: pl.DataFrame, synthetic: pl.DataFrame, controlled: Sequence[str], rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pair rows of two feature tables one to one, row by row of the tables returned; no row is in two pairs.

    Without controlled features the pairs are drawn at random, as many as the smaller table has rows. With them the two
    of a pair differ by less than CALIPER in these, and the synthetic one is given the gold one's values, so that
    nothing can tell the sides apart by what was asked for.

    Args:
        gold: Features as `measure_sound` gives them.
        synthetic: Likewise.
        controlled: Names among FEATURES.
        rng: Draws the pairs, and who chooses first.
    """
    gold, synthetic = gold[rng.permutation(len(gold))], synthetic[rng.permutation(len(synthetic))]
    if not controlled:
        count = min(len(gold), len(synthetic))
        return gold.head(count), synthetic.head(count)
    if gold.is_empty() or synthetic.is_empty():
        return gold.clear(), synthetic.clear()
    left, right = _place_controlled(gold, synthetic, controlled)
    noise = JITTER * CALIPER
    chosen, partners = pair_nearest(
        left + rng.uniform(-noise, noise, left.shape), right + rng.uniform(-noise, noise, right.shape), CALIPER
    )
    kept = gold[chosen]
    return kept, synthetic[partners].with_columns(kept.select(controlled).get_columns())


def pair_nearest(left: Matrix, right: Matrix, farthest: float) -> tuple[Places, Places]:
    """Pair each left point with the nearest right point still free, if it is nearer than `farthest`.

    In each round every free left point proposes to its nearest free right point, and the nearest proposal wins.

    Returns:
        Row numbers of the left points and of their partners, sorted by the left.
    """
    free_left, free_right = np.arange(len(left)), np.arange(len(right))
    chosen: list[Places] = [free_left[:0]]
    partners: list[Places] = [free_right[:0]]
    for _ in range(ROUNDS):
        if not len(free_left) or not len(free_right):
            break
        gap, near = cKDTree(right[free_right]).query(left[free_left], distance_upper_bound=farthest)
        free_left, near, gap = (each[np.isfinite(gap)] for each in (free_left, near, gap))
        order = np.argsort(gap, kind="stable")
        wanted, first = np.unique(near[order], return_index=True)
        winners = order[first]
        chosen.append(free_left[winners])
        partners.append(free_right[wanted])
        free_left, free_right = np.delete(free_left, winners), np.delete(free_right, wanted)
    sides = np.concatenate(chosen), np.concatenate(partners)
    order = np.argsort(sides[0])
    return sides[0][order], sides[1][order]


def _place_controlled(gold: pl.DataFrame, synthetic: pl.DataFrame, controlled: Sequence[str]) -> tuple[Matrix, Matrix]:
    columns = [FEATURES.index(name) for name in controlled]
    left, right = straighten(gold)[:, columns], straighten(synthetic)[:, columns]
    spread = left.std(axis=0)
    unit = np.where(spread > 0.0, spread, 1.0)
    unit[[name == "is_short" for name in controlled]] = 1.0 / APART
    return left / unit, right / unit

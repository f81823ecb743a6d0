"""Classifier two-sample test: how well a classifier tells two sets of trades apart that it was not trained on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from verification.answers import Interval, Matrix

FOLDS = 5
LEAST_GROUPS = 6  # sessions on a side; with fewer, folds are no independent evidence
LEAST_ROWS = 40  # a side; below it a tree has hardly a split to make
WIDTH = 1.96  # standard errors in half a 95% interval

# The variance over test rows alone leaves out that other rows would have trained other classifiers. Nadeau and Bengio,
# Inference for the generalization error, Machine Learning 2003, add test / train rows to 1 / FOLDS; the measured spread
# of fresh draws agrees (0.06 where test rows alone say 0.04).
WIDENING = float(np.sqrt(1.0 + FOLDS / (FOLDS - 1.0)))

Groups = NDArray[np.int64]
Weights = tuple[Matrix, Matrix]


@dataclass(frozen=True)
class CrossFit:
    """Chances that a row is of the left set, each from a classifier that saw no row of its group.

    `left` and `right` are those of the two sets' rows, `models` the classifiers of the folds.
    """

    left: Matrix
    right: Matrix
    models: tuple[HistGradientBoostingClassifier, ...]

    def score(self, rows: Matrix) -> Matrix:
        """Return the mean chance over the folds' classifiers that other rows are of the left set."""
        return np.asarray(np.mean([model.predict_proba(rows)[:, 1] for model in self.models], axis=0))


def cross_fit(  # noqa: PLR0917, two sides, in that order
    left: Matrix,
    right: Matrix,
    left_groups: Groups,
    right_groups: Groups,
    rng: np.random.Generator,
    weights: Weights | None = None,
) -> CrossFit | None:
    """Train one small classifier per fold; rows of one group are in one fold, whichever their side.

    With `weights` of both sides' rows each side counts as much as the other.

    None where there are too few rows or groups for it (LEAST_ROWS, LEAST_GROUPS).
    """
    groups = np.concatenate([left_groups, right_groups])
    sizes = [(len(rows), len(np.unique(own))) for rows, own in ((left, left_groups), (right, right_groups))]
    if min(size[0] for size in sizes) < LEAST_ROWS or min(size[1] for size in sizes) < LEAST_GROUPS:
        return None
    rows = np.vstack([left, right])
    is_left = np.arange(len(rows)) < len(left)
    counts = None if weights is None else np.concatenate([each / each.mean() for each in weights])
    if counts is not None and (counts == counts[0]).all():
        counts = None  # the same trees, at a quarter of the time: weighted quantiles are found one by one
    names, numbers = np.unique(groups, return_inverse=True)
    fold = rng.permutation(np.arange(len(names)) % FOLDS)[numbers]
    chances, models = np.full(len(rows), 0.5), []
    for held in range(FOLDS):
        train = fold != held
        if len(np.unique(is_left[train])) < 2 or train.all():
            continue
        models.append(build_classifier().fit(rows[train], is_left[train], None if counts is None else counts[train]))
        chances[~train] = models[-1].predict_proba(rows[~train])[:, 1]
    return CrossFit(chances[is_left], chances[~is_left], tuple(models)) if models else None


def build_classifier() -> HistGradientBoostingClassifier:
    """Small on purpose: with some hundred rows a deeper or longer one learns the rows by heart."""
    return HistGradientBoostingClassifier(max_iter=60, max_depth=3, max_bins=64, early_stopping=False, random_state=0)


def measure_auc(
    left: Matrix, right: Matrix, left_groups: Groups, right_groups: Groups, weights: Weights | None = None
) -> Interval:
    """Measure the chance that a left row has the greater value than a right one, ties by half; 0.5 is none the wiser.

    The interval allows for rows of one group being alike: Obuchowski, Nonparametric analysis of clustered ROC curve
    data, Biometrics 1997, which without groups is DeLong's, widened by WIDENING. NaN without rows on a side.
    """
    if not len(left) or not len(right):
        return Interval(np.nan)
    count = len(left)
    shares = [each / each.sum() for each in weights or (np.ones(count), np.ones(len(right)))]
    above = share_below(left, right, shares[1])
    below = 1.0 - share_below(right, left, shares[0])
    value = float(shares[0] @ above)
    groups, numbers = np.unique(np.concatenate([left_groups, right_groups]), return_inverse=True)
    if len(groups) < 2:
        return Interval(value)
    sums = [
        np.bincount(places, weights=(placed - value) * share, minlength=len(groups))
        for places, placed, share in ((numbers[:count], above, shares[0]), (numbers[count:], below, shares[1]))
    ]
    groups_left, groups_right = (len(np.unique(places)) for places in (numbers[:count], numbers[count:]))
    variance = (
        _inflate(groups_left) * np.sum(sums[0] ** 2)
        + _inflate(groups_right) * np.sum(sums[1] ** 2)
        + 2.0 * _inflate(len(groups)) * np.sum(sums[0] * sums[1])
    )
    error = WIDTH * WIDENING * float(np.sqrt(max(variance, 0.0)))
    return Interval(value, max(value - error, 0.0), min(value + error, 1.0))


def share_below(values: Matrix, others: Matrix, shares: Matrix) -> Matrix:
    """Return the weighted share of the others below each value, ties by half."""
    order = np.argsort(others, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(shares[order])])
    ends = [np.searchsorted(others[order], values, side=side) for side in ("left", "right")]
    return np.asarray((total[ends[0]] + total[ends[1]]) / 2.0)


def _inflate(groups: int) -> float:
    return groups / (groups - 1) if groups > 1 else 1.0

"""What a run's controls set is not held against it: like is compared with like, by weights.

A control draws volatility over nine values, say, or the part of the session. That is asked for, and no fault; what the
trades are like given it is the generator's. So rows of both sides are weighted until each bucket has one share on both
(overlap weights: Li, Morgan and Zaslavsky 2018), and only what the control sets is waived:

- a number that a control checks with a tolerance: its buckets lie around the declared values,
- a feature that a control ties to no field, but whose values the trades show it to set (`session_period`: the time of
  day): its buckets are the ranges that the trades have there,
- a label (direction, ticker) only where its declared shares are not the gold's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from designer_configs.compile.controls import Control
from verification.answers import Matrix
from verification.delivery import declare_shares
from verification.trades.features import measure_features

STEPS = 12  # of Newton's method, which has converged after eight
RIDGE = 1e-3  # rows: keeps the slopes finite where a bucket is nearly of one side
SMALLEST = 1e-9
APART = 0.05  # a declared share that differs from the gold's by less is the gold's
LEAST_SHOWN = 5  # rows of each value of a control that is tied to no field, before its buckets can be seen
STRAYING = 0.05  # of such rows may lie in the bucket of another value: a control is asked for, not always kept
SHOWN_BY = ("entry_minute", "entry_volatility_percent")  # what a control without a field may set before a trade is open

Places = NDArray[np.int64]
LABELS = {"trade_type": "is_short", "ticker": "ticker"}
NUMBERS = {"entry_volatility_percent": "entry_volatility_percent"}


@dataclass(frozen=True)
class Waived:
    """A feature whose shares a control sets: bucket edges of a number, inner ones only, or None for a label.

    `reach` are the ends beyond which the control asks for nothing; `is_inside` where the value inside a bucket is the
    control's too, as that of a number near its declared value is.
    """

    feature: str
    control: str
    edges: tuple[float, ...] | None = None
    reach: tuple[float, float] = (-np.inf, np.inf)
    is_inside: bool = False


def find_waived(controls: Sequence[Control], gold: pl.DataFrame, synthetic: pl.DataFrame) -> tuple[Waived, ...]:
    """Find what the controls of a run set of its trades, one entry a feature."""
    found: dict[str, Waived] = {}
    for control in controls:
        rule = control.check or control.match
        each = _waive_field(control, rule, gold) if rule else _waive_shown(control, synthetic)
        if each is not None:
            found.setdefault(each.feature, each)
    return tuple(found.values())


def _waive_field(control: Control, rule: dict[str, object], gold: pl.DataFrame) -> Waived | None:
    declared, field = declare_shares(control), str(rule["field"])
    if field in LABELS:
        own = gold[field].cast(pl.String)
        shares = np.array([float(np.mean((own == str(value)).to_numpy())) for value in declared.values])
        is_golds = not declared.values or bool(np.abs(shares - declared.shares).max() < APART)
        return None if is_golds else Waived(LABELS[field], control.name)
    if field not in NUMBERS:
        return None
    values = sorted(float(value) for value in declared.values if not isinstance(value, str))
    if len(values) < 2:
        return Waived(NUMBERS[field], control.name, (), is_inside=True)
    room = [values[1] - values[0], values[-1] - values[-2]]
    edges = tuple((low + high) / 2.0 for low, high in pairwise(values))
    return Waived(NUMBERS[field], control.name, edges, (values[0] - room[0], values[-1] + room[1]), is_inside=True)


def _waive_shown(control: Control, synthetic: pl.DataFrame) -> Waived | None:
    """Find the feature that a control without a field divides, each of its values having a range of its own."""
    if control.name not in synthetic.columns or synthetic.is_empty():
        return None
    features = measure_features(synthetic).with_columns(synthetic[control.name].cast(pl.String).alias("asked"))
    for feature in SHOWN_BY:
        told = features.select("asked", pl.col(feature).alias("value")).filter(pl.col("value").is_finite())
        groups = told.group_by("asked").agg(pl.len(), pl.col("value").median().alias("middle")).sort("middle")
        if groups.height < 2 or (groups["len"] < LEAST_SHOWN).any():
            continue
        place = {name: number for number, name in enumerate(groups["asked"])}
        asked = told["asked"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
        value = told["value"].to_numpy()
        edges = tuple(_split_best(value, asked, number) for number in range(1, len(place)))
        if float(np.mean(np.searchsorted(edges, value, side="right") != asked)) <= STRAYING:
            return Waived(feature, control.name, edges)
    return None


def _split_best(value: Matrix, asked: Places, number: int) -> float:
    """Return the value that parts rows asked for less than `number` from the others with the fewest on a wrong side."""
    order = np.argsort(value, kind="stable")
    is_upper = (asked[order] >= number).astype(np.int64)
    wrong = np.concatenate([[0], np.cumsum(is_upper)]) + (
        len(value) - is_upper.sum() - np.concatenate([[0], np.cumsum(1 - is_upper)])
    )
    cut = int(np.clip(wrong.argmin(), 1, len(value) - 1))
    return float((value[order[cut - 1]] + value[order[cut]]) / 2.0)


def weigh_sides(gold: pl.DataFrame, synthetic: pl.DataFrame, waived: Sequence[Waived]) -> tuple[Matrix, Matrix]:
    """Weigh rows of both sides so that what is waived has one law on both; the mean weight of a side is 1.

    Overlap weights (Li, Morgan and Zaslavsky 2018): a row counts as its chance to be of the other side, told from what
    is waived. Both sides then have equal bucket shares and means, no row counts much, and no other weights leave the
    difference of two means a smaller variance. Rows in buckets that the other side has none of, or out of the
    control's reach, weigh 0: nothing can be said of them. All ones where nothing is waived; all zeros where no bucket
    has rows of both.
    """
    if not waived or not len(gold) or not len(synthetic):
        return np.ones(len(gold)), np.ones(len(synthetic))
    is_met = [np.ones(len(gold), dtype=np.bool_), np.ones(len(synthetic), dtype=np.bool_)]
    for each in waived:
        own, made = sort_in(gold, each), sort_in(synthetic, each)
        is_met[0] &= np.isin(own, made) & (own >= 0)
        is_met[1] &= np.isin(made, own) & (made >= 0)
    if not is_met[0].any() or not is_met[1].any():
        return np.zeros(len(gold)), np.zeros(len(synthetic))
    told = describe_waived(gold.filter(is_met[0]), synthetic.filter(is_met[1]), waived)
    is_made = np.arange(len(told)) >= is_met[0].sum()
    chance = _tell_sides(told, is_made)
    sides = np.zeros(len(gold)), np.zeros(len(synthetic))
    for side, mask, weight in zip(sides, is_met, (chance[~is_made], 1.0 - chance[is_made]), strict=True):
        side[mask] = weight * len(side) / weight.sum()
    return sides


def describe_waived(gold: pl.DataFrame, synthetic: pl.DataFrame, waived: Sequence[Waived]) -> Matrix:
    """Describe rows of both sides by what is waived: one, a column per further bucket, and values that are set too.

    Shape (gold and synthetic rows, columns); a column of ones alone where nothing is waived.
    """
    columns = [np.ones(len(gold) + len(synthetic))]
    for each in waived:
        bucket = np.concatenate([sort_in(side, each) for side in (gold, synthetic)])
        columns += [(bucket == name).astype(np.float64) for name in np.unique(bucket)[1:]]
        if each.is_inside:
            value = np.concatenate([measure_features(side)[each.feature].to_numpy() for side in (gold, synthetic)])
            rank = np.log(np.maximum(value, SMALLEST))
            columns.append((rank - rank.mean()) / max(float(rank.std()), SMALLEST))
    return np.column_stack(columns)


def _tell_sides(told: Matrix, is_made: NDArray[np.bool_]) -> Matrix:
    """Return each row's chance to be synthetic, by a logistic regression (Newton's method)."""
    slopes = np.zeros(told.shape[1])
    for _ in range(STEPS):
        chance = expit(told @ slopes)
        rise = told.T @ (is_made - chance) - RIDGE * slopes
        slopes += np.linalg.solve((told.T * (chance * (1.0 - chance))) @ told + RIDGE * np.eye(len(slopes)), rise)
    return np.asarray(expit(told @ slopes))


def sort_in(trades: pl.DataFrame, waived: Waived) -> Places:
    """Number the bucket of each trade; -1 out of the control's reach, or where the value is unknown."""
    if waived.edges is None:
        column = trades["ticker"] if waived.feature == "ticker" else trades["trade_type"]
        return np.asarray(column.cast(pl.String).hash().to_numpy() % np.uint64(2**20)).astype(np.int64)
    value = measure_features(trades)[waived.feature].to_numpy()
    with np.errstate(invalid="ignore"):
        is_in = (value >= waived.reach[0]) & (value <= waived.reach[1])
    return np.where(is_in, np.searchsorted(waived.edges, value, side="right"), -1)


def count_effective(weights: Matrix) -> float:
    """Count how many rows of equal weight tell as much (Kish 1965): the squared sum over the sum of squares."""
    total = float((weights**2).sum())
    return float(weights.sum()) ** 2 / total if total > 0.0 else 0.0

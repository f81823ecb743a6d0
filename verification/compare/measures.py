"""What two runs came to, number by number: each with the interval of its difference, and what that tells."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import binomtest, norm, ttest_ind

from verification.answers import Interval
from verification.compare.sides import Side
from verification.funnel import count_funnel

Judgement = Literal["better", "worse", "cannot be told"]
ERROR = 0.05  # that any one of the measures that decide tells a difference where there is none


@dataclass(frozen=True)
class Measure:
    """A number of both runs and of their difference, the second less the first.

    The intervals of the two are of 95 %, that of the difference is wider by the number of measures that decide: all
    together tell a difference where there is none in 5 % of cases. `unit` is `share`, `score` or `tokens`.
    """

    name: str
    unit: Literal["share", "score", "tokens"]
    before: Interval
    after: Interval
    difference: Interval
    judgement: Judgement
    decides: bool


def measure_sides(before: Side, after: Side) -> list[Measure]:
    """Measure what can be compared: scores, and acceptance which hangs on them, where the same judge gave them."""
    shares = dict(_list_shares(before, after))
    criteria = before.profile.dataset.criteria if before.rubric == after.rubric else ()
    scores = {name: _pick_scores(before, after, name) for name in criteria}
    scores = {name: pair for name, pair in scores.items() if min(map(len, pair)) > 1}
    level = 1 - ERROR / max(1, len(shares) + len(scores))
    return [
        *(compare_shares(name, *counts, level) for name, counts in shares.items()),
        *(compare_scores(name, *pair, level) for name, pair in scores.items()),
        *compare_tokens(before, after),
    ]


Counts = tuple[tuple[int, int], tuple[int, int]]  # so many of so many, on either side


def _list_shares(before: Side, after: Side) -> Iterator[tuple[str, Counts]]:
    funnels = [dict(count_funnel(side.ledger)) for side in (before, after)]
    names = [("usable answers", "generated", "candidates")]
    if before.profile.dataset.checks == after.profile.dataset.checks:
        names.append(("passed the checks at once", "passed the checks at once", "generated"))
    for name, part, whole in names:
        counts = [(funnel.get(part, 0), funnel.get(whole, 0)) for funnel in funnels]
        if all(total for _, total in counts):
            yield name, (counts[0], counts[1])
    if before.rubric == after.rubric and before.profile.acceptance == after.profile.acceptance:
        counts = [(side.accepted, side.ledger.height) for side in (before, after)]
        if all(total for _, total in counts):
            yield "accepted", (counts[0], counts[1])


def _pick_scores(before: Side, after: Side, name: str) -> tuple[pl.Series, pl.Series]:
    first, second = (side.ledger[name].drop_nulls() for side in (before, after))
    return first, second


def compare_shares(name: str, before: tuple[int, int], after: tuple[int, int], level: float) -> Measure:
    """Compare two shares by Newcombe's interval of their difference, which is made of Wilson's intervals of each."""
    first, second = (bound_share(*counts, level) for counts in (before, after))
    low = math.hypot(second.value - second.low, first.high - first.value)
    high = math.hypot(second.high - second.value, first.value - first.low)
    gap = second.value - first.value
    difference = Interval(gap, gap - low, gap + high)
    shown = [bound_share(*counts, 0.95) for counts in (before, after)]
    return Measure(name, "share", shown[0], shown[1], difference, judge(difference), decides=True)


def bound_share(count: int, total: int, level: float) -> Interval:
    """Bound a share by Wilson's interval."""
    bounds = binomtest(count, total).proportion_ci(level, method="wilson")
    return Interval(count / total, float(bounds.low), float(bounds.high))


def compare_scores(name: str, before: pl.Series, after: pl.Series, level: float) -> Measure:
    """Compare two means by Welch's interval of their difference."""
    first, second = before.to_numpy(), after.to_numpy()
    gap = float(second.mean() - first.mean())
    if np.ptp(first) == np.ptp(second) == 0:  # every score is the same: there is nothing to vary
        difference = Interval(gap, gap, gap)
    else:
        bounds = ttest_ind(second, first, equal_var=False).confidence_interval(level)
        difference = Interval(gap, float(bounds.low), float(bounds.high))
    means = [_bound_mean(values) for values in (first, second)]
    return Measure(f"{name}, mean", "score", means[0], means[1], difference, judge(difference), decides=True)


def _bound_mean(values: NDArray[Any]) -> Interval:
    mean, half = float(np.mean(values)), 1.96 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def compare_tokens(before: Side, after: Side) -> Iterator[Measure]:
    """Compare the tokens per accepted row, where the providers said them; dearer is not worse, and decides nothing."""
    first, second = (bound_tokens(side) for side in (before, after))
    if first is not None and second is not None:
        gap = second.value - first.value
        low = math.hypot(second.value - second.low, first.high - first.value)
        difference = Interval(gap, gap - low, gap + math.hypot(second.high - second.value, first.value - first.low))
        judged = judge(replace(difference, value=-gap, low=-difference.high, high=-difference.low))
        yield Measure("tokens per accepted row", "tokens", first, second, difference, judged, decides=False)


def bound_tokens(side: Side) -> Interval | None:
    """Bound the ratio of tokens to accepted rows over candidates, by its linear approximation."""
    ledger = side.ledger
    tokens = (ledger["prompt_tokens"] + ledger["completion_tokens"]).to_numpy()
    if not side.accepted or np.isnan(tokens.astype(float)).any() or len(tokens) < 2:
        return None
    accepted = (ledger["status"] == "accepted").to_numpy().astype(float)
    ratio = float(tokens.sum() / accepted.sum())
    spread = float(np.std(tokens - ratio * accepted, ddof=1)) / (math.sqrt(len(tokens)) * float(accepted.mean()))
    half = float(norm.ppf(0.975)) * spread
    return Interval(ratio, ratio - half, ratio + half)


def judge(difference: Interval) -> Judgement:
    """Tell which way a difference goes whose interval leaves zero out; more is better."""
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "cannot be told"

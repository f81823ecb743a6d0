"""How well the exit model tells held-out trades, with intervals by their sessions, and the rule read off them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import t as student

from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Interval, Matrix, Verdict
from verification.trades.exit_model.model import LEAST_SESSIONS, Examples, Labels, Lens
from verification.trades.yardstick import Yardstick

BOOTSTRAPS = 500
BINS = 5  # of the reliability curve, of equally many trades
STRICT = 0.99  # of intervals that give a bad name: a false alarm costs a good run, and several are read per run
KEPT = 0.5  # of what gold teaches, that other trades must teach too to stand in for it
UNKNOWN = "unknown"  # what could not be measured, in words


def measure_log_loss(reached: Labels, chances: Matrix) -> Matrix:
    """Return the log loss of every trade, nats."""
    return -np.log(np.where(reached == 1, chances, 1.0 - chances))


@dataclass(frozen=True)
class Sessions:
    """Intervals over tested trades by a bootstrap of their sessions, for trades of one session depend on each other.

    The interval is the estimate and Student's t (sessions - 1 degrees of freedom) times the bootstrap's standard
    deviation, widened by sqrt(n / (n - 1)): percentiles of so few sessions would be too narrow. All estimates share
    their draws, so a difference of two models is paired.
    """

    days: Labels
    seed: int

    @cached_property
    def places(self) -> Labels:
        """Number of each trade's session, from 0."""
        return np.unique(self.days, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def count(self) -> int:
        """Number of sessions."""
        return len(np.unique(self.days))

    @cached_property
    def draws(self) -> Matrix:
        """How often each bootstrap has each session: shape (BOOTSTRAPS, sessions)."""
        if not self.count:
            return np.zeros((BOOTSTRAPS, 0))
        even = np.full(self.count, 1.0 / self.count)
        return np.random.default_rng(self.seed).multinomial(self.count, even, BOOTSTRAPS).astype(np.float64)

    @property
    def stretch(self) -> float:
        """How much wider a STRICT interval is than a 95% one."""
        wide, narrow = (float(student.ppf(0.5 + 0.5 * level, max(self.count - 1, 1))) for level in (STRICT, 0.95))
        return wide / narrow

    def add_up(self, values: Matrix) -> Matrix:
        """Add up values of trades by bootstrap: shape (BOOTSTRAPS,)."""
        return np.asarray(self.draws @ np.bincount(self.places, weights=values, minlength=self.count))

    def estimate_mean(self, values: Matrix, more_error: float = 0.0) -> Interval:
        """Estimate the mean of values of trades; `more_error` is a standard error from elsewhere, added in squares."""
        if not len(values):
            return Interval(math.nan)
        return self.widen(float(np.mean(values)), self.add_up(values) / self.add_up(np.ones(len(values))), more_error)

    def widen(self, value: float, drawn: Matrix, more_error: float = 0.0) -> Interval:
        """Put the interval around an estimate; `drawn` are the bootstraps', NaN where they have none."""
        drawn = drawn[np.isfinite(drawn)]
        if self.count < LEAST_SESSIONS or len(drawn) < BOOTSTRAPS / 2 or not math.isfinite(value):
            return Interval(value)
        error = math.hypot(float(np.std(drawn)) * math.sqrt(self.count / (self.count - 1)), more_error)
        reach = float(student.ppf(0.975, self.count - 1)) * error
        return Interval(value, value - reach, value + reach)


@dataclass(frozen=True)
class Bench:
    """Gold as the exit model sees it: what it is trained on for comparison, and what every model is tested on."""

    lens: Lens
    train: Examples
    holdout: Examples
    sessions: Sessions

    @classmethod
    def take(cls, yardstick: Yardstick) -> "Bench":
        """Take the yardstick's gold; the work is done once."""
        return yardstick.once("exit bench", lambda: cls._build(yardstick))

    @classmethod
    def _build(cls, yardstick: Yardstick) -> "Bench":
        lens = Lens.fit(yardstick.train)
        holdout = lens.take(yardstick.holdout)
        seed = int(yardstick.make_rng("exit sessions").integers(2**31))
        return cls(lens, lens.take(yardstick.train), holdout, Sessions(holdout.sessions, seed))


@dataclass(frozen=True)
class Scores:
    """How well chances were told: less is better but for `auc`, where 0.5 is a coin, and `told_apart`.

    `told_apart` is the mean chance told to trades that reached the target less that told to those that did not, 0 where
    nothing is known (Tjur's coefficient of discrimination, The American Statistician 63, 2009). `bias` is the mean told
    less the share that reached.
    `calibration_error` is the mean distance of told and reached over the bins of `curve`, weighted by trades; by luck
    alone it is above 0. `curve` has one entry per bin: mean chance, share that reached, trades.
    """

    log_loss: Interval
    brier: Interval
    auc: Interval
    told_apart: Interval
    bias: Interval
    calibration_error: Interval
    told: float
    reached: float
    curve: tuple[tuple[float, float, int], ...]


def score_chances(tested: Examples, chances: Matrix, sessions: Sessions) -> Scores:
    """Score told chances against what the tested trades did."""
    error, curve = _measure_calibration(tested.reached, chances, sessions)
    has_trades = len(tested) > 0
    return Scores(
        log_loss=sessions.estimate_mean(measure_log_loss(tested.reached, chances)),
        brier=sessions.estimate_mean((chances - tested.reached) ** 2),
        auc=measure_auc(tested.reached, chances, sessions),
        told_apart=sessions.widen(*measure_apart(tested.reached, chances, sessions)),
        bias=sessions.estimate_mean(chances - tested.reached),
        calibration_error=error,
        told=float(np.mean(chances)) if has_trades else math.nan,
        reached=float(np.mean(tested.reached)) if has_trades else math.nan,
        curve=curve,
    )


def measure_apart(reached: Labels, chances: Matrix, sessions: Sessions) -> tuple[float, Matrix]:
    """Measure the mean chance of trades that reached less that of the others: its value, and that of every bootstrap.

    It is linear in the chances, so differences of models are differences of these. NaN where one kind is missing.
    """
    ends = []
    for kind in (reached, 1 - reached):
        total, drawn = float((kind * chances).sum()), sessions.add_up(kind * chances)
        count, counts = float(kind.sum()), sessions.add_up(kind.astype(np.float64))
        drawn = np.where(counts > 0.0, drawn / np.where(counts > 0.0, counts, 1.0), np.nan)
        ends.append((total / count if count else math.nan, drawn))
    return ends[0][0] - ends[1][0], np.asarray(ends[0][1] - ends[1][1])


def measure_auc(reached: Labels, chances: Matrix, sessions: Sessions) -> Interval:
    """Measure how often a trade that reached is told a greater chance than one that did not; ties count a half.

    Unknown where the trades are of one kind.
    """
    if len(np.unique(reached)) < 2:
        return Interval(math.nan)
    order = np.argsort(chances, kind="stable")
    ordered = chances[order]
    first, last = (np.searchsorted(ordered, ordered, side=side) for side in ("left", "right"))
    kinds = reached[order] == 1

    def rank(weights: Matrix) -> Matrix:
        hits, misses = np.where(kinds, weights, 0.0), np.where(kinds, 0.0, weights)
        below = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(misses, axis=1)], axis=1)
        won = (hits * 0.5 * (below[:, first] + below[:, last])).sum(axis=1)
        pairs = hits.sum(axis=1) * misses.sum(axis=1)
        return np.asarray(np.where(pairs > 0.0, won / np.where(pairs > 0.0, pairs, 1.0), np.nan))

    value = float(rank(np.ones((1, len(reached))))[0])
    found = sessions.widen(value, rank(sessions.draws[:, sessions.places[order]]))
    return Interval(value, max(found.low, 0.0), min(found.high, 1.0)) if found.is_known else found


def _measure_calibration(
    reached: Labels, chances: Matrix, sessions: Sessions
) -> tuple[Interval, tuple[tuple[float, float, int], ...]]:
    if not len(reached):
        return Interval(math.nan), ()
    edges = np.unique(np.quantile(chances, np.linspace(0.0, 1.0, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, chances, side="left")
    found = [bins == each for each in np.unique(bins)]
    excess = chances - reached
    drawn = sum(np.abs(sessions.add_up(np.where(inside, excess, 0.0))) for inside in found)
    error = sum(abs(float(excess[inside].sum())) for inside in found) / len(reached)
    found_error = sessions.widen(error, np.asarray(drawn) / sessions.add_up(np.ones(len(reached))))
    interval = Interval(error, max(found_error.low, 0.0), found_error.high) if found_error.is_known else found_error
    curve = tuple((float(chances[inside].mean()), float(reached[inside].mean()), int(inside.sum())) for inside in found)
    return interval, curve


@dataclass(frozen=True)
class Contrast:
    """How a model trained on synthetic trades does on held-out gold, between one taught nothing and one by gold.

    In chances told apart (see Scores): `knows` is the synthetic-trained model's own, `taught` gold's less nothing's,
    `kept` what is left of it above KEPT: synthetic less nothing less KEPT x `taught`. In log loss, nats: `short` is
    synthetic less gold less KEPT x (nothing less gold), `behind_nothing` and `behind_gold` plain differences. All
    are paired by the held-out sessions. `stretch` times a 95% interval's width is that of a STRICT one.
    """

    knows: Interval
    taught: Interval
    kept: Interval
    short: Interval
    behind_nothing: Interval
    behind_gold: Interval
    stretch: float

    def surely_above(self, interval: Interval) -> bool:
        """Whether an interval is above 0 as a STRICT one; unknown ones are not."""
        return interval.value - self.stretch * (interval.value - interval.low) > 0.0

    def surely_below(self, interval: Interval) -> bool:
        """Whether an interval is below 0 as a STRICT one; unknown ones are not."""
        return interval.value + self.stretch * (interval.high - interval.value) < 0.0

    @property
    def is_worse_than_nothing(self) -> bool:
        """Whether the model is surely further off than one taught nothing, and than gold's."""
        return self.surely_above(self.behind_nothing) and self.surely_above(self.behind_gold)

    @property
    def keeps_less(self) -> bool:
        """Whether it surely tells apart less than KEPT of what gold teaches."""
        return self.surely_below(self.kept)


@dataclass(frozen=True)
class Finding:
    """What one way of training says: verdict and why, what it and gold tell apart in words, and metrics."""

    verdict: Verdict
    reason: str
    level: str
    gold_level: str
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """Chances told to the tested trades, and the log loss of each; means over models where there were several."""

    chances: Matrix
    losses: Matrix


def contrast_models(
    tested: Examples, sessions: Sessions, *, synthetic: Told, gold: Told, nothing: Told, spread: float = 0.0
) -> Contrast:
    """Compare three models on the same trades; `spread` is the standard error of `kept` from repeated training."""
    (own, owns), (best, bests), (least, leasts) = (
        measure_apart(tested.reached, told.chances, sessions) for told in (synthetic, gold, nothing)
    )
    kept = own - least - KEPT * (best - least)
    behind, gain = synthetic.losses - gold.losses, nothing.losses - gold.losses
    return Contrast(
        knows=sessions.widen(own, owns),
        taught=sessions.widen(best - least, bests - leasts),
        kept=sessions.widen(kept, owns - leasts - KEPT * (bests - leasts), spread),
        short=sessions.estimate_mean(behind - KEPT * gain),
        behind_nothing=sessions.estimate_mean(behind - gain),
        behind_gold=sessions.estimate_mean(behind),
        stretch=sessions.stretch,
    )


def judge_contrast(contrast: Contrast) -> Verdict:
    """Read the verdict off the intervals, by the rule that question.py states; unknown intervals decide nothing."""
    if contrast.is_worse_than_nothing:
        return NOISE
    if not contrast.taught.low > 0.0:
        return CANNOT_TELL
    if contrast.keeps_less or contrast.surely_above(contrast.short):
        return UNDERFIT if contrast.knows.low > 0.0 else NOISE
    return GOOD if contrast.kept.low > 0.0 else CANNOT_TELL


def explain_contrast(verdict: Verdict, contrast: Contrast, reach: str, nothing: str) -> str:
    """Say in a sentence why the verdict is what it is.

    Args:
        verdict: What `judge_contrast` gave.
        contrast: What it was given.
        reach: What is told of held-out trades, such as "that reach +0.6%".
        nothing: What the model was taught that knew nothing.
    """
    knows, taught = (_round_off(100.0 * each.value, 1) for each in (contrast.knows, contrast.taught))
    measured = (
        f"held-out trades {reach} are told a chance {knows} percentage points above the others', where gold teaches "
        f"{taught} above what {nothing} does"
    )
    if verdict == GOOD:
        return f"Trained on them, the model keeps surely more than half of what gold teaches: {measured}."
    if contrast.is_worse_than_nothing:
        further = f"its log loss is {write_loss(contrast.behind_nothing)} above that of {nothing}"
        return f"Trained on them, the model is surely further off on held-out trades than without: {further}."
    if not contrast.taught.low > 0.0:
        spans = f"gold itself teaches {write_points(contrast.taught)} percentage points more than {nothing}"
        return f"So few held-out trades do not show that there is anything to learn: {spans}, which may be luck."
    if verdict == CANNOT_TELL:
        return f"Neither more nor less than half of what gold teaches is sure: {measured}."
    if contrast.keeps_less:
        return f"Trained on them, the model keeps surely less than half of what gold teaches: {measured}."
    further = f"its log loss is {write_loss(contrast.behind_gold)} above that of gold"
    return f"Trained on them, the model states chances that are surely further off than gold's: {further}."


def write_points(interval: Interval) -> str:
    """Write chances, which run from 0 to 1, as percentage points."""
    ends = (100.0 * end for end in (interval.value, interval.low, interval.high))
    return write_rounded(Interval(*ends), 1) if interval.is_known else UNKNOWN


def write_loss(interval: Interval) -> str:
    """Write a difference of log loss, nats."""
    return write_rounded(interval, 3)


def write_rounded(interval: Interval, digits: int) -> str:
    """Write an estimate and its interval with so many decimals."""
    if not math.isfinite(interval.value):
        return UNKNOWN
    value, low, high = (_round_off(end, digits) for end in (interval.value, interval.low, interval.high))
    return f"{value} [{low}, {high}]" if interval.is_known else value


def _round_off(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0 takes the sign off -0.0

"""Which arm tells held-out trades better, and what follows.

An arm's loss of a trade is its mean squared error over `log_best` and `log_worst`, in deviations of the gold's train
part, averaged over the starts. Two arms are compared on the same trades: the mean difference with a Student interval
whose unit is the session, for trades of a day share its weather.

| the first that holds | verdict |
|---|---|
| fewer than 200 gold trades have a whole context, or fewer than 8 sessions are held out | `cannot tell` |
| synthetic first is surely worse than gold alone | `hurts` |
| it is not surely better | `no gain` |
| synthetic alone is not surely better than the gold's mean | `no gain` |
| synthetic first is not likely better than every control | `no gain` |
| otherwise | `helps` |

Surely: the one-sided 95% bound of the difference lies beyond 0; likely: the 90% bound does. Gold alone is what a gain
is measured from; as strict a bound for every control besides asks for several lucky draws at once. Outcomes that
contradict the gold's can help all the same: a network takes from their contexts what volatility is, and a new head
turns the rest around. Such a set tells nothing by itself, and that is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from verification.answers import CANNOT_TELL, HELPS, HURTS, NO_GAIN, Interval, Matrix, Verdict
from verification.transfer.arms import GOLD_ONLY

LEAST_GOLD, LEAST_SESSIONS = 200, 8
SURELY, LIKELY = 0.05, 0.1  # one-sided: the intervals are the two-sided ones of 90% and 80%


def compare_losses(losses: Matrix, others: Matrix, sessions: Matrix, level: float = SURELY) -> Interval:
    """Return by how much the first losses lie below the second, with the interval over sessions.

    Losses have shape (trades,), NaN where a trade cannot be told. The error of the mean is the clustered one,
    sqrt(G / (G - 1) * sum over sessions of (sum of residuals)^2) / n, with G - 1 degrees of freedom; `level` of
    its mass lies beyond either bound.
    """
    gains = others - losses
    known = np.isfinite(gains)
    gains, sessions = gains[known], sessions[known]
    days, place = np.unique(sessions, return_inverse=True)
    if len(days) < 2:
        return Interval(np.nan)
    mean = float(gains.mean())
    sums = np.bincount(place, weights=gains - mean)
    error = float(np.sqrt(len(days) / (len(days) - 1) * np.sum(sums**2))) / len(gains)
    half = float(t.ppf(1.0 - level, len(days) - 1)) * error
    return Interval(mean, mean - half, mean + half)


@dataclass(frozen=True)
class Gains:
    """By how much the transfer's loss lies below that of gold alone and of each control.

    `law` is by how much the loss of a network that read the synthetic trades alone lies below that of the gold's mean.
    Bounds of `alone` and `law` are sure, those of `controls` likely.
    """

    alone: Interval
    controls: Mapping[str, Interval]
    law: Interval

    def of(self, arm: str) -> Interval | None:
        """Return the gain over gold alone or a control; None for any other arm."""
        return self.alone if arm == GOLD_ONLY else self.controls.get(arm)


def decide_transfer(gains: Gains, gold: int, sessions: int) -> tuple[Verdict, str]:
    """Say what synthetic windows, read first, are good for; the rule is this module's table.

    Args:
        gains: What was measured; controls are those that know trades.
        gold: Gold trades with a whole context, train and held-out.
        sessions: Held-out sessions.
    """
    if gold < LEAST_GOLD:
        return CANNOT_TELL, f"{gold} gold trades have 60 bars before them; {LEAST_GOLD} are needed"
    if sessions < LEAST_SESSIONS:
        return CANNOT_TELL, f"{sessions} held-out sessions have trades with 60 bars before; {LEAST_SESSIONS} are needed"
    if gains.alone.high < 0.0:
        return HURTS, "A network that read the synthetic trades first tells held-out gold worse than from gold alone."
    lack = _find_lack(gains)
    if lack:
        return NO_GAIN, lack
    return HELPS, "Read first, the synthetic trades help to tell held-out gold, and no control does as well."


def _find_lack(gains: Gains) -> str | None:
    if not gains.alone.low > 0.0:
        return "Held-out gold is told no better for having read the synthetic trades first."
    if not gains.law.low > 0.0:
        return (
            "Better than from gold alone, but the synthetic trades alone tell it no better than the gold's mean does."
        )
    equal = ", ".join(name for name, gain in gains.controls.items() if not gain.low > 0.0)
    return f"Better than from gold alone, but so does what holds none of its law: {equal}." if equal else None

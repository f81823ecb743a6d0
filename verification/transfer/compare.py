"""Which arm tells held-out trades better, and what follows.

An arm's loss of a trade is its mean squared error over `log_best` and `log_worst`, in deviations of the gold's train
part, averaged over the starts. Two arms are compared on the same trades: the mean difference with a Student interval
whose unit is the session, for trades of a day share its weather.

| the first that holds | verdict |
|---|---|
| fewer than 200 gold trades have a whole context, or fewer than 8 sessions are held out | `cannot tell` |
| synthetic first is surely worse than gold alone | `hurts` |
| it is surely better than gold alone and than every control | `helps` |
| otherwise | `no gain` |

Surely: the one-sided 95% bound of the difference lies beyond 0.
"""

from collections.abc import Mapping

import numpy as np
from scipy.stats import t

from verification.answers import CANNOT_TELL, HELPS, HURTS, NO_GAIN, Interval, Matrix, Verdict
from verification.transfer.arms import GOLD_ONLY

LEAST_GOLD, LEAST_SESSIONS = 200, 8
LEVEL = 0.05  # one-sided: the interval is the two-sided one of 90%


def compare_losses(losses: Matrix, others: Matrix, sessions: Matrix) -> Interval:
    """Return by how much the first losses lie below the second, with the 90% interval over sessions.

    Losses have shape (trades,), NaN where a trade cannot be told. The error of the mean is the clustered one,
    sqrt(G / (G - 1) * sum over sessions of (sum of residuals)^2) / n, with G - 1 degrees of freedom.
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
    half = float(t.ppf(1.0 - LEVEL, len(days) - 1)) * error
    return Interval(mean, mean - half, mean + half)


def decide_transfer(gains: Mapping[str, Interval], gold: int, sessions: int) -> tuple[Verdict, str]:
    """Say what synthetic windows, read first, are good for; the rule is this module's table.

    Args:
        gains: By how much the transfer's loss lies below another arm's: gold alone, and each control that knows trades.
        gold: Gold trades with a whole context, train and held-out.
        sessions: Held-out sessions.
    """
    if gold < LEAST_GOLD:
        return CANNOT_TELL, f"{gold} gold trades have 60 bars before them; {LEAST_GOLD} are needed"
    if sessions < LEAST_SESSIONS:
        return CANNOT_TELL, f"{sessions} held-out sessions have trades with 60 bars before; {LEAST_SESSIONS} are needed"
    alone = gains[GOLD_ONLY]
    if alone.high < 0.0:
        return HURTS, "A network that read the synthetic trades first tells held-out gold worse than from gold alone."
    beaten = [name for name, gain in gains.items() if gain.low > 0.0]
    if len(beaten) == len(gains):
        return HELPS, "Read first, the synthetic trades help to tell held-out gold, and no control does as well."
    if alone.low <= 0.0:
        return NO_GAIN, "Held-out gold is told no better for having read the synthetic trades first."
    equal = ", ".join(name for name in gains if name not in beaten)
    return NO_GAIN, f"Better than from gold alone, but so does what holds none of its law: {equal}."

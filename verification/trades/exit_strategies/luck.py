"""How much of a search for the best strategy is luck: PBO and deflated Sharpe ratio, repeated on halves of sessions.

A search tries every strategy of a book on the same sessions, keeps the one with the highest Sharpe ratio, and counts
what it tried; strategies that are alike count as fewer. It sees half of the sessions, so it is more of a gamble than
one of them all. Sharpe ratios are per session, of the mean net percent of its trades, and not annualised.
"""

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import ffn
import numpy as np
from numpy.typing import NDArray
from scipy.stats import kurtosis, norm, skew

from indicators.replay import Percents
from verification.answers import Interval, Matrix

REPEATS = 50
SEARCHED = "half of the sessions, drawn anew for every search, with about half as many trades as the gold"
BLOCKS = 6  # of sessions: PBO goes through all 20 ways to search on half of them
LEAST_SESSIONS = 4 * BLOCKS  # so that a block of half of the sessions has two
LEAST_KNOWN = 0.5  # share of repeats that must have a value for an interval to be stated

Sessions = NDArray[np.int64]


@dataclass
class Luck:
    """What searches found: `pbo` and `deflated_sharpe` are probabilities, one per search, NaN where undefined.

    `independent` is as how many independent trials those of a search count.
    """

    trials_per_search: int
    pbo: list[float] = field(default_factory=list)
    deflated_sharpe: list[float] = field(default_factory=list)
    independent: list[float] = field(default_factory=list)
    searches: int = 0
    trials: int = 0

    def search(self, returns: Matrix) -> None:
        """Look for the best strategy, and count; `returns` has shape (sessions, strategies), sessions in order."""
        self.searches += 1
        self.trials += returns.shape[1]
        sharpes = measure_sharpes(returns)
        is_known = np.isfinite(sharpes)
        self.pbo.append(measure_pbo(returns[:, is_known]))
        self.independent.append(count_independent(returns[:, is_known]))
        best = int(np.argmax(np.where(is_known, sharpes, -np.inf)))
        self.deflated_sharpe.append(deflate_sharpe(returns[:, best], sharpes[is_known], self.independent[-1]))


def repeat_search(percents: Percents, sessions: Sessions, rows: int, rng: np.random.Generator) -> Luck:
    """Search REPEATS times, each on a random half of the sessions and about as many trades as half of `rows`.

    Args:
        percents: Shape (strategies, trades).
        sessions: The session of each trade, numbered in order of time.
        rows: Number of trades to thin the trades to before a half is taken; no more are made of fewer.
        rng: Draws halves and trades.

    Returns:
        No search where there are fewer than LEAST_SESSIONS sessions.
    """
    luck = Luck(len(percents))
    present = np.unique(sessions)
    if len(present) < LEAST_SESSIONS:
        return luck
    for _ in range(REPEATS):
        half = rng.permutation(present)[: len(present) // 2]
        is_used = np.isin(sessions, half) & (rng.random(len(sessions)) < rows / len(sessions))
        luck.search(average_by_session(percents[:, is_used], sessions[is_used]))
    return luck


def describe_luck(luck: Luck) -> dict[str, Any]:
    """Name the counts of a search, and its intervals from repeats."""
    return {
        "is_of": SEARCHED,
        "pbo": spread_of_repeats(luck.pbo),
        "deflated_sharpe": spread_of_repeats(luck.deflated_sharpe),
        "trials_per_search": luck.trials_per_search,
        "independent_trials": spread_of_repeats(luck.independent),
        "searches": luck.searches,
        "trials": luck.trials,
    }


def average_by_session(percents: Percents, sessions: Sessions) -> Matrix:
    """Average the percents of each session's trades: shape (sessions, strategies), in order of sessions."""
    order = np.argsort(sessions, kind="stable")
    starts = np.flatnonzero(np.diff(sessions[order], prepend=-1))
    if not len(starts):
        return np.empty((0, len(percents)))
    counts = np.diff(starts, append=len(sessions))
    return (np.add.reduceat(percents[:, order].astype(np.float64), starts, axis=1) / counts).T


def measure_sharpes(returns: Matrix) -> Matrix:
    """Return mean / standard deviation of each column; NaN where it does not vary or has fewer than 3 rows."""
    sharpes = np.full(returns.shape[1], np.nan)
    if len(returns) >= 3:
        varies = np.ptp(returns, axis=0) > 1e-9
        sharpes[varies] = returns[:, varies].mean(axis=0) / returns[:, varies].std(axis=0, ddof=1)
    return sharpes


def measure_pbo(returns: Matrix) -> float:
    """Return the probability of backtest overfitting; NaN where it is undefined.

    It is the share of ways to search on half of the blocks in which the best strategy is no better than the median on
    the other half. ffn gives the same at twenty times the cost.

    Source: Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of Backtest Overfitting" (2017).
    """
    trials = returns.shape[1]
    if len(returns) < 2 * BLOCKS or trials < 2:
        return np.nan
    blocks = returns[: len(returns) // BLOCKS * BLOCKS].reshape(BLOCKS, -1, trials)
    halves = [blocks[list(half)].reshape(-1, trials) for half in combinations(range(BLOCKS), BLOCKS // 2)]
    if any((np.ptp(half, axis=0) == 0).any() for half in halves):
        return np.nan
    sharpes = np.stack([half.mean(axis=0) / half.std(axis=0, ddof=1) for half in halves])
    others = sharpes[::-1]  # combinations come so that the last is the first one's complement
    best = np.take_along_axis(others, sharpes.argmax(axis=1)[:, None], axis=1)
    ranks = (others < best).sum(axis=1) + ((others == best).sum(axis=1) + 1) / 2
    return float(np.mean(ranks <= (trials + 1) / 2))


def count_independent(returns: Matrix) -> float:
    """Count as how many independent trials strategies count: all where none is like another, 1 where all are one.

    The more alike, the fewer: r + (1 - r) * trials, r being their mean correlation. NaN where there is no trial.

    Source: Bailey and Lopez de Prado, "The Deflated Sharpe Ratio" (2014), on the number of independent trials.

    Args:
        returns: Shape (sessions, strategies); each strategy varies.
    """
    trials = returns.shape[1]
    if trials < 2:
        return float(trials) if trials else np.nan
    placed = (returns - returns.mean(axis=0)) / returns.std(axis=0)
    whole = float(np.mean(placed.sum(axis=1) ** 2))  # all correlations, those of each with itself among them
    alike = min(max((whole - trials) / (trials * (trials - 1)), 0.0), 1.0)
    return float(alike + (1.0 - alike) * trials)


def deflate_sharpe(returns: Matrix, sharpes: Matrix, trials: float) -> float:
    """Return the probability that a Sharpe ratio beats what the best of so many trials has by chance; NaN: undefined.

    With as many trials as there are `sharpes` it is ffn's.

    Source: Bailey and Lopez de Prado, "The Deflated Sharpe Ratio" (2014).

    Args:
        returns: One per session, of the strategy that was chosen.
        sharpes: Of all strategies that were tried.
        trials: As how many independent ones they count.
    """
    if len(returns) < 4 or len(sharpes) < 2 or np.ptp(returns) <= 1e-9:
        return np.nan
    sharpe = float(returns.mean() / returns.std(ddof=1))
    hurdle = float(ffn.calc_expected_max_sharpe(trials, sharpes.std(ddof=1)))
    tails = 1.0 - skew(returns, bias=False) * sharpe + (kurtosis(returns, bias=False) + 2.0) / 4.0 * sharpe**2
    return float(norm.cdf((sharpe - hurdle) * np.sqrt((len(returns) - 1) / tails))) if tails > 0.0 else np.nan


def spread_of_repeats(values: list[float] | Matrix) -> Interval:
    """Return the mean of repeats and the bounds that hold 95% of them; unknown where too few have a value."""
    known = np.asarray(values)[np.isfinite(values)]
    if not len(known) or len(known) < LEAST_KNOWN * len(values):
        return Interval(np.nan)
    return Interval(float(known.mean()), *(float(bound) for bound in np.percentile(known, [2.5, 97.5])))

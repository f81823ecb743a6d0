"""The table of a trader's numbers: gold, synthetic, their difference with its interval, and from which n it is seen.

Every number is a function of rows and their weights, so that resampling is one call: whole gold sessions, and whole
origins of synthetic rows, with putting back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from verification.answers import Interval, Matrix
from verification.trades.numbers.terms import PATH, RESULT, SIDE_NAMES, TIME, Columns, find_tickers

RESAMPLES = 300
SEEN = 0.84  # standard normal quantile of 4 times of 5
SURE = 1.96
STRETCH = 20  # consecutive trades in which the longest losing run is sought: a longer log has longer ones

Groups = NDArray[np.int64]
PERCENT, VOLATILITIES, SHARE, MINUTES, RATIO, RANK, COUNT = (
    "%",
    "x volatility",
    "share",
    "min",
    "ratio",
    "rank",
    "count",
)


@dataclass(frozen=True)
class Number:
    """One line of the table; `seen_from` is the n of either side from which so large a difference is seen 4 times of 5.

    `unit` is one of %, x volatility, share, min, ratio, rank, count.
    """

    key: str
    says: str
    family: str
    unit: str
    gold: Interval
    synthetic: Interval
    difference: Interval
    seen_from: int | None


@dataclass(frozen=True)
class Side:
    """Rows of a side with their weights, and which tell the same; `order` is that of the entries."""

    rows: Columns
    weights: Matrix
    groups: Groups
    sessions: Groups
    order: Groups

    @classmethod
    def take(cls, rows: Columns, trades: pl.DataFrame, weights: Matrix, groups: Groups) -> "Side":
        """Take a side of a trade table."""
        sessions = trades["session_date"].rank("dense").cast(pl.Int64).to_numpy() - 1
        order = trades["entry_time"].to_physical().to_numpy().argsort(kind="stable")
        return cls(rows, weights, groups, sessions, order)

    def resample(self, rng: np.random.Generator) -> Matrix:
        """Return weights of RESAMPLES resamples of whole groups, the rows' own first: shape (1 + RESAMPLES, rows)."""
        count = int(self.groups.max()) + 1
        drawn = rng.multinomial(count, np.full(count, 1.0 / count), RESAMPLES).astype(np.float64)
        return np.asarray(np.vstack([np.ones(count), drawn])[:, self.groups] * self.weights)


def tabulate_numbers(gold: Side, synthetic: Side, rng: np.random.Generator) -> list[Number]:
    """Measure every number on both sides, with 95% intervals of the differences by resampling."""
    is_gold = np.arange(len(gold.weights) + len(synthetic.weights)) < len(gold.weights)
    tickers = find_tickers(np.concatenate([gold.rows.ticker, synthetic.rows.ticker]), is_gold)
    found = [measure_side(side, side.resample(rng), tickers) for side in (gold, synthetic)]
    size = min(len(gold.weights), len(synthetic.weights))
    return [
        _compare(key, (found[0][key][2], found[1][key][2]), size, *found[0][key][:2], found[0][key][3])
        for key in found[0]
    ]


def _compare(key: str, drawn: tuple[Matrix, Matrix], size: int, says: str, family: str, unit: str) -> Number:  # noqa: PLR0917
    gap = drawn[1] - drawn[0]
    own = [_span(values) for values in drawn]
    difference = _span(gap)
    spread = float(np.nanstd(gap[1:])) if np.isfinite(gap[1:]).sum() > RESAMPLES / 2 else float("nan")
    seen = None
    if np.isfinite(spread) and abs(difference.value) > 0.0:
        needed = size * ((SURE + SEEN) * spread / abs(difference.value)) ** 2
        seen = int(np.ceil(needed)) if needed < 1e6 else None
    return Number(key, says, family, unit, own[0], own[1], difference, seen)


def _span(values: Matrix) -> Interval:
    """Return the first value, and 95% of what the resamples vary around their own mean."""
    if not np.isfinite(values[0]) or np.isfinite(values[1:]).sum() < RESAMPLES / 2:
        return Interval(float(values[0]) if np.isfinite(values[0]) else float("nan"))
    low, high = np.nanquantile(values[1:], (0.025, 0.975))
    return Interval(float(values[0]), float(min(low, values[0])), float(max(high, values[0])))


def measure_side(side: Side, weights: Matrix, tickers: list[str]) -> Mapping[str, tuple[str, str, Matrix, str]]:
    """Measure every number for each row of weights: by key its words, family, values and unit."""
    found = {}
    for key, says, family, values, unit in [*_measure_results(side.rows, weights), *_measure_rest(side, weights)]:
        found[key] = (says, family, values, unit)
    rows = side.rows
    parts = [(SIDE_NAMES["buy"], 1.0 - rows.is_short), (SIDE_NAMES["short"], rows.is_short)]
    parts += [(ticker, (rows.ticker == ticker).astype(np.float64)) for ticker in tickers]
    for name, is_in in parts:
        found[f"share_{name}"] = (f"share of {name}", RESULT, _mean(weights, is_in), SHARE)
        found[f"win_rate_{name}"] = (f"win rate, {name}", RESULT, _ratio(weights, rows.is_win * is_in, is_in), SHARE)
        found[f"mean_{name}"] = (f"mean result, {name}", RESULT, _ratio(weights, rows.change * is_in, is_in), PERCENT)
    return found


def _measure_results(rows: Columns, weights: Matrix) -> Iterator[tuple[str, str, str, Matrix, str]]:
    win, loss, change = rows.is_win, rows.is_loss, rows.change
    mean_win, mean_loss = _ratio(weights, change * win, win), _ratio(weights, change * loss, loss)
    mean = _mean(weights, change)
    yield "win_rate", "win rate", RESULT, _mean(weights, win), SHARE
    yield "mean_result", "mean result", RESULT, mean, PERCENT
    yield (
        "mean_in_volatilities",
        "mean result, in volatilities",
        RESULT,
        _mean(weights, rows.in_volatilities),
        VOLATILITIES,
    )
    yield "mean_win", "mean win", RESULT, mean_win, PERCENT
    yield "mean_loss", "mean loss", RESULT, mean_loss, PERCENT
    yield "payoff", "payoff (mean win / mean loss)", RESULT, _divide(mean_win, -mean_loss), RATIO
    gained, lost = weights @ (change * win), -(weights @ (change * loss))
    yield "profit_factor", "profit factor", RESULT, _divide(gained, lost), RATIO
    yield "expectancy", "expectancy, in mean losses", RESULT, _divide(mean, -mean_loss), RATIO
    yield "worst_results", "5% worst results, from", RESULT, _quantile(change, weights, 0.05), PERCENT


def _measure_rest(side: Side, weights: Matrix) -> Iterator[tuple[str, str, str, Matrix, str]]:
    rows = side.rows
    yield "worst_excursion", "median worst excursion", PATH, _quantile(rows.worst, weights, 0.5), PERCENT
    yield "best_excursion", "median best excursion", PATH, _quantile(rows.best, weights, 0.5), PERCENT
    yield "kept", "share of the best move kept, winners", PATH, _ratio(weights, rows.kept, rows.is_win), SHARE
    yield "at_best", "winners that leave at the very best", PATH, _ratio(weights, rows.is_at_best, rows.is_win), SHARE
    yield "worst_with_best", "worst with best (rank)", PATH, _correlate(rows.worst, rows.best, weights), RANK
    yield "held", "holding time, median", TIME, _quantile(rows.held, weights, 0.5), MINUTES
    spread = _quantile(rows.held, weights, 0.75) - _quantile(rows.held, weights, 0.25)
    yield "held_spread", "holding time, middle half spans", TIME, spread, MINUTES
    yield "result_with_holding", "result with holding (rank)", TIME, _correlate(rows.change, rows.held, weights), RANK
    yield "trades_per_session", "trades per session", TIME, _count_sessions(side, weights), COUNT
    yield "losing_run", f"longest losing run in {STRETCH} trades", TIME, _measure_runs(side, weights), COUNT


def _mean(weights: Matrix, values: Matrix) -> Matrix:
    return _divide(weights @ values, weights.sum(axis=1))


def _ratio(weights: Matrix, above: Matrix, below: Matrix) -> Matrix:
    return _divide(weights @ above, weights @ below)


def _divide(above: Matrix, below: Matrix) -> Matrix:
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=np.abs(below) > 1e-12))


def _quantile(values: Matrix, weights: Matrix, share: float) -> Matrix:
    """Return the weighted quantile of each row of weights."""
    order = values.argsort(kind="stable")
    total = np.cumsum(weights[:, order], axis=1)
    place = (total < share * total[:, -1:]).sum(axis=1)
    return np.asarray(np.where(total[:, -1] > 0.0, values[order][np.minimum(place, len(values) - 1)], np.nan))


def _correlate(left: Matrix, right: Matrix, weights: Matrix) -> Matrix:
    """Return Spearman's correlation, ranks being those of all rows."""
    a, b = (np.asarray(pl.Series(each).rank().to_numpy()) for each in (left, right))
    means = [_mean(weights, each) for each in (a, b, a * a, b * b, a * b)]
    spreads = (means[2] - means[0] ** 2) * (means[3] - means[1] ** 2)
    return _divide(means[4] - means[0] * means[1], np.sqrt(np.maximum(spreads, 0.0)))


def _count_sessions(side: Side, weights: Matrix) -> Matrix:
    """Count rows over sessions; resampled where the groups are the sessions, else one value and no interval."""
    sizes = np.bincount(side.sessions)
    if len(np.unique(np.column_stack([side.sessions, side.groups]), axis=0)) == len(sizes):
        first = np.unique(side.sessions, return_index=True)[1]
        base = np.where(side.weights[first] > 0.0, side.weights[first], 1.0)
        drawn = weights[:, first] / base
        drawn[0] = 1.0
        return _divide(drawn @ sizes.astype(np.float64), drawn.sum(axis=1))
    found = np.full(len(weights), np.nan)
    found[0] = sizes.mean()
    return found


def _measure_runs(side: Side, weights: Matrix) -> Matrix:
    """Measure the mean over stretches of STRETCH consecutive trades of the longest run of losses in them."""
    lost = side.rows.is_loss[side.order]
    count = len(lost) // STRETCH
    if not count:
        return np.full(len(weights), np.nan)
    stretches = lost[: count * STRETCH].reshape(count, STRETCH)
    run, longest = np.zeros(count), np.zeros(count)
    for column in stretches.T:
        run = (run + 1.0) * column
        longest = np.maximum(longest, run)
    own = weights[:, side.order][:, : count * STRETCH].reshape(len(weights), count, STRETCH).mean(axis=2)
    own[0] = 1.0
    return _divide(own @ longest, own.sum(axis=1))

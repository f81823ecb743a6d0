"""What is tested: every number as the ratio of two sums over rows, so that one matrix product tries a relabelling."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import norm, rankdata

from verification.answers import Matrix
from verification.trades.features import measure_features

RESULT, PATH, TIME = "result", "path", "time"
LEADING, CORE, FURTHER = 0, 1, 2
NOISES = ("beside shuffled columns", "beside even spread")
AT_BEST = 0.0101  # percent from the best price at which a winner left at it: percents are rounded to two decimals
TAILS = (0.015, 0.025, 0.035, 0.05, 0.1)  # of the pooled results, from below; the last two from above as well
DETAIL = 0.85  # by which gaps of parts count less: of so many sides and tickers one is always somewhat off
LIKE_PARTS = 10  # of rows in the order of their volatility
NEIGHBOURS = 5
MOST_TICKERS = 8
LEAST_OF_TICKER = 0.05  # of either side's rows; of a rarer ticker a few trades say nothing
SIDE_NAMES = {"buy": "longs", "short": "shorts"}


Mask = NDArray[np.bool_]
Names = NDArray[np.object_]


@dataclass(frozen=True)
class Term:
    """A number to be tested: its family, words for it, and the sums whose ratio it is, one entry a row.

    `counts` is what its gap counts beside those of the others. `place` says when a trader asks for it: LEADING is
    asked first, and CORE next; those are looked at by themselves too.
    """

    family: str
    says: str
    above: Matrix
    below: Matrix
    counts: float = 1.0
    place: int = FURTHER


@dataclass(frozen=True)
class Columns:
    """What of each trade is counted: percents, minutes, and which rows are what."""

    change: Matrix
    volatility: Matrix
    worst: Matrix
    best: Matrix
    held: Matrix
    minute: Matrix
    is_short: Matrix
    ticker: Names

    @property
    def is_win(self) -> Matrix:
        """1 where the trade gained."""
        return (self.change > 0.0).astype(np.float64)

    @property
    def is_loss(self) -> Matrix:
        """1 where the trade lost."""
        return (self.change < 0.0).astype(np.float64)

    @property
    def in_volatilities(self) -> Matrix:
        """Results in multiples of the volatility at the entry."""
        return np.asarray(self.change / np.maximum(self.volatility, 1e-3))

    @property
    def is_at_best(self) -> Matrix:
        """1 where a winner left at the best price that it ever had."""
        return np.asarray(self.is_win * (self.change >= self.best - AT_BEST))

    @property
    def kept(self) -> Matrix:
        """Share of the best move that a winner kept, 0 to 1; 0 of others."""
        share = np.divide(self.change, self.best, out=np.zeros(len(self.change)), where=self.best > 0.0)
        return np.asarray(np.clip(share, 0.0, 1.0) * self.is_win)


def read_columns(trades: pl.DataFrame) -> Columns:
    """Read what is counted from a trade table without unknown values."""
    told = measure_features(trades)
    names = (
        "trade_percent_change",
        "entry_volatility_percent",
        "worst_exit_percent",
        "best_exit_percent",
        "holding_minutes",
        "entry_minute",
        "is_short",
    )
    ticker = trades["ticker"].cast(pl.String).to_numpy().astype(object)
    change, volatility, worst, best, held, minute, is_short = (
        told[name].to_numpy().astype(np.float64) for name in names
    )
    return Columns(change, volatility, worst, best, held, minute, is_short, ticker)


def list_terms(rows: Columns, is_gold: Mask, ties: Matrix) -> list[Term]:
    """List every number that is tested, over the rows of both sides together; ranks and tails are of the pooled rows.

    Args:
        rows: Of both sides.
        is_gold: Each row's side.
        ties: How much like gold each row's numbers hang together, a column per noise (`ties`).
    """
    tied = [
        Term(PATH, f"how a trade's numbers hang together ({name})", column, np.ones(len(column)))
        for name, column in zip(NOISES, ties.T, strict=True)
    ]
    return [*_list_results(rows, is_gold), *_list_path(rows), *tied, *_list_time(rows)]


def _list_results(rows: Columns, is_gold: Mask) -> Iterator[Term]:
    one, win, loss = np.ones(len(rows.change)), rows.is_win, rows.is_loss
    units = rows.in_volatilities
    yield Term(RESULT, "the win rate", win, one, place=LEADING)
    yield Term(RESULT, "how often trades lose", loss, one, place=LEADING)
    yield Term(RESULT, "the mean result", rows.change, one)
    yield Term(RESULT, "the mean result in volatilities", units, one, place=CORE)
    yield Term(RESULT, "the mean win", rows.change * win, win)
    yield Term(RESULT, "the mean loss", rows.change * loss, loss)
    yield Term(RESULT, "the mean win in volatilities", units * win, win)
    yield Term(RESULT, "the mean loss in volatilities", units * loss, loss)
    yield Term(RESULT, "the profit factor", rows.change * win, np.abs(rows.change), place=CORE)
    yield Term(RESULT, "the spread of the results", (rank_values(rows.change) - 0.5) ** 2, one)
    for values, unit in ((rows.change, ""), (units, ", in volatilities")):
        for share in TAILS:
            yield Term(
                RESULT,
                f"the worst {share:.0%} of the results{unit}",
                (values <= np.quantile(values, share)).astype(np.float64),
                one,
            )
        for share in TAILS[3:]:
            yield Term(
                RESULT,
                f"the best {share:.0%} of the results{unit}",
                (values >= np.quantile(values, 1 - share)).astype(np.float64),
                one,
            )
    for share in TAILS[2:]:
        is_worst = (rows.change <= np.quantile(rows.change, share)).astype(np.float64)
        yield Term(
            RESULT,
            f"the worst {share:.0%} of the results, as the volatility lets expect",
            is_worst - expect_given(rows.volatility, is_worst),
            one,
        )
    yield Term(RESULT, "how often shorts are traded", rows.is_short, one)
    for side, is_in in (("buy", 1.0 - rows.is_short), ("short", rows.is_short)):
        yield Term(RESULT, f"the win rate of {SIDE_NAMES[side]}", win * is_in, is_in, DETAIL)
        yield Term(RESULT, f"the result of {SIDE_NAMES[side]} in volatilities", units * is_in, is_in, DETAIL)
    for ticker in find_tickers(rows.ticker, is_gold):
        is_in = (rows.ticker == ticker).astype(np.float64)
        yield Term(RESULT, f"how often {ticker} is traded", is_in, one, DETAIL)
        yield Term(RESULT, f"the win rate of {ticker}", win * is_in, is_in, DETAIL)


def _list_path(rows: Columns) -> Iterator[Term]:
    one, win, loss = np.ones(len(rows.change)), rows.is_win, rows.is_loss
    worst, best, volatility = rank_values(rows.worst), rank_values(rows.best), rank_values(rows.volatility)
    yield Term(PATH, "the worst excursion", worst, one)
    yield Term(PATH, "the spread of the worst excursion", (worst - 0.5) ** 2, one)
    yield Term(PATH, "the best excursion", best, one)
    yield Term(PATH, "the spread of the best excursion", (best - 0.5) ** 2, one)
    yield Term(PATH, "the share of the best move that is kept", rows.kept, win, place=CORE)
    yield Term(PATH, "winners that leave at the very best", rows.is_at_best, win, place=CORE)
    yield Term(PATH, "losers that leave at the very worst", loss * (rows.change <= rows.worst + AT_BEST), loss)
    yield Term(PATH, "how worst and best go together", (worst - 0.5) * (best - 0.5), one)
    yield Term(PATH, "how the worst excursion widens with volatility", (worst - 0.5) * (volatility - 0.5), one)
    yield Term(PATH, "how the best excursion widens with volatility", (best - 0.5) * (volatility - 0.5), one)
    yield Term(
        PATH,
        "how winners' worst excursion widens with their gain",
        win * (worst - 0.5) * (rank_values(rows.change) - 0.5),
        one,
    )
    yield Term(PATH, "how far trades lie from all others", rank_values(measure_loneliness(rows)), one)
    yield Term(PATH, "the spread of that", (rank_values(measure_loneliness(rows)) - 0.5) ** 2, one)
    units = [rank_values(values / np.maximum(rows.volatility, 1e-3)) for values in (rows.worst, rows.best)]
    yield Term(PATH, "the worst excursion in volatilities", units[0], one)
    yield Term(PATH, "the best excursion in volatilities", units[1], one)
    yield Term(PATH, "the spread of the worst excursion in volatilities", (units[0] - 0.5) ** 2, one)
    yield Term(PATH, "the spread of the best excursion in volatilities", (units[1] - 0.5) ** 2, one)


def _list_time(rows: Columns) -> Iterator[Term]:
    one = np.ones(len(rows.change))
    held, change, minute = rank_values(rows.held), rank_values(rows.change), rank_values(rows.minute)
    yield Term(TIME, "the holding time", held, one, place=CORE)
    yield Term(TIME, "the spread of the holding time", (held - 0.5) ** 2, one)
    yield Term(TIME, "how the result goes with the holding time", (held - 0.5) * (change - 0.5), one)
    yield Term(
        TIME, "how the best excursion grows with the holding time", (held - 0.5) * (rank_values(rows.best) - 0.5), one
    )
    yield Term(
        TIME, "how the worst excursion grows with the holding time", (held - 0.5) * (rank_values(rows.worst) - 0.5), one
    )
    volatility = rank_values(rows.volatility)
    yield Term(TIME, "the volatility at the entry", volatility, one, place=CORE)
    yield Term(TIME, "the spread of the volatility at the entry", (volatility - 0.5) ** 2, one)
    yield Term(TIME, "how the holding time goes with volatility", (held - 0.5) * (volatility - 0.5), one)
    yield Term(TIME, "the time of day", minute, one)
    yield Term(TIME, "the spread of the time of day", (minute - 0.5) ** 2, one)


def find_tickers(tickers: Names, is_gold: Mask) -> list[str]:
    """Find the tickers that both sides trade often enough to be compared, the commonest first."""
    names, places = np.unique(tickers.astype(str), return_inverse=True)
    shares = [np.bincount(places[side], minlength=len(names)) / max(side.sum(), 1) for side in (is_gold, ~is_gold)]
    least, most = np.minimum(*shares), np.maximum(*shares)
    order = np.argsort(-most, kind="stable")
    return [str(names[place]) for place in order if least[place] >= LEAST_OF_TICKER][:MOST_TICKERS]


def measure_loneliness(rows: Columns) -> Matrix:
    """Measure how far each trade is from its NEIGHBOURS-th nearest of both sides, by results and paths in volatilities.

    Noise that was mended until it obeys every rule still lies where no trade does.
    """
    scale = np.maximum(rows.volatility, 1e-3)
    told = (rows.volatility, rows.worst / scale, rows.best / scale, rows.in_volatilities, rows.held)
    points = np.column_stack([norm.ppf(np.clip(rank_values(values), 1e-6, 1.0 - 1e-6)) for values in told])
    count = min(NEIGHBOURS + 1, len(points))
    return np.asarray(cKDTree(points).query(points, k=[count])[0][:, 0])


def expect_given(driver: Matrix, values: Matrix) -> Matrix:
    """Return the mean of values among rows of like driver: what of them is a wild day's, and no trader's, doing."""
    order = np.argsort(driver, kind="stable")
    expected = np.empty(len(values))
    for rows in np.array_split(order, min(LIKE_PARTS, len(order))):
        expected[rows] = values[rows].mean()
    return expected


def rank_values(values: Matrix) -> Matrix:
    """Rank values from 0 to 1, ties by their mean rank."""
    return np.asarray((rankdata(values) - 0.5) / max(len(values), 1))

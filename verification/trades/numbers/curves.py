"""What a trader looks at: how results are spread, what they add up to, and the worst fall on the way.

Bands are of the gold itself: whole sessions drawn with putting back, as many trades as are compared.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from verification.answers import Interval, Matrix
from verification.trades.numbers.table import Side

PATHS = 200  # resampled logs
POINTS = 60  # of a curve that are kept
BINS = 30
TAIL = 0.005  # of the gold's results, on either side, that the outermost bins take in
ENDS = (0.025, 0.975)

Places = NDArray[np.int64]


def describe_curves(gold: Side, synthetic: Side, rng: np.random.Generator) -> dict[str, Any]:
    """Describe results, cumulative result and worst drawdown of both sides, in percent of the entry price.

    Every trade counts as its weight; cumulative is the sum of results, one trade after the other, over as many trades
    as both sides have.
    """
    count = min(len(gold.weights), len(synthetic.weights))
    drawn = [np.array([walk(side, draw_log(side, count, rng)) for _ in range(PATHS)]) for side in (gold, synthetic)]
    own = [walk(side, side.order[:count]) for side in (gold, synthetic)]
    kept = np.unique(np.linspace(0, count - 1, POINTS).astype(np.int64))
    low, high = np.quantile(drawn[0], ENDS, axis=0)[:, kept]
    falls = [measure_fall(np.vstack([path, paths])) for path, paths in zip(own, drawn, strict=True)]
    return {
        "results": spread_results(gold, synthetic, rng),
        "cumulative": {
            "trade": kept + 1,
            "gold": own[0][kept],
            "synthetic": own[1][kept],
            "gold_low": low,
            "gold_high": high,
        },
        "drawdown": {
            name: Interval(float(fall[0]), *map(float, np.quantile(fall[1:], ENDS)))
            for name, fall in zip(("gold", "synthetic"), falls, strict=True)
        },
    }


def draw_log(side: Side, count: int, rng: np.random.Generator) -> Places:
    """Draw whole sessions with putting back, each in its own order, until there are so many trades; their places."""
    sizes = np.bincount(side.sessions)
    by_session = np.split(side.order[side.sessions[side.order].argsort(kind="stable")], np.cumsum(sizes)[:-1])
    wanted = -(-count // max(int(sizes[sizes > 0].mean()), 1)) + 1
    found: list[Places] = []
    while sum(map(len, found)) < count:
        found += [by_session[place] for place in rng.integers(0, len(sizes), wanted)]
    return np.concatenate(found)[:count]


def walk(side: Side, places: Places) -> Matrix:
    """Add up the results of trades, one after the other."""
    return np.asarray(np.cumsum(side.rows.change[places] * side.weights[places]))


def measure_fall(paths: Matrix) -> Matrix:
    """Measure the worst fall of each path from the highest that it had been at, 0 at the start."""
    started = np.hstack([np.zeros((len(paths), 1)), paths])
    return np.asarray((np.maximum.accumulate(started, axis=1) - started).max(axis=1))


def spread_results(gold: Side, synthetic: Side, rng: np.random.Generator) -> dict[str, Any]:
    """Return each bin's share of the results on both sides, with a band of the gold's."""
    low, high = np.quantile(gold.rows.change, [TAIL, 1.0 - TAIL])
    edges = np.linspace(low, max(high, low + 1e-6), BINS + 1)
    told = {}
    for name, side in (("gold", gold), ("synthetic", synthetic)):
        place = np.clip(np.searchsorted(edges, side.rows.change, side="right") - 1, 0, BINS - 1)
        weights = side.resample(rng)
        counted = np.stack([weights @ (place == number) for number in range(BINS)], axis=1)
        told[name] = counted / counted.sum(axis=1, keepdims=True)
    band = np.quantile(told["gold"][1:], ENDS, axis=0)
    astray = [shares[1:] - shares[0] for shares in told.values()]  # of one law both sides stray, each by its own size
    gap = told["gold"][0] + astray[1] - astray[0]
    return {
        "bins": edges,
        "gold": told["gold"][0],
        "synthetic": told["synthetic"][0],
        "gold_low": band[0],
        "gold_high": band[1],
        "outside": int(count_outside(told["synthetic"][:1], band)[0]),
        "outside_by_chance": float(np.quantile(count_outside(gap, band), ENDS[1])),
    }


def count_outside(shares: Matrix, band: Matrix) -> Places:
    """Count in each row the bins that lie outside the band."""
    return np.asarray(((shares < band[0]) | (shares > band[1])).sum(axis=1), dtype=np.int64)

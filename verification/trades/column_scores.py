"""SDMetrics' scores of columns and pairs of columns, and where their means lie between noise and gold."""

import warnings
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import rankdata
from sdmetrics.column_pairs import CorrelationSimilarity
from sdmetrics.single_column import KSComplement, TVComplement

from verification.answers import Interval, Matrix, Score
from verification.trades.features import FEATURES
from verification.trades.matching import match_trades, measure_sound
from verification.trades.references import SHUFFLED_MARGINALS, UNIFORM_NOISE
from verification.trades.yardstick import Yardstick, draw_rows, spread_interval

CATEGORIES = ("is_short",)
LEAST_ROWS = 10  # a side; below it a column's score is chance
LEAST_SHARE = 0.5  # of a half of the gold that must be paired, or its rows stand for too little of it

Distance = Callable[[Matrix, Matrix], float]


def compare_columns(gold: pl.DataFrame, synthetic: pl.DataFrame, fixed: Sequence[str]) -> dict[str, Any]:
    """Compare feature tables by SDMetrics: `columns` and `pairs`, 1 is equal, 0 has nothing in common.

    KSComplement for numbers, TVComplement for the direction, CorrelationSimilarity (Spearman) for pairs. Columns that
    controls fixed, and pairs of two of them, are left out; null where a column does not vary.
    """
    if min(len(gold), len(synthetic)) < LEAST_ROWS:
        return {"columns": [], "pairs": []}
    left, right = (table.select(FEATURES).to_pandas() for table in (gold, synthetic))
    columns = []
    for name in _keep_columns(fixed):
        metric = TVComplement if name in CATEGORIES else KSComplement
        with warnings.catch_warnings():  # SDMetrics drops the p-value that SciPy cannot work out exactly
            warnings.filterwarnings(
                "ignore", message="ks_2samp: Exact calculation unsuccessful", category=RuntimeWarning
            )
            score = float(metric.compute(left[name], right[name]))
        columns.append({"column": name, "metric": metric.__name__, "score": score})
    pairs = []
    for names in _keep_pairs(fixed):
        both = left[list(names)], right[list(names)]
        varies = all((table.nunique() > 1).all() for table in both)
        found = CorrelationSimilarity.compute_breakdown(*both, coefficient="Spearman") if varies else {}
        pairs.append(
            {
                "pair": list(names),
                "score": found.get("score"),
                "gold": found.get("real"),
                "synthetic": found.get("synthetic"),
            }
        )
    return {"columns": columns, "pairs": pairs}


def score_columns(yardstick: Yardstick, sound: pl.DataFrame, fixed: Sequence[str]) -> list[Score]:
    """Score the mean distance of columns, and of pairs, between noise and gold against gold, at equal rows.

    On every half of the gold's sessions: synthetic, the other half and a noise reference against it. The intervals are
    those of half-samples, whose spread is that of the whole sample's estimate (delete-half jackknife: Shao and Wu, A
    general theory for jackknife variance estimation, Annals of Statistics 1989).
    """
    kinds: tuple[tuple[str, str, Distance], ...] = (
        ("columns (1 - KS or TV complement)", UNIFORM_NOISE, lambda a, b: measure_columns(a, b, fixed)),
        ("pairs (1 - correlation similarity)", SHUFFLED_MARGINALS, lambda a, b: measure_pairs(a, b, fixed)),
    )
    rng = yardstick.make_rng("fidelity columns")
    rows: dict[str, list[list[float]]] = {name: [] for name, *_ in kinds}
    for left, right in measure_halves(yardstick):
        gold, paired = match_trades(right, sound, fixed, rng)
        if len(gold) < max(LEAST_ROWS, LEAST_SHARE * len(right)):
            continue
        for name, noise_is, measure in kinds:
            noise = measure_reference(yardstick, noise_is)
            count = min(len(gold), len(left), len(noise))
            target = gold.select(FEATURES).to_numpy()[:count]
            sides = (draw_rows(side.select(FEATURES).to_numpy(), count, rng) for side in (paired, left, noise))
            rows[name].append([measure(side, target) for side in sides])
    ends = {name: [spread_interval(np.array(values)) for values in zip(*rows[name], strict=True)] for name, *_ in kinds}
    unknown = [Interval(np.nan)] * 3
    return [place_score(name, *(ends[name] or unknown), noise_is=noise_is) for name, noise_is, _ in kinds]


def place_score(name: str, value: Interval, floor: Interval, noise: Interval, *, noise_is: str) -> Score:
    """Put a score together and work out its position; NaN where noise is no farther from the gold than gold itself."""
    width = noise.value - floor.value
    ends = (value.value, value.high, value.low)
    position = Interval(*((noise.value - end) / width for end in ends)) if width > 0.0 else Interval(np.nan)
    return Score(name, value, floor, noise, position, noise_is)


def measure_reference(yardstick: Yardstick, name: str) -> pl.DataFrame:
    """Measure the features of a reference generator's trades, once."""
    return yardstick.once(f"sound {name}", lambda: measure_sound(yardstick.references[name]))


def measure_columns(left: Matrix, right: Matrix, fixed: Sequence[str] = ()) -> float:
    """Measure the mean over columns of the KS distance, of the total variation for the direction.

    For a column of zeros and ones the two are the same number.
    """
    columns = [FEATURES.index(name) for name in _keep_columns(fixed)]
    return float(np.mean([_measure_ks(left[:, column], right[:, column]) for column in columns])) if columns else 0.0


def measure_pairs(left: Matrix, right: Matrix, fixed: Sequence[str] = ()) -> float:
    """Measure the mean over pairs of half the difference of Spearman's correlations; of a constant column it is 0."""
    places = [(FEATURES.index(one), FEATURES.index(two)) for one, two in _keep_pairs(fixed)]
    gaps = np.abs(_correlate_ranks(left) - _correlate_ranks(right)) / 2.0
    return float(np.mean([gaps[place] for place in places])) if places else 0.0


def _measure_ks(left: Matrix, right: Matrix) -> float:
    both = np.concatenate([left, right])
    shares = [np.searchsorted(np.sort(side), both, side="right") / len(side) for side in (left, right)]
    return float(np.abs(shares[0] - shares[1]).max())


def _correlate_ranks(rows: Matrix) -> Matrix:
    ranks = rankdata(rows, axis=0)
    centred = ranks - ranks.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(spread > 0.0, spread, 1.0)
    return np.asarray(unit.T @ unit)


def measure_halves(yardstick: Yardstick) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """Measure the features of the halves of the gold, once."""
    return yardstick.once(
        "sound halves", lambda: [(measure_sound(left), measure_sound(right)) for left, right in yardstick.halves]
    )


def _keep_columns(fixed: Sequence[str]) -> list[str]:
    return [name for name in FEATURES if name not in fixed]


def _keep_pairs(fixed: Sequence[str]) -> list[tuple[str, str]]:
    return [pair for pair in combinations(FEATURES, 2) if not set(pair) <= set(fixed)]

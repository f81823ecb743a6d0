"""How a trade's numbers hang together: beside noise that was mended until it obeys every rule.

A small classifier learns to tell gold from such noise, and never sees a synthetic trade. What it says of a row is a
number of that row like any other: held against gold rows, whose session it did not see either.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from verification.answers import Matrix
from verification.ask import use_one_thread
from verification.trades.classifier import build_classifier
from verification.trades.features import FEATURES, measure_features
from verification.trades.numbers.terms import NOISES
from verification.trades.references import draw_uniform, shuffle_columns
from verification.trades.yardstick import Yardstick

FOLDS = 5
MOST_ROWS = 1_500  # gold rows that are learned from, and as many of noise
LEAST_ROWS = 40
EXCURSIONS = [FEATURES.index(name) for name in ("worst_exit_percent", "trade_percent_change", "best_exit_percent")]
VOLATILITY, HELD = FEATURES.index("entry_volatility_percent"), FEATURES.index("holding_minutes")

Groups = NDArray[np.int64]


def score_ties(yardstick: Yardstick, trades: pl.DataFrame, groups: Groups, rng: np.random.Generator) -> Matrix:
    """Score each trade against each of NOISES: log odds that it is gold; zeros where there is too little gold to learn.

    A row's classifier saw no gold of its session. A synthetic one's is drawn by its group, so that both sides are
    scored by one classifier each.
    """
    models = yardstick.once("numbers ties", lambda: _learn_ties(yardstick))
    scores = np.zeros((len(trades), len(NOISES)))
    if not models:
        return scores
    fold = _fold_sessions(trades["session_date"], yardstick) if trades.height else np.zeros(0, dtype=np.int64)
    drawn = rng.integers(0, FOLDS, int(groups.max()) + 1)[groups]
    fold = np.where(fold < 0, drawn, fold)
    told = describe_ties(measure_features(trades).select(FEATURES).to_numpy().astype(np.float64))
    with use_one_thread():
        for number, of_fold in enumerate(models):
            for column, model in enumerate(of_fold):
                rows = fold == number
                if rows.any():
                    scores[rows, column] = model.decision_function(told[rows])
    return scores


def describe_ties(values: Matrix) -> Matrix:
    """Describe rows by what mended noise gets wrong: excursions in volatilities, and where between them the exit is."""
    worst, change, best = (values[:, place] for place in EXCURSIONS)
    scale = np.maximum(values[:, VOLATILITY], 1e-3)
    span = np.maximum(best - worst, 1e-6)
    held = np.log(np.maximum(values[:, HELD], 1e-3))
    return np.column_stack(
        [worst / scale, change / scale, best / scale, (change - worst) / span, span / scale, held, worst, best]
    )


def mend_noise(values: Matrix) -> Matrix:
    """Mend noise until worst <= change <= best."""
    mended = values.copy()
    mended[:, EXCURSIONS] = np.sort(values[:, EXCURSIONS], axis=1)
    own = values[:, EXCURSIONS[1]]
    is_kept = (
        np.arange(len(values)) % 2 == 0
    )  # a half keeps its change and has the others moved, as others would mend it
    for place, pick in ((EXCURSIONS[0], np.minimum), (EXCURSIONS[2], np.maximum)):
        other = EXCURSIONS[2] if place == EXCURSIONS[0] else EXCURSIONS[0]
        mended[:, place] = np.where(is_kept, pick(pick(values[:, place], values[:, other]), own), mended[:, place])
    mended[:, EXCURSIONS[1]] = np.where(is_kept, own, mended[:, EXCURSIONS[1]])
    return mended


def _learn_ties(yardstick: Yardstick) -> list[list[HistGradientBoostingClassifier]]:
    """Learn a classifier per fold and noise."""
    rng = yardstick.make_rng("numbers ties")
    gold = yardstick.gold[np.sort(rng.permutation(len(yardstick.gold))[:MOST_ROWS])]
    if len(gold) < LEAST_ROWS:
        return []
    values = measure_features(gold).select(FEATURES).to_numpy().astype(np.float64)
    fold = _fold_sessions(gold["session_date"], yardstick)
    models = []
    with use_one_thread():
        for number in range(FOLDS):
            own = values[fold != number]
            noises = (shuffle_columns(own, len(own), rng), draw_uniform(own, len(own), rng))
            models.append([_fit(own, mend_noise(noise)) for noise in noises])
    return models


def _fit(gold: Matrix, noise: Matrix) -> HistGradientBoostingClassifier:
    rows = describe_ties(np.vstack([gold, noise]))
    return build_classifier().fit(rows, np.arange(len(rows)) < len(gold))


def _fold_sessions(sessions: pl.Series, yardstick: Yardstick) -> Groups:
    """Return the fold of each session of the gold, -1 of other ones."""
    known = yardstick.gold["session_date"].unique().sort()
    order = yardstick.make_rng("numbers folds").permutation(len(known)) % FOLDS
    folds = pl.DataFrame({"session_date": known, "fold": order})
    found = pl.DataFrame({"session_date": sessions}).join(folds, on="session_date", how="left", maintain_order="left")
    return found["fold"].fill_null(-1).cast(pl.Int64).to_numpy()

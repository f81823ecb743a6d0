"""The exit model: does a trade reach a profit, told from what is known at its entry.

Utility trains it on one set of trades and tests it on another, the search tunes it. Of the outcome it sees nothing but
the target, whether `best_exit_percent` reached a threshold.

What a run's controls set on purpose is no fault of its trades. Where they reach only part of the gold, that part alone
is what they are compared with: train part, noise made of it, and hold-out are all narrowed alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from verification.answers import Matrix
from verification.settling import say_lacks
from verification.trades.features import EXITS, FEATURES, measure_features, straighten
from verification.trades.matching import APART, CALIPER
from verification.trades.yardstick import Yardstick

INPUTS = ("entry_volatility_percent", "entry_minute", "is_short")  # all known at the entry
THRESHOLD = 0.6  # percent; the profit that is asked about wherever the gold has enough trades on either side of it
SHARES = (0.2, 0.8)  # of the gold that reach it; outside, one answer is right so often that little is left to learn
WIDEST = 3.0  # spreads; inputs further out count as this far, so that no trade has a leverage of its own
SUREST = 0.01  # the least chance, and 1 - it the greatest, that a model may state; bounds a single trade's log loss
LEAST_TRADES = 30  # held-out trades, and trades to train on, below which nothing is said
LEAST_SESSIONS = 4  # held-out sessions, the units that are resampled, below which there is no interval
TREES = 30
NEIGHBOURS = 5  # of a gold trade among as many gold trades; a fresh draw of the same law has one as near 31 times of 32
FARTHEST = 0.5  # standard deviations of the gold; no trade stands for another that is further off, however rare it is

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Target:
    """What the model tells: whether `best_exit_percent` is at least `threshold`; `rule` says how that was chosen."""

    threshold: float
    rule: str
    share: float

    def describe(self) -> str:
        """Name the trades that reach it."""
        return f"that reach {self.threshold:+.3g}%"


def choose_target(train: pl.DataFrame) -> Target:
    """Take THRESHOLD where the share of gold that reaches it is within SHARES, or else the gold's own median."""
    best = train["best_exit_percent"].drop_nulls().drop_nans().to_numpy()
    if not len(best):
        return Target(THRESHOLD, "fixed", math.nan)
    share = float(np.mean(best >= THRESHOLD))
    if SHARES[0] <= share <= SHARES[1]:
        return Target(THRESHOLD, "fixed", share)
    median = float(np.median(best))
    return Target(median, "median of gold", float(np.mean(best >= median)))


@dataclass(frozen=True)
class Examples:
    """Trades as the model sees them: `inputs` has shape (trades, INPUTS), `reached` is 1 or 0, `sessions` days."""

    inputs: Matrix
    reached: Labels
    sessions: Labels

    def __len__(self) -> int:
        return len(self.reached)

    def pick(self, places: Labels) -> "Examples":
        """Give the trades at these places, in this order."""
        return Examples(self.inputs[places], self.reached[places], self.sessions[places])

    def join(self, others: "Examples") -> "Examples":
        """Give these trades, then the others."""
        return Examples(
            np.concatenate([self.inputs, others.inputs]),
            np.concatenate([self.reached, others.reached]),
            np.concatenate([self.sessions, others.sessions]),
        )

    @property
    def rate(self) -> float:
        """Share that reached the target, drawn towards a half by one trade of each kind."""
        return float((self.reached.sum() + 1) / (len(self) + 2))


def draw_some(examples: Examples, most: int, rng: np.random.Generator) -> Examples:
    """Draw at most so many trades without putting back, in their order."""
    if len(examples) <= most:
        return examples
    return examples.pick(np.sort(rng.permutation(len(examples))[:most]))


@dataclass(frozen=True)
class Lens:
    """Turns trade tables into Examples, always in units of the same gold, so that a recipe means the same on each."""

    target: Target
    centre: Matrix
    spread: Matrix

    @classmethod
    def fit(cls, train: pl.DataFrame) -> "Lens":
        """Take the target and the units from gold trades."""
        rows = _measure_inputs(train)[0]
        if not len(rows):
            return cls(choose_target(train), np.zeros(len(INPUTS)), np.ones(len(INPUTS)))
        spread = rows.std(axis=0)
        return cls(choose_target(train), rows.mean(axis=0), np.where(spread > 1e-9, spread, 1.0))

    def take(self, trades: pl.DataFrame) -> Examples:
        """Return the trades in their order, but for those with an input, target or session unknown."""
        inputs, best, sessions = _measure_inputs(trades)
        placed = np.clip((inputs - self.centre) / self.spread, -WIDEST, WIDEST)
        return Examples(placed, (best >= self.target.threshold).astype(np.int64), sessions)


def _measure_inputs(trades: pl.DataFrame) -> tuple[Matrix, Matrix, Labels]:
    """Measure inputs, best exit, percent, and day number of the trades that have them all; volatility as logarithm."""
    volatility = pl.col("entry_volatility_percent").clip(lower_bound=1e-3).log()
    names = (*INPUTS, "best_exit_percent")
    known = (
        measure_features(trades)
        .with_columns(volatility)
        .filter(pl.all_horizontal(pl.col(names).is_finite()), pl.col("session_date").is_not_null())
    )
    days = known["session_date"].cast(pl.Int32).to_numpy().astype(np.int64)
    return known.select(INPUTS).to_numpy(), known["best_exit_percent"].to_numpy(), days


@dataclass(frozen=True)
class Logistic:
    """A logistic regression; `slack` is the inverse of its ridge, `curved` adds squares and products of the inputs."""

    slack: float = 1.0
    curved: bool = False


@dataclass(frozen=True)
class Boosting:
    """TREES boosted trees of at most `leaves` leaves of at least `least` trades, learned at `rate` with ridge `l2`."""

    leaves: int
    rate: float
    l2: float
    least: int


Recipe = Logistic | Boosting


class ExitModel:
    """A recipe fitted to examples; where they are of one kind only, or none, it states one chance for all."""

    def __init__(self, recipe: Recipe, examples: Examples) -> None:
        self._recipe = recipe
        self._rate = examples.rate
        self._fitted = None
        if len(np.unique(examples.reached)) == 2:
            self._fitted = _make_estimator(recipe).fit(_add_terms(recipe, examples.inputs), examples.reached)

    def tell(self, inputs: Matrix) -> Matrix:
        """Return the chance of every trade to reach the target, from SUREST to 1 - SUREST."""
        if self._fitted is None or not len(inputs):
            chances = np.full(len(inputs), self._rate)
        else:
            chances = np.asarray(self._fitted.predict_proba(_add_terms(self._recipe, inputs))[:, 1])
        return np.asarray(np.clip(chances, SUREST, 1.0 - SUREST))


def _make_estimator(recipe: Recipe) -> LogisticRegression | HistGradientBoostingClassifier:
    if isinstance(recipe, Logistic):
        return LogisticRegression(C=recipe.slack, solver="newton-cholesky")
    return HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=recipe.leaves,
        learning_rate=recipe.rate,
        l2_regularization=recipe.l2,
        min_samples_leaf=recipe.least,
        early_stopping=False,
        random_state=0,
    )


def _add_terms(recipe: Recipe, inputs: Matrix) -> Matrix:
    if isinstance(recipe, Boosting) or not recipe.curved:
        return inputs
    left, right = np.triu_indices(inputs.shape[1])
    return np.hstack([inputs, inputs[:, left] * inputs[:, right]])


def find_shortage(synthetic: Examples, train: Examples, holdout: Examples) -> str | None:
    """Say which trades are too few to compare models by, with limit and number found; None where none are."""
    if lacks := say_lacks(count_examples(synthetic, train, holdout)):
        return f"Too little to compare models: {lacks}."
    if len(np.unique(holdout.reached)) < 2:
        return f"All {len(holdout)} held-out gold trades are on the same side of the target; none can be told apart."
    return None


def count_examples(synthetic: Examples, train: Examples, holdout: Examples) -> list[tuple[str, int, int]]:
    """Count what comparing models needs, and the least of it."""
    return [
        ("held-out gold trades", len(holdout), LEAST_TRADES),
        ("held-out sessions", len(np.unique(holdout.sessions)), LEAST_SESSIONS),
        ("gold trades to train on", len(train), LEAST_TRADES),
        ("synthetic trades to train on", len(synthetic), LEAST_TRADES),
    ]


@dataclass(frozen=True)
class Narrowed:
    """Gold and synthetic trades that reach each other in what was controlled; `given` is the gold trades before."""

    train: pl.DataFrame
    holdout: pl.DataFrame
    synthetic: pl.DataFrame
    controlled: tuple[str, ...]
    given: int

    @property
    def kept(self) -> int:
        """Number of gold trades that are left."""
        return len(self.train) + len(self.holdout)

    def say(self) -> str:
        """Say in a sentence what is left of the gold; empty where that is all of it."""
        if self.kept == self.given:
            return ""
        return (
            f" Of {self.given} gold trades {self.kept} count: those that are like the synthetic ones in "
            f"{name_features(self.controlled)}, which the run's controls set on purpose."
        )

    def describe(self) -> dict[str, object]:
        """Give for `metrics` what was controlled, and how many gold trades are left of each part."""
        left = {"given": self.given, "train": len(self.train), "holdout": len(self.holdout)}
        return {"controlled": self.controlled, "gold_in_reach": left}


def name_features(names: Sequence[str]) -> str:
    """Name features in plain words."""
    words = {"is_short": "direction", "entry_minute": "time of entry"}
    return " and ".join(words.get(name, name.removesuffix("_percent").replace("_", " ")) for name in names)


def find_set_outcome(controlled: Sequence[str]) -> str | None:
    """Say which outcomes a run's controls set; None where they set none."""
    outcomes = [name for name in controlled if name in EXITS]
    if not outcomes:
        return None
    return f"The run's controls set {name_features(outcomes)}, an outcome: how trades end is then as was asked for."


def narrow_yardstick(
    yardstick: Yardstick, synthetic: pl.DataFrame, controlled: Sequence[str]
) -> tuple[Yardstick, Narrowed]:
    """Narrow a yardstick to the gold that the synthetic trades reach; it stays the same where that is all of it."""
    rng = yardstick.make_rng("exit narrowed")
    narrowed = narrow_alike(yardstick.train, yardstick.holdout, synthetic, controlled, rng)
    if narrowed.kept == narrowed.given:
        return yardstick, narrowed
    return Yardstick(narrowed.train, narrowed.holdout, yardstick.size, yardstick.seed), narrowed


def narrow_alike(
    train: pl.DataFrame,
    holdout: pl.DataFrame,
    synthetic: pl.DataFrame,
    controlled: Sequence[str],
    rng: np.random.Generator,
) -> Narrowed:
    """Keep the trades of either side that the other reaches in what was controlled; nothing goes where nothing was.

    A gold trade reaches CALIPER far, or as far as its NEIGHBOURS-th neighbour among as many gold trades as there are
    synthetic ones, but not beyond FARTHEST. So a fresh draw of the same law loses little, however few the trades are.
    Trades with a controlled feature unknown go.

    Args:
        train: Trade table of the gold's train part.
        holdout: Trade table of the hold-out.
        synthetic: Trade table.
        controlled: Names among FEATURES.
        rng: Draws as many gold trades.
    """
    given = len(train) + len(holdout)
    if not controlled or not given or synthetic.is_empty():
        return Narrowed(train, holdout, synthetic, tuple(controlled), given)
    columns = [FEATURES.index(name) for name in controlled]
    placed = [straighten(measure_features(each))[:, columns] for each in (train, holdout, synthetic)]
    gold, made = np.concatenate(placed[:2]), placed[2]
    is_kept, is_made_kept = _find_in_reach(gold, made, np.array([name == "is_short" for name in controlled]), rng)
    return Narrowed(
        train.filter(pl.Series(is_kept[: len(train)])),
        holdout.filter(pl.Series(is_kept[len(train) :])),
        synthetic.filter(pl.Series(is_made_kept)),
        tuple(controlled),
        given,
    )


def _find_in_reach(
    gold: Matrix, made: Matrix, is_kind: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the rows of each side that the other reaches; `is_kind` marks columns that must agree."""
    is_gold, is_made = (np.asarray(np.isfinite(side).all(axis=1)) for side in (gold, made))
    if not (is_gold.any() and is_made.any()):
        return np.zeros_like(is_gold), np.zeros_like(is_made)
    spread = gold[is_gold].std(axis=0)
    unit = np.where(is_kind, 1.0 / APART, np.where(spread > 0.0, spread, 1.0))
    left, right = gold[is_gold] / unit, made[is_made] / unit
    some = left[rng.permutation(len(left))[: len(right)]]
    nearest = cKDTree(some).query(left, k=[min(NEIGHBOURS + 1, len(some))])[0][:, 0]  # the first is often itself
    reach = np.clip(nearest, CALIPER, FARTHEST)
    is_gold[is_gold] = cKDTree(right).query(left)[0] <= reach
    gap, place = cKDTree(left).query(right)
    is_made[is_made] = gap <= reach[place]
    return is_gold, is_made

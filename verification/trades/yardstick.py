"""The yardstick: gold against gold at one end, reference generators at the other, and what lies between."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gold_data.markets import USUAL, Markets
from verification.answers import Interval, Matrix, Score
from verification.trades.features import Space
from verification.trades.references import build_references

HALVES = 12  # splits of the gold's sessions into halves, gold against gold
LEAST_SESSIONS = 6  # below it halves are not independent enough to say what gold against gold is

LEAST_SHARE = 0.5  # of the rows of a half that the synthetic trades must have to be held against it

Made = TypeVar("Made")
Distance = Callable[[Matrix, Matrix], float]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Yardstick:
    """Gold and everything measured on it alone; shared by all synthetic sets that are held against it.

    `train` is what the generator could see, `holdout` what it could not; both are trade tables. `size` is the number
    of synthetic trades, so that every reference has as many. `seed` fixes every draw. `markets` says where each ticker
    is traded.
    """

    train: pl.DataFrame
    holdout: pl.DataFrame
    size: int
    seed: int = 0
    markets: Markets = USUAL
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def gold(self) -> pl.DataFrame:
        """Train and hold-out together."""
        return pl.concat([self.train, self.holdout.select(self.train.columns)])

    @cached_property
    def space(self) -> Space:
        """Units of the train part's spread."""
        return Space.fit(self.train)

    @cached_property
    def references(self) -> Mapping[str, pl.DataFrame]:
        """Reference generators by name, `size` trades each, drawn from the train part only."""
        return build_references(self.train, self.size, self.make_rng("references"))

    @cached_property
    def halves(self) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
        """HALVES random splits of the gold's sessions into two parts of about equal numbers of trades."""
        sessions = self.gold["session_date"].unique().sort().to_list()
        if len(sessions) < LEAST_SESSIONS:
            return []
        rng = self.make_rng("halves")
        splits = []
        for _ in range(HALVES):
            mixed = [sessions[place] for place in rng.permutation(len(sessions))]
            is_left = pl.col("session_date").is_in(mixed[: len(mixed) // 2])
            splits.append((self.gold.filter(is_left), self.gold.filter(~is_left)))
        return splits

    def make_rng(self, purpose: str) -> np.random.Generator:
        """Return a generator of its own for each purpose, the same for the same seed."""
        return np.random.default_rng([self.seed, *purpose.encode()])

    def once(self, purpose: str, measure: Callable[[], Made]) -> Made:
        """Measure what depends on gold alone once, and keep it under its purpose."""
        if purpose not in self._kept:
            self._kept[purpose] = measure()
        made: Made = self._kept[purpose]
        return made

    def score(self, name: str, distance: Distance, synthetic: pl.DataFrame, noise_is: str) -> Score:
        """Say where a distance lies between noise and gold against gold.

        Each of `halves` gives gold against gold, and, with as many rows as its left part has, synthetic and noise
        against its right part; points are in `space`. Intervals are of the mean over the halves for synthetic and
        noise, and hold 95% of the halves for the floor. All NaN where the gold has too few sessions, or the
        synthetic trades are fewer than half of it.
        """
        points = self.space.place(synthetic)
        floors, noises = self.once(f"score {name}", lambda: self._measure_ends(name, distance, noise_is))
        rng = self.make_rng(f"score {name} value")
        values = np.array([distance(draw_rows(points, len(left), rng), right) for left, right in self._placed_halves])
        if len(points) < LEAST_SHARE * max((len(left) for left, _ in self._placed_halves), default=np.inf):
            values = values[:0]
        value, noise, floor = mean_interval(values), mean_interval(noises), spread_interval(floors)
        width = noise.value - floor.value
        position = (
            Interval(*((noise.value - end) / width for end in (value.value, value.high, value.low)))
            if width > 0.0
            else Interval(np.nan)
        )
        return Score(name, value, floor, noise, position, noise_is)

    @cached_property
    def _placed_halves(self) -> list[tuple[Matrix, Matrix]]:
        return [(self.space.place(left), self.space.place(right)) for left, right in self.halves]

    def _measure_ends(self, name: str, distance: Distance, noise_is: str) -> tuple[Matrix, Matrix]:
        rng = self.make_rng(f"score {name} ends")
        noise = self.space.place(self.references[noise_is])
        floors = [distance(left, right) for left, right in self._placed_halves]
        noises = [distance(draw_rows(noise, len(left), rng), right) for left, right in self._placed_halves]
        return np.array(floors), np.array(noises)


def draw_places(count: int, most: int, rng: np.random.Generator) -> Places:
    """Draw the places of at most so many of `count` rows, without putting back."""
    return rng.permutation(count)[:most]


def draw_rows(points: Matrix, count: int, rng: np.random.Generator) -> Matrix:
    """Draw rows without putting back: `count` of them, or all in another order where there are fewer."""
    return points[rng.permutation(len(points))[:count]]


def mean_interval(values: Matrix) -> Interval:
    """Return the mean and 95% of its normal spread."""
    if len(values) < 2:
        return Interval(np.nan)
    centre, error = float(np.mean(values)), 1.96 * float(np.std(values, ddof=1)) / float(np.sqrt(len(values)))
    return Interval(centre, centre - error, centre + error)


def spread_interval(values: Matrix) -> Interval:
    """Return the mean, and the bounds that hold 95% of the values if they are normal."""
    if len(values) < 2:
        return Interval(np.nan)
    centre, error = float(np.mean(values)), 1.96 * float(np.std(values, ddof=1))
    return Interval(centre, centre - error, centre + error)

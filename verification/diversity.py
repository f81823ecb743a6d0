"""Asks whether synthetic trades are as varied as the controls asked for, and as the gold is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import binom

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Interval, Score, Verdict, to_json
from verification.features import FEATURES, Matrix, measure_features
from verification.memorisation import REAL_NEIGHBOURS, bound_share, find_nearest, say_percent
from verification.references import PROTOTYPE_COLLAPSE
from verification.yardstick import Yardstick, draw_rows, spread_interval

NEIGHBOURS = 5  # k of coverage and density, as their authors advise
COVERAGE_BAR = 0.75  # of what as many fresh gold trades would cover: a quarter of the gold missing is no chance
EFFECTIVE_BAR = 0.5  # of the gold's effective number, at equal rows
DUPLICATE_BAR = 0.5  # more duplicates than the gold has by this share: most rows add nothing
STARVED = 0.5  # of the declared share: less is a starved bucket, where chance does not explain it
CHANCE = 0.025  # one side of 95%, over all buckets of a control together
NEAR_QUANTILE = 0.01  # of the distances from real rows to those of other sessions: below it rows are near-duplicates
LEAST_TRAIN = 30  # gold rows: with fewer five neighbours are not near
LEAST_SESSIONS = 3  # of the train part, so that distances between sessions mean something
LEAST_SYNTHETIC = 30
MOST_ROWS = 20_000  # synthetic rows whose distances are measured; duplicates are sought among all
DRAWS = 12  # subsamples of equal size
RESAMPLES = 1_000
DIGITS = 9  # significant ones by which rows are equal

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Declared:
    """A control with the shares its values are drawn with; even shares where `weights` is None."""

    name: str
    values: tuple[str | float, ...]
    weights: tuple[float, ...] | None = None

    @property
    def shares(self) -> Matrix:
        """Shares of the values, which sum to 1."""
        weights = np.array(self.weights or [1.0] * len(self.values), dtype=np.float64)
        return np.asarray(weights / weights.sum())


@dataclass(frozen=True)
class Delivery:
    """Delivered against declared shares of one control.

    `variation` is the total variation, half the sum of the absolute differences, 0 to 1; `by_chance` is what 95% of
    the sets that are drawn as declared stay below. `delivered` are shares of all rows: values that nobody declared are
    in `undeclared`. `starved` names the buckets with less than half their share, beyond chance.
    """

    name: str
    values: tuple[str, ...]
    declared: tuple[float, ...]
    delivered: tuple[float, ...]
    undeclared: float
    variation: Interval
    by_chance: float
    starved: tuple[str, ...]


@dataclass(frozen=True)
class Reach:
    """What gold alone says: train points, the radius of each one's ball, and the distance of near-duplicates.

    A ball reaches to the NEIGHBOURS-th closest train row of other sessions: trades of one session are alike, and balls
    no wider than a session would call fresh trades uncovered.
    """

    points: Matrix
    radii: Matrix
    near: float


@dataclass(frozen=True)
class Coverage:
    """Share of gold rows with a synthetic row in their ball, what a fresh draw has, and how dense the balls are.

    `covered` and `density` are of all synthetic rows; `expected` is the coverage of as many fresh gold trades. Density
    is 1 for the gold's own law.
    """

    covered: Interval
    expected: float
    density: float


@dataclass(frozen=True)
class Likeness:
    """How alike rows are among themselves, in subsamples of `rows` rows each, for synthetic and for gold train rows.

    `effective` is the effective number of distinct rows over `rows`, `near_duplicates` the share of rows closer to
    another than 99% of gold rows are to one of another session. Intervals hold 95% of the subsamples.
    """

    rows: int
    effective: Interval
    gold_effective: Interval
    near_duplicates: Interval
    gold_near_duplicates: Interval


def ask_diversity(yardstick: Yardstick, synthetic: pl.DataFrame, controls: Sequence[Declared]) -> Answer:
    """Ask whether trades are as varied as the controls declared, and as the gold.

    Underfit, when a bucket of a control starves, or when an upper bound is below its bar: coverage below COVERAGE_BAR
    of what as many fresh gold trades would cover, or the effective number of rows below EFFECTIVE_BAR of the gold's;
    or when the share of duplicates is DUPLICATE_BAR above the gold's. Cannot tell, where an interval spans a bar, and
    where there is too little. Density, total variation and near-duplicates are shown only: controls may change the
    marginals on purpose.

    Args:
        yardstick: Gold.
        synthetic: Trades with the controls' columns.
        controls: Those with declared shares; metrics list the ones that have no column or no values.
    """
    title = "Are they as varied as asked, and as the gold?"
    rng = yardstick.make_rng("diversity controls")
    held = [control for control in controls if control.name in synthetic.columns and control.values]
    deliveries = [compare_control(control, synthetic[control.name], rng) for control in held if len(synthetic)]
    metrics: dict[str, Any] = {
        "rows": len(synthetic),
        "rows_used": 0,
        "controls": deliveries,
        "controls_not_compared": [control.name for control in controls if control not in held],
    }
    starved = [f"{each.name} {value}" for each in deliveries for value in each.starved]
    buckets = ("starved buckets of controls", str(len(starved)) if deliveries else "no control to compare")
    if lack := find_lack(yardstick, synthetic):
        verdict, reason = (UNDERFIT, say_starved(starved)) if starved else (CANNOT_TELL, lack)
        numbers = (("coverage of the gold", "unknown"), ("effective rows of 100", "unknown"), buckets)
        return Answer("diversity", title, verdict, reason, numbers, to_json(metrics))
    reach = yardstick.once("diversity reach", lambda: measure_reach(yardstick))
    used = draw_rows(yardstick.space.place(synthetic), MOST_ROWS, yardstick.make_rng("diversity rows"))
    coverage = measure_coverage(reach, used)
    likeness = measure_likeness(yardstick, reach, used)
    duplicates, own = measure_duplicates(synthetic), measure_duplicates(yardstick.train)
    metrics |= {
        "rows_used": len(used),
        "coverage": coverage,
        "likeness": likeness,
        "duplicates": duplicates,
        "gold_duplicates": own,
        "scores": score_equal_rows(yardstick, reach, synthetic),
    }
    verdict, reason = judge(starved, coverage, likeness, (duplicates, own))
    numbers = (
        (f"coverage of the gold (fresh gold trades: {coverage.expected:.1%})", say_percent(coverage.covered)),
        (
            f"effective rows of 100 (gold: {100 * likeness.gold_effective.value:.0f})",
            f"{100 * likeness.effective.value:.0f} [{100 * likeness.effective.low:.0f}, "
            f"{100 * likeness.effective.high:.0f}]",
        ),
        buckets,
    )
    return Answer("diversity", title, verdict, reason, numbers, to_json(metrics))


def judge(
    starved: Sequence[str], coverage: Coverage, likeness: Likeness, duplicates: tuple[Interval, Interval]
) -> tuple[Verdict, str]:
    """Give verdict and reason: what is surely too little, else what may be, else good."""
    bars = (
        (coverage.covered, COVERAGE_BAR * coverage.expected, "of the gold trades have a trade near them"),
        (likeness.effective, EFFECTIVE_BAR * likeness.gold_effective.value, "of the trades are unlike any other"),
    )
    faults = [say_starved(starved)] if starved else []
    faults += [
        f"Only {say_percent(found)} {what}, where at least {bar:.0%} are asked."
        for found, bar, what in bars
        if found.high < bar
    ]
    more = duplicates[0].low - duplicates[1].value
    if more > DUPLICATE_BAR:
        faults.append(f"{say_percent(duplicates[0])} of the trades repeat another one.")
    if faults:
        return UNDERFIT, " ".join(faults)
    for found, bar, what in bars:
        if found.low < bar:
            return (
                CANNOT_TELL,
                f"{say_percent(found)} {what}: it may be on either side of the {bar:.0%} that are asked.",
            )
    said = " and ".join(f"{say_percent(found)} {what} (at least {bar:.0%} are asked)" for found, bar, what in bars)
    return GOOD, f"{said[0].upper()}{said[1:]}, and no bucket of a control starves."


def find_lack(yardstick: Yardstick, synthetic: pl.DataFrame) -> str:
    """Say what is too little to compare; nothing where there is enough."""
    counts = (
        ("synthetic trades", len(synthetic), LEAST_SYNTHETIC),
        ("gold trades to train on", len(yardstick.train), LEAST_TRAIN),
        ("sessions of gold to train on", yardstick.train["session_date"].n_unique(), LEAST_SESSIONS),
    )
    lacks = [f"{found} {what}, at least {least} are needed" for what, found, least in counts if found < least]
    return f"Too little to compare the variety: {'; '.join(lacks)}." if lacks else ""


def compare_control(control: Declared, column: pl.Series, rng: np.random.Generator) -> Delivery:
    """Compare a column, not empty, with the shares its control declares.

    The interval of the total variation is the percentile bootstrap's; `by_chance` draws what was declared. A bucket
    starves below STARVED of its share, when so few have a binomial chance below CHANCE over all the buckets.
    """
    counts, declared = count_values(control.values, column), control.shares
    rows = len(column)
    wanted = np.append(declared, 0.0)
    variation = 0.5 * float(np.abs(counts / rows - wanted).sum())
    again, chance = (
        0.5 * np.abs(rng.multinomial(rows, shares, RESAMPLES) / rows - wanted).sum(axis=1)
        for shares in (counts / rows, wanted)
    )
    ends = np.quantile(again, (0.025, 0.975))
    is_rare = binom.cdf(counts[:-1], rows, declared) < CHANCE / len(declared)
    is_starved = is_rare & (counts[:-1] / rows < STARVED * declared)
    values = tuple(str(value) for value in control.values)
    return Delivery(
        name=control.name,
        values=values,
        declared=tuple(declared.tolist()),
        delivered=tuple((counts[:-1] / rows).tolist()),
        undeclared=float(counts[-1] / rows),
        variation=Interval(variation, min(float(ends[0]), variation), max(float(ends[1]), variation)),
        by_chance=float(np.quantile(chance, 0.95)),
        starved=tuple(value for value, found in zip(values, is_starved, strict=True) if found),
    )


def count_values(values: Sequence[str | float], column: pl.Series) -> Counts:
    """Count a column's rows per declared value, and last those of no declared value, nulls among them.

    Numbers are equal to DIGITS digits, whatever they are written as: 1, 1.0 and "1.0" are one value.
    """
    places = {normalise(value): place for place, value in reversed(list(enumerate(values)))}
    counts = np.zeros(len(values) + 1, dtype=np.int64)
    for value, count in column.alias("value").value_counts(name="count").rows():
        counts[places.get(normalise(value), len(values))] += count
    return counts


def normalise(value: Any) -> str:
    """Write a value so that equal ones are equal texts."""
    try:
        return str(value) if isinstance(value, bool) else f"{float(value):.{DIGITS}g}"
    except (TypeError, ValueError):
        return str(value)


def measure_reach(yardstick: Yardstick) -> Reach:
    """Measure balls and the distance of near-duplicates on the train part."""
    points = yardstick.space.place(yardstick.train)
    days = yardstick.train["session_date"]
    distances, places = cKDTree(points).query(points, k=np.arange(1, min(REAL_NEIGHBOURS, len(points)) + 1))
    sessions = days.to_physical().to_numpy()
    is_wanted = (sessions[places] != sessions[:, None]).cumsum(axis=1) == NEIGHBOURS
    column = np.where(is_wanted.any(axis=1), is_wanted.argmax(axis=1), is_wanted.shape[1] - 1)
    nearest = find_nearest(yardstick.train, points, points, days)
    return Reach(points, distances[np.arange(len(points)), column], float(np.quantile(nearest.distance, NEAR_QUANTILE)))


def measure_coverage(reach: Reach, points: Matrix) -> Coverage:
    """Measure coverage and density of synthetic points (Naeem et al. 2020), with balls between sessions.

    A fresh draw leaves a ball empty when all of its rows are farther than the NEIGHBOURS-th closest of the other gold
    rows, which is the chance that those come first in a random order of both.
    """
    counts = count_in_balls(reach.points, reach.radii, points)
    others, rows = len(reach.points) - 1, len(points)
    order = np.arange(NEIGHBOURS)
    empty = float(np.prod((others - order) / (others + rows - order)))
    covered = bound_share(float(np.mean(counts > 0)), len(counts))
    return Coverage(covered, 1.0 - empty, float(counts.sum()) * others / (NEIGHBOURS * rows * len(counts)))


def count_in_balls(centres: Matrix, radii: Matrix, points: Matrix) -> Counts:
    """Count the points in each ball, its edge included."""
    return np.asarray(cKDTree(points).query_ball_point(centres, radii, return_length=True), dtype=np.int64)


def measure_effective(points: Matrix, near: float) -> float:
    """Measure the effective number of distinct rows over their number: 1 if none is near another, 1/n if all are.

    Diversity of order 1 with likeness (Leinster & Cobbold 2012), rows being alike within `near`: one over the geometric
    mean of how many rows, itself included, are near a row. Copies of three prototypes count 3, whatever their number.
    """
    return float(np.exp(-np.mean(np.log(count_in_balls(points, np.full(len(points), near), points)))))


def measure_likeness(yardstick: Yardstick, reach: Reach, points: Matrix) -> Likeness:
    """Measure how alike rows are, in DRAWS subsamples of as many synthetic as train rows."""
    rows = min(len(points), len(reach.points))
    rng = yardstick.make_rng("diversity likeness")
    found = []
    for source in (points, reach.points):
        drawn = [draw_rows(source, rows, rng) for _ in range(DRAWS if rows < len(source) else 1)]
        found.append(estimate_mean([measure_effective(part, reach.near) for part in drawn]))
        apart = [cKDTree(part).query(part, k=2)[0][:, 1] for part in drawn]
        found.append(estimate_mean([float(np.mean(distance < reach.near)) for distance in apart]))
    return Likeness(rows, found[0], found[2], found[1], found[3])


def estimate_mean(values: Sequence[float]) -> Interval:
    """Return mean and 95% of the values; both ends are the value where there is but one, measured on all rows."""
    if len(values) == 1:
        return Interval(values[0], values[0], values[0])
    ends = spread_interval(np.array(values))
    return Interval(ends.value, max(ends.low, 0.0), min(ends.high, 1.0))


def score_equal_rows(yardstick: Yardstick, reach: Reach, synthetic: pl.DataFrame) -> list[Score]:
    """Place lost coverage and lost effective rows between gold against gold and a collapse, at equal rows."""

    def lose_coverage(left: Matrix, right: Matrix) -> float:
        radii = cKDTree(right).query(right, k=[min(NEIGHBOURS + 1, len(right))])[0][:, 0]
        return 1.0 - float(np.mean(count_in_balls(right, radii, left) > 0))

    def lose_rows(left: Matrix, _: Matrix) -> float:
        return 1.0 - measure_effective(left, reach.near)

    return [
        yardstick.score(name, distance, synthetic, PROTOTYPE_COLLAPSE)
        for name, distance in (("gold not covered", lose_coverage), ("rows lost to likeness", lose_rows))
    ]


def measure_duplicates(trades: pl.DataFrame) -> Interval:
    """Measure the share of rows whose features all equal those of an earlier row."""
    if trades.is_empty():
        return Interval(float("nan"))
    rows = measure_features(trades).select((pl.col(name).round_sig_figs(DIGITS) + 0.0) for name in FEATURES)
    return bound_share(1.0 - rows.n_unique() / len(rows), len(rows))


def say_starved(starved: Sequence[str]) -> str:
    """Name the starved buckets."""
    return f"Less than half of what was declared came of: {', '.join(starved)}."

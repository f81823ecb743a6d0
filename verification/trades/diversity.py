"""Asks whether synthetic trades are as varied as the controls asked for, and as the gold is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from verification.answers import (
    CANNOT_TELL,
    GOOD,
    UNDERFIT,
    Answer,
    Interval,
    Matrix,
    Score,
    Verdict,
    bound_share,
    say_percent,
    to_json,
)
from verification.delivery import Declared, Delivery, compare_control, find_measured, say_starved
from verification.settling import EITHER, say_lacks, say_least, say_settling
from verification.trades.features import FEATURES
from verification.trades.matching import CALIPER
from verification.trades.memorisation import REAL_NEIGHBOURS, find_nearest
from verification.trades.references import PROTOTYPE_COLLAPSE
from verification.trades.sameness import find_same
from verification.trades.yardstick import Yardstick, draw_rows

NEIGHBOURS = 5  # k of coverage and density, as their authors advise
COVERAGE_BAR = 0.75  # of what as many fresh gold trades would cover: a quarter of the gold missing is no chance
REACH = " within reach of the controls"
EFFECTIVE_BAR = 0.5  # of the gold's effective number, at equal rows
COLLAPSED = 0.1  # effective rows over the gold's: less is a collapse, even beside gold that no control narrowed
NEAR_QUANTILE = 0.01  # of the distances from real rows to those of other sessions: below it rows are near-duplicates
LEAST_TRAIN = 30  # gold rows: with fewer five neighbours are not near
LEAST_SESSIONS = 6  # of the train part: what fewer leave uncovered may be the days' doing
LEAST_SYNTHETIC = 30
MOST_ROWS = 20_000  # synthetic rows whose distances are measured; duplicates are sought among all
DRAWS = 12  # subsamples of equal size, and groups of the jackknife

Counts = NDArray[np.int64]


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


def ask_diversity(
    yardstick: Yardstick, synthetic: pl.DataFrame, controls: Sequence[Declared], controlled: Sequence[str] = ()
) -> Answer:
    """Ask whether trades are as varied as the controls declared, and as the gold that the controls leave within reach.

    Underfit, when a bucket of a control starves, or when an upper bound is below its bar: coverage below COVERAGE_BAR
    of what as many fresh gold trades would cover, or the effective number of rows below EFFECTIVE_BAR of the gold's;
    or when surely too many repeat another one, or a number is the same in all (`sameness`). Cannot tell, where an
    interval spans a bar, and where there is too little. Density, total variation and near-duplicates are shown only:
    controls may change the marginals on purpose.

    Args:
        yardstick: Gold.
        synthetic: Trades with the controls' columns.
        controls: All; metrics list those that cannot be compared, having no column or no list of values.
        controlled: Names among FEATURES that the controls set: gold far from all trades in one of them is not asked.
    """
    title = "Are they as varied as asked, and as the gold?"
    rng = yardstick.make_rng("diversity controls")
    held = [control for control in controls if control.values and find_measured(control, synthetic)]
    deliveries = [compare_control(control, synthetic, rng) for control in held if len(synthetic)]
    repeated = len(synthetic) - synthetic["trade_id"].n_unique()
    metrics: dict[str, Any] = {
        "rows": len(synthetic),
        "rows_used": 0,
        "repeated_ids": repeated,
        "controls": deliveries,
        "controls_not_compared": [control.name for control in controls if control not in held],
    }
    starved = [f"{each.name} {value}" for each in deliveries for value in each.starved]
    buckets = ("starved buckets of controls", str(len(starved)) if deliveries else "no control to compare")
    notes = say_notes(deliveries, repeated)
    same = find_same(yardstick.train, synthetic, controlled)
    faults = [*([say_starved(starved)] if starved else []), *same.faults]
    metrics |= {"duplicates": same.duplicates, "gold_duplicates": same.own}
    if lack := find_lack(yardstick, synthetic):
        verdict, reason = (UNDERFIT, " ".join(faults)) if faults else (CANNOT_TELL, lack)
        unknown = (("coverage of the gold", "unknown"), ("effective rows of 100", "unknown"), buckets)
        needs = say_least(count_sides(yardstick, synthetic)) if verdict == CANNOT_TELL else ""
        return Answer("diversity", title, verdict, reason + notes, (*same.numbers, *unknown), to_json(metrics), needs)
    asked = narrow_gold(yardstick, synthetic, controlled)
    lack = find_lack(asked, synthetic, REACH)
    compared = yardstick if lack else asked
    reach = keep_reach(yardstick)
    reach = reach if compared is yardstick else measure_reach(yardstick, asked.train, reach.near)
    used = draw_rows(yardstick.space.place(synthetic), MOST_ROWS, yardstick.make_rng("diversity rows"))
    coverage = Coverage(Interval(np.nan), np.nan, np.nan) if lack else measure_coverage(reach, used)
    likeness = measure_likeness(yardstick, reach, used)
    metrics |= {
        "rows_used": len(used),
        "gold_rows": len(yardstick.train),
        "gold_rows_asked": len(asked.train),
        "coverage": coverage,
        "likeness": likeness,
        "scores": [] if lack else score_equal_rows(compared, synthetic),
    }
    verdict, reason = judge(faults, coverage, likeness, lack)
    within = " within reach" if len(asked.train) < len(yardstick.train) else ""
    numbers = (*same.numbers, *say_measured(coverage, likeness, within), buckets)
    needs = ""
    if verdict == CANNOT_TELL:
        few = say_least(count_sides(asked, synthetic, REACH))
        needs = few if lack else say_enough(list_bars(coverage, likeness, lack), min(len(used), len(asked.train)))
    return Answer("diversity", title, verdict, reason + notes, numbers, to_json(metrics), needs)


def say_measured(coverage: Coverage, likeness: Likeness, within: str) -> tuple[tuple[str, str], ...]:
    """Say what trades cover of the gold (`within` reach), and how many of them count, each beside the gold's."""
    expected = "unknown" if np.isnan(coverage.expected) else f"{coverage.expected:.1%}"
    effective = say_percent(likeness.effective).replace("%", "")
    return (
        (f"coverage of the gold{within} (fresh gold trades: {expected})", say_percent(coverage.covered)),
        (f"effective rows of 100 (gold: {100 * likeness.gold_effective.value:.0f})", effective),
    )


def say_notes(deliveries: Sequence[Delivery], repeated: int) -> str:
    """Say what is no fault of variety and yet is to be known: values that nobody declared, and ids that come twice."""
    notes = [
        f"{each.undeclared:.1%} of the trades have none of the values of {each.name}."
        for each in deliveries
        if each.undeclared
    ]
    if repeated:
        notes.append(f"{repeated} trades have the trade_id of another one.")
    return "".join(f" {note}" for note in notes)


def narrow_gold(yardstick: Yardstick, synthetic: pl.DataFrame, controlled: Sequence[str]) -> Yardstick:
    """Keep the gold that the controls could reach: rows that have a trade within CALIPER in each controlled feature.

    Features are taken one by one, for controls are drawn apart from each other, and a combination that no trade has is
    a lack of variety.
    """
    columns = [FEATURES.index(name) for name in controlled]
    found = yardstick.space.place(synthetic)
    parts = []
    for part in (yardstick.train, yardstick.holdout):
        points = yardstick.space.place(part)
        is_near = np.full(len(points), True)
        for column in columns:
            gap = cKDTree(found[:, [column]]).query(points[:, [column]])[0]
            is_near &= gap <= CALIPER
        parts.append(part.filter(is_near))
    if len(parts[0]) == len(yardstick.train):
        return yardstick
    return Yardstick(parts[0], parts[1], yardstick.size, yardstick.seed)


def judge(faults: Sequence[str], coverage: Coverage, likeness: Likeness, lack: str = "") -> tuple[Verdict, str]:
    """Give verdict and reason: what is surely too little, else what may be, else good; `lack` leaves out coverage."""
    bars = list_bars(coverage, likeness, lack)
    faults = [
        *faults,
        *(
            f"Only {say_percent(found)} {what}, where at least {bar:.0%} are asked."
            for found, bar, what in bars
            if found.high < bar
        ),
    ]
    if faults:
        return UNDERFIT, " ".join(faults)
    if lack:
        return CANNOT_TELL, lack
    for found, bar, what in bars:
        if found.low < bar:
            return (
                CANNOT_TELL,
                f"{say_percent(found)} {what}: it may be on either side of the {bar:.0%} that are asked.",
            )
    said = " and ".join(f"{say_percent(found)} {what} (at least {bar:.0%} are asked)" for found, bar, what in bars)
    return GOOD, f"{said[0].upper()}{said[1:]}, and no bucket of a control starves."


def list_bars(coverage: Coverage, likeness: Likeness, lack: str) -> list[tuple[Interval, float, str]]:
    """List shares, each with its bar and what it is of; `lack` leaves out coverage."""
    effective_bar = (COLLAPSED if lack else EFFECTIVE_BAR) * likeness.gold_effective.value
    near = (coverage.covered, COVERAGE_BAR * coverage.expected, "of the gold trades have a trade near them")
    return [*([] if lack else [near]), (likeness.effective, effective_bar, "of the trades are unlike any other")]


def say_enough(bars: Sequence[tuple[Interval, float, str]], rows: int) -> str:
    """Say how many trades would settle on which side of its bar the first share lies that may be on either."""
    found, bar, _ = next(each for each in bars if each[0].low < each[1])
    return say_settling(rows, found, bar, EITHER)


def find_lack(yardstick: Yardstick, synthetic: pl.DataFrame, where: str = "") -> str:
    """Say what is too little to compare, and `where`; nothing where there is enough."""
    lacks = say_lacks(count_sides(yardstick, synthetic, where))
    return f"Too little to compare the variety: {lacks}." if lacks else ""


def count_sides(yardstick: Yardstick, synthetic: pl.DataFrame, where: str = "") -> list[tuple[str, int, int]]:
    """Count what a comparison needs, and the least of it."""
    return [
        ("synthetic trades", len(synthetic), LEAST_SYNTHETIC),
        (f"gold trades to train on{where}", len(yardstick.train), LEAST_TRAIN),
        (f"sessions of gold to train on{where}", yardstick.train["session_date"].n_unique(), LEAST_SESSIONS),
    ]


def keep_reach(yardstick: Yardstick) -> Reach:
    """Measure the whole train part's reach once."""
    return yardstick.once("diversity reach", lambda: measure_reach(yardstick, yardstick.train))


def measure_reach(yardstick: Yardstick, train: pl.DataFrame, near: float | None = None) -> Reach:
    """Measure balls on rows of the train part, and the distance of near-duplicates where it is not given."""
    points, days = yardstick.space.place(train), train["session_date"]
    distances, places = cKDTree(points).query(points, k=np.arange(1, min(REAL_NEIGHBOURS, len(points)) + 1))
    sessions = days.to_physical().to_numpy()
    is_wanted = (sessions[places] != sessions[:, None]).cumsum(axis=1) == NEIGHBOURS
    column = np.where(is_wanted.any(axis=1), is_wanted.argmax(axis=1), is_wanted.shape[1] - 1)
    if near is None:
        near = float(np.quantile(find_nearest(train, points, points, days).distance, NEAR_QUANTILE))
    return Reach(points, distances[np.arange(len(points)), column], near)


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
        found.append(estimate_mean(drawn, lambda part: measure_effective(part, reach.near)))
        found.append(estimate_mean(drawn, lambda part: measure_near_duplicates(part, reach.near)))
    return Likeness(rows, found[0], found[2], found[1], found[3])


def measure_near_duplicates(points: Matrix, near: float) -> float:
    """Measure the share of rows closer than `near` to another."""
    return float(np.mean(cKDTree(points).query(points, k=2)[0][:, 1] < near))


def estimate_mean(drawn: Sequence[Matrix], measure: Callable[[Matrix], float]) -> Interval:
    """Estimate a share as its mean over subsamples; 95% are the jackknife's over DRAWS groups of the first one's rows.

    Subsamples that overlap hardly differ, and one that is all rows not at all, so how they spread says nothing. The
    interval is at least Wilson's, for rows of which all or none are alike leave the jackknife no width.
    """
    value, first = float(np.mean([measure(part) for part in drawn])), drawn[0]
    groups = np.arange(len(first)) % DRAWS
    left = np.array([measure(first[groups != group]) for group in range(DRAWS)])
    error = 1.96 * float(np.sqrt((DRAWS - 1) / DRAWS * np.sum((left - left.mean()) ** 2)))
    least = bound_share(min(value, 1.0), len(first))
    return Interval(value, max(min(least.low, value - error), 0.0), min(max(least.high, value + error), 1.0))


def score_equal_rows(yardstick: Yardstick, synthetic: pl.DataFrame) -> list[Score]:
    """Place lost coverage and lost effective rows between gold against gold and a collapse, at equal rows."""
    near = keep_reach(yardstick).near

    def lose_coverage(left: Matrix, right: Matrix) -> float:
        radii = cKDTree(right).query(right, k=[min(NEIGHBOURS + 1, len(right))])[0][:, 0]
        return 1.0 - float(np.mean(count_in_balls(right, radii, left) > 0))

    def lose_rows(left: Matrix, _: Matrix) -> float:
        return 1.0 - measure_effective(left, near)

    return [
        yardstick.score(name, distance, synthetic, PROTOTYPE_COLLAPSE)
        for name, distance in (("gold not covered", lose_coverage), ("rows lost to likeness", lose_rows))
    ]

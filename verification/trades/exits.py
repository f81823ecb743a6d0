"""Do exits follow volatility and the time of day, as the gold's do?

1. `trace_curves`     quantile curves of each exit over bins of volatility and of the time of day, with a score
2. `fit_slopes`       how the exits' sizes move with both, each given the other; what the verdict rests on

Both are laws of exits *given* volatility and hour: they stay what they are when a run draws volatility or hour more
often here or there than the gold does.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Interval, Matrix, Score, Verdict, to_json
from verification.settling import EITHER, say_lacks, say_least, say_settling
from verification.trades.column_scores import measure_halves, place_score
from verification.trades.features import EXITS, FEATURES, straighten
from verification.trades.matching import measure_sound
from verification.trades.yardstick import LEAST_SESSIONS, Yardstick, draw_rows, spread_interval

QUESTION = "exits"
TITLE = "Do exits follow volatility and the time of day?"

VOLATILITY, HOUR = "volatility", "time of day"
DRIVERS = {VOLATILITY: "entry_volatility_percent", HOUR: "entry_minute"}
SLOPES = {VOLATILITY: slice(0, 1), HOUR: slice(1, 3)}  # rows of what `fit_slopes` returns
LEAST_SPREAD = 0.05  # of the ranks of a driver, whose spread in the gold is 0.29; below it nothing can follow it
ROUNDING = 1e-9  # of the greatest variance: a driver that varies less does not vary
LEVELS = (0.1, 0.5, 0.9)
BINS = 5
LEAST_IN_BIN = 8  # rows; below it a 10% quantile is the least value, and a bin says nothing
LEAST_ROWS = 2 * BINS * LEAST_IN_BIN
CAP = 4_000  # synthetic rows; more make no interval narrower that the gold keeps wide
DRAWS = 400  # bootstrap samples of sessions
LINE, TWICE = 0.5, 2.0  # of the gold's movement: exits that move less than half as much, or over twice, do not follow
FLAT = 0.01  # squared slope: exits whose rank surely moves less than 10% of the way from the least to the most volatile
TAILS = (0.025, 0.975)

Curves = NDArray[np.float64]  # exits x bins x levels, in standard deviations of the gold; NaN in bins too empty
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Ruler:
    """What the gold fixes: units of the exits, and sorted values by which sizes and drivers are ranked."""

    centre: Matrix
    spread: Matrix
    sizes: Matrix
    drivers: Matrix


@dataclass(frozen=True)
class Rows:
    """Trades on the ruler: exits in gold standard deviations, ranks 0 to 1 of exit sizes and drivers, sessions."""

    exits: Matrix
    sizes: Matrix
    drivers: Matrix
    sessions: Places

    def take(self, places: Places) -> "Rows":
        """Take rows by place."""
        return Rows(self.exits[places], self.sizes[places], self.drivers[places], self.sessions[places])


@dataclass(frozen=True)
class Gold:
    """The gold on its ruler, its halves, and its slopes with bootstrap samples of them."""

    ruler: Ruler
    rows: Rows
    halves: list[tuple[Rows, Rows]]
    slopes: Matrix
    draws: Matrix


def ask_conditional(yardstick: Yardstick, synthetic: pl.DataFrame) -> Answer:
    """Ask whether exits move with volatility, and with the time of day, as much as the gold's.

    Only volatility can make the answer good, for nearly all exits depend on it; a time of day that the gold's exits
    surely follow and the synthetic ones surely do not makes it a bad one.
    """
    sound = measure_sound(synthetic)
    own = yardstick.once("exits rows", lambda: measure_sound(yardstick.gold))
    if min(len(sound), len(own)) < LEAST_ROWS or not yardstick.halves:
        return _refuse(yardstick, len(sound), len(own))
    gold = yardstick.once("exits gold", lambda: _measure_gold(yardstick, own))
    rng = yardstick.make_rng("exits synthetic")
    rows = place_rows(sound[rng.permutation(len(sound))[:CAP]], gold.ruler)
    slopes, draws = fit_slopes(rows), draw_slopes(rows, rng)
    strength = {driver: measure_strength(gold, driver) for driver in DRIVERS}
    varies = dict(zip(DRIVERS, rows.drivers.std(axis=0) > LEAST_SPREAD, strict=True))
    unknown = Interval(np.nan)
    follow = {name: measure_follow(gold, slopes, draws, name) if varies[name] else unknown for name in DRIVERS}
    scores = [score_gap(yardstick, gold, rows, driver) for driver in DRIVERS]
    verdict, reason = _judge(strength, follow, len(sound), len(own))
    metrics = {
        "rows": len(synthetic),
        "rows_left_out": len(synthetic) - len(sound),
        "rows_used": len(rows.exits),
        "follow": follow,
        "strength": strength,
        "line": [LINE, TWICE],
        "scores": scores,
        "curves": _list_curves(yardstick, gold, rows),
    }
    numbers = _list_numbers(strength, follow, scores[0].position)
    needs = ""
    if verdict == CANNOT_TELL:
        needs = say_enough(strength[VOLATILITY], follow[VOLATILITY], len(sound), len(own))
    return Answer(QUESTION, TITLE, verdict, reason, numbers, to_json(metrics), needs)


def fit_ruler(gold: pl.DataFrame) -> Ruler:
    """Take units and ranks from gold features; an exit that does not vary keeps its own unit."""
    exits = _read_exits(gold)
    spread = exits.std(axis=0)
    unit = np.where(spread > 0.0, spread, 1.0)
    drivers = gold.select(DRIVERS.values()).to_numpy()
    return Ruler(np.median(exits, axis=0), unit, np.sort(_read_sizes(gold), axis=0), np.sort(drivers, axis=0))


def place_rows(features: pl.DataFrame, ruler: Ruler) -> Rows:
    """Place features on the gold's ruler."""
    sessions = features["session_date"].rank("dense").cast(pl.Int64).to_numpy() - 1
    return Rows(
        (_read_exits(features) - ruler.centre) / ruler.spread,
        _rank(_read_sizes(features), ruler.sizes),
        _rank(features.select(DRIVERS.values()).to_numpy(), ruler.drivers),
        sessions,
    )


def fit_slopes(rows: Rows, weights: Matrix | None = None) -> Matrix:
    """Fit the exits' sizes, ranked among the gold's, by least squares on volatility, hour and hour squared, all ranked.

    A slope says how far a size moves, 1 being from the gold's least to its greatest, while the driver does the same
    and the other driver stays. It needs no row of a particular volatility, so it does not depend on how many there
    are. The size is the percent without its sign, or the holding time.

    Args:
        rows: Trades on the ruler.
        weights: Draws x sessions: how often each session counts; once where left out.

    Returns:
        Slopes, (draws x) terms x exits, terms as in SLOPES; 0 of a driver that does not vary.
    """
    volatility, hour = (rows.drivers[:, column] for column in range(2))
    terms = np.column_stack([np.ones(len(hour)), volatility, hour, (2.0 * hour - 1.0) ** 2])
    order = np.argsort(rows.sessions, kind="stable")
    starts = np.flatnonzero(np.diff(rows.sessions[order], prepend=-1))
    known = np.ones((1, len(starts))) if weights is None else weights
    sums = [
        np.tensordot(known, np.add.reduceat((terms[:, :, None] * each[:, None, :])[order], starts), axes=1)
        for each in (terms, rows.sizes)
    ]
    means = sums[0][:, 1:, :1] / sums[0][:, :1, :1]
    squares = sums[0][:, 1:, 1:] - means @ sums[0][:, :1, 1:]
    slopes = np.linalg.pinv(squares, rcond=ROUNDING) @ (sums[1][:, 1:] - means @ sums[1][:, :1])
    return np.asarray(slopes[0] if weights is None else slopes)


def draw_slopes(rows: Rows, rng: np.random.Generator) -> Matrix:
    """Draw bootstrap samples of the slopes, whole sessions with putting back: DRAWS x terms x exits."""
    sessions = int(rows.sessions.max()) + 1
    weights = rng.multinomial(sessions, np.full(sessions, 1.0 / sessions), DRAWS).astype(np.float64)
    return fit_slopes(rows, weights)


def measure_strength(gold: Gold, driver: str) -> Interval:
    """Measure how the gold's exits move with a driver: the sum of squared slopes, less what chance alone adds to it."""
    part = SLOPES[driver]
    slopes, draws = gold.slopes[part], gold.draws[:, part]
    chance = float(((draws - slopes) ** 2).sum(axis=(1, 2)).mean())
    drawn = (draws**2).sum(axis=(1, 2)) - 2.0 * chance  # of a draw from a sample, chance adds twice
    low, high = np.quantile(drawn, TAILS)
    return Interval(float((slopes**2).sum()) - chance, float(low), float(high))


def measure_follow(gold: Gold, slopes: Matrix, draws: Matrix, driver: str) -> Interval:
    """Measure the synthetic movement along the gold's, as a share of it: 1 moves as much, 0 not at all.

    The product of both slopes over the gold's strength. The interval is the bootstrap's over the sessions of both.
    NaN where the gold's strength is not surely above 0: then there is nothing to follow.
    """
    strength, part = measure_strength(gold, driver), SLOPES[driver]
    if not strength.low > 0.0:
        return Interval(np.nan)
    chance = float((gold.slopes[part] ** 2).sum()) - strength.value
    squares = (gold.draws[:, part] ** 2).sum(axis=(1, 2)) - 2.0 * chance
    drawn = (draws[:, part] * gold.draws[:, part]).sum(axis=(1, 2)) / np.maximum(squares, strength.low)
    low, high = np.quantile(drawn, TAILS)
    value = float((slopes[part] * gold.slopes[part]).sum()) / strength.value
    return Interval(value, min(float(low), value), max(float(high), value))


def trace_curves(rows: Rows, driver: str) -> Curves:
    """Trace the exits' quantiles over BINS equal parts of the gold's ranks of a driver.

    For the time of day, of what volatility leaves over: volatility itself follows the clock.
    """
    bins = np.minimum((rows.drivers * BINS).astype(np.int64), BINS - 1)
    exits = rows.exits if driver == VOLATILITY else _take_out(rows.exits, bins[:, 0])
    own = bins[:, list(DRIVERS).index(driver)]
    curves = np.full((exits.shape[1], BINS, len(LEVELS)), np.nan)
    for place in range(BINS):
        inside = exits[own == place]
        if len(inside) >= LEAST_IN_BIN:
            curves[:, place] = np.quantile(inside, LEVELS, axis=0).T
    return curves


def measure_gap(one: Curves, two: Curves) -> float:
    """Measure the mean absolute gap between curves over the bins that both have; NaN without one."""
    gaps = np.abs(one - two)
    known = gaps[np.isfinite(gaps)]
    return float(known.mean()) if len(known) else float("nan")


def score_gap(yardstick: Yardstick, gold: Gold, rows: Rows, driver: str) -> Score:
    """Score the gap between curves at equal rows: gold against gold, and gold whose exits were shuffled, as ends."""
    floors, noises = yardstick.once(f"exits gap {driver}", lambda: _measure_ends(yardstick, gold, driver))
    rng = yardstick.make_rng(f"exits gap {driver} value")
    values = []
    for left, right in gold.halves:
        same = rows.take(rng.permutation(len(rows.exits))[: len(left.exits)])
        values.append(measure_gap(trace_curves(same, driver), trace_curves(right, driver)))
    ends = (spread_interval(np.array([gap for gap in gaps if np.isfinite(gap)])) for gaps in (values, floors, noises))
    return place_score(f"exit curves over {driver}", *ends, noise_is="exits shuffled")


def _measure_ends(yardstick: Yardstick, gold: Gold, driver: str) -> tuple[list[float], list[float]]:
    rng = yardstick.make_rng(f"exits gap {driver} ends")
    floors, noises = [], []
    for left, right in gold.halves:
        target = trace_curves(right, driver)
        shuffled = replace(left, exits=draw_rows(left.exits, len(left.exits), rng))
        floors.append(measure_gap(trace_curves(left, driver), target))
        noises.append(measure_gap(trace_curves(shuffled, driver), target))
    return floors, noises


def _measure_gold(yardstick: Yardstick, own: pl.DataFrame) -> Gold:
    ruler = fit_ruler(own)
    halves = [(place_rows(left, ruler), place_rows(right, ruler)) for left, right in measure_halves(yardstick)]
    halves = [pair for pair in halves if min(len(side.exits) for side in pair) > 0]
    rows = place_rows(own, ruler)
    return Gold(ruler, rows, halves, fit_slopes(rows), draw_slopes(rows, yardstick.make_rng("exits gold")))


def _read_exits(features: pl.DataFrame) -> Matrix:
    return np.asarray(straighten(features)[:, [FEATURES.index(name) for name in EXITS]])


def _read_sizes(features: pl.DataFrame) -> Matrix:
    return np.asarray(np.abs(features.select(EXITS).to_numpy()))


def _rank(values: Matrix, known: Matrix) -> Matrix:
    """Rank every column among sorted known values: the share of them below, ties by half."""
    sides = [
        np.column_stack([np.searchsorted(known[:, c], values[:, c], side=side) for c in range(known.shape[1])])
        for side in ("left", "right")
    ]
    return np.asarray((sides[0] + sides[1]) / (2.0 * len(known)))


def _take_out(exits: Matrix, bins: Places) -> Matrix:
    """Centre and scale exits within each volatility bin by the bin's own median and half its 10-90% range."""
    rest = np.zeros_like(exits)
    for place in range(BINS):
        own = bins == place
        if own.any():
            low, middle, high = np.quantile(exits[own], LEVELS, axis=0)
            width = (high - low) / 2.0
            rest[own] = (exits[own] - middle) / np.where(width > 0.0, width, 1.0)
    return rest


def _list_numbers(
    strength: dict[str, Interval], follow: dict[str, Interval], position: Interval
) -> tuple[tuple[str, str], ...]:
    """List the numbers behind the verdict: the driver that exits surely do not follow first, else volatility."""
    main, hour = (
        (f"exits' move with {driver}, gold = 1", str(follow[driver]) if follow[driver].is_known else unknown)
        for driver, unknown in ((VOLATILITY, "unknown"), (HOUR, "the gold's hardly do"))
    )
    if not follow[VOLATILITY].is_known:
        main = (f"strength with {VOLATILITY} in gold", str(strength[VOLATILITY]))
    numbers = (main, hour) if _is_off(follow[VOLATILITY]) or not _is_off(follow[HOUR]) else (hour, main)
    return *numbers, ("curves, shuffled (0) to gold (1)", str(position))


def _is_off(place: Interval) -> bool:
    return place.is_known and (place.high < LINE or place.low > TWICE)


def _judge(
    strength: dict[str, Interval], follow: dict[str, Interval], rows: int, gold_rows: int
) -> tuple[Verdict, str]:
    passing = f"{LINE:g} to {TWICE:g} would pass"
    for driver, place in follow.items():
        if _is_off(place):
            return UNDERFIT, f"Exits move {place} times as much with {driver} as the gold's do; {passing}."
    main = follow[VOLATILITY]
    told = f"Exits move {main} times as much with {VOLATILITY} as the gold's do"
    if main.is_known and main.likely_low >= LINE and main.likely_high <= TWICE:
        beyond = f", and {follow[HOUR]} with the {HOUR}" if follow[HOUR].is_known else ""
        return GOOD, f"{told}{beyond}; {passing}."
    if main.is_known:
        return CANNOT_TELL, f"{told}; {passing}."
    if strength[VOLATILITY].high < FLAT:
        return GOOD, f"The gold's own exits do not move with {VOLATILITY}, so there is nothing to follow."
    if strength[VOLATILITY].low > 0.0:
        return CANNOT_TELL, f"The {VOLATILITY} of {rows} synthetic trades hardly varies, so exits cannot follow it."
    return CANNOT_TELL, (
        f"{gold_rows} gold trades do not show whether their own exits move with {VOLATILITY}, so {rows} synthetic ones "
        "cannot be held against them."
    )


def say_enough(strength: Interval, place: Interval, rows: int, gold_rows: int) -> str:
    """Say how many trades would settle it; where exits have nothing to follow, more gold, or more varied trades."""
    if place.is_known:
        line, passing = LINE if place.value < 1.0 else TWICE, LINE < place.value < TWICE
        return say_settling(min(rows, gold_rows), place, line, EITHER, passing=passing)
    return (
        f"trades of more varied {VOLATILITY}"
        if strength.low > 0.0
        else say_settling(gold_rows, strength, 0.0, "gold trades")
    )


def _refuse(yardstick: Yardstick, rows: int, gold: int) -> Answer:
    counts = [
        ("synthetic trades", rows, LEAST_ROWS),
        ("gold trades", gold, LEAST_ROWS),
        ("gold sessions", yardstick.gold["session_date"].n_unique(), LEAST_SESSIONS),
    ]
    scarce = sorted(counts, key=lambda each: each[1] / each[2])
    reason = f"Too little for curves over {BINS} bins: {say_lacks(scarce)}."
    numbers = tuple((label, f"{found:,}") for label, found, _ in scarce)
    needs = say_least(scarce)
    return Answer(QUESTION, TITLE, CANNOT_TELL, reason, numbers, {"rows_used": rows, "scores": [], "curves": []}, needs)


def _list_curves(yardstick: Yardstick, gold: Gold, rows: Rows) -> list[dict[str, Any]]:
    """List the curves for plotting, levels x bins, in standard deviations from the gold's median exit.

    `gold_error` is half a 95% band: 1.96 times the spread over half-samples of sessions (delete-half jackknife).
    """
    rng = yardstick.make_rng("exits shuffled")
    shuffled = replace(gold.rows, exits=draw_rows(gold.rows.exits, len(gold.rows.exits), rng))
    listed = []
    for place, (driver, column) in enumerate(DRIVERS.items()):
        sets = {"gold": gold.rows, "synthetic": rows, "shuffled": shuffled}
        curves = {name: trace_curves(each, driver) for name, each in sets.items()}
        halves = np.array([trace_curves(side, driver) for pair in gold.halves for side in pair])
        error = 1.96 * halves.std(axis=0)
        known = gold.ruler.drivers[:, place]
        edges = np.quantile(known, np.linspace(0.0, 1.0, BINS + 1))
        for number, exit_ in enumerate(EXITS):
            told = {name: each[number].T for name, each in curves.items()} | {"gold_error": error[number].T}
            unit = {"centre": gold.ruler.centre[number], "spread": gold.ruler.spread[number]}
            listed.append(
                {"driver": driver, "column": column, "exit": exit_, "edges": edges, "levels": LEVELS} | unit | told
            )
    return listed

"""Do the synthetic trades follow the gold's law? A classifier two-sample test, the structure, columns and pairs.

1. `compare_classifier`   can a classifier tell the synthetic trades from the gold? The score that decides.
2. `place_structure`      seen by a classifier that tells gold from a noise reference, which of the two are they like?
3. `compare_columns`      SDMetrics per column and per pair, and their means between noise and gold against gold.

Features that a control fixed are matched first (`matching`), and what is left is compared given them. The classifier
sees the shape of a trade, its exits in multiples of its volatility: days are wild or calm, and a few sessions do not
tell the law of that. The volatility itself is one of `numbers`, which holds sessions against sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Answer, Interval, Matrix, Score, Verdict, to_json
from verification.settling import EITHER, say_lacks, say_least, say_settling
from verification.trades.classifier import LEAST_GROUPS, LEAST_ROWS, WIDTH, CrossFit, Groups, cross_fit, measure_auc
from verification.trades.column_scores import compare_columns, place_score, score_columns
from verification.trades.features import FEATURES, PERCENTS, straighten
from verification.trades.matching import match_trades, measure_sound
from verification.trades.origins import SEEDS, number_origins, number_sessions
from verification.trades.references import SHUFFLED_MARGINALS, UNIFORM_NOISE
from verification.trades.waiving import Waived, count_effective, weigh_sides
from verification.trades.yardstick import Yardstick, draw_places, spread_interval

QUESTION = "fidelity"
TITLE = "Do they follow the gold's law?"

CAP = 1_000  # rows a side that the classifier sees; more cost time and hardly narrow the interval
REPEATS = 4  # folds are drawn anew and chances averaged, which takes a part of the luck of the folds out
VOLATILITY, *IN_VOLATILITIES = PERCENTS
HALVES = 6  # of the yardstick's splits of the gold, for gold against gold
LINE = 0.25  # of the way from gold against gold (0) to noise (1): farther away is not the gold's law
PLAIN = 0.7  # AUC above which trades differ whatever noise scores; the line where too little gold leaves noise unknown
SHARED = 0.5  # AUC surely below it, and below what halves of the gold have: a row's twin is on the other side
LEAST_VOLATILITY = 1e-3  # percent
STRUCTURE_LINE = 0.25  # position between noise (0) and gold (1) below which trades have the noise's structure
TIES_LINE = 0.5  # and that of the correlations: trades on another scale look like noise, but their columns are tied


@dataclass(frozen=True)
class Sides:
    """Gold and synthetic features as a classifier is shown them, the groups they come from, and what each row counts.

    What controls set is weighted until it has one law on both. Rows of a side that are equal are one row of more
    weight. A synthetic row is in the group of the gold session that its first grounding seed is of, so that no
    classifier judges it that has seen its seed; without seeds in that of its own origin.
    """

    gold: pl.DataFrame
    synthetic: pl.DataFrame
    seen: tuple[Matrix, Matrix]
    groups: tuple[Groups, Groups]
    weights: tuple[Matrix, Matrix]


def ask_fidelity(
    yardstick: Yardstick, synthetic: pl.DataFrame, controlled: Sequence[str] = (), waived: Sequence[Waived] = ()
) -> Answer:
    """Ask whether the joint law of the features is the gold's, given what controls set.

    Args:
        yardstick: The gold, its halves and its references.
        synthetic: Trade table; rows with a feature that is no finite number are left out and counted.
        controlled: Names among FEATURES whose law the run set on purpose: columns and pairs are compared given them.
        waived: What is weighted until it has one law on both.
    """
    fixed = [name for name in FEATURES if name in controlled]
    sound = measure_sound(synthetic)
    sides = take_sides(yardstick, synthetic, waived)
    score = compare_classifier(yardstick, sides)
    structure = {name: place_structure(yardstick, sides, name) for name in (SHUFFLED_MARGINALS, UNIFORM_NOISE)}
    scores = [score, *score_columns(yardstick, sound, fixed)]
    verdict, reason = _judge(sides, scores, structure)
    held_out = measure_held_out(yardstick, sides)
    metrics = {
        "rows": len(synthetic),
        "rows_left_out": len(synthetic) - len(sound),
        "rows_used": len(sides.synthetic),
        "effective_rows": count_effective(sides.weights[1]),
        "controlled": fixed,
        "waived": [each.feature for each in waived],
        "scores": scores,
        "structure": structure,
        "line": _draw_line(score),
        "auc_held_out": held_out,
        **compare_columns(
            *match_trades(_measure_gold(yardstick), sound, fixed, yardstick.make_rng("fidelity pairs")), fixed
        ),
    }
    auc = ("classifier's AUC (0.5: a guess)", str(score.value))
    least = min(len(np.unique(groups)) for groups in sides.groups)
    rows = min(len(sides.gold), len(sides.synthetic))
    few = ("sessions a side", str(least)) if rows >= LEAST_ROWS else ("trades a side", str(rows))
    numbers = (
        auc if score.value.is_known else few,
        ("between shuffled gold (0), gold (1)", str(score.position)),
        ("against the hold-out alone (AUC)", str(held_out))
        if held_out.is_known
        else ("structure, noise (0) to gold (1)", str(_least(structure))),
    )
    needs = say_enough(sides, score) if verdict == CANNOT_TELL else ""
    return Answer(QUESTION, TITLE, verdict, reason, numbers, to_json(metrics), needs)


def _measure_gold(yardstick: Yardstick) -> pl.DataFrame:
    return yardstick.once("fidelity gold", lambda: measure_sound(yardstick.gold))


def take_sides(yardstick: Yardstick, synthetic: pl.DataFrame, waived: Sequence[Waived] = ()) -> Sides:
    """Take both sides as a classifier sees them, CAP rows of either at the most."""
    rng = yardstick.make_rng("fidelity pairs")
    tables = [keep_sound(yardstick.gold), keep_sound(synthetic)]
    weights = weigh_sides(tables[0], tables[1], waived)
    groups = number_sessions(tables[0]), group_by_seeds(tables[0], tables[1])
    made = []
    for table, weight, group in zip(tables, weights, groups, strict=True):
        told = measure_sound(table).with_columns(weight=pl.Series(weight), group=pl.Series(group))
        merged = (
            told.filter(pl.col("weight") > 0.0)
            .group_by(*FEATURES, maintain_order=True)
            .agg(pl.col("session_date", "group").first(), pl.col("weight").sum())
        )
        made.append(merged[np.sort(draw_places(len(merged), CAP, rng))])
    return Sides(
        made[0],
        made[1],
        (see_shapes(made[0]), see_shapes(made[1])),
        (made[0]["group"].to_numpy(), made[1]["group"].to_numpy()),
        (made[0]["weight"].to_numpy(), made[1]["weight"].to_numpy()),
    )


def keep_sound(trades: pl.DataFrame) -> pl.DataFrame:
    """Keep the trades that `measure_sound` keeps."""
    rows = trades.with_row_index("place")
    kept = measure_sound(rows.with_columns(trade_id=pl.col("place").cast(pl.String)))["trade_id"].cast(pl.UInt32)
    return trades[kept.to_list()]


def see_shapes(features: pl.DataFrame) -> Matrix:
    """Return what a classifier sees of each trade: exits in multiples of volatility, holding, time of day and side."""
    unit = pl.col(VOLATILITY).clip(lower_bound=LEAST_VOLATILITY)
    scaled = features.with_columns(pl.col(name) / unit for name in IN_VOLATILITIES)
    return np.delete(straighten(scaled), FEATURES.index(VOLATILITY), axis=1)


def group_by_seeds(gold: pl.DataFrame, synthetic: pl.DataFrame) -> Groups:
    """Number the gold session of each synthetic row's first seed; below 0 the origin of a row without a known one."""
    own = -1 - number_origins(synthetic)
    if SEEDS not in synthetic.columns or not isinstance(synthetic.schema[SEEDS], pl.List):
        return own
    known = pl.DataFrame({"seed": gold["trade_id"], "session": number_sessions(gold)}).unique("seed")
    asked = synthetic.select(seed=pl.col(SEEDS).list.first().cast(pl.String))
    found = asked.join(known, on="seed", how="left", maintain_order="left")["session"]
    return found.fill_null(pl.Series(own)).to_numpy()


def measure_held_out(yardstick: Yardstick, sides: Sides) -> Interval:
    """Measure the AUC against the held-out sessions alone, which no prompt ever showed."""
    is_held = sides.gold["session_date"].is_in(yardstick.holdout["session_date"].unique().to_list()).to_numpy()
    left, groups, weights = sides.seen[0][is_held], sides.groups[0][is_held], sides.weights[0][is_held]
    both, counted = (groups, sides.groups[1]), (weights, sides.weights[1])
    fit = cross_fit(left, sides.seen[1], *both, yardstick.make_rng("fidelity held out"), counted)
    return Interval(np.nan) if fit is None else measure_auc(fit.left, fit.right, *both, counted)


def compare_classifier(yardstick: Yardstick, sides: Sides) -> Score:
    """Score how well a classifier tells the two sides apart: AUC out of fold, with its interval.

    Folds hold whole groups. The floor is gold against gold on halves of its sessions, the noise gold against the
    shuffled marginals. All NaN with fewer than LEAST_ROWS rows or LEAST_GROUPS sessions a side.
    """
    floor, noise = yardstick.once("fidelity ends", lambda: _measure_ends(yardstick))
    value = _measure_sides(sides, yardstick, "fidelity auc")
    return place_score("classifier AUC", value, floor, noise, noise_is=SHUFFLED_MARGINALS)


def place_structure(yardstick: Yardstick, sides: Sides, noise_is: str) -> Interval:
    """Place the synthetic trades between a noise reference (0) and gold (1), as a classifier of these two sees them.

    The classifier never saw a synthetic trade: what counts is not whether they differ from the gold, but whether they
    have what the gold has and the noise lacks. It sees the percents as they are: in multiples of volatility, exits that
    ignore volatility would be noise, although they hang together. NaN where it cannot surely tell gold from that noise.
    """
    fit = yardstick.once(f"fidelity structure {noise_is}", lambda: _fit_noise(yardstick, noise_is))
    if fit is None or sides.synthetic.is_empty():
        return Interval(np.nan)
    (gold, gold_error), (noise, noise_error) = _average(fit.left), _average(fit.right)
    width = gold - noise
    if width <= WIDTH * np.hypot(gold_error, noise_error):
        return Interval(np.nan)
    mean, error = _average(fit.score(straighten(sides.synthetic)), sides.weights[1])
    place = (mean - noise) / width
    spread = np.sqrt(error**2 + (place * gold_error) ** 2 + ((1.0 - place) * noise_error) ** 2) / width
    return Interval(place, place - WIDTH * spread, place + WIDTH * spread)


def _measure_sides(sides: Sides, yardstick: Yardstick, purpose: str, repeats: int = REPEATS) -> Interval:
    rng = yardstick.make_rng(purpose)
    fits = [
        fit for _ in range(repeats) if (fit := cross_fit(*sides.seen, *sides.groups, rng, sides.weights)) is not None
    ]
    if not fits:
        return Interval(np.nan)
    left, right = np.mean([fit.left for fit in fits], axis=0), np.mean([fit.right for fit in fits], axis=0)
    return measure_auc(left, right, *sides.groups, sides.weights)


def _measure_ends(yardstick: Yardstick) -> tuple[Interval, Interval]:
    aucs = []
    for number, halves in enumerate(yardstick.halves[:HALVES]):
        left, right = (measure_sound(half).head(CAP) for half in halves)
        groups = number_sessions(left), -1 - number_sessions(right)
        sides = Sides(
            left, right, (see_shapes(left), see_shapes(right)), groups, (np.ones(len(left)), np.ones(len(right)))
        )
        aucs.append(_measure_sides(sides, yardstick, f"fidelity floor {number}", repeats=1).value)
    noise = take_sides(yardstick, yardstick.references[SHUFFLED_MARGINALS])
    return spread_interval(np.array([auc for auc in aucs if np.isfinite(auc)])), _measure_sides(
        noise, yardstick, "fidelity noise"
    )


def _fit_noise(yardstick: Yardstick, noise_is: str) -> CrossFit | None:
    sides = take_sides(yardstick, yardstick.references[noise_is])
    rows = straighten(sides.gold), straighten(sides.synthetic)
    return cross_fit(*rows, *sides.groups, yardstick.make_rng(f"fidelity structure {noise_is}"))


def _average(chances: Matrix, weights: Matrix | None = None) -> tuple[float, float]:
    own = np.ones(len(chances)) if weights is None else weights
    mean = float(np.average(chances, weights=own))
    return mean, float(np.sqrt(np.average((chances - mean) ** 2, weights=own) / count_effective(own)))


def _draw_line(score: Score) -> float:
    """AUC beyond which trades are not of the gold's law; a floor that luck put below 0.5 counts as 0.5."""
    if not _knows_noise(score):
        return PLAIN
    floor = max(score.floor.value, 0.5) if np.isfinite(score.floor.value) else 0.5
    return float(max(floor + LINE * (score.noise.value - floor), 0.5))


def _knows_noise(score: Score) -> bool:
    return score.noise.is_known and score.noise.low > 0.5


def _least(structure: dict[str, Interval]) -> Interval:
    known = [place for place in structure.values() if place.is_known]
    return min(known, key=lambda place: place.value, default=Interval(np.nan))


def _judge(sides: Sides, scores: list[Score], structure: dict[str, Interval]) -> tuple[Verdict, str]:
    score, ties = scores[0], scores[-1].position
    auc, line = score.value, _draw_line(score)
    if not auc.is_known:
        return CANNOT_TELL, _say_too_few(sides)
    place = _least(structure)
    effective = count_effective(sides.weights[1])
    made = f"{len(sides.synthetic):,} synthetic ones" + (
        f" (like held against like, as good as {effective:,.0f})" if effective < 0.95 * len(sides.synthetic) else ""
    )
    told = f"A classifier tells synthetic from gold with AUC {auc}, on {len(sides.gold):,} gold trades and {made}"
    verdict, ending = CANNOT_TELL, f"; the interval holds the line of {line:.2f}."
    if auc.low > line and place.is_known and place.high < STRUCTURE_LINE and ties.value < TIES_LINE:
        verdict, ending = (
            NOISE,
            f", and what ties the gold's columns together is missing: {place} from noise 0 to gold 1.",
        )
    elif auc.low > line:
        verdict, ending = UNDERFIT, f"; above {line:.2f} the law is another than the gold's."
    elif not _knows_noise(score):
        ending = f", but so little gold is hardly told from shuffled gold either (AUC {score.noise})."
    elif _shares_rows(score):
        ending = f": surely below {SHARED} and below what the gold's own halves have. Rows are shared."
    elif auc.likely_high <= line:
        verdict, ending = GOOD, f", no better than the {line:.2f} up to which it counts as guessing."
    return verdict, told + ending


def say_enough(sides: Sides, score: Score) -> str:
    """Say what would settle it if the AUC stayed what it is; nothing where rows are shared, which no number settles."""
    auc, gold, made = score.value, len(sides.gold), round(count_effective(sides.weights[1]))
    if not auc.is_known:
        return say_least(_count_sides(sides))
    if not _knows_noise(score):
        return say_settling(gold, score.noise, SHARED, "gold trades") if score.noise.is_known else "more gold trades"
    if _shares_rows(score):
        return ""
    return say_settling(min(gold, made), auc, _draw_line(score), EITHER, passing=auc.value < _draw_line(score))


def _shares_rows(score: Score) -> bool:
    """Whether rows of the set stand in the gold as well: surely told worse than by guessing, and than gold's halves."""
    return score.floor.is_known and score.value.high < min(SHARED, score.floor.low)


def _count_sides(sides: Sides) -> list[tuple[str, int, int]]:
    return [
        ("synthetic trades in reach of the gold", len(sides.synthetic), LEAST_ROWS),
        ("gold trades", len(sides.gold), LEAST_ROWS),
        ("gold sessions", len(np.unique(sides.groups[0])), LEAST_GROUPS),
        ("origins of synthetic trades", len(np.unique(sides.groups[1])), LEAST_GROUPS),
    ]


def _say_too_few(sides: Sides) -> str:
    lacks = say_lacks(_count_sides(sides)) or "folds of whole sessions would hold one side only"
    return f"Too little for a classifier: {lacks}."

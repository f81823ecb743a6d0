"""Do the synthetic trades follow the gold's law? A classifier two-sample test, the structure, columns and pairs.

1. `compare_classifier`   can a classifier tell the synthetic trades from the gold? The score that decides.
2. `place_structure`      seen by a classifier that tells gold from a noise reference, which of the two are they like?
3. `compare_columns`      SDMetrics per column and per pair, and their means between noise and gold against gold.

Features that a control fixed are matched first (`matching`), and what is left is compared given them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Answer, Interval, Matrix, Score, Verdict, to_json
from verification.trades.classifier import LEAST_GROUPS, LEAST_ROWS, WIDTH, CrossFit, Groups, cross_fit, measure_auc
from verification.trades.column_scores import compare_columns, measure_reference, place_score, score_columns
from verification.trades.features import FEATURES, straighten
from verification.trades.matching import match_trades, measure_sound
from verification.trades.references import SHUFFLED_MARGINALS, UNIFORM_NOISE
from verification.trades.yardstick import Yardstick, spread_interval

QUESTION = "fidelity"
TITLE = "Do they follow the gold's law?"

CAP = 1_000  # rows a side that the classifier sees; more cost time and hardly narrow the interval
REPEATS = 2  # folds are drawn anew and chances averaged, which takes a part of the luck of the folds out
HALVES = 6  # of the yardstick's splits of the gold, for gold against gold
LINE = 0.25  # of the way from gold against gold (0) to noise (1): farther away is not the gold's law
PLAIN = 0.7  # AUC above which trades differ whatever noise scores; the line where too little gold leaves noise unknown
STRUCTURE_LINE = 0.25  # position between noise (0) and gold (1) below which trades have the noise's structure
TIES_LINE = 0.5  # and that of the correlations: trades on another scale look like noise, but their columns are tied


@dataclass(frozen=True)
class Pairs:
    """Gold and synthetic features row by row, as a classifier is shown them, and the sessions they come from."""

    gold: pl.DataFrame
    synthetic: pl.DataFrame
    gold_groups: Groups
    synthetic_groups: Groups


def ask_fidelity(yardstick: Yardstick, synthetic: pl.DataFrame, controlled: Sequence[str] = ()) -> Answer:
    """Ask whether the joint law of the features is the gold's, given what controls fixed.

    Args:
        yardstick: The gold, its halves and its references.
        synthetic: Trade table; rows with a feature that is no finite number are left out and counted.
        controlled: Names among FEATURES whose law the run set on purpose; other names are passed over.
    """
    fixed = [name for name in FEATURES if name in controlled]
    sound = measure_sound(synthetic)
    pairs = pair_with_gold(yardstick, sound, fixed)
    score = compare_classifier(yardstick, pairs)
    structure = {name: place_structure(yardstick, pairs, name) for name in (SHUFFLED_MARGINALS, UNIFORM_NOISE)}
    scores = [score, *score_columns(yardstick, sound, fixed)]
    verdict, reason = _judge(yardstick, pairs, scores, structure, _say_unpaired(yardstick, pairs, len(sound)))
    metrics = {
        "rows": len(synthetic),
        "rows_left_out": len(synthetic) - len(sound),
        "rows_used": len(pairs.gold),
        "rows_unpaired": len(sound) - len(pairs.gold),
        "controlled": fixed,
        "scores": scores,
        "structure": structure,
        "line": _draw_line(score),
        **compare_columns(pairs.gold, pairs.synthetic, fixed),
    }
    auc = ("classifier's AUC (0.5: a guess)", str(score.value))
    groups = min(len(np.unique(groups)) for groups in (pairs.gold_groups, pairs.synthetic_groups))
    few = ("sessions a side", str(groups)) if len(pairs.gold) >= LEAST_ROWS else ("trades a side", str(len(pairs.gold)))
    numbers = (
        auc if score.value.is_known else few,
        ("between shuffled gold (0), gold (1)", str(score.position)),
        ("structure, noise (0) to gold (1)", str(_least(structure))),
    )
    return Answer(QUESTION, TITLE, verdict, reason, numbers, to_json(metrics))


def pair_with_gold(yardstick: Yardstick, sound: pl.DataFrame, fixed: Sequence[str]) -> Pairs:
    """Pair synthetic features with the gold's, CAP at the most; a matched synthetic row shares its twin's session."""
    gold = yardstick.once("fidelity gold", lambda: measure_sound(yardstick.gold))
    left, right = match_trades(gold, sound, fixed, yardstick.make_rng("fidelity pairs"))
    left, right = left.head(CAP), right.head(CAP)
    own = _number_sessions(left)
    return Pairs(left, right, own, own if fixed else -1 - _number_sessions(right))


def compare_classifier(yardstick: Yardstick, pairs: Pairs) -> Score:
    """Score how well a classifier tells the two sides apart: AUC out of fold, with its interval.

    Folds hold whole sessions. The floor is gold against gold on halves of its sessions, the noise gold against the
    shuffled marginals. All NaN with fewer than LEAST_ROWS rows or LEAST_GROUPS sessions a side.
    """
    floor, noise = yardstick.once("fidelity ends", lambda: _measure_ends(yardstick))
    value = _measure_pairs(pairs, yardstick, "fidelity auc")
    return place_score("classifier AUC", value, floor, noise, noise_is=SHUFFLED_MARGINALS)


def place_structure(yardstick: Yardstick, pairs: Pairs, noise_is: str) -> Interval:
    """Place the synthetic trades between a noise reference (0) and gold (1), as a classifier of these two sees them.

    The classifier never saw a synthetic trade: what counts is not whether they differ from the gold, but whether they
    have what the gold has and the noise lacks. NaN where it cannot surely tell gold from that noise.
    """
    fit = yardstick.once(f"fidelity structure {noise_is}", lambda: _fit_noise(yardstick, noise_is))
    if fit is None or pairs.synthetic.is_empty():
        return Interval(np.nan)
    (gold, gold_error), (noise, noise_error) = _average(fit.left), _average(fit.right)
    width = gold - noise
    if width <= WIDTH * np.hypot(gold_error, noise_error):
        return Interval(np.nan)
    mean, error = _average(fit.score(straighten(pairs.synthetic)))
    place = (mean - noise) / width
    spread = np.sqrt(error**2 + (place * gold_error) ** 2 + ((1.0 - place) * noise_error) ** 2) / width
    return Interval(place, place - WIDTH * spread, place + WIDTH * spread)


def _measure_pairs(pairs: Pairs, yardstick: Yardstick, purpose: str, repeats: int = REPEATS) -> Interval:
    rows = straighten(pairs.gold), straighten(pairs.synthetic)
    groups = pairs.gold_groups, pairs.synthetic_groups
    rng = yardstick.make_rng(purpose)
    fits = [fit for _ in range(repeats) if (fit := cross_fit(*rows, *groups, rng)) is not None]
    if not fits:
        return Interval(np.nan)
    return measure_auc(
        np.mean([fit.left for fit in fits], axis=0), np.mean([fit.right for fit in fits], axis=0), *groups
    )


def _measure_ends(yardstick: Yardstick) -> tuple[Interval, Interval]:
    aucs = []
    for number, halves in enumerate(yardstick.halves[:HALVES]):
        left, right = (measure_sound(half).head(CAP) for half in halves)
        pairs = Pairs(left, right, _number_sessions(left), -1 - _number_sessions(right))
        aucs.append(_measure_pairs(pairs, yardstick, f"fidelity floor {number}", repeats=1).value)
    noise = pair_with_gold(yardstick, measure_reference(yardstick, SHUFFLED_MARGINALS), ())
    return spread_interval(np.array([auc for auc in aucs if np.isfinite(auc)])), _measure_pairs(
        noise, yardstick, "fidelity noise"
    )


def _fit_noise(yardstick: Yardstick, noise_is: str) -> CrossFit | None:
    pairs = pair_with_gold(yardstick, measure_reference(yardstick, noise_is), ())
    groups = pairs.gold_groups, pairs.synthetic_groups
    rng = yardstick.make_rng(f"fidelity structure {noise_is}")
    return cross_fit(straighten(pairs.gold), straighten(pairs.synthetic), *groups, rng)


def _average(chances: Matrix) -> tuple[float, float]:
    return float(chances.mean()), float(chances.std() / np.sqrt(len(chances)))


def _number_sessions(features: pl.DataFrame) -> Groups:
    return features["session_date"].rank("dense").cast(pl.Int64).to_numpy()


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


def _judge(
    yardstick: Yardstick, pairs: Pairs, scores: list[Score], structure: dict[str, Interval], unpaired: str
) -> tuple[Verdict, str]:
    score, ties = scores[0], scores[-1].position
    auc, line, rows = score.value, _draw_line(score), len(pairs.gold)
    if not auc.is_known:
        return CANNOT_TELL, _say_too_few(yardstick, pairs)
    place = _least(structure)
    told = f"A classifier tells synthetic from gold with AUC {auc} on {rows} trades a side{unpaired}"
    if auc.low > line and place.is_known and place.high < STRUCTURE_LINE and ties.value < TIES_LINE:
        return NOISE, f"{told}, and what ties the gold's columns together is missing: {place} from noise 0 to gold 1."
    if auc.low > line:
        return UNDERFIT, f"{told}; above {line:.2f} the law is another than the gold's."
    if not _knows_noise(score):
        return CANNOT_TELL, f"{told}, but so little gold is hardly told from shuffled gold either (AUC {score.noise})."
    if auc.high <= line:
        return GOOD, f"{told}, no better than the {line:.2f} up to which it counts as guessing."
    return CANNOT_TELL, f"{told}; the interval holds the line of {line:.2f}, so more trades are needed to tell."


def _say_unpaired(yardstick: Yardstick, pairs: Pairs, rows: int) -> str:
    """Say how many synthetic trades the classifier did not see, for each needs a gold trade of its own beside it."""
    used, gold = len(pairs.gold), len(yardstick.gold)
    if used == rows:
        return ""
    why = f"at most {CAP:,} are used" if used == CAP else f"each needs one of {gold:,} gold trades as its partner"
    return f" ({rows - used:,} of {rows:,} synthetic ones left out: {why})"


def _say_too_few(yardstick: Yardstick, pairs: Pairs) -> str:
    sessions = yardstick.gold["session_date"].n_unique()
    return (
        f"{len(pairs.gold)} pairs of gold and synthetic trades alike in what controls fixed, and {sessions} gold "
        f"sessions; at least {LEAST_ROWS} and {LEAST_GROUPS} are needed."
    )

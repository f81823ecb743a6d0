"""Does a model trained on the synthetic trades know the real ones? Train on synthetic, test on held-out gold.

The exit model (exit_model.py) is trained on each of several sets and asked about the same held-out gold. Knowing is
measured as chances told apart: the mean chance told to trades that reached the target less that told to those that did
not. What gold teaches is the scale: shuffled gold (every column permuted on its own, which keeps the base rate and
nothing else) is at one end of it, the gold's own train part at the other. Log loss guards against chances that are told
apart but wrong. Intervals are 95%, paired, by a bootstrap of the held-out sessions; *surely* means that the whole
interval is on that side, that of 99% where a bad name is given. The first row that holds decides.

| case | after training on | on held-out gold | verdict |
|---|---|---|---|
| 1 | anything | fewer than 30 trades (or as few to train on), or 4 sessions | cannot tell |
| 2 | synthetic | log loss surely above shuffled's and surely above gold's | noise |
| 3 | gold | does not surely tell apart more than shuffled: nothing to learn here | cannot tell |
| 4 | synthetic | surely tells apart less than half of what gold teaches, or surely loses more than | underfit, or |
|   |           | half of what gold gains in log loss; noise if it tells nothing apart surely | noise |
| 5 | synthetic | surely tells apart more than half of what gold teaches | good |
| 6 | synthetic | anything else | cannot tell |

A synthetic set smaller than the train part is compared with a model trained on as many gold trades as it has. Where
the run's controls set features on purpose, gold counts as far as the synthetic trades reach in these (exit_model.py);
where they set an outcome, nothing can be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from verification.answers import CANNOT_TELL, Answer, Matrix, to_json
from verification.ask import use_one_thread
from verification.trades.exit_model.model import (
    INPUTS,
    Examples,
    ExitModel,
    Logistic,
    draw_some,
    find_set_outcome,
    find_shortage,
    narrow_yardstick,
)
from verification.trades.exit_model.scores import (
    BOOTSTRAPS,
    KEPT,
    Bench,
    Scores,
    Sessions,
    Told,
    contrast_models,
    explain_contrast,
    judge_contrast,
    measure_log_loss,
    score_chances,
    write_loss,
    write_points,
)
from verification.trades.references import SHUFFLED_MARGINALS, UNIFORM_NOISE
from verification.trades.yardstick import Yardstick

QUESTION, TITLE = "utility", "Does a model trained on them know the real trades?"
RECIPE = Logistic()  # a term per input: on a few hundred trades, curves and products cost more than they tell
MOST_TRAINED = 20_000  # trades of a set that are trained on; more change no digit that is shown
MOST_TESTED = 4_000  # synthetic trades that are tested on
GOLD, SYNTHETIC, SHUFFLED, HELD_OUT = "gold", "synthetic", "shuffled gold", "held-out gold"
LABELS = (
    "chance told to hits less to misses, trained on synthetic, percentage points",
    "the same, trained on gold, percentage points",
    "error of the told chances, synthetic less gold, log loss (below 0 is better)",
)
NOTHING_KNOWN = tuple((label, "unknown") for label in LABELS)


@dataclass(frozen=True)
class Training:
    """One model: what it was trained on and by how many trades, and the chances it told to what it was tested on."""

    trained_on: str
    rows_trained: int
    tested_on: str
    tested: Examples
    chances: Matrix
    sessions: Sessions

    @cached_property
    def told(self) -> Told:
        """Chances with their log loss."""
        return Told(self.chances, measure_log_loss(self.tested.reached, self.chances))

    @cached_property
    def scores(self) -> Scores:
        """All scores with their intervals."""
        return score_chances(self.tested, self.chances, self.sessions)

    def describe(self) -> dict[str, Any]:
        """Give what the report needs: names, numbers of trades, and scores."""
        names = {"trained_on": self.trained_on, "tested_on": self.tested_on}
        return {**names, "rows_trained": self.rows_trained, "rows_tested": len(self.tested), **vars(self.scores)}


def ask_utility(yardstick: Yardstick, synthetic: pl.DataFrame, controlled: Sequence[str] = ()) -> Answer:
    """Train on synthetic trades, gold, both and noise, test on held-out gold and the other way, and judge.

    Rows with an input, target or session unknown are left out; `metrics` counts what was used.

    Args:
        yardstick: The gold.
        synthetic: Trade table.
        controlled: Names among FEATURES whose law the run's controls set on purpose.
    """
    given = len(synthetic)
    yardstick, narrowed = narrow_yardstick(yardstick, synthetic, controlled)
    synthetic = narrowed.synthetic
    bench = Bench.take(yardstick)
    made = draw_some(bench.lens.take(synthetic), MOST_TRAINED, yardstick.make_rng("utility synthetic"))
    metrics: dict[str, Any] = {
        "target": bench.lens.target,
        "inputs": INPUTS,
        "margin": KEPT,
        "bootstraps": BOOTSTRAPS,
        **narrowed.describe(),
        "rows_given": given,
        "rows_used": len(made),
        "sessions_held_out": bench.sessions.count,
    }
    outcome, shortage = find_set_outcome(controlled), find_shortage(made, bench.train, bench.holdout)
    if outcome or shortage:
        reason = outcome or f"{shortage}{narrowed.say()}"
        return Answer(QUESTION, TITLE, CANNOT_TELL, reason, NOTHING_KNOWN, to_json(metrics))
    with use_one_thread():
        rested = yardstick.once(f"utility {len(made)}", lambda: _train_on_gold(yardstick, bench, len(made)))
        trainings = {**rested, **_train_on_synthetic(yardstick, bench, made)}
    contrast = contrast_models(
        bench.holdout,
        bench.sessions,
        synthetic=trainings[SYNTHETIC].told,
        gold=trainings[GOLD].told,
        nothing=trainings[SHUFFLED].told,
    )
    verdict = judge_contrast(contrast)
    metrics |= {"trainings": [each.describe() for each in trainings.values()], "contrast": contrast}
    reason = explain_contrast(verdict, contrast, bench.lens.target.describe(), SHUFFLED) + narrowed.say()
    apart = (trainings[name].scores.told_apart for name in (SYNTHETIC, GOLD))
    texts = (*(write_points(each) for each in apart), write_loss(contrast.behind_gold))
    return Answer(QUESTION, TITLE, verdict, reason, tuple(zip(LABELS, texts, strict=True)), to_json(metrics))


def _train_on_gold(yardstick: Yardstick, bench: Bench, rows: int) -> dict[str, Training]:
    """Train on what gold alone decides, on at most as many trades as there are synthetic ones."""
    sets = {GOLD: draw_some(bench.train, rows, yardstick.make_rng("utility gold"))}
    for name, reference in ((SHUFFLED, SHUFFLED_MARGINALS), ("uniform noise", UNIFORM_NOISE)):
        noise = bench.lens.take(yardstick.references[reference])
        sets[name] = draw_some(noise, rows, yardstick.make_rng(f"utility {name}"))
    trainings = {name: _test_on_gold(name, examples, bench) for name, examples in sets.items()}
    rate = np.full(len(bench.holdout), bench.train.rate)
    known = Training("base rate of gold", len(bench.train), HELD_OUT, bench.holdout, rate, bench.sessions)
    return {**trainings, known.trained_on: known}


def _train_on_synthetic(yardstick: Yardstick, bench: Bench, made: Examples) -> dict[str, Training]:
    sets = {SYNTHETIC: made, "gold + synthetic": bench.train.join(made)}
    trainings = {name: _test_on_gold(name, examples, bench) for name, examples in sets.items()}
    tested = draw_some(made, MOST_TESTED, yardstick.make_rng("utility tested"))
    chances = ExitModel(RECIPE, bench.holdout).tell(tested.inputs)
    sessions = Sessions(tested.sessions, bench.sessions.seed)
    back = Training(HELD_OUT, len(bench.holdout), SYNTHETIC, tested, chances, sessions)
    return {**trainings, "the other way": back}


def _test_on_gold(name: str, examples: Examples, bench: Bench) -> Training:
    chances = ExitModel(RECIPE, examples).tell(bench.holdout.inputs)
    return Training(name, len(examples), HELD_OUT, bench.holdout, chances, bench.sessions)

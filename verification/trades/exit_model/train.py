"""The exit model with a plain recipe: train on synthetic, test on held-out gold.

It is trained on each of several sets and asked about the same held-out gold. What gold teaches is the scale: shuffled
gold (every column permuted on its own, which keeps the base rate and nothing else) is at one end of it, the gold's own
train part at the other. A synthetic set smaller than the train part is compared with a model trained on as many gold
trades as it has.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from verification.answers import Matrix
from verification.trades.exit_model.model import Examples, ExitModel, Logistic, draw_some
from verification.trades.exit_model.scores import (
    Bench,
    Finding,
    Scores,
    Sessions,
    Told,
    contrast_models,
    explain_contrast,
    judge_contrast,
    measure_log_loss,
    score_chances,
    write_points,
)
from verification.trades.references import SHUFFLED_MARGINALS, UNIFORM_NOISE
from verification.trades.yardstick import Yardstick

RECIPE = Logistic()  # a term per input: on a few hundred trades, curves and products cost more than they tell
MOST_TRAINED = 20_000  # trades of a set that are trained on; more change no digit that is shown
MOST_TESTED = 4_000  # synthetic trades that are tested on
GOLD, SYNTHETIC, SHUFFLED, HELD_OUT = "gold", "synthetic", "shuffled gold", "held-out gold"


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


def compare_trained(yardstick: Yardstick, bench: Bench, examples: Examples) -> Finding:
    """Train on synthetic trades, gold, both and noise, test on held-out gold and the other way, and judge.

    Args:
        yardstick: The gold, narrowed to what the synthetic trades reach.
        bench: The same gold as the model sees it.
        examples: The synthetic trades as the model sees them; there are enough of all three.
    """
    made = draw_some(examples, MOST_TRAINED, yardstick.make_rng("utility synthetic"))
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
    reason = explain_contrast(verdict, contrast, bench.lens.target.describe(), SHUFFLED)
    known = {"rows_used": len(made), "trainings": [each.describe() for each in trainings.values()]}
    level, gold_level = (write_points(trainings[name].scores.told_apart) for name in (SYNTHETIC, GOLD))
    return Finding(verdict, reason, level, gold_level, known | {"contrast": contrast})


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

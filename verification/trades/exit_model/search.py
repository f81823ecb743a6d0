"""The exit model with a recipe that Hyperband found: once on the synthetic trades, once on the gold's train part.

On equal terms: the resource is the number of training trades, the rungs are the same for both, the score is log loss on
the source's own held-back sessions, over four folds of whole sessions. The best recipe of each is then trained on more
and more trades of its own source, and asked about the held-back ones and about held-out gold. The verdict is read at
the greatest number of trades that both searches had. *Level* is what a model tells apart on held-out gold; *gap* is
that on its own held-back trades, less its level; its interval holds the spread of the folds as well.

| verdict | gap | reading |
|---|---|---|
| cannot tell | any | cannot tell |
| good | any | fit |
| underfit or noise | surely above gold's | over |
| underfit or noise | otherwise | under |

*Over*: it learned what the synthetic trades have and real ones do not. *Under*: there was too little in them to learn.
A gap alone is no fault: whoever knows real trades as well as gold does may know its own even better.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import optuna
from optuna.trial import TrialState

from verification.answers import CANNOT_TELL, GOOD, Interval, Matrix, Verdict
from verification.ask import use_one_thread
from verification.settling import say_lacks
from verification.trades.exit_model.model import (
    LEAST_SESSIONS,
    Boosting,
    Examples,
    ExitModel,
    Labels,
    Logistic,
    Recipe,
    draw_some,
)
from verification.trades.exit_model.scores import (
    KEPT,
    UNKNOWN,
    Bench,
    Contrast,
    Finding,
    Sessions,
    Told,
    contrast_models,
    explain_contrast,
    judge_contrast,
    measure_apart,
    measure_log_loss,
    write_points,
)
from verification.trades.yardstick import Yardstick

Reading = Literal["over", "under", "fit", "cannot tell"]

TRIALS = 16
REDUCTION = 3  # a third of the trials goes on to three times the trades
HALVINGS = 2  # rungs above the first; Hyperband has as many brackets, and one more
STARTUP = 5  # trials drawn at random before those that learn from others
FOLDS = 4  # of a source's sessions; each is held back once
LEAST_RESOURCE = 10  # trades on the first rung, below which no recipe can be told from another
MOST_RESOURCE = 1_080  # trades on the last rung, of a search
MOST_LEARNED = 3_240  # trades on the last rung, of a learning curve
MOST_ROWS = 6_000  # synthetic trades used; enough for the last rung and a fold to be held back


@dataclass(frozen=True)
class Fold:
    """Trades to train on, in the order in which rungs take them, and the places of those held back."""

    fit: Examples
    held_back: Labels


@dataclass(frozen=True)
class Source:
    """One kind of trades, in folds of whole sessions, each fold's training trades in a random order of their own."""

    examples: Examples
    folds: Sequence[Fold]
    sessions: Sessions

    @classmethod
    def split(cls, examples: Examples, rng: np.random.Generator) -> "Source":
        """Deal the sessions out to the folds."""
        days = rng.permutation(np.unique(examples.sessions))
        dealt = np.zeros(len(examples), dtype=np.int64)
        for number in range(FOLDS):
            dealt[np.isin(examples.sessions, days[number::FOLDS])] = number
        folds = [
            Fold(examples.pick(rng.permutation(np.flatnonzero(dealt != number))), np.flatnonzero(dealt == number))
            for number in range(FOLDS)
        ]
        return cls(examples, folds, Sessions(examples.sessions, int(rng.integers(2**31))))

    @property
    def least_fit(self) -> int:
        """Number of trades that every fold has to train on."""
        return min(len(fold.fit) for fold in self.folds)


@dataclass(frozen=True)
class Search:
    """What Hyperband found: the best recipe and its parameters, counts by the study itself, and one entry per trial.

    `spent` is the number of trades trained on, summed over all fits: rungs reached, times folds.
    """

    recipe: Recipe
    params: dict[str, Any]
    n_trials: int
    n_pruned: int
    spent: int
    best: float
    trials: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Rung:
    """A recipe trained on `resource` trades of each fold: what it told its own held-back trades and held-out gold.

    `folds` has for each fold's model the chances told apart on held-out gold.
    """

    resource: int
    own: Told
    held_out: Told
    folds: Matrix


@dataclass(frozen=True)
class Course:
    """A source, its search and its learning curve."""

    source: Source
    search: Search
    rungs: Sequence[Rung]

    def find_rung(self, resource: int) -> Rung:
        """Give the rung of so many trades, which must be one of the curve's."""
        return next(rung for rung in self.rungs if rung.resource == resource)


def compare_tuned(yardstick: Yardstick, bench: Bench, examples: Examples) -> Finding:
    """Tune the exit model on synthetic trades and on gold, hold both against held-out gold, and judge.

    Args:
        yardstick: The gold, narrowed to what the synthetic trades reach.
        bench: The same gold as the model sees it.
        examples: The synthetic trades as the model sees them; there are enough of all three.
    """
    made = draw_some(examples, MOST_ROWS, yardstick.make_rng("search synthetic"))
    sources = [Source.split(each, yardstick.make_rng("search folds")) for each in (made, bench.train)]
    top = REDUCTION**HALVINGS
    least = min(MOST_RESOURCE, *(source.least_fit for source in sources)) // top
    rungs = [least * REDUCTION**step for step in range(HALVINGS + 1)]
    metrics: dict[str, Any] = {"rows_used": len(made), "rungs": rungs, "reading": "cannot tell"}
    if shortage := _find_few_rungs(sources, least):
        return Finding(CANNOT_TELL, shortage, UNKNOWN, UNKNOWN, metrics)
    seed = int(yardstick.make_rng("search trials").integers(2**31))
    gold = yardstick.once(f"search gold {least}", lambda: _run(sources[1], least, least * top, bench, seed))
    tuned = _run(sources[0], least, MOST_LEARNED, bench, seed)
    return _conclude(bench, tuned, gold, least * top, metrics)


def _find_few_rungs(sources: Sequence[Source], least: int) -> str | None:
    for source, name in zip(sources, ("synthetic", "gold"), strict=True):
        if lack := say_lacks([(f"sessions of {name} trades to train on", source.sessions.count, LEAST_SESSIONS)]):
            return f"None can be held back: {lack}."
    if least < LEAST_RESOURCE:
        return f"The first rung would have {least} trades to train on; below {LEAST_RESOURCE} nothing can be told."
    return None


def _run(source: Source, least: int, most: int, bench: Bench, seed: int) -> Course:
    search = tune_recipe(source, least, seed)
    rungs = []
    resource = least
    while resource <= min(most, source.least_fit):
        rungs.append(_learn(search.recipe, source, resource, bench))
        resource *= REDUCTION
    return Course(source, search, rungs)


def tune_recipe(source: Source, least: int, seed: int) -> Search:
    """Search a recipe by Hyperband: resource is training trades of a fold, score is log loss on held-back ones.

    The plain recipe is the first trial, so that a search can only better it. Same source, `least` and `seed`: same
    trials, for brackets go by the study's name and the trial's number, and nothing depends on time.
    """
    rungs = [least * REDUCTION**step for step in range(HALVINGS + 1)]

    def try_recipe(trial: optuna.Trial) -> float:
        recipe = _suggest_recipe(trial)
        loss = np.inf
        for resource in rungs:
            chances = tell_held_back(train_folds(recipe, source, resource), source)
            loss = float(np.mean(measure_log_loss(source.examples.reached, chances)))
            trial.report(loss, step=resource)
            if trial.should_prune():
                raise optuna.TrialPruned
        return loss

    with use_one_thread(), _quieten_optuna():
        study = optuna.create_study(
            study_name="exit model",
            direction="minimize",
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP),
            pruner=optuna.pruners.HyperbandPruner(rungs[0], rungs[-1], REDUCTION),
        )
        study.enqueue_trial({"family": "logistic", "slack": Logistic().slack, "curved": Logistic().curved})
        study.optimize(try_recipe, n_trials=TRIALS, n_jobs=1)
    return _sum_up(study)


def _suggest_recipe(trial: optuna.Trial | optuna.trial.FrozenTrial) -> Recipe:
    if trial.suggest_categorical("family", ["logistic", "boosting"]) == "logistic":
        slack = trial.suggest_float("slack", 0.03, 30.0, log=True)
        return Logistic(slack, trial.suggest_categorical("curved", [False, True]))
    return Boosting(
        leaves=trial.suggest_int("leaves", 2, 8),
        rate=trial.suggest_float("rate", 0.02, 0.3, log=True),
        l2=trial.suggest_float("l2", 0.1, 30.0, log=True),
        least=trial.suggest_int("least", 5, 40),
    )


def _sum_up(study: optuna.Study) -> Search:
    trials = study.trials
    return Search(
        recipe=_suggest_recipe(study.best_trial),
        params=study.best_params,
        n_trials=len(trials),
        n_pruned=sum(trial.state == TrialState.PRUNED for trial in trials),
        spent=FOLDS * sum(step for trial in trials for step in trial.intermediate_values),
        best=study.best_value,
        trials=[
            {
                "number": trial.number,
                "state": trial.state.name.lower(),
                "params": trial.params,
                "resources": list(trial.intermediate_values),
                "losses": list(trial.intermediate_values.values()),
            }
            for trial in trials
        ],
    )


@contextmanager
def _quieten_optuna() -> Iterator[None]:
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)


def train_folds(recipe: Recipe, source: Source, resource: int) -> list[ExitModel]:
    """Train a model per fold on the first `resource` trades of its order."""
    return [ExitModel(recipe, fold.fit.pick(np.arange(resource))) for fold in source.folds]


def tell_held_back(models: Sequence[ExitModel], source: Source) -> Matrix:
    """Tell every trade of the source its chance, by the model of the fold that holds it back."""
    chances = np.zeros(len(source.examples))
    for model, fold in zip(models, source.folds, strict=True):
        chances[fold.held_back] = model.tell(source.examples.inputs[fold.held_back])
    return chances


def _learn(recipe: Recipe, source: Source, resource: int, bench: Bench) -> Rung:
    models = train_folds(recipe, source, resource)
    own = tell_held_back(models, source)
    told = np.array([model.tell(bench.holdout.inputs) for model in models])
    losses = np.array([measure_log_loss(bench.holdout.reached, chances) for chances in told])
    folds = np.array([measure_apart(bench.holdout.reached, chances, bench.sessions)[0] for chances in told])
    own_told = Told(own, measure_log_loss(source.examples.reached, own))
    return Rung(resource, own_told, Told(told.mean(axis=0), losses.mean(axis=0)), folds)


def _conclude(bench: Bench, tuned: Course, gold: Course, top: int, metrics: dict[str, Any]) -> Finding:
    synthetic, best = tuned.find_rung(top), gold.find_rung(top)
    rate = np.full(len(bench.holdout), bench.train.rate)
    contrast = contrast_models(
        bench.holdout,
        bench.sessions,
        synthetic=synthetic.held_out,
        gold=best.held_out,
        nothing=Told(rate, measure_log_loss(bench.holdout.reached, rate)),
        spread=float(np.std(synthetic.folds - KEPT * best.folds, ddof=1)) / np.sqrt(FOLDS),
    )
    (own_gap, own_gaps), (gold_gap, gold_gaps) = (
        _measure_gap(bench, course.source, rung) for course, rung in ((tuned, synthetic), (gold, best))
    )
    gap = bench.sessions.widen(own_gap - gold_gap, own_gaps - gold_gaps)
    verdict = judge_contrast(contrast)
    reading = read_gap(verdict, gap)
    metrics |= {
        "reading": reading,
        "contrast": contrast,
        "gap": gap,
        "gaps": {
            "synthetic": bench.sessions.widen(own_gap, own_gaps),
            "gold": bench.sessions.widen(gold_gap, gold_gaps),
        },
        "searches": {"synthetic": tuned.search, "gold": gold.search},
        "curves": {"synthetic": _describe_curve(bench, tuned), "gold": _describe_curve(bench, gold)},
    }
    reason = _explain(verdict, reading, contrast, gap, bench)
    return Finding(verdict, reason, write_points(contrast.knows), write_points(contrast.taught), metrics)


def _measure_gap(bench: Bench, source: Source, rung: Rung) -> tuple[float, Matrix]:
    own, owns = measure_apart(source.examples.reached, rung.own.chances, source.sessions)
    held_out, draws = measure_apart(bench.holdout.reached, rung.held_out.chances, bench.sessions)
    return own - held_out, owns - draws


def read_gap(verdict: Verdict, gap: Interval) -> Reading:
    """Read over, under or fit; `gap` is the synthetic-tuned model's own to held-out, less the gold-tuned model's."""
    if verdict == CANNOT_TELL:
        return "cannot tell"
    if verdict == GOOD:
        return "fit"
    return "over" if gap.low > 0.0 else "under"


def _explain(verdict: Verdict, reading: Reading, contrast: Contrast, gap: Interval, bench: Bench) -> str:
    why = explain_contrast(verdict, contrast, bench.lens.target.describe(), "the base rate").removesuffix(".")
    more = {
        "over": "; on its own trades it tells apart more than on held-out ones, by "
        f"{write_points(gap)} percentage points more so than gold's: it learned what real trades do not have",
        "under": "; on synthetic trades it does not surely do better: there was too little in them to learn",
    }
    return f"{why}{more.get(reading, '')}."


def _describe_curve(bench: Bench, course: Course) -> list[dict[str, Any]]:
    own, out = course.source.sessions, bench.sessions
    reached = course.source.examples.reached
    return [
        {
            "resource": rung.resource,
            "own": own.widen(*measure_apart(reached, rung.own.chances, own)),
            "held_out": out.widen(*measure_apart(bench.holdout.reached, rung.held_out.chances, out)),
            "own_log_loss": own.estimate_mean(rung.own.losses),
            "held_out_log_loss": out.estimate_mean(rung.held_out.losses),
        }
        for rung in course.rungs
    ]

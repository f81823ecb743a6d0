"""Does a model trained on the synthetic trades know the real ones? Train on synthetic, test on held-out gold.

The exit model (model.py) is trained twice over: with a plain recipe (train.py), and with the one that Hyperband found
for each source (search.py). Knowing is measured as chances told apart: the mean chance told to trades that reached the
target less that told to those that did not. Log loss guards against chances that are told apart but wrong. Intervals
are 95%, paired, by a bootstrap of the held-out sessions; *surely* means that the whole interval is on that side, that
of 99% where a bad name is given. Each of the two is read by the first row that holds; *nothing* is shuffled gold for
the plain recipe, the base rate for the tuned one.

| case | after training on | on held-out gold | verdict |
|---|---|---|---|
| 1 | anything | fewer than 30 trades (or as few to train on), or 4 sessions; or an outcome was set | cannot tell |
|   |          | on purpose; for the tuned one, fewer than 10 trades on the first rung | |
| 2 | synthetic | log loss surely above nothing's and surely above gold's | noise |
| 3 | gold | does not surely tell apart more than nothing: there is nothing to learn here | cannot tell |
| 4 | synthetic | surely tells apart less than half of what gold teaches, or surely loses more than | underfit, or |
|   |           | half of what gold gains in log loss; noise if it tells nothing apart surely | noise |
| 5 | synthetic | surely tells apart more than half of what gold teaches | good |
| 6 | synthetic | anything else | cannot tell |

Of the two the worse name counts, and where one cannot tell, the other's. Where the run's controls set features on
purpose, gold counts as far as the synthetic trades reach in these (model.py).
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Answer, Interval, Verdict, to_json
from verification.ask import use_one_thread
from verification.settling import say_least, say_settling
from verification.trades.exit_model.model import (
    INPUTS,
    count_examples,
    find_set_outcome,
    find_shortage,
    narrow_yardstick,
)
from verification.trades.exit_model.scores import BOOTSTRAPS, KEPT, UNKNOWN, Bench, Contrast, write_points
from verification.trades.exit_model.search import compare_tuned
from verification.trades.exit_model.train import compare_trained
from verification.trades.yardstick import Yardstick

QUESTION, TITLE = "model", "Does a model trained on them know the real trades?"
LEVEL = "chance told to hits less to misses, trained on synthetic{}, percentage points"
TUNED_LEVEL = "the same, tuned by Hyperband{}, percentage points"
GAP = "how much more of it on its own trades than on held-out ones, synthetic less gold, percentage points"


def ask_model(yardstick: Yardstick, synthetic: pl.DataFrame, controlled: Sequence[str] = ()) -> Answer:
    """Train and tune the exit model on synthetic trades and on gold, test it on held-out gold, and judge.

    Rows with an input, target or session unknown are left out; `metrics` counts what was used.

    Args:
        yardstick: The gold.
        synthetic: Trade table.
        controlled: Names among FEATURES whose law the run's controls set on purpose.
    """
    yardstick, narrowed = narrow_yardstick(yardstick, synthetic, controlled)
    bench = Bench.take(yardstick)
    made = bench.lens.take(narrowed.synthetic)
    metrics: dict[str, Any] = {
        "target": bench.lens.target,
        "inputs": INPUTS,
        "margin": KEPT,
        "bootstraps": BOOTSTRAPS,
        **narrowed.describe(),
        "rows_given": len(synthetic),
        "rows_used": len(made),
        "sessions_held_out": bench.sessions.count,
    }
    sides = made, bench.train, bench.holdout
    outcome, shortage = find_set_outcome(controlled), find_shortage(*sides)
    if outcome or shortage:
        numbers = tuple((label.format(""), UNKNOWN) for label in (LEVEL, TUNED_LEVEL, GAP))
        reason, needs = outcome or f"{shortage}{narrowed.say()}", "" if outcome else say_least(count_examples(*sides))
        return Answer(QUESTION, TITLE, CANNOT_TELL, reason, numbers, to_json(metrics), needs)
    with use_one_thread():
        trained, tuned = (compare(yardstick, bench, made) for compare in (compare_trained, compare_tuned))
    gap: Interval | None = tuned.metrics.get("gap")
    verdict = take_worse(trained.verdict, tuned.verdict)
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=f"{trained.reason} Tuned by Hyperband: {tuned.reason}{narrowed.say()}",
        numbers=(
            (LEVEL.format(f" (gold: {trained.gold_level})"), trained.level),
            (TUNED_LEVEL.format(f" (gold: {tuned.gold_level})"), tuned.level),
            (GAP, write_points(gap) if gap else UNKNOWN),
        ),
        metrics=to_json(metrics | {"trained": trained.metrics, "tuned": tuned.metrics}),
        needs=say_enough(trained.metrics["contrast"], len(bench.holdout)) if verdict == CANNOT_TELL else "",
    )


def say_enough(contrast: Contrast, held_out: int) -> str:
    """Say how many held-out trades would show that gold teaches something, or how much of it is kept."""
    what = "held-out gold trades"
    if contrast.taught.low > 0.0:
        return say_settling(held_out, contrast.kept, 0.0, what)
    return say_settling(held_out, contrast.taught, 0.0, what) if contrast.taught.value > 0.0 else f"far more {what}"


def take_worse(*verdicts: Verdict) -> Verdict:
    """Take the worse of several verdicts; one that cannot tell leaves it to the others."""
    return next((verdict for verdict in (NOISE, UNDERFIT, GOOD) if verdict in verdicts), CANNOT_TELL)

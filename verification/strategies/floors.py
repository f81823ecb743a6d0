"""What does an answer without understanding score on these rows, and how much does the bar suite tell apart?

Neither says that rows are good or bad: a score of a model below these floors would be worth nothing.
"""

import random
from typing import Any

from indicators.strategy.bar_suite import load_suite
from indicators.strategy.grammar import read_strategy
from indicators.strategy.mutants import find_survivors, list_mutants
from verification.answers import CANNOT_TELL, GOOD, Answer, bound_share, say_percent, to_json
from verification.inputs import FinishedRun
from verification.strategies.evaluate import FLOORS, evaluate_rows
from verification.strategies.lines import TestRow

QUESTION, TITLE = "floors", "What does an answer without understanding score?"
MOST_ROWS = 300  # that are scored
MOST_STRATEGIES = 12  # whose mutants are told apart


def ask_floors(run: FinishedRun, seed: int) -> Answer:
    """Ask for the floors of every metric, on some rows, and which share of one-edit mutants the suite tells apart."""
    known = {"answer", "description"} <= set(run.accepted.columns) and run.accepted.height > 1
    if not known:
        unknown = tuple((name, "unknown") for name in ("floor of identical answers", "of the same trades", "suite"))
        return Answer(QUESTION, TITLE, CANNOT_TELL, "There are no two accepted rows with an answer.", unknown)
    table = run.accepted.head(MOST_ROWS)
    told = table.select("row_id", "description", "answer").iter_rows()
    rows = [TestRow(row_id, prompt, answer, "") for row_id, prompt, answer in told]
    found = evaluate_rows(rows, [row.answer for row in rows], "json")
    floors = {line.metric: max(line.floors[name] for name in FLOORS) for line in found.lines}
    rng = random.Random(seed)  # noqa: S311 - repeatability, not secrecy
    documents = [read_strategy(text) for text in table["strategy"].head(MOST_STRATEGIES)]
    mutants = [(document, list_mutants(rng, document)) for document in documents]
    tried = sum(len(each) for _, each in mutants)
    alive = sum(len(find_survivors(document, each, load_suite())) for document, each in mutants)
    killed = bound_share(1 - alive / tried, tried)
    metrics: dict[str, Any] = {
        "rows": len(rows),
        "floors": floors,
        "mutants": tried,
        "survive": alive,
        "killed": killed,
    }
    reason = (
        f"On {len(rows)} rows {100 * found.recoverable / len(rows):.1f}% of the answers can be recovered from their "
        f"descriptions; the bar suite tells {say_percent(killed)} of {tried} one-edit mutants from their originals."
    )
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=GOOD,
        reason=reason,
        numbers=(
            ("identical answers without understanding", f"{100 * floors.get('identical', 0):.1f}%"),
            ("answers with the same trades without understanding", f"{100 * floors.get('same_trades', 0):.1f}%"),
            ("one-edit mutants that the suite tells apart", say_percent(killed)),
        ),
        metrics=to_json(metrics),
    )

"""Do the strategies behave in as many ways as was wanted? Behaviour cells, delivered against the profile's shares."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Verdict, to_json
from verification.delivery import Declared, Delivery, compare_control, say_starved
from verification.inputs import FinishedRun
from verification.report.asked import draw_controls
from verification.report.parts import Plot
from verification.texts.balance import LEAST_ROWS

QUESTION, TITLE = "cells", "Do they behave in as many ways as was wanted?"
WANTED, MEASURED = "behaviour", "behaviour_cell"


def ask_cells(run: FinishedRun, seed: int) -> Answer:
    """Ask whether every behaviour cell has its share, beyond chance; underfit where one starves."""
    shares: Mapping[str, float] = run.profile.options.get(WANTED, {})
    cells = {name: share for name, share in shares.items() if share > 0}
    table, found = run.accepted, None
    if cells and table.height and MEASURED in table.columns:
        declared = Declared(MEASURED, tuple(cells), tuple(cells.values()))
        found = compare_control(declared, table, np.random.default_rng([seed, *QUESTION.encode()]))
    verdict, reason = _judge(found, table.height)
    empty = [] if found is None else [cell for cell, share in zip(cells, found.delivered, strict=False) if not share]
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=reason,
        numbers=(
            ("empty behaviour cells", "unknown" if found is None else f"{len(empty)} of {len(cells)}"),
            ("share of strategies that would have to move", "unknown" if found is None else str(found.variation)),
        ),
        metrics=to_json({"rows": table.height, "controls": [] if found is None else [found], "empty": empty}),
    )


def _judge(found: Delivery | None, rows: int) -> tuple[Verdict, str]:
    if found is None:
        return CANNOT_TELL, f"No behaviour was wanted ({WANTED}: {{}}), or the rows do not tell theirs."
    if found.starved:
        return UNDERFIT, say_starved(found.starved)
    if rows < LEAST_ROWS:
        return CANNOT_TELL, f"{rows} strategies are too few to see a cell starve; at least {LEAST_ROWS} are needed."
    return GOOD, f"No cell has less than half of its share beyond chance; {found.variation} would have to move."


def draw_cells(metrics: Mapping[str, Any]) -> Plot:
    """Draw delivered against wanted shares of the cells."""
    return replace(draw_controls(metrics), key=QUESTION, title="Behaviour cells, delivered against wanted")

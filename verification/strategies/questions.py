"""The questions about a run of described strategies: those that suit every dataset, then what strategies promise."""

from collections.abc import Callable

from verification.answers import Answer
from verification.ask import Tell, ask_in_turn
from verification.inputs import FinishedRun
from verification.questions import Questioned
from verification.report.plots import Drawing
from verification.strategies.cells import ask_cells, draw_cells
from verification.strategies.floors import ask_floors
from verification.strategies.promises import ask_promises
from verification.texts import questions as texts
from verification.verdict import Deciding

__all__ = ["DECIDING", "PLOTS", "ask"]

DECIDING = Deciding(
    law=(*texts.DECIDING.law, "promises"),
    deciding=texts.DECIDING.deciding,
    needed=(*texts.DECIDING.needed, "promises"),
    copies=texts.DECIDING.copies,
    alone=(*texts.DECIDING.alone, "promises"),
)
PLOTS = (
    *texts.PLOTS,
    Drawing("cells", "cells", "Behaviour cells, delivered against wanted", draw_cells),
)


def ask(run: FinishedRun, tell: Tell, seed: int) -> Questioned:
    """Ask everything of a run of described strategies.

    Raises:
        VerificationError: the accepted rows have no column of the dataset's row.
    """
    asked = texts.ask(run, tell, seed)
    questions: list[tuple[str, Callable[[], Answer]]] = [
        ("promises", lambda: ask_promises(run)),
        ("floors", lambda: ask_floors(run, seed)),
        ("cells", lambda: ask_cells(run, seed)),
    ]
    own = ask_in_turn(questions, tell)
    return Questioned(answers=[*own, *asked.answers], used=asked.used, train=asked.train, holdout=asked.holdout)

"""The questions that suit every dataset, in order; a dataset with questions of its own names another module."""

from collections.abc import Callable

from verification.answers import Answer
from verification.ask import Tell, ask_in_turn
from verification.errors import VerificationError
from verification.inputs import FinishedRun
from verification.questions import Questioned
from verification.texts.balance import ask_balance
from verification.texts.duplicates import ask_duplicates
from verification.texts.funnel import ask_funnel
from verification.texts.plots import PLOTS
from verification.texts.rows import list_fields
from verification.texts.scores import ask_scores
from verification.texts.validity import ask_validity
from verification.verdict import Deciding

__all__ = ["DECIDING", "PLOTS", "ask"]

DECIDING = Deciding(
    law=("validity",),
    deciding=("balance", "duplicates"),
    needed=("validity", "duplicates"),
    copies=("duplicates",),
    alone=("validity", "duplicates"),
)


def ask(run: FinishedRun, tell: Tell, seed: int) -> Questioned:
    """Ask everything of a run whose rows are objects or texts; gold is compared where it has the same fields.

    Raises:
        VerificationError: the accepted rows have no column of the dataset's row.
    """
    if not list_fields(run.dataset, run.accepted):
        made_by = f"columns/{run.dataset.name}/{run.dataset.row}.yaml"
        raise VerificationError(
            f"{run.folder / 'accepted.parquet'} has no column of what {made_by} makes: it is another dataset's, or the "
            "dataset was changed since"
        )
    questions: list[tuple[str, Callable[[], Answer]]] = [
        ("validity", lambda: ask_validity(run)),
        ("balance", lambda: ask_balance(run, seed)),
        ("duplicates", lambda: ask_duplicates(run, seed)),
        ("scores", lambda: ask_scores(run)),
        ("funnel", lambda: ask_funnel(run)),
    ]
    return Questioned(
        answers=ask_in_turn(questions, tell),
        used=run.accepted.height,
        train=0 if run.train is None else run.train.height,
        holdout=0 if run.holdout is None else run.holdout.height,
    )

"""What a module of questions is: it asks a run, names what decides, and hands the report its drawings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from columns.dataset import PROJECT_ROOT, import_named
from verification.answers import Answer
from verification.ask import Tell
from verification.errors import VerificationError
from verification.inputs import FinishedRun
from verification.report.plots import Drawing
from verification.verdict import Deciding

BROUGHT = ("ask", "DECIDING", "PLOTS")


@dataclass(frozen=True)
class Questioned:
    """What came of asking.

    `used` is the number of accepted rows that could be asked about, `train` and `holdout` those of the gold that they
    were held against, 0 without any. `plots` is the data of plots that belong to no question, `about` what else
    `metrics.json` says of the run, `notes` what was missing or left out. `summary` is what the report opens with:
    `sentence`, a table (`head`, `table`), `graded` pairs of label and text, `notice`, and which question's plots come
    first (`leads`); empty where there is none.
    """

    answers: Sequence[Answer]
    used: int
    train: int = 0
    holdout: int = 0
    plots: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)


class Questions(Protocol):
    """A module of questions."""

    DECIDING: Deciding
    PLOTS: Sequence[Drawing]

    def ask(self, run: FinishedRun, tell: Tell, seed: int) -> Questioned:
        """Ask everything of a run; `tell` is called with the name of each question before it is asked."""
        ...


def load_questions(name: str, dataset: str, root: Path = PROJECT_ROOT) -> Questions:
    """Load the module of questions that a dataset names; one of the user's own lies below `root`.

    Raises:
        VerificationError: it is not there, cannot be imported, or lacks something.
    """
    where = f"columns/{dataset}/dataset.yaml: questions: {name}"
    usual = "leave the key out for the questions that suit every dataset"
    try:
        module: Any = import_named(root, name)
    except ModuleNotFoundError as exc:
        if exc.name is not None and (name == exc.name or name.startswith(f"{exc.name}.")):
            raise VerificationError(f"{where}: there is no such module; write it, or {usual}") from exc
        raise VerificationError(f"{where}: it imports {exc.name}, which is not installed") from exc
    except Exception as exc:
        raise VerificationError(f"{where}: it cannot be imported ({type(exc).__name__}: {exc}); {usual}") from exc
    if missing := [each for each in BROUGHT if not hasattr(module, each)]:
        raise VerificationError(f"{where}: it lacks {', '.join(missing)}; docs/verification.md says what each is")
    questions: Questions = module
    return questions

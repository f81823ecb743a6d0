"""The questions about a run of explanations: those that suit every dataset, and three of its own."""

from verification.ask import Tell, ask_in_turn
from verification.inputs import FinishedRun
from verification.questions import Questioned
from verification.report.plots import Drawing
from verification.texts import questions as texts
from verification.verdict import Deciding
from verification.vpa.contradictions import ask_contradictions
from verification.vpa.faithfulness import ask_faithfulness
from verification.vpa.outcomes import ask_outcomes
from verification.vpa.plots import draw_contradictions, draw_faults, draw_outcomes

__all__ = ["DECIDING", "PLOTS", "ask"]

DECIDING = Deciding(
    law=(*texts.DECIDING.law, "contradictions"),
    deciding=(*texts.DECIDING.deciding, "faithfulness"),
    needed=(*texts.DECIDING.needed, "faithfulness"),
    copies=texts.DECIDING.copies,
    alone=(*texts.DECIDING.alone, "contradictions", "faithfulness"),
)
PLOTS = (
    *texts.PLOTS,
    Drawing("contradictions", "contradictions", "Rows that contradict themselves", draw_contradictions),
    Drawing("faithfulness", "faults", "What first drafts say that their context does not", draw_faults),
    Drawing("outcomes", "outcomes", "What followed a signal", draw_outcomes),
)


def ask(run: FinishedRun, tell: Tell, seed: int) -> Questioned:
    """Ask everything of a run of explanations; what followed a signal is shown, and decides nothing.

    Raises:
        VerificationError: the accepted rows have no column of the dataset's row.
    """
    asked = texts.ask(run, tell, seed)
    own = ask_in_turn(
        [
            ("contradictions", lambda: ask_contradictions(run)),
            ("faithfulness", lambda: ask_faithfulness(run)),
            ("outcomes", lambda: ask_outcomes(run, seed)),
        ],
        tell,
    )
    return Questioned(answers=[*own, *asked.answers], used=asked.used, train=asked.train, holdout=asked.holdout)

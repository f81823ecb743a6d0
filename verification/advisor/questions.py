"""The questions about an advisor's run: those that suit every dataset, then attacks and the policy."""

from verification.advisor.attacks import ask_attacks
from verification.advisor.plots import draw_attacks, draw_decisions
from verification.advisor.policy import ask_policy
from verification.ask import Tell, ask_in_turn
from verification.inputs import FinishedRun
from verification.questions import Questioned
from verification.report.plots import Drawing
from verification.texts import questions as texts
from verification.verdict import Deciding

__all__ = ["DECIDING", "PLOTS", "ask"]

DECIDING = Deciding(
    law=texts.DECIDING.law,
    deciding=(*texts.DECIDING.deciding, "attacks", "policy"),
    needed=(*texts.DECIDING.needed, "attacks"),
    copies=texts.DECIDING.copies,
    alone=(*texts.DECIDING.alone, "attacks"),
)
PLOTS = (
    *texts.PLOTS,
    Drawing("attacks", "attacks", "Attack success by kind", draw_attacks),
    Drawing("policy", "decisions", "What the policy decided", draw_decisions),
)


def ask(run: FinishedRun, tell: Tell, seed: int) -> Questioned:
    """Ask everything of an advisor's run.

    Raises:
        VerificationError: the accepted rows have no column of the dataset's row.
    """
    asked = texts.ask(run, tell, seed)
    own = ask_in_turn([("attacks", lambda: ask_attacks(run)), ("policy", lambda: ask_policy(run))], tell)
    return Questioned(answers=[*own, *asked.answers], used=asked.used, train=asked.train, holdout=asked.holdout)

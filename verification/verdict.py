"""The rule that makes one verdict of all answers.

Copies come first: a copy has every other virtue. Then noise, then what is missing. What cannot be told is not good.

| the first that holds | overall |
|---|---|
| memorisation says `overfit (copies)` | `overfit (copies)` |
| validity or fidelity says `noise` | `noise` |
| validity, fidelity, exits, diversity, utility, search or backtest says `noise` or `underfit` | `underfit` |
| fidelity, exits, diversity or memorisation says `cannot tell` | `cannot tell` |
| otherwise | `good` |

Paths, indicators and the judge are shown, and decide nothing: the bars before an entry are the gold's own, indicators
follow from them and from the controls, and a judge is one of the things that verification is there to check.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from verification.answers import CANNOT_TELL, COPIES, GOOD, NOISE, UNDERFIT, Answer, Verdict

LAW = ("validity", "fidelity")
DECIDING = (*LAW, "exits", "diversity", "utility", "search", "backtest")
NEEDED = ("fidelity", "exits", "diversity", "memorisation")
LEAST_SYNTHETIC = 50  # accepted trades, below which it is the run that is too small


@dataclass(frozen=True, slots=True)
class Overall:
    """The verdict of all answers together, and the question that decided it."""

    verdict: Verdict
    reason: str
    text: str


def decide(answers: Sequence[Answer], synthetic: int) -> Overall:
    """Make one verdict of the answers; the rule is this module's table.

    Args:
        answers: One per question.
        synthetic: Number of accepted trades.
    """
    given = {answer.question: answer for answer in answers}
    steps: list[tuple[Verdict, Sequence[str], tuple[Verdict, ...]]] = [
        (COPIES, ("memorisation",), (COPIES,)),
        (NOISE, LAW, (NOISE,)),
        (UNDERFIT, DECIDING, (UNDERFIT, NOISE)),
        (CANNOT_TELL, NEEDED, (CANNOT_TELL,)),
    ]
    for verdict, questions, named in steps:
        for answer in (given[question] for question in questions if question in given):
            if answer.verdict in named:
                return Overall(verdict, answer.reason, say_verdict(verdict, synthetic))
    return Overall(GOOD, "No question found a fault that the gold does not have itself.", GOOD)


def say_verdict(verdict: Verdict, synthetic: int) -> str:
    """Say a verdict in full: what cannot be told is for lack of accepted trades, or of gold."""
    if verdict != CANNOT_TELL:
        return verdict
    return f"{verdict}: " + ("too few accepted trades" if synthetic < LEAST_SYNTHETIC else "gold too small")

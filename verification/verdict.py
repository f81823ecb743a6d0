"""The rule that makes one verdict of all answers.

Copies come first: a copy has every other virtue. Then noise, then what is missing. What cannot be told is not good.

| the first that holds | overall |
|---|---|
| memorisation says `overfit (copies)` | `overfit (copies)` |
| validity or fidelity says `noise` | `noise` |
| validity, fidelity, exits, diversity, utility, search or backtest says `noise` or `underfit` | `underfit` |
| validity, fidelity, exits, diversity or memorisation says `cannot tell` | `cannot tell` |
| otherwise | `good` |

Paths, indicators and the judge are shown, and decide nothing: the bars before an entry are the gold's own, indicators
follow from them and from the controls, and a judge is one of the things that verification is there to check.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from verification.answers import CANNOT_TELL, COPIES, GOOD, NOISE, UNDERFIT, Answer, Verdict

LAW = ("validity", "fidelity")
DECIDING = (*LAW, "exits", "diversity", "utility", "search", "backtest")
NEEDED = ("validity", "fidelity", "exits", "diversity", "memorisation")


@dataclass(frozen=True, slots=True)
class Overall:
    """The verdict of all answers together, and the question that decided it."""

    verdict: Verdict
    reason: str
    text: str


def decide(answers: Sequence[Answer], synthetic: int, train: int) -> Overall:
    """Make one verdict of the answers; the rule is this module's table.

    Args:
        answers: One per question.
        synthetic: Number of accepted trades.
        train: Number of gold trades that the generator could see.
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
                return Overall(verdict, answer.reason, say_verdict(answer, verdict, synthetic, train))
    return Overall(GOOD, praise(answers), GOOD)


def say_verdict(answer: Answer, verdict: Verdict, synthetic: int, train: int) -> str:
    """Say a verdict in full: what cannot be told is for lack of accepted trades, or else of gold.

    Trades are compared with as many of the gold's, so that fewer than it has are what is lacking; and how many are
    impossible is a matter of the trades alone.
    """
    if verdict != CANNOT_TELL:
        return verdict
    lacks_trades = synthetic < train or answer.question == "validity"
    return f"{verdict}: " + ("too few accepted trades" if lacks_trades else "gold too small")


def praise(answers: Sequence[Answer]) -> str:
    """Say what `good` rests on, and what it does not."""
    good = [answer.question for answer in answers if answer.verdict == GOOD]
    told = [answer.question for answer in answers if answer.verdict == CANNOT_TELL]
    faulty = [f"{answer.question} says {answer.verdict}" for answer in answers if answer.verdict in (NOISE, UNDERFIT)]
    sentences = [f"Good by {', '.join(good)}."]
    if told:
        sentences.append(f"Not told: {', '.join(told)}.")
    if faulty:
        sentences.append(f"Shown, not deciding: {', '.join(faulty)}.")
    return " ".join(sentences)

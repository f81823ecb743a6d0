"""The rule that makes one verdict of all answers.

A leak comes first: where held-out gold is among the rows, nothing that is measured on it counts. Then copies: a copy
has every other virtue. Then noise, then what is missing. What cannot be told is not good.
Which questions are asked for which is declared by the module that asks them (`DECIDING`).

| the first that holds | overall |
|---|---|
| one of `leaks` says `leak` | `leak` |
| one of `copies` says `overfit (copies)` | `overfit (copies)` |
| one of `law` says `noise` | `noise` |
| one of `law` or `deciding` says `noise` or `underfit` | `underfit` |
| one of `needed` says `cannot tell` | `cannot tell` |
| otherwise | `good` |

Any other question is shown, and decides nothing; so is the judge, who is one of the things that verification is there
to check.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from verification.answers import CANNOT_TELL, COPIES, GOOD, LEAK, NOISE, UNDERFIT, Answer, Verdict


@dataclass(frozen=True, slots=True)
class Deciding:
    """Which questions decide what, by their names.

    `law` are those whose `noise` is the whole run's, `deciding` further ones that make it underfit, `needed` those
    without whose answer it is not good, `copies` those that find copies, `leaks` those that find held-out rows. What
    one of `alone` cannot tell is for lack of accepted rows, whatever the gold; of the others it is for lack of
    whichever is fewer.
    """

    law: tuple[str, ...]
    deciding: tuple[str, ...]
    needed: tuple[str, ...]
    copies: tuple[str, ...]
    alone: tuple[str, ...]
    leaks: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Every question that decides something; any other is shown only."""
        return sorted({*self.law, *self.deciding, *self.needed, *self.copies, *self.leaks})


@dataclass(frozen=True, slots=True)
class Overall:
    """The verdict of all answers together, and the question that decided it."""

    verdict: Verdict
    reason: str
    text: str


def decide(answers: Sequence[Answer], by: Deciding, used: int, train: int, nouns: str) -> Overall:
    """Make one verdict of the answers; the rule is this module's table.

    Args:
        answers: One per question.
        by: Which questions decide.
        used: Number of accepted rows that were asked about.
        train: Number of gold rows that the generator could see.
        nouns: How people call the rows.
    """
    given = {answer.question: answer for answer in answers}
    steps: list[tuple[Verdict, Sequence[str], tuple[Verdict, ...]]] = [
        (LEAK, by.leaks, (LEAK,)),
        (COPIES, by.copies, (COPIES,)),
        (NOISE, by.law, (NOISE,)),
        (UNDERFIT, (*by.law, *by.deciding), (UNDERFIT, NOISE)),
        (CANNOT_TELL, by.needed, (CANNOT_TELL,)),
    ]
    for verdict, questions, named in steps:
        for answer in (given[question] for question in questions if question in given):
            if answer.verdict in named:
                if verdict != CANNOT_TELL:
                    return Overall(verdict, answer.reason, verdict)
                lacks_rows = used < train or answer.question in by.alone
                few = f"too few accepted {nouns}" if lacks_rows else "gold too small"
                return Overall(verdict, f"{answer.reason} {say_known(answers)}", f"{verdict}: {few}")
    return Overall(GOOD, say_known(answers), GOOD)


def say_known(answers: Sequence[Answer]) -> str:
    """Say what a verdict rests on, and what it does not."""
    good = [answer.question for answer in answers if answer.verdict == GOOD]
    told = [answer.question for answer in answers if answer.verdict == CANNOT_TELL]
    faulty = [f"{answer.question} says {answer.verdict}" for answer in answers if answer.verdict in (NOISE, UNDERFIT)]
    sentences = [f"Good by {', '.join(good)}."] if good else ["Nothing is surely good, nothing surely bad."]
    if told:
        sentences.append(f"Not told: {', '.join(told)}.")
    if faulty:
        sentences.append(f"Shown, not deciding: {', '.join(faulty)}.")
    return " ".join(sentences)

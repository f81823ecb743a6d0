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
from verification.settling import join_words


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
    """The verdict of all answers together, and the question that decided it, if one did."""

    verdict: Verdict
    reason: str
    text: str
    question: str = ""


def decide(answers: Sequence[Answer], by: Deciding, used: int, train: int, nouns: str) -> Overall:
    """Make one verdict of the answers; the rule is this module's table.

    Args:
        answers: One per question.
        by: Which questions decide.
        used: Number of accepted rows that were asked about.
        train: Number of gold rows that the generator could see.
        nouns: How people call the rows.
    """
    steps: list[tuple[Verdict, Sequence[str], tuple[Verdict, ...]]] = [
        (LEAK, by.leaks, (LEAK,)),
        (COPIES, by.copies, (COPIES,)),
        (NOISE, by.law, (NOISE,)),
        (UNDERFIT, (*by.law, *by.deciding), (UNDERFIT, NOISE)),
        (CANNOT_TELL, by.needed, (CANNOT_TELL,)),
    ]
    for verdict, questions, named in steps:
        found = [answer for answer in answers if answer.question in questions and answer.verdict in named]
        if not found:
            continue
        first, *others = found
        if verdict != CANNOT_TELL:
            return Overall(verdict, first.reason + _say_others(others), verdict, first.question)
        lacks_rows = used < train or first.question in by.alone
        few = f"too few accepted {nouns}" if lacks_rows else "gold too small"
        text = f"{verdict}: {f'it takes {first.needs}' if first.needs else few}"
        return Overall(verdict, f"{first.reason} {say_known(answers)}", text, first.question)
    return Overall(GOOD, say_known(answers), GOOD)


def _say_others(others: Sequence[Answer]) -> str:
    """Name the further questions that say the same."""
    named = [answer.question for answer in others]
    return f" So it is by {join_words(named)}, too." if named else ""


def say_known(answers: Sequence[Answer]) -> str:
    """Say what a verdict rests on, and what of the rest speaks against the rows."""
    good = [answer.question for answer in answers if answer.verdict == GOOD]
    faulty = [f"{answer.question} says {answer.verdict}" for answer in answers if answer.verdict in (NOISE, UNDERFIT)]
    sentences = [f"Good by {', '.join(good)}."] if good else ["Nothing is surely good, nothing surely bad."]
    if faulty:
        sentences.append(f"Shown, not deciding: {', '.join(faulty)}.")
    return " ".join(sentences)

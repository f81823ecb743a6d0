"""Asks questions one after the other, on one thread."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from verification.answers import Answer

Tell = Callable[[str], None]


@contextmanager
def use_one_thread() -> Iterator[None]:
    """Fit on one thread: sums come out the same on every machine, and threads cost more than so few rows are worth."""
    with threadpool_limits(1):
        yield


def ask_in_turn(questions: Sequence[tuple[str, Callable[[], Answer]]], tell: Tell) -> list[Answer]:
    """Ask each question by its name, and `tell` the name before."""
    answers = []
    with use_one_thread():
        for name, ask in questions:
            tell(name)
            answers.append(ask())
    return answers

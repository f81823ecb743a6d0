"""Whether a strategy is worth a description: it trades, every clause of it matters, and it is nobody's twin.

Home bars are one set of the suite, by a hash of the ticker; dates are left out there, as everywhere on the suite.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from indicators.strategy.bar_set import BarSet
from indicators.strategy.bar_suite import Suite, find_dead_clauses, hash_behaviour, load_suite, trade_on
from indicators.strategy.behaviour import Rank, name_cell
from indicators.strategy.canonical import write_text
from indicators.strategy.errors import Problem
from indicators.strategy.grammar import check_text, read_strategy
from indicators.strategy.sampler import Controls, draw_strategy
from indicators.strategy.tree import Document, name_path

LEAST_TRADES = 5
DRAWS = 60  # of strategies with the same controls, before the plan takes what it has
CHOICES = 16  # of them that trade, of which one is taken for its behaviour
Refuse = Callable[[str], bool]


@dataclass(frozen=True)
class Liveliness:
    """What a sound strategy does: trades on its home bars, paths of its dead clauses, the hash of its behaviour.

    `cell` is that of its behaviour on its home bars; None without a trade there.
    """

    home: str
    trades: int
    cell: str | None
    dead: tuple[str, ...]
    behaviour: str


def find_home(document: Document, suite: Suite) -> BarSet:
    """Return the set of a suite that is a strategy's home."""
    return suite[int(hashlib.sha256(document["ticker"].encode()).hexdigest(), 16) % len(suite)]


def measure_liveliness(document: Document, suite: Suite) -> Liveliness:
    """Execute a sound strategy on a suite, with and without each of its clauses."""
    home = find_home(document, suite)
    dead = tuple(name_path(path) for path in find_dead_clauses(document, suite))
    trades = trade_on(document, home)
    cell = name_cell(trades, len(home)) if trades else None
    return Liveliness(home.name, len(trades), cell, dead, hash_behaviour(document, suite))


@lru_cache(maxsize=4_096)
def check_liveliness(text: str) -> tuple[Problem, ...]:
    """Return all that is wrong with a text: no sound strategy, or one that hardly trades or has a clause too many."""
    if problems := check_text(text):
        return tuple(problems)
    found = know_liveliness(text)
    few = f"must trade {LEAST_TRADES} times or more on its home bars ({found.home}); found {found.trades}"
    idle = [Problem("$", "idle", few)] if found.trades < LEAST_TRADES else []
    return (*idle, *(Problem(path, "dead-clause", "deleting it changes no trade on the suite") for path in found.dead))


@lru_cache(maxsize=4_096)
def know_liveliness(text: str) -> Liveliness:
    """Return the liveliness of a sound strategy's text on the suite that every installation has."""
    return measure_liveliness(read_strategy(text), load_suite())


def draw_lively(
    rng: random.Random, controls: Controls, is_known: Refuse = lambda _: False, rank: Rank | None = None
) -> str:
    """Return the canonical text of a strategy with these controls that is lively and has no twin.

    `is_known` tells a behaviour that another strategy has. With `rank` that of CHOICES strategies is taken whose
    cell ranks lowest, of equal ones the first. After DRAWS draws the last one is returned as it is: the checks of the
    row refuse it, and say why.

    Raises:
        ValueError: The controls contradict each other.
    """
    text, suite, choices = "", load_suite(), list[tuple[float, str]]()
    for number in range(1, DRAWS + 1):
        document = draw_strategy(rng, controls)
        home, text = find_home(document, suite), write_text(document)
        if len(trades := trade_on(document, home)) >= LEAST_TRADES:
            choices.append((0.0 if rank is None else rank(name_cell(trades, len(home))), text))
        if len(choices) < (1 if rank is None else CHOICES) and number < DRAWS:
            continue
        for _, each in sorted(choices, key=lambda choice: choice[0]):
            if not any(find_dead_clauses(read_strategy(each), suite)) and not is_known(know_liveliness(each).behaviour):
                return each
        choices.clear()
    return text

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
from indicators.strategy.canonical import write_text
from indicators.strategy.errors import Problem
from indicators.strategy.grammar import check_text, read_strategy
from indicators.strategy.sampler import Controls, draw_strategy
from indicators.strategy.tree import Document, name_path

LEAST_TRADES = 5
DRAWS = 60  # of strategies with the same controls, before the plan takes what it has
Refuse = Callable[[str], bool]


@dataclass(frozen=True)
class Liveliness:
    """What a sound strategy does: trades on its home bars, paths of its dead clauses, the hash of its behaviour."""

    home: str
    trades: int
    dead: tuple[str, ...]
    behaviour: str


def find_home(document: Document, suite: Suite) -> BarSet:
    """Return the set of a suite that is a strategy's home."""
    return suite[int(hashlib.sha256(document["ticker"].encode()).hexdigest(), 16) % len(suite)]


def measure_liveliness(document: Document, suite: Suite) -> Liveliness:
    """Execute a sound strategy on a suite, with and without each of its clauses."""
    home = find_home(document, suite)
    dead = tuple(name_path(path) for path in find_dead_clauses(document, suite))
    return Liveliness(home.name, len(trade_on(document, home)), dead, hash_behaviour(document, suite))


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


def draw_lively(rng: random.Random, controls: Controls, is_known: Refuse = lambda _: False) -> str:
    """Return the canonical text of a strategy with these controls that is lively and has no twin.

    `is_known` tells a behaviour that another strategy has. After DRAWS draws the last one is returned as it is: the
    checks of the row refuse it, and say why.

    Raises:
        ValueError: The controls contradict each other.
    """
    text, suite = "", load_suite()
    for _ in range(DRAWS):
        document = draw_strategy(rng, controls)
        text = write_text(document)
        if len(trade_on(document, find_home(document, suite))) < LEAST_TRADES or any(
            find_dead_clauses(document, suite)
        ):
            continue
        if not is_known(know_liveliness(text).behaviour):
            return text
    return text

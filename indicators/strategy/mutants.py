"""Strategies that differ in one place from a given one, each in a way that a reader would call another strategy.

They measure how much a suite of bars can tell apart. Nothing of the account, the ticker or the dates is changed: that
is read off the text, and never moves a trade. `python -m indicators.strategy.mutants 5000` lists every survivor.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from indicators.strategy.bar_suite import Suite, find_dead_clauses, find_difference, load_suite, trade_on
from indicators.strategy.canonical import write_text
from indicators.strategy.conventions import OURS
from indicators.strategy.grammar import check_document
from indicators.strategy.sampler import draw_strategy
from indicators.strategy.schema import DEFAULTS
from indicators.strategy.series import SERIES
from indicators.strategy.signals import find_signals
from indicators.strategy.tree import (
    SIDES,
    Document,
    delete_clause,
    find_at,
    iter_conditions,
    iter_leaves,
    iter_series,
    replace_at,
)

FLIPPED = {
    "cross_over": "cross_under",
    "cross_under": "cross_over",
    "greater": "less",
    "less": "greater",
    "up": "down",
    "down": "up",
    "all": "any",
    "any": "all",
}
LOOSENED = {"cross_over": "greater", "cross_under": "less", "greater": "cross_over", "less": "cross_under"}
EXITS = ("stop_loss", "atr_stop", "trailing", "take_profit", "exit_after_bars", "session")
SMALLEST = 0.1  # by which share a number is altered at least
LEAST_TRADES = 5  # on the whole suite, of a strategy whose mutants are counted
MOST_OF_ONE = 6  # mutants of one strategy that are counted


class Mutant(NamedTuple):
    """A sound strategy and the one edit that made it."""

    document: Document
    edit: str


class Survivor(NamedTuple):
    """A mutant that a suite cannot tell from its original, and why."""

    mutant: Mutant
    reason: str


def find_survivors(document: Document, mutants: Sequence[Mutant], suite: Suite) -> list[Survivor]:
    """Return the mutants that trade on every set of a suite what the original trades, each with its reason."""
    return [
        Survivor(mutant, _explain(document, mutant.document, suite))
        for mutant in mutants
        if find_difference(document, mutant.document, suite) is None
    ]


def _explain(document: Document, other: Document, suite: Suite) -> str:
    if all(document.get(side) == other.get(side) for side in SIDES):
        return "another exit always comes first"
    moved = 0
    for bars in suite:
        one, two = (
            find_signals(each, bars.at(each.get("interval", DEFAULTS["interval"])), OURS) for each in (document, other)
        )
        moved += sum(int((ours != theirs).sum()) for ours, theirs in zip(one, two, strict=True))
    if moved:
        return f"the sides hold on {moved:,} other bars, none of which opens or closes a position"
    return "the sides hold on the same bars: no value lies between the two"


def list_mutants(rng: random.Random, document: Document) -> list[Mutant]:
    """Return every mutant of a sound strategy that is sound itself and says something else."""
    text = write_text(document)
    return [
        mutant
        for mutant in _edit(rng, document)
        if not check_document(mutant.document) and write_text(mutant.document) != text
    ]


def _edit(rng: random.Random, document: Document) -> Iterator[Mutant]:
    for path, condition in iter_conditions(document):
        ((kind, value),) = condition.items()
        for name, table in (("flipped", FLIPPED), ("loosened or tightened", LOOSENED)):
            if kind in table:
                yield Mutant(replace_at(document, path, {table[kind]: value}), f"{kind} {name}")
        for key in ("percent", "bars", "level"):
            if isinstance(value, dict) and key in value:
                levels = [23.6, 38.2, 50, 61.8, 78.6]
                other = rng.choice(levels) if key == "level" else _alter(rng, value[key])
                yield Mutant(replace_at(document, (*path, kind, key), other), f"{key} of {kind}")
    for path, _ in iter_leaves(document):
        yield Mutant(delete_clause(document, path), "clause deleted")
    for path, series in iter_series(document):
        yield from _edit_series(rng, document, path, series)
    yield from _edit_exits(rng, document)
    for position in ("LONG", "SHORT", "LONG_SHORT_COMBINED"):
        yield Mutant({**document, "position_type": position}, "position type")
    if {"buy_condition", "sell_condition"} <= document.keys():
        swapped = {"buy_condition": document["sell_condition"], "sell_condition": document["buy_condition"]}
        yield Mutant({**document, **swapped}, "sides swapped")


def _edit_series(rng: random.Random, document: Document, path: Any, series: Any) -> Iterator[Mutant]:
    if not isinstance(series, dict):
        yield Mutant(replace_at(document, path, _alter(rng, series)), "constant")
        return
    ((name, given),) = series.items()
    kind = SERIES[name]
    alike = [other for other in SERIES if other != name and SERIES[other].unit == kind.unit]
    if alike:
        yield Mutant(replace_at(document, path, {rng.choice(alike): {}}), "series")
    lengths = [key for key, each in kind.parameters.items() if not each.choices and not isinstance(each.default, bool)]
    if lengths:
        key = rng.choice(lengths)
        value = given.get(key, kind.parameters[key].default)
        yield Mutant(replace_at(document, (*path, name, key), _alter(rng, value)), "parameter")


def _edit_exits(rng: random.Random, document: Document) -> Iterator[Mutant]:
    for key in EXITS:
        if key in document:
            yield Mutant({name: value for name, value in document.items() if name != key}, f"{key} deleted")
        if key in ("stop_loss", "trailing", "take_profit", "atr_stop") and key in document:
            ((number, value), *_) = document[key].items()
            yield Mutant(replace_at(document, (key, number), _alter(rng, value)), f"{key} altered")
        if key == "exit_after_bars" and key in document:
            yield Mutant({**document, key: _alter(rng, find_at(document, (key,)))}, f"{key} altered")


def _alter(rng: random.Random, number: float) -> float:
    """Return another number of the same kind, at least SMALLEST of it away."""
    if number == 0:
        return rng.choice((1, -1))
    factor = rng.choice((0.5, 1 - 2 * SMALLEST, 1 - SMALLEST, 1 + SMALLEST, 1 + 2 * SMALLEST, 1.5, 2))
    if isinstance(number, int):
        return number + (round(number * (factor - 1)) or rng.choice((1, -1)))
    return round(number * factor, 4)


def survey(wanted: int, suite: Suite) -> Iterator[tuple[int, Mutant, Survivor | None]]:
    """Give mutants of drawn strategies that trade and have no dead clause: seed, mutant, and where it survives, why."""
    seed, left = -1, wanted
    while left:
        rng = random.Random(seed := seed + 1)  # noqa: S311 - repeatability, not secrecy
        document = draw_strategy(rng)
        if sum(len(trade_on(document, bars)) for bars in suite) < LEAST_TRADES or any(
            find_dead_clauses(document, suite)
        ):
            continue
        mutants = list_mutants(rng, document)
        for mutant in rng.sample(mutants, min(MOST_OF_ONE, len(mutants), left)):
            left -= 1
            yield seed, mutant, next(iter(find_survivors(document, [mutant], suite)), None)


def main(wanted: int) -> None:
    """Print every mutant that the suite cannot tell from its original, with the seed and why; then how many."""
    alive = 0
    for seed, mutant, survivor in survey(wanted, load_suite()):
        if survivor:
            alive += 1
            print(f"strategy {seed}, {mutant.edit}: {survivor.reason}", flush=True)
    print(f"{wanted:,} mutants, {alive:,} survive: {100 * (1 - alive / wanted):.1f}% are told apart")


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""The questions asked of trades, a module each, found by name: a new one is a file here, nothing else is touched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Literal

import polars as pl

from verification.answers import Answer
from verification.delivery import Declared
from verification.inputs import FinishedRun
from verification.report.plots import Drawing
from verification.trades.waiving import Waived
from verification.trades.yardstick import Yardstick
from verification.verdict import Deciding

Role = Literal["law", "deciding", "needed", "copies", "leaks", "alone"]


@dataclass(frozen=True)
class Held:
    """What is held against gold: `usable` is what `drop_unknown` leaves of `synthetic`; `run` is None for a mere table.

    `controlled` names features whose law the run's controls set, `waived` what of them is not held against it.
    `is_dealt` says that the run's plan dealt the sessions, whose days then are not the generator's.
    """

    yardstick: Yardstick
    synthetic: pl.DataFrame
    usable: pl.DataFrame
    declared: Sequence[Declared] = ()
    controlled: Sequence[str] = ()
    waived: Sequence[Waived] = ()
    run: FinishedRun | None = None
    is_dealt: bool = False


@dataclass(frozen=True)
class Asked:
    """A question: its place among the others, what it decides (`Deciding`), how it is asked, what is drawn of it.

    One with `needs_run` is not asked of a mere table of trades.
    """

    place: int
    name: str
    roles: Sequence[Role]
    ask: Callable[[Held], Answer]
    drawings: Sequence[Drawing] = field(default=())
    needs_run: bool = False


@cache
def find_asked() -> tuple[Asked, ...]:
    """Find every question, in the order in which they are asked."""
    modules = (import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__))
    return tuple(sorted((module.ASKED for module in modules), key=lambda asked: asked.place))


def name_deciding() -> Deciding:
    """Name the questions that decide, by their roles."""
    roles: tuple[Role, ...] = ("law", "deciding", "needed", "copies", "alone", "leaks")
    named = {role: tuple(asked.name for asked in find_asked() if role in asked.roles) for role in roles}
    return Deciding(**named)

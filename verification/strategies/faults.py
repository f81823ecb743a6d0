"""Faults to plant in descriptions: what the checks, or the judge after them, should catch.

Strategies are drawn from the grammar, as a plan draws them; there is no gold. The writer is shown a strategy that was
changed, and its text is checked, parsed and judged as that of the strategy as it was. So the text is whole, as a
writer's is that misread its task, and every fault is one of what is traded.
"""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from columns.dataset import Given, load_dataset
from columns.rendering import fence_json
from columns.strategy.dataset import choose_strategy
from columns.types.configs import ROW_KEY
from designer_configs.compile.controls import Control
from designer_configs.compile.native import CompiledProfile
from gold_data.store import GoldFolder
from indicators.strategy.bar_suite import find_difference, load_suite
from indicators.strategy.canonical import write_text
from indicators.strategy.grammar import check_document, read_strategy
from indicators.strategy.liveliness import draw_lively
from indicators.strategy.sampler import Controls
from indicators.strategy.tree import SIDES, Document, iter_series, replace_at
from verification.judge.faults import PLANTED, Fault, PlannedRow

TOLD = ("paraphrase_style", "explicitness", "side_order", "variant")  # controls of a text, which any strategy may have
WHOLE = {"ambiguity": "complete", "origin": "sampled"}  # nothing is withheld: a wrong question is no fault of a text
PERIODS = (0.5, 2.0, 3.0)  # times a length
STOPS = ("stop_loss", "atr_stop", "trailing")
INVENTED: Document = {"greater": [{"RSI": {"length": 10}}, 45]}
HOLDS = 12  # bars, of an exit that is invented
MOST_TRIED = 2_000  # strategies in which a fault is tried


def swap_sides(document: Document, _: random.Random) -> Document | None:
    """Buy where it sells, and sell where it buys."""
    buy, sell = SIDES
    return {**document, buy: document[sell], sell: document[buy]} if {buy, sell} <= document.keys() else None


def change_period(document: Document, rng: random.Random) -> Document | None:
    """Give one series another length."""
    lengths = [
        ((*path, name, "length"), given["length"])
        for path, series in iter_series(document)
        if isinstance(series, dict)
        for name, given in series.items()
        if "length" in given
    ]
    if not lengths:
        return None
    path, length = rng.choice(lengths)
    changed: Document = replace_at(document, path, max(2, round(length * rng.choice(PERIODS))))
    return changed


def drop_stop(document: Document, _: random.Random) -> Document | None:
    """Leave every stop out."""
    return {key: value for key, value in document.items() if key not in STOPS} if document.keys() & set(STOPS) else None


def invent_clause(document: Document, rng: random.Random) -> Document | None:
    """Ask one more condition of a side."""
    side = rng.choice([side for side in SIDES if side in document])
    condition = document[side]
    clauses = [*condition["all"], INVENTED] if "all" in condition else [condition, INVENTED]
    return {**document, side: {"all": clauses}}


def invent_exit(document: Document, _: random.Random) -> Document | None:
    """Close after some bars."""
    return None if "exit_after_bars" in document else {**document, "exit_after_bars": HOLDS}


FAULTS: tuple[Fault, ...] = tuple(
    Fault(name, description, "faithful", True, change)
    for name, description, change in (
        ("swapped sides", "It buys where the strategy sells.", swap_sides),
        ("wrong period", "A series has another length.", change_period),
        ("stop missing", "The stop is left out.", drop_stop),
        ("invented clause", "A side asks one more condition.", invent_clause),
        ("invented exit", "It closes after some bars.", invent_exit),
    )
)


class StrategyStage:
    """Strategies drawn as a plan draws them, and what a row of the job needs beside them."""

    shows: Mapping[str, Mapping[str, str]] = MappingProxyType(
        {"description": {"strategy__shown": "planted__shown", "strategy__names": "planted__names"}}
    )

    def __init__(self, compiled: CompiledProfile, gold: GoldFolder, seed: int) -> None:
        folder = Path(next(column["dataset"] for column in compiled.generate["columns"] if "dataset" in column))
        self._controls = {control.name: control for control in compiled.controls}
        self._given, self._seed = Given(load_dataset(folder), gold, seed=seed), seed
        self.controls_left_out = [name for name in self._controls if name not in (*TOLD, *WHOLE)]

    def plant_rows(self, fault: Fault | None, rng: np.random.Generator) -> Iterator[PlannedRow]:
        """Draw strategies, one after the other, and plant a fault in each that can have it; None leaves them as is."""
        for number in range(MOST_TRIED):
            key = int(rng.integers(0, 1_000_000_000))
            own = random.Random(f"{self._seed}:{key}")  # noqa: S311 - repeatability, not secrecy
            document = read_strategy(draw_lively(own, Controls()))
            planted = document if fault is None else plant_fault(fault, document, own)
            if planted is not None:
                name = fault.name if fault else None
                yield PlannedRow(name, f"drawn-{number:04d}", (), self._write_seed(key, document, planted, rng))

    def _write_seed(self, key: int, document: Document, planted: Document, rng: np.random.Generator) -> dict[str, Any]:
        sampled = {name: draw_value(self._controls[name], rng) for name in TOLD if name in self._controls}
        row = {ROW_KEY: key, **WHOLE, **sampled}
        true, other = (
            choose_strategy({**row, "drawn_strategy": fence_json(each)}, self._given) for each in (document, planted)
        )
        unused = {"drawn_strategy": "", "proposed_strategy": "", "examples": "", "examples__ids": []}
        shown = {f"strategy__{side}": true[side] for side in ("shown", "withheld", "names")}
        told = {"planted__shown": other["shown"], "planted__names": other["names"]}
        return {**row, **unused, **shown, **told, PLANTED: true["strategy"]}


def draw_value(control: Control, rng: np.random.Generator) -> Any:
    """Draw a value of a category control by its weights."""
    params = control.column["params"]
    weights = np.array(params.get("weights") or [1.0] * len(params["values"]))
    return params["values"][int(rng.choice(len(weights), p=weights / weights.sum()))]


def plant_fault(fault: Fault, document: Document, rng: random.Random) -> Document | None:
    """Plant a fault in a strategy; None where it cannot have it, or what comes of it means nothing or is the same."""
    changed: Document | None = fault.change(document, rng)
    if changed is None or check_document(changed):
        return None
    written = read_strategy(write_text(changed))
    return None if find_difference(document, written, load_suite()) is None else written


def set_stage(compiled: CompiledProfile, gold: GoldFolder, seed: int) -> StrategyStage:
    """Prepare to draw strategies and to plant faults in them."""
    return StrategyStage(compiled, gold, seed)

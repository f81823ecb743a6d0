"""Faults to plant in gold trades: what a judge, or the checks before it, should catch.

Gold is held against gold without itself: a row's own trade, and every twin with the same numbers, is not among its
examples and not among the trades it may not copy. The fault `stale copy` is the exception, for there the trade that
was copied is known and shown.

Every fault shows in what the judge is given (the controls, three examples, the rules and the trade), so that a judge
that misses one has had its chance. Which faults the checks see is stated, and `plant_fault` holds each planted row
against the rules: one on which they say otherwise is not used.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from columns.rendering import fence_json
from columns.types.configs import ROW_KEY, MatchRule
from columns.types.gold_examples import GoldSampler
from designer_configs.compile.native import CompiledProfile
from gold_data.buckets import SIGNIFICANT_DIGITS
from gold_data.store import SESSION, GoldFolder
from gold_data.trades.limits import GoldLimits
from gold_data.trades.rules import Expectation, Fingerprint, check_trade, fingerprint
from gold_data.trades.schema import CORE_FIELDS
from verification.judge.faults import PLANTED, Fault, PlannedRow
from verification.trades.fault_changes import (
    Core,
    Scene,
    Trader,
    borrow_entry_price,
    borrow_ticker_price,
    copy_stale,
    drop_field,
    enter_at_unused_hour,
    exaggerate_excursion,
    exit_beyond,
    flip_direction,
    freeze_price,
    hold_too_long,
    hold_too_short,
    lose_minus,
    miss_volatility,
    move_after_close,
    move_before_open,
    name_unknown_ticker,
    negate_price,
    reverse_excursions,
    round_percents,
    round_prices,
    round_times,
    run_away,
    slip_decimal_point,
    swap_excursions,
    swap_times,
    zero_volatility,
)

Known = Mapping[Fingerprint, str]

MOST_TRIED = 2_000  # gold trades in which a fault is tried before it counts as one that this trader cannot have


class TradeStage:
    """The gold trades with all that a row of the job needs to know of them."""

    shows: Mapping[str, Mapping[str, str]] = MappingProxyType({})

    def __init__(self, compiled: CompiledProfile, gold: GoldFolder, seed: int) -> None:
        self._seed, self._train = seed, gold.train
        self._trader = Trader.describe(gold.train, GoldLimits.from_facts(gold.facts))
        self._marks: list[Fingerprint] = [fingerprint(row) for row in self._trader.rows]
        self._ids = gold.train["trade_id"].to_list()
        self._known = dict(zip(self._marks, self._ids, strict=True))
        self._twins = np.unique(np.array(self._marks), axis=0, return_inverse=True)[1].reshape(-1)
        self._tied = {c.name: (c, str(rule["field"])) for c in compiled.controls if (rule := c.check or c.match)}
        self.controls_left_out = [each.name for each in compiled.controls if each.name not in self._tied]
        examples = next(c for c in compiled.plan["columns"] if c["column_type"] == "gold-examples")
        self._examples, self._k = str(examples["name"]), int(examples["k"])
        self._match = [MatchRule(**rule) for rule in examples["match"]]

    def plant_rows(self, fault: Fault | None, rng: np.random.Generator) -> Iterator[PlannedRow]:
        """Plant a fault in gold trades, one after the other in an order of its own; None leaves them untouched."""
        for place in rng.permutation(len(self._ids))[:MOST_TRIED]:
            core, sampled = self._trader.rows[place], self._sample_controls(int(place))
            asked, day = list(self._expect(sampled)), self._train[SESSION][int(place)]
            scene = Scene.set_up(self._trader, day, asked, core["ticker"])
            planted = core if fault is None else plant_fault(fault, core, scene, self._known, rng)
            if planted is None:
                continue
            is_copy = fault is not None and fault.is_copy
            key = int(rng.integers(0, 1_000_000_000))
            examples = self._draw_examples(int(place), sampled, key, shows_itself=is_copy)
            if not examples:
                continue
            seed = {SESSION: scene.session_date.isoformat(), ROW_KEY: key, **sampled}
            seed |= {self._examples: fence_json(examples), PLANTED: fence_json(planted)}
            rules = find_violations(planted, scene, self._known, None if is_copy else self._marks[place])
            yield PlannedRow(fault.name if fault else None, self._ids[place], tuple(rules), seed)

    def _sample_controls(self, place: int) -> dict[str, Any]:
        """Give every control that is tied to a field the value that the gold trade has there."""
        row = self._train.row(place, named=True) | self._trader.rows[place]
        return {name: _round_value(row[field]) for name, (_, field) in self._tied.items()}

    def _expect(self, sampled: Mapping[str, Any]) -> Iterator[Expectation]:
        for name, (control, _) in self._tied.items():
            if control.check is not None:
                yield Expectation(control.check["field"], sampled[name], control.check.get("tolerance"))

    def _draw_examples(self, place: int, sampled: dict[str, Any], key: int, *, shows_itself: bool) -> list[Core]:
        """Draw the grounding seeds as the plan does, from the gold without the trade; a copy stands beside its own."""
        others = np.flatnonzero(self._twins != self._twins[place])
        if not len(others):
            return []
        drawn = GoldSampler(self._train[others], self._match, self._k).draw(sampled, f"{self._seed}:{key}")
        examples = [self._trader.rows[others[at]] for at in drawn]
        return [self._trader.rows[place], *examples[1:]] if shows_itself else examples


def _round_value(value: object) -> object:
    """Give a gold trade's value as a control samples it: few digits of a number, text for anything else."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if isinstance(value, int | float) else str(value)


def plant_fault(fault: Fault, core: Core, scene: Scene, known: Known, rng: np.random.Generator) -> Core | None:
    """Plant a fault in a gold trade; None where it cannot have the fault, or the checks judge it otherwise than stated.

    Args:
        fault: What to plant.
        core: The gold trade's core fields.
        scene: Where the trade stands.
        known: Gold trades by fingerprint, of which none may be copied.
        rng: Draws the fault's size.
    """
    planted = fault.change(core, scene, rng)
    if planted is None or planted == core:
        return None
    original = None if fault.is_copy else fingerprint(core)
    seen = bool(find_violations(planted, scene, known, original))
    return planted if seen == fault.seen_by_checks else None


def find_violations(core: Core, scene: Scene, known: Known, original: Fingerprint | None) -> list[str]:
    """Name the rules that a trade breaks; having the numbers of `original`, which it was made from, is no copy."""
    found = check_trade(
        core,
        session_date=scene.session_date,
        limits=scene.trader.limits,
        expectations=scene.expectations,
        known_trades=known,
    )
    rules = [violation.rule for violation in found]
    if "copy" in rules and fingerprint(core) == original:
        rules.remove("copy")
    return rules


FAULTS: tuple[Fault, ...] = (
    *(
        Fault(f"missing {name}", f"{name} is left out.", "completeness", True, partial(drop_field, name=name))
        for name in CORE_FIELDS
    ),
    Fault("swapped excursions", "Worst and best are swapped.", "consistency", True, swap_excursions),
    Fault("reversed excursions", "Excursions of the opposite direction.", "consistency", True, reverse_excursions),
    Fault("wrong sign", "The worst excursion lost its minus sign.", "consistency", True, lose_minus),
    Fault("wrong direction", "A buy is called a short, or a short a buy.", "consistency", True, flip_direction),
    Fault(
        "exit beyond the best",
        "The exit price is better than the best excursion.",
        "consistency",
        True,
        partial(exit_beyond, field="best_exit_percent"),
    ),
    Fault(
        "exit beyond the worst",
        "The exit price is worse than the worst excursion.",
        "consistency",
        True,
        partial(exit_beyond, field="worst_exit_percent"),
    ),
    Fault("exit before the entry", "Entry and exit time are swapped.", "consistency", True, swap_times),
    Fault("before the open", "The entry is before the session opens.", "consistency", True, move_before_open),
    Fault("after the close", "The exit is after the session closes.", "consistency", True, move_after_close),
    Fault("volatility off target", "Half as much again as asked for.", "consistency", True, miss_volatility),
    Fault("stale entry price", "Entry price of another trade.", "consistency", True, borrow_entry_price),
    Fault("unknown ticker", "A ticker the trader does not trade.", "consistency", True, name_unknown_ticker),
    Fault("price of another ticker", "Both prices are another ticker's.", "realism", True, borrow_ticker_price),
    Fault("slipped decimal point", "Both prices ten times off.", "realism", True, slip_decimal_point),
    Fault("negative price", "The exit price is below 0.", "realism", True, negate_price),
    Fault("stale copy", "A gold trade again, seconds earlier or later.", "realism", True, copy_stale, is_copy=True),
    Fault("no volatility", "A volatility of 0, a placeholder.", "completeness", True, zero_volatility),
    Fault("held too long", "Twice as long as the trader ever held.", "realism", False, hold_too_long),
    Fault("held too briefly", "Held for one second.", "realism", False, hold_too_short),
    Fault(
        "worst too far",
        "The worst excursion is twice the widest of the gold at this volatility.",
        "realism",
        False,
        partial(exaggerate_excursion, field="worst_exit_percent"),
    ),
    Fault(
        "best too far",
        "The best excursion is twice the widest of the gold at this volatility.",
        "realism",
        False,
        partial(exaggerate_excursion, field="best_exit_percent"),
    ),
    Fault("runaway exit", "A gain twice the widest move of the gold.", "realism", False, run_away),
    Fault("hour never traded", "Entered where the trader never enters.", "realism", False, enter_at_unused_hour),
    Fault("frozen price", "Nothing moved: exit at the entry price, excursions 0.", "realism", False, freeze_price),
    Fault("whole percents", "Excursions in whole percents.", "completeness", False, round_percents),
    Fault("whole dollars", "Prices in whole dollars.", "completeness", False, round_prices),
    Fault("half-hour times", "Times in half hours.", "completeness", False, round_times),
)


def set_stage(compiled: CompiledProfile, gold: GoldFolder, seed: int) -> TradeStage:
    """Prepare a gold's trades to have faults planted in them."""
    return TradeStage(compiled, gold, seed)

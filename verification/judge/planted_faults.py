"""Faults to plant in gold trades: what a judge, or the checks before it, should catch.

Every fault shows in what the judge is given (the controls, three examples, the rules and the trade), so that a judge
that misses one has had its chance. Which faults the checks see is stated, and `plant_fault` holds each planted row
against the rules: one on which they say otherwise is not used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from gold_data.trades.rules import Fingerprint, check_trade, fingerprint
from gold_data.trades.schema import CORE_FIELDS
from verification.judge.fault_changes import (
    Core,
    Scene,
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

Criterion = Literal["realism", "consistency", "completeness"]
Change = Callable[[Core, Scene, np.random.Generator], Core | None]


@dataclass(frozen=True)
class Fault:
    """One kind of fault: the criterion it hurts, whether the checks see it, and the change that plants it.

    `change` gives None for a trade that cannot have the fault. `is_copy` marks the one that is a fault only beside the
    gold trade it was made from: there that trade counts as known, and is among the examples.
    """

    name: str
    description: str
    criterion: Criterion
    seen_by_checks: bool
    change: Change
    is_copy: bool = False


def plant_fault(
    fault: Fault, core: Core, scene: Scene, known: Mapping[Fingerprint, str], rng: np.random.Generator
) -> Core | None:
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


def find_violations(
    core: Core, scene: Scene, known: Mapping[Fingerprint, str], original: Fingerprint | None
) -> list[str]:
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

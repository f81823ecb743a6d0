"""The refiner's part: mends the fields that the critique names, so that they agree with the fields that are kept."""

import re
from collections.abc import Set
from math import copysign
from random import Random
from typing import Any

from offline_model.tasks.trade_log.draws import pick
from offline_model.tasks.trade_log.generator import draft_trade
from offline_model.tasks.trade_log.style import (
    FORGIVEN_ROUNDING,
    Span,
    find_entry_window,
    find_price_span,
    is_coarse,
    limit_excursion,
    limit_hold,
    read_precision,
)
from offline_model.tasks.trade_log.task import Task
from offline_model.tasks.trade_log.trades import (
    FIELDS,
    Trade,
    find_price,
    find_unusable,
    measure_move,
    read_trade,
    round_percent,
    write_row,
)

FAILURE_RATE = 0.2  # share of answers that mend too little
STRAY_RATE = 0.1  # share of answers that also change a field nobody named
FAILED_PART = 0.02  # how far towards the right value a failed mend goes

_NAMED = re.compile(rf"\b({'|'.join(FIELDS)})\b".replace("_", "[ _]"), re.IGNORECASE)
_STRAY_FIELDS = ("entry_price", "exit_price", "entry_volatility_percent", "worst_exit_percent", "best_exit_percent")


def refine_trade(task: Task, rng: Random) -> dict[str, object]:
    """Refine the task's trade: the whole row again, with what the critique names mended, mostly.

    At `FAILURE_RATE` the named fields go but a little of the way; at `STRAY_RATE` another field changes too.
    """
    fresh = draft_trade(task, rng)
    unusable = set(find_unusable(task.row))
    kept = {field: task.row[field] for field in FIELDS if field not in unusable}
    old = read_trade({**write_row(fresh), **kept}) or fresh
    named = find_named(task.critique) | unusable
    mended = mend_trade(task, old, fresh, named)
    if rng.random() < FAILURE_RATE:
        mended = _mend_too_little(task, old, mended)
    if rng.random() < STRAY_RATE:
        mended = _change_another(task, mended, named, rng)
    before, after = write_row(old), write_row(mended)
    return {field: kept[field] if field in kept and before[field] == after[field] else after[field] for field in FIELDS}


def find_named(critique: str) -> set[str]:
    """Find the core fields that a critique names, by key (`exit_price`) or in words (exit price)."""
    return {name.lower().replace(" ", "_") for name in _NAMED.findall(critique)}


def mend_trade(task: Task, old: Trade, fresh: Trade, named: Set[str]) -> Trade:
    """Mend the named fields of a trade, no others; one that looks sound is redrawn only if no other one changed.

    Args:
        fresh: A sound trade for the same task, to borrow values from.
    """
    mended = _mend(task, old, fresh, named, keeps_sound=True)
    return mended if mended != old else _mend(task, old, fresh, named, keeps_sound=False)


def _mend(task: Task, old: Trade, fresh: Trade, named: Set[str], *, keeps_sound: bool) -> Trade:
    trade = old
    if "ticker" in named and (task.wanted.ticker or trade.ticker not in task.price_ranges):
        trade = trade._replace(ticker=fresh.ticker)
    if "trade_type" in named:
        trade = trade._replace(trade_type=task.wanted.trade_type or trade.trade_type)
    if "entry_volatility_percent" in named:
        trade = trade._replace(entry_volatility_percent=fresh.entry_volatility_percent)
    trade = _mend_times(task, trade, fresh, named, keeps_sound=keeps_sound)
    trade = _mend_prices(task, trade, fresh, named, keeps_sound=keeps_sound)
    return _mend_excursions(task, trade, fresh, named, keeps_sound=keeps_sound)


def _mend_times(task: Task, trade: Trade, fresh: Trade, named: Set[str], *, keeps_sound: bool) -> Trade:
    window = find_entry_window(task)
    if "entry_time" in named and not (keeps_sound and trade.entry_time in window and trade.entry_time < task.closes):
        if "exit_time" in named:
            return trade._replace(entry_time=fresh.entry_time, exit_time=fresh.exit_time)
        latest = max(task.opens, min(window.high, trade.exit_time - 1))
        entry = Span(min(window.low, latest), latest).clip(trade.exit_time - fresh.hold)
        return trade._replace(entry_time=int(entry))
    is_sound = task.opens <= trade.exit_time <= task.closes and trade.hold > 0 and trade.hold in limit_hold(task)
    if "exit_time" in named and not (keeps_sound and is_sound):
        return trade._replace(exit_time=min(trade.entry_time + fresh.hold, max(task.closes, trade.entry_time + 1)))
    return trade


def _mend_prices(task: Task, trade: Trade, fresh: Trade, named: Set[str], *, keeps_sound: bool) -> Trade:
    span, move = find_price_span(task, trade.ticker), _choose_move(task, trade, fresh)
    if "entry_price" in named and not (keeps_sound and trade.entry_price in span):
        if "exit_price" in named:
            trade = trade._replace(entry_price=fresh.entry_price)
            return trade._replace(exit_price=_find_exit_price(task, trade, move))
        entry = trade.exit_price / find_price(trade.trade_type, 1.0, move)
        return trade._replace(entry_price=round(span.clip(entry), read_precision(task).price))
    is_sound = trade.exit_price in span and abs(trade.exit_percent) <= _find_limit(task, trade)
    if not named & {"worst_exit_percent", "best_exit_percent"}:
        is_sound = is_sound and _lies_within(trade, trade.exit_percent)
    if "exit_price" in named and not (keeps_sound and is_sound):
        return trade._replace(exit_price=_find_exit_price(task, trade, move))
    return trade


def _choose_move(task: Task, trade: Trade, fresh: Trade) -> float:
    """Choose the exit percent of mended prices: the trade's own where it can be, else one within both excursions."""
    limit = _find_limit(task, trade)
    move = Span(-limit, limit).clip(trade.exit_percent)
    if trade.worst_exit_percent > trade.best_exit_percent or _lies_within(trade, move):
        return move
    return Span(trade.worst_exit_percent, trade.best_exit_percent).clip(fresh.exit_percent)


def _find_exit_price(task: Task, trade: Trade, move: float) -> float:
    """Find the exit price at a move: of the three nearest price steps the first that keeps within both excursions."""
    decimals = read_precision(task).price
    exact = find_price(trade.trade_type, trade.entry_price, move)
    steps = [round(exact + side * 10.0**-decimals, decimals) for side in (0, 1, -1)]
    moves = [(price, measure_move(trade.trade_type, trade.entry_price, price)) for price in steps if price > 0]
    return next((price for price, reached in moves if _lies_within(trade, reached)), max(steps[0], 10.0**-decimals))


def _mend_excursions(task: Task, trade: Trade, fresh: Trade, named: Set[str], *, keeps_sound: bool) -> Trade:
    worst, best, leave = trade.worst_exit_percent, trade.best_exit_percent, trade.exit_percent
    swapped = trade._replace(worst_exit_percent=best, best_exit_percent=worst)
    both = {"worst_exit_percent", "best_exit_percent"}
    if keeps_sound and worst > best and named >= both and _lies_within(swapped, leave):
        return swapped
    limit, decimals = _find_limit(task, trade), read_precision(task).percent
    keeps_sound = keeps_sound and not is_coarse(task, trade)
    if "worst_exit_percent" in named and not (keeps_sound and -limit <= worst <= min(best, leave + FORGIVEN_ROUNDING)):
        trade = trade._replace(worst_exit_percent=round_percent(min(fresh.worst_exit_percent, leave), decimals))
    if "best_exit_percent" in named and not (keeps_sound and max(worst, leave - FORGIVEN_ROUNDING) <= best <= limit):
        trade = trade._replace(best_exit_percent=round_percent(max(fresh.best_exit_percent, leave), decimals))
    return trade


def _find_limit(task: Task, trade: Trade) -> float:
    return limit_excursion(task, trade.entry_volatility_percent, trade.entry_price)


def _lies_within(trade: Trade, move: float) -> bool:
    return trade.worst_exit_percent - FORGIVEN_ROUNDING <= move <= trade.best_exit_percent + FORGIVEN_ROUNDING


def _mend_too_little(task: Task, old: Trade, mended: Trade) -> Trade:
    """Go one step or `FAILED_PART` of the way, so that the next critique is another one and so is the next answer."""
    changes: dict[str, Any] = {}
    for field in FIELDS[2:]:
        before, after = getattr(old, field), getattr(mended, field)
        decimals = None if field.endswith("_time") else read_precision(task).percent
        part = max(FAILED_PART * abs(after - before), 10.0 ** -(decimals or 0))
        if before != after:
            changes[field] = round(before + copysign(part, after - before), decimals)
    return old._replace(**changes)


def _change_another(task: Task, trade: Trade, named: Set[str], rng: Random) -> Trade:
    others = tuple(field for field in _STRAY_FIELDS if field not in named)
    if not others:
        return trade
    field = pick(rng, others)
    decimals = max(read_precision(task).percent, read_precision(task).price)
    return trade._replace(**{field: round(getattr(trade, field) * 1.02 + 0.01, decimals)})

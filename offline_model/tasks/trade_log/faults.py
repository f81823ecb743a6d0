"""The ways in which a row is wrong."""

from collections.abc import Callable
from math import ceil, floor
from random import Random

from offline_model.tasks.trade_log.draws import draw_between
from offline_model.tasks.trade_log.style import (
    DEAREST_CHEAP_PRICE,
    MINUTE,
    PERIOD_SECONDS,
    find_entry_window,
    find_price_span,
    limit_excursion,
    limit_hold,
    read_precision,
)
from offline_model.tasks.trade_log.task import Task
from offline_model.tasks.trade_log.trades import LAST_SECOND, Trade, round_percent

LEAST_GAP = 0.05  # percent; well beyond the rounding that checks forgive

Fault = Callable[[Task, Trade, Random], Trade | None]


def plant_fault(task: Task, trade: Trade, rng: Random) -> Trade:
    """Plant one fault in an honest trade: the first of the kinds, from a random one on, that this trade can have."""
    start = int(rng.random() * len(FAULTS))
    faulty = (fault(task, trade, rng) for fault in (*FAULTS[start:], *FAULTS[:start], push_exit_out))
    return next(found for found in faulty if found is not None)


def push_exit_out(task: Task, trade: Trade, rng: Random) -> Trade:
    """Move one excursion to the wrong side of the exit."""
    decimals = read_precision(task).percent
    gap = max(LEAST_GAP, draw_between(rng, 0.2, 1.0) * trade.entry_volatility_percent)
    if rng.random() < 0.5:
        return trade._replace(best_exit_percent=round_percent(trade.exit_percent - gap, decimals))
    return trade._replace(worst_exit_percent=round_percent(trade.exit_percent + gap, decimals))


def swap_excursions(_task: Task, trade: Trade, _rng: Random) -> Trade | None:
    """Take the worst excursion for the best."""
    if trade.best_exit_percent - trade.worst_exit_percent < 2 * LEAST_GAP:
        return None
    return trade._replace(worst_exit_percent=trade.best_exit_percent, best_exit_percent=trade.worst_exit_percent)


def leave_session(task: Task, trade: Trade, rng: Random) -> Trade:
    """Put the entry before the session opens, or the exit after it closes."""
    if rng.random() < 0.5:
        return trade._replace(entry_time=max(0, int(draw_between(rng, task.opens - 5400, task.opens - 60))))
    return trade._replace(exit_time=min(int(draw_between(rng, task.closes + 60, task.closes + 7200)), LAST_SECOND))


def turn_back_time(task: Task, trade: Trade, _rng: Random) -> Trade | None:
    """Swap entry and exit; not for a trader whose trades end on another day."""
    if task.overnight:
        return None
    return trade._replace(entry_time=trade.exit_time, exit_time=trade.entry_time)


def miss_volatility(task: Task, trade: Trade, rng: Random) -> Trade | None:
    """Miss the wanted volatility by far."""
    wanted = task.wanted.volatility
    if wanted is None:
        return None
    missed = wanted * draw_between(rng, 1.3, 1.8) + 2 * (task.wanted.tolerance or LEAST_GAP)
    return trade._replace(entry_volatility_percent=round(missed, read_precision(task).volatility))


def leave_price_range(task: Task, trade: Trade, rng: Random) -> Trade | None:
    """Trade at a price the ticker never had; percents stay right."""
    span = find_price_span(task, trade.ticker)
    if span.high == float("inf"):
        return None
    decimals = read_precision(task).price
    factor = draw_between(rng, 1.5, 4.0) * span.high / trade.entry_price
    return trade._replace(
        entry_price=round(trade.entry_price * factor, decimals), exit_price=round(trade.exit_price * factor, decimals)
    )


def exaggerate_excursion(task: Task, trade: Trade, rng: Random) -> Trade:
    """Let the trade run far beyond anything in the examples; the checks cannot see it, the judge can."""
    limit = limit_excursion(task, trade.entry_volatility_percent, trade.entry_price)
    far = round(limit * draw_between(rng, 1.2, 1.8), read_precision(task).percent)
    return trade._replace(best_exit_percent=far) if rng.random() < 0.5 else trade._replace(worst_exit_percent=-far)


def distort_hold(task: Task, trade: Trade, rng: Random) -> Trade | None:
    """Hold the trade far longer than the examples, or for a moment; the checks cannot see it, the judge can."""
    hold = limit_hold(task)
    if task.overnight:
        return None
    latest = min(task.closes, trade.entry_time + 2 * hold.high)
    if latest - trade.entry_time > 1.1 * hold.high:
        return trade._replace(exit_time=int(draw_between(rng, trade.entry_time + 1.1 * hold.high, latest)))
    return trade._replace(exit_time=trade.entry_time + 1) if hold.low > 2 else None


def miss_period(task: Task, trade: Trade, rng: Random) -> Trade | None:
    """Open the trade in another part of the session than wanted; the checks cannot see it, the judge can."""
    if task.wanted.period is None or task.closes - task.opens < 4 * PERIOD_SECONDS:
        return None
    window = find_entry_window(task)
    shift = 2 * PERIOD_SECONDS if window.high < task.closes - PERIOD_SECONDS else -2 * PERIOD_SECONDS
    if task.wanted.period == "midday":
        shift = (int(task.opens + draw_between(rng, 300, PERIOD_SECONDS - 300)) - trade.entry_time) // MINUTE * MINUTE
    return trade._replace(entry_time=trade.entry_time + shift, exit_time=trade.exit_time + shift)


def round_coarsely(task: Task, trade: Trade, _rng: Random) -> Trade | None:
    """Give excursions at two decimals less than the examples have; the checks cannot see it, the judge can."""
    if trade.entry_price < DEAREST_CHEAP_PRICE or trade.worst_exit_percent >= 0 or trade.best_exit_percent <= 0:
        return None
    factor = 10.0 ** (read_precision(task).percent - 2)
    worst, best = floor(trade.worst_exit_percent * factor) / factor, ceil(trade.best_exit_percent * factor) / factor
    return trade._replace(worst_exit_percent=worst, best_exit_percent=best)


# How often a kind comes up is how often it stands here.
FAULTS: tuple[Fault, ...] = (
    push_exit_out,
    exaggerate_excursion,
    leave_session,
    miss_volatility,
    push_exit_out,
    distort_hold,
    swap_excursions,
    miss_period,
    turn_back_time,
    leave_price_range,
    round_coarsely,
)

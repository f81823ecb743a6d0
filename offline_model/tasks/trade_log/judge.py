"""The judge's part: compares one trade with the examples, the controls and the rules, and names what is off.

A sentence about a fault names the field by its exact key, the value found and what was expected. It names no other
field, for the critique decides which fields the refiner may change.
"""

from collections.abc import Iterator
from random import Random
from typing import Literal, NamedTuple

from offline_model.tasks.trade_log.style import (
    FORGIVEN_ROUNDING,
    PERIOD_SLACK,
    Span,
    describe_window,
    find_entry_window,
    find_price_span,
    is_coarse,
    limit_excursion,
    limit_hold,
    read_precision,
)
from offline_model.tasks.trade_log.task import Task
from offline_model.tasks.trade_log.trades import Trade, find_unusable, format_clock, read_trade

Criterion = Literal["realism", "consistency", "completeness"]
CRITERIA: tuple[Criterion, ...] = ("realism", "consistency", "completeness")

LEAST_VOLATILITY_MISS = 0.1
VOLATILITY_MISS_PART = 0.35
PRAISE: dict[Criterion, str] = {
    "realism": "Holding time, excursions and exit are of the size that the examples show at this volatility.",
    "consistency": "The fields agree with one another, with the session and with what the trade had to be.",
    "completeness": "Every core field is there, at the precision of the examples.",
}


class Fault(NamedTuple):
    """One fault: the criterion it counts against, the score it leaves, the field, and what is wrong with it."""

    criterion: Criterion
    score: int
    field: str
    found: object
    problem: str
    expected: str

    def __str__(self) -> str:
        return f"`{self.field}` {self.found} {self.problem}; expected {self.expected}."


def judge_trade(task: Task, rng: Random) -> dict[str, object]:
    """Judge the task's trade: per criterion the reasoning, then a score of 1 to 5; 4 or 5 without a fault."""
    faults = find_faults(task)
    verdict: dict[str, object] = {}
    for criterion in CRITERIA:
        mine = [fault for fault in faults if fault.criterion == criterion]
        score = min((fault.score for fault in mine), default=4 + (rng.random() < 0.5))
        reasoning = " ".join(map(str, mine)) or PRAISE[criterion]
        verdict[criterion] = {"reasoning": reasoning, "score": score}
    return verdict


def find_faults(task: Task) -> list[Fault]:
    """Find every fault of the task's trade; with an unusable field nothing else is looked at."""
    trade = read_trade(task.row)
    if trade is None:
        return [
            Fault("completeness", 1, field, repr(task.row.get(field)), "is missing or unusable", "a usable value")
            for field in find_unusable(task.row)
        ]
    return [
        *_compare_excursions(task, trade),
        *_compare_hold(task, trade),
        *_check_order(trade),
        *_check_controls(task, trade),
        *_check_session(task, trade),
        *_check_prices(task, trade),
        *_check_precision(task, trade),
    ]


def _compare_excursions(task: Task, trade: Trade) -> Iterator[Fault]:
    limit = limit_excursion(task, trade.entry_volatility_percent, trade.entry_price)
    moves = {"worst_exit_percent": trade.worst_exit_percent, "best_exit_percent": trade.best_exit_percent}
    problem, expected = "is far beyond the examples'", f"-{limit:.3g} to {limit:.3g}"
    for field, move in moves.items():
        if abs(move) > limit:
            yield Fault("realism", 2, field, move, problem, expected)
    if abs(trade.exit_percent) > limit:
        found = f"{trade.exit_price}, a move of {trade.exit_percent:.3g}%,"
        yield Fault("realism", 2, "exit_price", found, problem, f"a move of {expected}%")


def _compare_hold(task: Task, trade: Trade) -> Iterator[Fault]:
    limit = limit_hold(task)
    if trade.hold > 0 and trade.hold not in limit and not task.overnight:
        problem = f"makes a holding time of {trade.hold} seconds, unlike the examples'"
        expected = f"{limit.low:.0f} to {limit.high:.0f} seconds"
        yield Fault("realism", 2, "exit_time", format_clock(trade.exit_time), problem, expected)


def _check_order(trade: Trade) -> Iterator[Fault]:
    worst, leave, best = trade.worst_exit_percent, trade.exit_percent, trade.best_exit_percent
    if worst > leave + FORGIVEN_ROUNDING:
        yield Fault("consistency", 1, "worst_exit_percent", worst, "is above the exit percent", f"at most {leave:.3f}")
    if best < leave - FORGIVEN_ROUNDING:
        yield Fault("consistency", 1, "best_exit_percent", best, "is below the exit percent", f"at least {leave:.3f}")


def _check_controls(task: Task, trade: Trade) -> Iterator[Fault]:
    wanted, problem = task.wanted, "is not what was asked for"
    for field, asked in (("ticker", wanted.ticker), ("trade_type", wanted.trade_type)):
        found = getattr(trade, field)
        if asked is not None and found != asked:
            yield Fault("consistency", 2, field, found, problem, asked)
    if wanted.volatility is not None:
        miss = wanted.tolerance or max(LEAST_VOLATILITY_MISS, VOLATILITY_MISS_PART * wanted.volatility)
        volatility, expected = trade.entry_volatility_percent, f"{wanted.volatility:g}, give or take {miss:.3g}"
        if abs(volatility - wanted.volatility) > miss:
            yield Fault("consistency", 2, "entry_volatility_percent", volatility, problem, expected)
    window = find_entry_window(task)
    forgiven = Span(window.low - PERIOD_SLACK, window.high + PERIOD_SLACK)
    if wanted.period is not None and trade.entry_time not in forgiven:
        found = f"{format_clock(trade.entry_time)}, and with it `exit_time`,"
        expected = f"an entry from {describe_window(window)}"
        yield Fault("consistency", 2, "entry_time", found, f"misses the part of the session: {wanted.period}", expected)


def _check_session(task: Task, trade: Trade) -> Iterator[Fault]:
    hours = Span(task.opens, task.closes)
    for field, time in (("entry_time", trade.entry_time), ("exit_time", trade.exit_time)):
        if time not in hours:
            yield Fault("consistency", 1, field, format_clock(time), "is outside the session", describe_window(hours))
    if trade.hold <= 0 and not task.overnight:
        found = format_clock(trade.exit_time)
        yield Fault("consistency", 1, "exit_time", found, "is not after the entry", "a later time")


def _check_prices(task: Task, trade: Trade) -> Iterator[Fault]:
    span = find_price_span(task, trade.ticker)
    for field, price in (("entry_price", trade.entry_price), ("exit_price", trade.exit_price)):
        if price not in span:
            yield Fault("realism", 1, field, price, f"is no price of {trade.ticker}", f"{span.low:g} to {span.high:g}")


def _check_precision(task: Task, trade: Trade) -> Iterator[Fault]:
    if is_coarse(task, trade):
        expected = f"{read_precision(task).percent} decimals"
        for field in ("worst_exit_percent", "best_exit_percent"):
            yield Fault("completeness", 3, field, getattr(trade, field), "is coarser than the examples'", expected)

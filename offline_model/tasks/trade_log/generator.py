"""The generator's part: one new trade, the examples resampled and disturbed. A statistical baseline, nothing more."""

from random import Random

from offline_model.tasks.trade_log.draws import (
    draw_entry_price,
    draw_moves,
    draw_times,
    draw_volatility,
    fit_prices,
    pick,
)
from offline_model.tasks.trade_log.style import is_coarse
from offline_model.tasks.trade_log.task import Task
from offline_model.tasks.trade_log.trades import Trade

MOST_DRAFTS = 20  # the second is hardly ever needed


def draft_trade(task: Task, rng: Random) -> Trade:
    """Draft a trade without a fault: it keeps every rule and control that the prompt states, within one session.

    One example is the base. Its excursions are scaled by wanted volatility / its volatility and disturbed together with
    its holding time; ticker, direction and part of the session are the controls', or the base's where none is asked.
    A draft whose numbers came out as an example's, or rounder than any, is drawn again.
    """
    for _ in range(MOST_DRAFTS):
        draft = _draft_once(task, rng)
        if _is_new(task, draft):
            break
    return draft


def _draft_once(task: Task, rng: Random) -> Trade:
    base = pick(rng, task.examples)
    volatility = draw_volatility(task, base, rng)
    entry_time, exit_time = draw_times(task, base, rng)
    ticker = task.wanted.ticker or base.ticker
    draft = base._replace(
        ticker=ticker,
        trade_type=task.wanted.trade_type or base.trade_type,
        entry_time=entry_time,
        exit_time=exit_time,
        entry_price=draw_entry_price(task, ticker, rng),
        entry_volatility_percent=volatility,
    )
    return fit_prices(task, draft, draw_moves(base, volatility, rng))


def _is_new(task: Task, draft: Trade) -> bool:
    return not is_coarse(task, draft) and all(draft[4:] != example[4:] for example in task.examples)

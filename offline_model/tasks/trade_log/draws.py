"""Random draws, each from the prompt's own numbers: what the generator and the refiner build rows of."""

from math import exp
from random import Random
from typing import NamedTuple, TypeVar

from offline_model.tasks.trade_log.style import (
    MINUTE,
    Span,
    find_entry_window,
    find_price_span,
    limit_hold,
    read_precision,
    scale_example,
)
from offline_model.tasks.trade_log.task import Task
from offline_model.tasks.trade_log.trades import Trade, find_price, measure_move, round_percent

Item = TypeVar("Item")

WIDEST_NOISE = 2.5  # standard deviations; bounded, so that no honest row strays beyond the judge's limits
HOLD_NOISE = 0.35  # of the logarithm
TOGETHER_NOISE = 0.22  # of the logarithm of both excursions alike
APART_NOISE = 0.15  # of the logarithm of each by itself
SHARE_NOISE = 0.12  # of where the exit lies between both excursions
PRICE_NOISE = 0.006  # of the logarithm, around an example in the same ticker
ENTRY_NOISE = 15 * MINUTE
VOLATILITY_NOISE = 0.01
VOLATILITY_REACH = 0.02
TOLERANCE_SHARE = 0.3
MOST_DECIMALS = 12
LARGEST_ROOM = 0.9
UNHURRIED = 30 * MINUTE  # a trade is not opened later than this before the close, unless it is a short one


class Moves(NamedTuple):
    """Percent moves from the entry price, signed in the trade's direction."""

    worst: float
    exit: float
    best: float


def pick(rng: Random, items: tuple[Item, ...]) -> Item:
    """Pick one item, each as likely as the others."""
    return items[int(rng.random() * len(items))]


def draw_noise(rng: Random, deviation: float) -> float:
    """Draw bounded normal noise."""
    return deviation * min(max(rng.gauss(0.0, 1.0), -WIDEST_NOISE), WIDEST_NOISE)


def draw_between(rng: Random, low: float, high: float) -> float:
    """Draw evenly between two numbers."""
    return low + rng.random() * (high - low)


def draw_volatility(task: Task, base: Trade, rng: Random) -> float:
    """Draw a volatility close to the wanted one, or around the base example's where none is wanted."""
    wanted = task.wanted.volatility
    target = base.entry_volatility_percent if wanted is None or wanted <= 0 else wanted
    reach = VOLATILITY_REACH * target
    if task.wanted.tolerance is not None:
        reach = min(reach, TOLERANCE_SHARE * task.wanted.tolerance)
    value = target + Span(-reach, reach).clip(draw_noise(rng, VOLATILITY_NOISE) * target)
    rounded = (round(value, decimals) for decimals in range(read_precision(task).volatility, MOST_DECIMALS))
    return next((short for short in rounded if short > 0 and abs(short - value) <= reach), value)


def draw_times(task: Task, base: Trade, rng: Random) -> tuple[int, int]:
    """Draw entry and exit in seconds of the day, in the wanted part of the session, held about as long as the base."""
    step = read_precision(task).seconds
    hold = draw_hold(task, base, rng)
    window = find_entry_window(task)
    latest = max(window.low, min(window.high, task.closes - min(hold, UNHURRIED)))
    entry = base.entry_time + draw_noise(rng, ENTRY_NOISE)
    if entry not in Span(window.low + step, latest):
        entry = draw_between(rng, min(window.low + step, latest), latest)
    entry = int(entry) // step * step
    return entry, min(entry + hold, task.closes)


def draw_hold(task: Task, base: Trade, rng: Random) -> int:
    """Draw a holding time in seconds around the base's; around an hour where the base holds overnight."""
    step = read_precision(task).seconds
    usual = base.hold if base.hold > 0 else limit_hold(task).clip(60 * MINUTE)
    return max(step, round(usual * exp(draw_noise(rng, HOLD_NOISE)) / step) * step)


def draw_moves(base: Trade, volatility: float, rng: Random) -> Moves:
    """Draw worst, exit and best move: the base's, scaled to the volatility and disturbed.

    An exit at the very worst or best stays there, and so does an excursion of nought, for both happen often in real
    trades.
    """
    scale = scale_example(base, volatility) * exp(draw_noise(rng, TOGETHER_NOISE))
    moves = [base.worst_exit_percent, base.best_exit_percent]
    worst, best = sorted(move * scale * exp(draw_noise(rng, APART_NOISE)) for move in moves)
    width = base.best_exit_percent - base.worst_exit_percent
    share = (base.exit_percent - base.worst_exit_percent) / width if width > 0 else 0.0
    inside = Span(0.02, 0.98)
    share = inside.clip(share + draw_noise(rng, SHARE_NOISE)) if share in inside else float(share > 0.5)
    return Moves(worst, worst + share * (best - worst), best)


def draw_entry_price(task: Task, ticker: str, rng: Random) -> float:
    """Draw an entry price: near an example in the ticker, else within the rules' range, else near any example."""
    span = find_price_span(task, ticker)
    known = tuple(trade.entry_price for trade in task.examples if trade.ticker == ticker)
    if not known and span.high < float("inf"):
        return draw_between(rng, span.low, span.high)
    anchor = pick(rng, known or tuple(trade.entry_price for trade in task.examples))
    return span.clip(anchor * exp(draw_noise(rng, PRICE_NOISE)))


def fit_prices(task: Task, trade: Trade, moves: Moves) -> Trade:
    """Fit prices and excursions to the price step, so that all fields agree.

    Excursions are percents of prices that can be traded, as in a real log; both prices stay in the ticker's range.

    Args:
        trade: Its ticker, trade_type and unrounded entry price are used.
        moves: The wanted moves; what comes out is as near to them as the price step allows.
    """
    precision, span = read_precision(task), find_price_span(task, trade.ticker)
    step = 10.0**-precision.price
    room = min(max(abs(move) for move in moves) / 100.0, LARGEST_ROOM)
    inner = Span(span.low / (1.0 - room) + step, span.high / (1.0 + room) - step)
    entry = inner.clip(trade.entry_price) if inner.low <= inner.high else (span.low + span.high) / 2.0
    entry = round(entry, precision.price)
    worst, leave, best = (
        max(step, round(find_price(trade.trade_type, entry, move), precision.price)) for move in moves
    )
    leave = leave if leave in span else entry
    reached = [measure_move(trade.trade_type, entry, price) for price in (worst, leave, best)]
    return trade._replace(
        entry_price=entry,
        exit_price=leave,
        worst_exit_percent=round_percent(min(reached), precision.percent),
        best_exit_percent=round_percent(max(reached), precision.percent),
    )

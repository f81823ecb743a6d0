"""What the examples say of the trader: precision, how far prices ran, how long trades were held, where prices were.

The limits are wide on purpose. Three examples are a small sample of a heavy tail: of real trades judged against three
of their neighbours less than 2% lie beyond them.
"""

from typing import NamedTuple

from offline_model.tasks.trade_log.task import Task
from offline_model.tasks.trade_log.trades import Trade, count_decimals, format_clock

EXCURSION_FACTOR = 5.0  # times the examples' largest excursion, scaled by volatility
LEAST_EXCURSION_LIMIT = 6.0  # times the volatility, where the examples barely moved
HOLD_FACTOR = 6.0
LEAST_LONGEST_HOLD = 3600
SHORTEST_HOLD_PART = 60
PERIOD_SECONDS = 3600
PERIOD_SLACK = 60
MINUTE = 60
WIDEST_SCALE = 4.0
FORGIVEN_ROUNDING = 0.011  # percent: worst, best and the prices are rounded each on its own
DEAREST_CHEAP_PRICE = 20.0  # below it a price step is so coarse that whole percents come by themselves


class Precision(NamedTuple):
    """Decimals that the examples show, and the least step of their times in seconds."""

    price: int
    percent: int
    volatility: int
    seconds: int


class Span(NamedTuple):
    """A closed range of numbers, prices or seconds."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    def clip(self, value: float) -> float:
        """Move a value to the nearest one within the range."""
        return min(max(value, self.low), self.high)


def read_precision(task: Task) -> Precision:
    """Read the precision of the examples: the most decimals any of them shows, two at least and six at most."""
    prices = [price for trade in task.examples for price in (trade.entry_price, trade.exit_price)]
    percents = [move for trade in task.examples for move in (trade.worst_exit_percent, trade.best_exit_percent)]
    volatilities = [trade.entry_volatility_percent for trade in task.examples]
    minutes = all(time % MINUTE == 0 for trade in task.examples for time in (trade.entry_time, trade.exit_time))
    return Precision(
        price=_bound_decimals(prices, 2),
        percent=_bound_decimals(percents, 2),
        volatility=_bound_decimals(volatilities, 3),
        seconds=MINUTE if minutes else 1,
    )


def scale_example(example: Trade, volatility: float) -> float:
    """Scale an example to another volatility: the factor for its excursions, within a quarter and four."""
    factor = volatility / example.entry_volatility_percent
    return min(max(factor, 1.0 / WIDEST_SCALE), WIDEST_SCALE)


def limit_excursion(task: Task, volatility: float, entry_price: float) -> float:
    """Limit how far a trade may run either way, percent: wide of the examples', plus one price step."""
    largest = max(trade.largest_excursion * scale_example(trade, volatility) for trade in task.examples)
    step = 100.0 * 10.0 ** -read_precision(task).price / entry_price
    return max(EXCURSION_FACTOR * largest, LEAST_EXCURSION_LIMIT * volatility) + step


def limit_hold(task: Task) -> Span:
    """Limit the holding time in seconds, wide of the examples'; overnight examples say nothing of it."""
    holds = [trade.hold for trade in task.examples if trade.hold > 0]
    if not holds:
        return Span(1, task.closes - task.opens)
    return Span(max(1, min(holds) // SHORTEST_HOLD_PART), max(HOLD_FACTOR * max(holds), LEAST_LONGEST_HOLD))


def find_entry_window(task: Task) -> Span:
    """Find when the trade may be entered, in seconds of the day: the wanted part of the session, or all of it."""
    first_hour, last_hour = task.opens + PERIOD_SECONDS, task.closes - PERIOD_SECONDS
    windows = {
        "open": Span(task.opens, first_hour - 1),
        "midday": Span(first_hour, last_hour - 1),
        "close": Span(last_hour, task.closes),
    }
    window = windows.get(task.wanted.period or "", Span(task.opens, task.closes))
    return window if window.low < window.high else Span(task.opens, task.closes)


def find_price_span(task: Task, ticker: str) -> Span:
    """Find the prices at which the ticker may trade, by the rules' range; every price where they give none."""
    return Span(*task.price_ranges.get(ticker, (0.0, float("inf"))))


def is_coarse(task: Task, trade: Trade) -> bool:
    """Tell whether both excursions show at least two decimals less than the examples do; never of a cheap ticker."""
    moves = (trade.worst_exit_percent, trade.best_exit_percent)
    if trade.entry_price < DEAREST_CHEAP_PRICE or 0.0 in moves:
        return False
    shown = [count_decimals(move) for example in task.examples for move in example[-2:]]
    return max(map(count_decimals, moves)) <= max(shown) - 2


def describe_window(window: Span) -> str:
    """Describe a window of the day by its first and last second."""
    return f"{format_clock(int(window.low))} to {format_clock(int(window.high))}"


def _bound_decimals(values: list[float], least: int) -> int:
    return min(max(least, *map(count_decimals, values)), 6)

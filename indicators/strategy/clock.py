"""Intervals of bars, and which bars of a shorter interval belong together in a longer one.

A moment is a whole number of minutes on the market's clock since 1970-01-01 00:00, the start of a bar.
"""

from datetime import date, datetime, time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gold_data.sessions import Market

Minutes = NDArray[np.int64]

DAY = 1440  # minutes
OPENING = 570  # 9:30, from which the bars of a day are counted off
INTRADAY = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60}
DAYS = {"1d": 1, "5d": 7, "1wk": 7, "1mo": 30, "3mo": 91, "6mo": 182, "1y": 365, "2y": 730, "5y": 1826, "10y": 3652}
INTERVALS = (*INTRADAY, "1d", "5d", "1wk", "1mo", "3mo")
PERIODS = ("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y")
SESSION_MINUTES = 390


class DayClock(NamedTuple):
    """When a market's trading days begin, and from when their bars are counted off: minutes from their midnight.

    Days of futures begin on the evening before: below 0.
    """

    begins: int = 0
    opens: int = OPENING

    def find_days(self, minutes: Minutes) -> Minutes:
        """Return the trading days of moments, as days since 1970."""
        return (minutes - self.begins) // DAY


NEW_YORK = DayClock()


def read_day_clock(market: Market, day: date) -> DayClock:
    """Read the clock of a market's days off the first session from a day on; without one, all day is traded."""
    opening = market.find_next(day)
    session = market.find_session(opening) if opening else None
    begins = round(market.shift.total_seconds() / 60)
    if opening is None or session is None:
        return DayClock(begins, begins)
    since = session.opens - datetime.combine(opening, time.min)
    return DayClock(begins, round(since.total_seconds() / 60))


def measure_interval(name: str) -> int:
    """Return about how long an interval or period is, in minutes; to order them by."""
    return INTRADAY[name] if name in INTRADAY else DAYS[name] * DAY


def number_groups(minutes: Minutes, interval: str, clock: DayClock = NEW_YORK) -> Minutes:
    """Number the longer bars that bars belong to; a number never falls, and bars with the same one belong together.

    Minutes and hours are counted off from the opening of every day, 9:30 in New York. A week starts on Monday; five
    days are five of the days that there are bars of, from the first on.
    """
    days = clock.find_days(minutes)
    if interval in INTRADAY:
        return days * DAY + (minutes - days * DAY - clock.opens) // INTRADAY[interval]
    match interval:
        case "1d":
            return days
        case "5d":
            return np.unique(days, return_inverse=True)[1] // 5
        case "1wk":
            return (days + 3) // 7
        case _:
            months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
            return months if interval == "1mo" else months // 3


def lay_out(count: int, interval: str) -> Minutes:
    """Return the starts of `count` bars in a row from Monday 2024-01-01 on: weekdays, 9:30 to 16:00, no holidays."""
    numbers = np.arange(count, dtype=np.int64)
    first = int(np.datetime64("2024-01-01", "D").astype(np.int64))
    if interval in INTRADAY:
        length = INTRADAY[interval]
        per_day = -(-SESSION_MINUTES // length)
        return find_weekday(first, numbers // per_day) * DAY + OPENING + numbers % per_day * length
    if interval in ("1mo", "3mo"):
        step = 1 if interval == "1mo" else 3
        months = np.datetime64("2024-01", "M") + numbers * step
        return months.astype("datetime64[D]").astype(np.int64) * DAY + OPENING
    step = {"1d": 1, "5d": 5, "1wk": 5}[interval]
    return find_weekday(first, numbers * step) * DAY + OPENING


def find_weekday(monday: int, count: Minutes) -> Minutes:
    """Return the day `count` weekdays after a Monday, both as days since 1970."""
    return monday + count // 5 * 7 + count % 5

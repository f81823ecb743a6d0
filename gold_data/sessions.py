"""The exchange's regular sessions: on which days it is open, and from when to when.

Source: the calendar `XNYS` of exchange-calendars, early closes included. It opens at 9:30 in every year, though the
exchange opened at 10:00 until September 1985, and knows fewer of the holidays before 1970.
"""

import threading
import warnings
from collections.abc import Mapping
from datetime import date, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import exchange_calendars
from pandas.errors import PerformanceWarning

EXCHANGE = "XNYS"
EXCHANGE_ZONE = "America/New_York"
ZONE = ZoneInfo(EXCHANGE_ZONE)
CALENDAR_YEARS = range(1885, 2200)  # the library counts nanoseconds from 1970 in 64 bits, which end in 1677 and 2262
LONGEST_CLOSURE = 15  # days; weekends, holidays and the closures after disasters since 1918 took less

Hours = tuple[time, time]
_BUILDING = threading.Lock()  # warnings are turned off in all threads at once, so they take turns


def session_hours(day: date) -> Hours | None:
    """Give the regular open and close of a day on the exchange's clock; None where it is closed all day."""
    return _read_year(day.year).get(day)


@lru_cache(maxsize=4096)
def next_session(day: date) -> date | None:
    """Find the first day after `day` on which the exchange is open; None beyond the calendar's years."""
    if day.year not in CALENDAR_YEARS:
        return None
    ahead = (day + timedelta(days=count) for count in range(1, LONGEST_CLOSURE))
    return next((later for later in ahead if session_hours(later) is not None), None)


@lru_cache(maxsize=64)
def _read_year(year: int) -> Mapping[date, Hours]:
    if year not in CALENDAR_YEARS:
        return {}
    with _BUILDING, warnings.catch_warnings():
        warnings.simplefilter("ignore", PerformanceWarning)  # of holidays reckoned one by one
        calendar = exchange_calendars.get_calendar(EXCHANGE, start=f"{year}-01-01", end=f"{year}-12-31")
    # Python's own zone, because pandas knows no daylight saving after 2037.
    opens, closes = (
        [moment.to_pydatetime().astimezone(ZONE) for moment in times] for times in (calendar.opens, calendar.closes)
    )
    return {start.date(): (start.time(), end.time()) for start, end in zip(opens, closes, strict=True)}

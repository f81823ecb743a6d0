"""Markets and their sessions: on which days one is open, from when to when, and on which clock.

Source: the calendars of exchange-calendars, early closes included. `XNYS`, which is meant where nothing is said, opens
at 9:30 in every year, though the exchange opened at 10:00 until September 1985, and knows fewer of the holidays before
1970.

A session has the date that its exchange gives it, and may begin on the evening before. From one session's beginning to
the next lies a trading day, within which every time of day stands once: a date and a time of day tell a moment.
"""

import threading
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd
import polars as pl
from pandas.errors import PerformanceWarning

EXCHANGE = "XNYS"
EXCHANGE_ZONE = "America/New_York"  # that of the times in all tables, whatever the market: moments are moments
ZONE = ZoneInfo(EXCHANGE_ZONE)
CALENDAR_YEARS = range(1885, 2200)  # the library counts nanoseconds from 1970 in 64 bits, which end in 1677 and 2262
LONGEST_CLOSURE = 15  # days; weekends, holidays and the closures after disasters since 1918 took less
TYPICAL_YEAR = 2024

REGULAR, EXTENDED = "regular", "extended"
# Extended hours begin at a fixed time and end so long after the close, an early one too.
EXTENDED_HOURS = {EXCHANGE: (time(4), timedelta(hours=4))}

# Columns of `Market.list_sessions`.
SESSIONS: dict[str, pl.DataType] = {"day": pl.Date()} | dict.fromkeys(
    ("opens", "closes", "pauses", "resumes"), pl.Datetime("us", EXCHANGE_ZONE)
)

Hours = tuple[time, time]
NIGHT, DAY = timedelta(days=-1), timedelta(days=1)
_BUILDING = threading.Lock()  # warnings are turned off in all threads at once, so they take turns


class Session(NamedTuple):
    """One session on its market's clock, without a zone; in the `pause` at noon, where there is one, nobody trades."""

    opens: datetime
    closes: datetime
    pause: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Market:
    """Where something is traded: a calendar of exchange-calendars, `24/7` or `24/5`, its hours, and the clock.

    `hours` are `regular`, `extended`, or from and to; a `to` at or before the `from` is that of the next day. They and
    all times of day are those of `clock`, a zone, by default the calendar's own. Its days are said `weeks` later than
    they are, which is how a disguise dates them.
    """

    calendar: str = EXCHANGE
    hours: str | Hours = REGULAR
    clock: str = ""
    weeks: int = 0

    @property
    def zone_name(self) -> str:
        """Name of the zone of its clock."""
        return self.clock or _name_zone(self.calendar)

    @property
    def zone(self) -> ZoneInfo:
        """Zone of its clock."""
        return ZoneInfo(self.zone_name)

    @property
    def name(self) -> str:
        """Say the market in the form that `--market` takes: `XNYS`, `XNYS extended`, `CMES 08:30-15:00`."""
        hours = "" if self.hours == REGULAR else self.hours
        if isinstance(hours, tuple):
            hours = "-".join(f"{clock:%H:%M}" for clock in hours)
        return " ".join(filter(None, (self.calendar, hours, self.clock)))

    @property
    def shift(self) -> timedelta:
        """How long after the midnight of their date its trading days begin; below 0 on the evening before."""
        return _find_shift(self) or timedelta(0)

    def find_session(self, day: date) -> Session | None:
        """Find the session of a day; None where the market is closed all day."""
        return _read_year(self, day.year).get(day)

    def find_next(self, day: date) -> date | None:
        """Find the first day after `day` that has a session; None beyond the calendar's years."""
        return _find_near(self, day, 1)

    def find_last(self, day: date) -> date | None:
        """Find the last day that has a session, `day` itself or one before; None before the calendar's years."""
        return day if self.find_session(day) else _find_near(self, day, -1)

    def closes_after(self, day: date) -> bool:
        """Tell whether there is a time without trade between the session of a day and the next one."""
        session, later = self.find_session(day), self.find_next(day)
        following = self.find_session(later) if later else None
        return session is None or following is None or session.closes < following.opens

    def begin_day(self, day: date) -> datetime:
        """Give the beginning of a trading day on the market's clock: midnight, or the open on the evening before."""
        midnight = datetime.combine(day, time.min)
        if (shift := _find_shift(self)) is None:
            return midnight
        session = self.find_session(day)
        return session.opens if session else midnight + shift

    def place(self, day: date, clock: time) -> datetime:
        """Give the moment, on the market's clock, at which a time of day lies in a trading day."""
        start = self.begin_day(day)
        moment = datetime.combine(start.date(), clock)
        return moment if moment >= start else moment + DAY

    def find_day(self, moment: datetime) -> date:
        """Find the trading day in which a moment lies; the moment has a zone."""
        local = moment.astimezone(self.zone).replace(tzinfo=None)
        if _find_shift(self) is None:
            return local.date()
        ahead = (local.date() + timedelta(days=step) for step in (1, 0, -1))
        return next((day for day in ahead if self.begin_day(day) <= local), local.date())

    def find_days(self, moments: pl.Series) -> pl.Series:
        """Find the trading days in which zoned moments lie."""
        local = moments.dt.convert_time_zone(self.zone_name)
        if _find_shift(self) is None or not len(local.drop_nulls()):
            return local.dt.date()
        first, last = local.min(), local.max()
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        days = pl.date_range(first.date() - 2 * DAY, last.date() + 2 * DAY, eager=True)
        begins = pl.Series([self.begin_day(day) for day in days], dtype=pl.Datetime("us"))
        naive = local.dt.replace_time_zone(None).dt.cast_time_unit("us")
        places = begins.search_sorted(naive.fill_null(begins[-1]), side="right").cast(pl.Int64) - 1
        return pl.select(pl.when(naive.is_not_null()).then(days.gather(places))).to_series().alias(moments.name)

    def start_days(self, days: pl.Series) -> pl.Series:
        """Give the moments at which trading days begin, in the zone of all tables; null where clocks skip it."""
        starts = days.cast(pl.Datetime("us")) + self.shift
        placed = starts.dt.replace_time_zone(self.zone_name, ambiguous="earliest", non_existent="null")
        return placed.dt.convert_time_zone(EXCHANGE_ZONE)

    def list_sessions(self, first: date, last: date) -> pl.DataFrame:
        """List the sessions from `first` to `last`, both included: `day`, `opens`, `closes`, `pauses`, `resumes`.

        The times are moments, in the zone of all tables; the last two are null where there is no pause.
        """
        days = pl.date_range(first, last, eager=True)
        found = [(day, session) for day in days if (session := self.find_session(day))]
        rows = [(day, one.opens, one.closes, *(one.pause or (None, None))) for day, one in found]
        names = list(SESSIONS)[1:]
        schema = {"day": pl.Date(), **dict.fromkeys(names, pl.Datetime("us"))}
        placed = pl.col(names).dt.replace_time_zone(self.zone_name, ambiguous="earliest", non_existent="null")
        return pl.DataFrame(rows, schema, orient="row").with_columns(placed.dt.convert_time_zone(EXCHANGE_ZONE))


NEW_YORK = Market()


def session_hours(day: date) -> Hours | None:
    """Give the regular open and close of a day of the exchange of New York; None where it is closed all day."""
    session = NEW_YORK.find_session(day)
    return None if session is None else (session.opens.time(), session.closes.time())


def next_session(day: date) -> date | None:
    """Find the first day after `day` on which the exchange of New York is open; None beyond the calendar's years."""
    return NEW_YORK.find_next(day)


def say_session(market: Market, day: date) -> str:
    """Say a session's hours as messages and prompts do, on the market's clock: `09:30:00 to 16:00:00`."""
    session = market.find_session(day)
    assert session is not None, "it is asked of sessions"
    before = f" on {session.opens.date()}" if session.opens.date() < day else ""
    after = f" on {session.closes.date()}" if session.closes.date() > day and session.closes.time() > time.min else ""
    closes = session.closes.time().isoformat()
    if session.closes == datetime.combine(day, time.min) + DAY:
        closes = "24:00:00"
    pause = ", but for {} to {}".format(*(moment.time() for moment in session.pause)) if session.pause else ""
    return f"{session.opens.time()}{before} to {closes}{after}{pause}"


@lru_cache(maxsize=4096)
def _find_near(market: Market, day: date, step: int) -> date | None:
    if day.year not in CALENDAR_YEARS:
        return None
    near = (day + timedelta(days=step * count) for count in range(1, LONGEST_CLOSURE))
    return next((other for other in near if market.find_session(other) is not None), None)


@lru_cache(maxsize=64)
def _find_shift(market: Market) -> timedelta | None:
    """Find when trading days begin, counted from their date's midnight; None where sessions lie within a date."""
    sessions = _read_year(market, TYPICAL_YEAR)
    spans = [
        (one.opens - datetime.combine(day, time.min), one.closes - datetime.combine(day, time.min))
        for day, one in sessions.items()
    ]
    if all(opens >= timedelta(0) and closes <= DAY for opens, closes in spans):
        return None
    return Counter(opens for opens, _ in spans).most_common(1)[0][0]


@lru_cache(maxsize=64)
def _name_zone(calendar: str) -> str:
    return str(_build_calendar(calendar, TYPICAL_YEAR).tz.key)


@lru_cache(maxsize=256)
def _read_year(market: Market, year: int) -> Mapping[date, Session]:
    if year not in CALENDAR_YEARS:
        return {}
    if market.weeks:
        return _shift_year(market, year)
    try:
        calendar = _build_calendar(market.calendar, year)
    except ValueError:  # beyond the years that the calendar knows
        return {}
    zone = market.zone
    # Python's own zone, because pandas knows no daylight saving after 2037.
    opens, closes, pauses, resumes = (
        [None if moment is None else moment.astimezone(zone).replace(tzinfo=None) for moment in _list_moments(times)]
        for times in (calendar.opens, calendar.closes, calendar.break_starts, calendar.break_ends)
    )
    found: dict[date, Session] = {}
    for label, start, end, pause, resume in zip(calendar.sessions, opens, closes, pauses, resumes, strict=True):
        assert start is not None
        assert end is not None
        found[label.date()] = Session(start, end, (pause, resume) if pause and resume else None)
    return found if market.hours == REGULAR else _change_hours(market, found)


def _shift_year(market: Market, year: int) -> dict[date, Session]:
    """Give the sessions whose days, said so many weeks later, lie in a year."""
    own, later = replace(market, weeks=0), timedelta(weeks=market.weeks)
    years = sorted({(date(year, 1, 1) - later).year, (date(year, 12, 31) - later).year})
    known = {day + later: session for real in years for day, session in _read_year(own, real).items()}
    return {
        day: Session(one.opens + later, one.closes + later, one.pause and (one.pause[0] + later, one.pause[1] + later))
        for day, one in known.items()
        if day.year == year
    }


def _list_moments(times: pd.Series) -> list[datetime | None]:
    return [None if pd.isna(moment) else moment.to_pydatetime() for moment in times]


def _build_calendar(name: str, year: int) -> exchange_calendars.ExchangeCalendar:
    with _BUILDING, warnings.catch_warnings():
        warnings.simplefilter("ignore", PerformanceWarning)  # of holidays reckoned one by one
        return exchange_calendars.get_calendar(name, start=f"{year}-01-01", end=f"{year}-12-31")


def _change_hours(market: Market, sessions: Mapping[date, Session]) -> dict[date, Session]:
    """Give the same days other hours; one that closes early still does, as much after its close as on other days."""
    usual = Counter(one.closes.time() for one in sessions.values()).most_common(1)
    changed: dict[date, Session] = {}
    for day, session in sessions.items():
        if isinstance(market.hours, tuple):
            opens, closes = _place_hours(market.hours, day, session)
            usual_close = datetime.combine(session.closes.date(), usual[0][0])
        else:
            start, after = EXTENDED_HOURS[market.calendar]
            opens = datetime.combine(day, start)
            usual_close = datetime.combine(session.closes.date(), usual[0][0])
            closes = usual_close + after
        if session.closes < usual_close:
            closes = min(closes, session.closes + max(closes - usual_close, timedelta(0)))
        if opens < closes:
            changed[day] = Session(opens, closes)
    return changed


def _place_hours(hours: Hours, day: date, session: Session) -> tuple[datetime, datetime]:
    """Place hours beside a day's session: from its date on, or from the evening before, whichever has more of it."""
    start, end = hours
    opens, closes = datetime.combine(day, start), datetime.combine(day, end)
    if closes <= opens:
        closes += DAY

    def count_shared(shift: timedelta) -> timedelta:
        return max(min(closes + shift, session.closes) - max(opens + shift, session.opens), timedelta(0))

    none = timedelta(0)
    is_earlier = (count_shared(NIGHT), end <= start) > (count_shared(none), not end <= start)
    shift = NIGHT if is_earlier else none
    return opens + shift, closes + shift

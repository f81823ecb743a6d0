"""When the exchange is open."""

import warnings
from datetime import date, time, timedelta

import exchange_calendars
import pytest
from pandas.errors import PerformanceWarning

from gold_data.sessions import CALENDAR_YEARS, EXCHANGE_ZONE, NEW_YORK, _read_year, next_session, session_hours

USUAL = (time(9, 30), time(16))


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2013, 10, 4), USUAL),
        (date(2013, 10, 5), None),  # a Saturday
        (date(2024, 11, 28), None),  # Thanksgiving
        (date(2024, 11, 29), (time(9, 30), time(13))),
        (date(2024, 12, 24), (time(9, 30), time(13))),
        (date(2001, 9, 12), None),
        (date(2012, 10, 29), None),  # a hurricane
        (date(1986, 6, 3), USUAL),
        (date(2060, 7, 6), USUAL),
        (date(1, 1, 1), None),
        (date(9999, 12, 31), None),
    ],
)
def test_hours_of_a_day(day: date, hours: tuple[time, time] | None) -> None:
    assert session_hours(day) == hours


def test_year_by_year_agrees_with_one_long_calendar() -> None:
    calendar = exchange_calendars.get_calendar("XNYS", start="2008-01-01", end="2016-12-31")
    opens, closes = (moments.dt.tz_convert(EXCHANGE_ZONE) for moments in (calendar.opens, calendar.closes))
    wanted = {start.date(): (start.time(), end.time()) for start, end in zip(opens, closes, strict=True)}
    days = [date(2008, 1, 1) + timedelta(days=count) for count in range(9 * 365)]
    assert {day: hours for day in days if (hours := session_hours(day))} == {d: wanted[d] for d in wanted if d in days}


def test_slow_holidays_are_not_told_to_a_person_but_all_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    calendar = exchange_calendars.get_calendar("XNYS", start="2020-01-01", end="2020-12-31")

    def warn_and_build(*_: object, **__: object) -> object:
        warnings.warn("Non-vectorized DateOffset", PerformanceWarning, stacklevel=2)
        warnings.warn("all else", UserWarning, stacklevel=2)
        return calendar

    monkeypatch.setattr(exchange_calendars, "get_calendar", warn_and_build)
    with pytest.warns(UserWarning, match="all else") as told:
        year = _read_year.__wrapped__(NEW_YORK, 2020)
    assert year[date(2020, 1, 2)].opens.time() == USUAL[0]
    assert [str(warning.message) for warning in told] == ["all else"]


@pytest.mark.parametrize("year", [CALENDAR_YEARS[0], CALENDAR_YEARS[-1]])
def test_ends_of_the_calendar(year: int) -> None:
    assert session_hours(date(year, 6, 1)) is not None or session_hours(date(year, 6, 3)) is not None


@pytest.mark.parametrize(
    ("day", "later"),
    [
        (date(2013, 10, 3), date(2013, 10, 4)),
        (date(2013, 10, 4), date(2013, 10, 7)),
        (date(2013, 10, 6), date(2013, 10, 7)),
        (date(2001, 9, 10), date(2001, 9, 17)),
        (date(9999, 12, 31), None),
    ],
)
def test_next_session(day: date, later: date | None) -> None:
    assert next_session(day) == later

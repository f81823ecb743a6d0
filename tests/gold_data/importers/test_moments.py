"""Dates, orders of day and month, zones, and the two hours a year that clocks get wrong."""

from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gold_data.errors import GoldError
from gold_data.importers.moments import UnreadableTimeError, find_date_order, load_zone, read_moment
from gold_data.late_years import DateOrder

NEW_YORK, BERLIN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")


def read(text: str, zone: str = "America/New_York", order: DateOrder = "month_first") -> str:
    return read_moment(text, order, ZoneInfo(zone)).astimezone(NEW_YORK).isoformat()


@pytest.mark.parametrize(
    "text",
    [
        "6/9/25 09:31:12",
        "06-09-2025 9:31:12",
        "6/9/2025 9:31:12 AM",
        "6/9/2025 9:31:12 a.m.",
        "2025-06-09T13:31:12Z",
        "2025-06-09T13:31:12.000000999Z",
        "2025-06-09 15:31:12+02:00",
        "2025-06-09, 09:31:12",
        "20250609;093112",
        "20250609;083112 CDT",
        "20250609 093112 EDT",
    ],
)
def test_one_moment_in_many_writings(text: str) -> None:
    assert read(text) == "2025-06-09T09:31:12-04:00"


def test_noon_and_midnight() -> None:
    assert read("6/9/2025 12:05:00 PM") == "2025-06-09T12:05:00-04:00"
    assert read("6/9/2025 12:05 AM") == "2025-06-09T00:05:00-04:00"


def test_another_zone_and_order() -> None:
    assert read("09.06.2025 15:31:12", "Europe/Berlin", "day_first") == "2025-06-09T09:31:12-04:00"
    assert read("06-09-2025 06:41:16", "America/Los_Angeles") == "2025-06-09T09:41:16-04:00"


def test_weeks_in_which_only_one_continent_has_changed_its_clocks() -> None:
    assert read("2025-03-10 14:31:00", "Europe/Berlin") == "2025-03-10T09:31:00-04:00"
    assert read("2025-03-07 15:31:00", "Europe/Berlin") == "2025-03-07T09:31:00-05:00"


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "13/13/2025 10:00:00", "2/30/2025 10:00:00", "6-9/2025 10:00:00", "2025-6-9 10:00:00"),
        *("6/9/2025 25:00:00", "6/9/2025 13:00:00 PM", "6/9/2025 0:30 AM", "2025-06-09 10:0000"),
        *("1969-06-09 10:00:00", "2100-01-01 10:00:00", "٢٠٢٥-06-09 10:00:00"),
        *("2025-06-09 10:00:00 IST", "2025-06-09 10:00:00+15:00"),
    ],
)
def test_texts_that_are_no_moment(text: str) -> None:
    with pytest.raises(UnreadableTimeError, match=r"^time$"):
        read(text)


def test_the_hour_that_happens_twice() -> None:
    with pytest.raises(UnreadableTimeError, match="ambiguous_time"):
        read("2025-11-02 01:30:00")
    assert read("2025-11-02 00:59:59") == "2025-11-02T00:59:59-04:00"
    assert read("2025-11-02 02:00:00") == "2025-11-02T02:00:00-05:00"


def test_an_offset_tells_the_two_hours_apart() -> None:
    early, late = (read_moment(f"20251102;013000 {zone}", "month_first", NEW_YORK) for zone in ("EDT", "EST"))
    assert (late - early).total_seconds() == 3600
    assert early < late


def test_the_hour_that_does_not_exist() -> None:
    with pytest.raises(UnreadableTimeError, match="nonexistent_time"):
        read("2025-03-09 02:30:00")
    with pytest.raises(UnreadableTimeError, match="nonexistent_time"):
        read("2025-03-30 02:30:00", "Europe/Berlin")


@pytest.mark.parametrize(
    ("texts", "usual", "order"),
    [
        (["6/9/2025 10:00", "6/13/2025 10:00"], None, "month_first"),
        (["6/9/2025 10:00", "13/6/2025 10:00"], None, "day_first"),
        (["09.06.2025 10:00"], None, "day_first"),
        (["6/9/2025 10:00:00 AM"], None, "month_first"),
        (["13/6/2025 10:00:00 AM"], None, "day_first"),
        (["6/9/2025 10:00"], "month_first", "month_first"),
        (["6/9/2025 10:00"], "day_first", "day_first"),
        (["13/6/2025 10:00"], "month_first", "day_first"),
        (["6/6/2025 10:00", "2025-06-09 10:00", "soon", "13/13/2025 10:00"], None, "month_first"),
    ],
)
def test_the_order_is_found(texts: list[str], usual: DateOrder | None, order: str) -> None:
    assert find_date_order("log.csv", enumerate(texts, start=2), usual) == order


@pytest.mark.parametrize("usual", [None, "month_first", "day_first"])
def test_two_orders_in_one_file(usual: DateOrder | None) -> None:
    texts = [(2, "6/13/2025 10:00"), (3, "6/9/2025 10:00"), (4, "14/6/2025 10:00")]
    with pytest.raises(GoldError, match=r"line 2 has the month first .* and line 4 the day .* ambiguous"):
        find_date_order("log.csv", texts, usual)


def test_an_order_that_nothing_tells() -> None:
    with pytest.raises(GoldError, match="no date in the file tells whether day or month comes first"):
        find_date_order("log.csv", [(2, "6/9/2025 10:00")], None)


@pytest.mark.parametrize("name", ["", "Mars/Base", "../../etc/passwd", "America", "\0", "x" * 5000])
def test_zones_nobody_knows(name: str) -> None:
    with pytest.raises(GoldError, match=r"time zone .* is unknown"):
        load_zone(name)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30)), st.sampled_from([NEW_YORK, BERLIN]))  # noqa: DTZ001
def test_a_moment_is_read_as_it_was_written_or_refused(naive: datetime, zone: ZoneInfo) -> None:
    text = naive.isoformat(sep=" ")
    if len({naive.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}) == 2:
        with pytest.raises(UnreadableTimeError, match=r"^(ambiguous|nonexistent)_time$"):
            read_moment(text, "month_first", zone)
    else:
        assert read_moment(text, "month_first", zone).astimezone(zone).replace(tzinfo=None) == naive


@given(st.text(), st.sampled_from(["month_first", "day_first"]))
def test_any_text_is_a_moment_or_refused(text: str, order: DateOrder) -> None:
    find_date_order("log.csv", [(2, text)], "month_first")
    with suppress(UnreadableTimeError):
        assert read_moment(text, order, NEW_YORK).year in range(1969, 2101)

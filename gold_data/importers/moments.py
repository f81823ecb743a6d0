"""Dates with times as platforms write them: one order of day and month for a whole file, one zone for a source."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from gold_data.errors import GoldError
from gold_data.late_years import DateOrder

YEARS = range(1970, 2100)
SECONDS_OF_DAY = 86_400

# Abbreviations that platforms append; others mean different zones in different countries and are refused.
_HOURS_FROM_UTC = dict.fromkeys(("Z", "UTC", "GMT"), 0) | {
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "PST": -8,
    "PDT": -7,
}
_DATE = (
    r"(?:(?P<iso>(?P<year>[0-9]{4})(?P<mark>[-/.]?)(?P<month>[0-9]{2})(?P=mark)(?P<day>[0-9]{2}))"
    r"|(?P<first>[0-9]{1,2})(?P<sep>[-/.])(?P<second>[0-9]{1,2})(?P=sep)(?P<late_year>[0-9]{4}|[0-9]{2}))"
)
_CLOCK = (
    r"(?P<hour>[0-9]{1,2})(?P<colon>:?)(?P<minute>[0-9]{2})"
    r"(?:(?P=colon)(?P<seconds>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
)
_CLOCKS = {  # of a place, summer or not
    "ET": ZoneInfo("America/New_York"),
    "CT": ZoneInfo("America/Chicago"),
    "MT": ZoneInfo("America/Denver"),
    "PT": ZoneInfo("America/Los_Angeles"),
}
_ZONE = rf"(?:\s*(?P<zone>Z|[A-Z]{{3}}|{'|'.join(_CLOCKS)}|[+-][0-9]{{2}}:?[0-9]{{2}}))?"
_DAY, _TIME_OF_DAY = re.compile(_DATE), re.compile(rf"{_CLOCK}(?:\s*[AaPp]\.?[Mm]\.?)?{_ZONE}")
# Seconds from 1970, or thousandths of thousandths of them; both may have decimals.
_EPOCH = re.compile(r"(?P<seconds>[0-9]{10})(?P<more>(?:[0-9]{3}){0,3})(?:\.(?P<decimals>[0-9]{1,9}))?")
_SERIAL = re.compile(r"[2-6][0-9]{4}\.[0-9]{1,12}")  # a spreadsheet's days
_SERIAL_START = datetime(1899, 12, 30)  # noqa: DTZ001 - it has the zone of the file
_COMPACT = re.compile(r"[0-9]{14}")  # 20250609093112
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = rf"(?:{'|'.join(_MONTHS)})"
_NAMED = re.compile(  # 09-JUN-25, 9 June 2025; Jun 9, 2025
    rf"(?:(?P<day>[0-9]{{1,2}})[ -](?P<name>{_NAME})[a-z]*\.?[ -]"
    rf"|(?P<first>{_NAME})[a-z]*\.? (?P<second>[0-9]{{1,2}}),? )"
    r"(?P<year>[0-9]{4}|[0-9]{2})(?![0-9:])",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
_MOMENT = re.compile(rf"{_DATE}(?:T|\s*[;,]\s*|\s+){_CLOCK}(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?{_ZONE}")


class UnreadableTimeError(Exception):
    """A text that is no moment, or not one alone: `rule` says which rule it breaks."""

    def __init__(self, rule: str) -> None:
        """Keep the rule."""
        super().__init__(rule)
        self.rule = rule


def load_zone(name: str) -> ZoneInfo:
    """Load a time zone by name.

    Raises:
        GoldError: nobody knows it.
    """
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as exc:
        raise GoldError(f"the time zone {name!r} is unknown; give a name such as America/Los_Angeles or UTC") from exc


def find_date_order(
    where: str, moments: Iterable[tuple[int, str]], usual: DateOrder | None, told: DateOrder | None = None
) -> DateOrder:
    """Find out whether a file writes 06-09 for the 9th of June or the 6th of September.

    A day above 12 tells, and so does a dot (09.06.2025). Where nothing does, what was `told` elsewhere holds, then the
    format's usual order; a format that has none goes by AM and PM, which only countries that write the month first put
    there.

    Raises:
        GoldError: the file mixes both orders, or nothing tells.
    """
    seen: dict[str, tuple[int, str]] = {}
    for line, text in moments:
        seen.setdefault(_weigh_order(text), (line, text))
    if "month_first" in seen and "day_first" in seen:
        (line, text), (other_line, other) = seen["month_first"], seen["day_first"]
        raise GoldError(
            f"{where}: line {line} has the month first ({text!r}) and line {other_line} the day ({other!r}), so the "
            "other dates are ambiguous; write all dates in one order, best as 2025-06-09"
        )
    if "day_first" in seen:
        return "day_first"
    if "month_first" not in seen and told:
        return told
    if "month_first" in seen or usual == "month_first" or "half_day" in seen:
        return "month_first"
    if usual is None and "either" in seen:
        line, text = seen["either"]
        raise GoldError(
            f"{where}: line {line} has {text!r}, and no date in the file tells whether day or month comes first; "
            "export more days, or name the order (`--date-order day_first`, in a mapping `date_order`)"
        )
    return usual or "month_first"


def tell_date_order(moments: Iterable[tuple[int, str]]) -> set[DateOrder]:
    """Tell the orders of day and month that dates prove."""
    found = {_weigh_order(text) for _, text in moments}
    orders: tuple[DateOrder, ...] = ("month_first", "day_first")
    return {order for order in orders if order in found}


def _weigh_order(text: str) -> str:
    found = _MOMENT.fullmatch(_spell_date(text))
    if found is None or found["iso"]:
        return ""
    first, second = int(found["first"]), int(found["second"])
    if found["sep"] == ".":
        return "day_first" if second <= 12 else ""
    if max(first, second) > 12:
        return ("day_first" if first > 12 else "month_first") if min(first, second) <= 12 else ""
    if found["half"]:
        return "half_day"
    return "either" if first != second else ""


def has_offset(text: str) -> bool:
    """Tell whether a moment says by itself how far it is from UTC."""
    found = _MOMENT.fullmatch(_spell_date(text))
    return bool(found["zone"]) if found else bool(_EPOCH.fullmatch(text))


def read_moment(text: str, order: DateOrder, zone: tzinfo, day: date | None = None) -> datetime:
    """Read a date with its time, and give it in UTC, where no hour stands twice.

    Args:
        text: Such as `6/9/25 09:31:12`, `9-6-2025 3:31:12 PM`, `20250609;093112 EDT`, `2025-06-09T13:31:12.5Z`,
            `09-JUN-25 09:31`, `Mon, 9 Jun 2025 09:31 ET`. Parts of a second beyond millionths are cut off.
        order: The order of day and month where the year comes last.
            Seconds from 1970 count too, or thousandths of them, and days of a spreadsheet (45817.396667).
        zone: The zone of times without an offset.
        day: The day of a time that has none.

    Raises:
        UnreadableTimeError: `time` - no date with a time, or none between 1970 and 2099; `date_without_time`;
            `time_without_date`, where no day is given; `ambiguous_time` - the hour
            stands twice on the clock because it was put back; `nonexistent_time` - the clock was put forward over it.
    """
    if epoch := _EPOCH.fullmatch(text):
        digits = (epoch["more"] + (epoch["decimals"] or ""))[:6].ljust(6, "0")
        moment = datetime.fromtimestamp(int(epoch["seconds"]), UTC) + timedelta(microseconds=int(digits))
        if moment.year not in YEARS:
            raise UnreadableTimeError("time")
        return moment
    if _SERIAL.fullmatch(text):
        return _place(_SERIAL_START + timedelta(seconds=round(float(text) * SECONDS_OF_DAY)), zone).astimezone(UTC)
    text = _spell_date(text)
    is_clock = _TIME_OF_DAY.fullmatch(text) is not None
    found = _MOMENT.fullmatch(f"{day} {text}" if is_clock and day else text)
    if found is None:
        rule = "date_without_time" if _DAY.fullmatch(text) else "time_without_date" if is_clock else "time"
        raise UnreadableTimeError(rule)
    if found["iso"]:
        year, month, of_month = int(found["year"]), int(found["month"]), int(found["day"])
    else:
        year = _read_year(found["late_year"])
        pair = (int(found["first"]), int(found["second"]))
        month, of_month = pair if order == "month_first" else pair[::-1]
    fraction = int((found["fraction"] or "").ljust(6, "0")[:6])
    try:
        clock = time(_read_hour(found), int(found["minute"]), int(found["seconds"] or 0), fraction)
        naive = datetime.combine(date(year, month, of_month), clock)
    except ValueError as exc:
        raise UnreadableTimeError("time") from exc
    if year not in YEARS:
        raise UnreadableTimeError("time")
    if found["zone"] in _CLOCKS:
        return _place(naive, _CLOCKS[found["zone"]]).astimezone(UTC)
    if found["zone"]:
        return naive.replace(tzinfo=_read_offset(found["zone"])).astimezone(UTC)
    return _place(naive, zone).astimezone(UTC)


def _spell_date(text: str) -> str:
    """Give a text whose date names its month, or stands together with its time, with that date as 2025-06-09."""
    if _COMPACT.fullmatch(text):
        return f"{text[:8]} {text[8:]}"
    if (weekday := _WEEKDAY.match(text)) is not None:
        text = text[weekday.end() :]
    found = _NAMED.match(text)
    if found is None:
        return text
    month = _MONTHS.index((found["name"] or found["first"]).lower()) + 1
    return f"{_read_year(found['year'])}-{month:02}-{int(found['day'] or found['second']):02}{text[found.end() :]}"


def _read_year(text: str) -> int:
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year >= 70 else 2000)


def _read_hour(found: re.Match[str]) -> int:
    hour = int(found["hour"])
    if not found["half"]:
        return hour
    if not 1 <= hour <= 12:
        raise UnreadableTimeError("time")
    return hour % 12 + (12 if found["half"] in "Pp" else 0)


def _read_offset(text: str) -> tzinfo:
    if text in _HOURS_FROM_UTC:
        return timezone(timedelta(hours=_HOURS_FROM_UTC[text]))
    if text[0] not in "+-" or int(text[1:3]) > 14 or int(text[-2:]) > 59:
        raise UnreadableTimeError("time")
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(offset if text[0] == "+" else -offset)


def _place(naive: datetime, zone: tzinfo) -> datetime:
    early, late = naive.replace(tzinfo=zone), naive.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early
    exists = early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive
    raise UnreadableTimeError("ambiguous_time" if exists else "nonexistent_time")

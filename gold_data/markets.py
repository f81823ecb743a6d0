"""Which market each ticker is traded on, as profiles, mappings, gold folders and the command line say it.

1. `Markets`        the market of every ticker, and what is known of instruments
2. `read_markets`   from plain data: `XNYS extended`, or a mapping with `calendar`, `hours`, `zone`, `tickers`
3. `read_options`   from the command line's `--market`
4. `read_source_markets`   of a profile's gold
5. `load_markets`, `find_markets`, `write_markets`   of a gold folder
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import available_timezones

import exchange_calendars
import polars as pl

from gold_data.errors import GoldError
from gold_data.folder import MARKET
from gold_data.sessions import EXCHANGE_ZONE, EXTENDED, EXTENDED_HOURS, NEW_YORK, REGULAR, SESSIONS, Hours, Market
from gold_data.source import GoldSource

KEYS = ("calendar", "hours", "zone", "tickers")
OF_INSTRUMENTS = ("multiplier", "tick")
SPAN = re.compile(r"(\d{1,2}:\d{2})-(\d{1,2}:\d{2})")
MINUTES_OF_DAY, SECONDS_OF_DAY = 24 * 60, 24 * 3600
CONTRACTS = {"CMES", "us_futures", "XEUR", "IEPA", "XCBF"}  # calendars of exchanges that trade contracts
SHOWN = ("XNYS", "XLON", "XETR", "XTKS", "CMES", "24/7", "24/5")


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is known of an instrument: money per point of one contract, and the least step of its price."""

    multiplier: float | None = None
    tick: float | None = None


@dataclass(frozen=True, slots=True)
class Markets:
    """The market of every ticker: `default` but for those that `by_ticker` names, with `*` for any letters.

    `instruments` are by ticker, likewise.
    """

    default: Market = NEW_YORK
    by_ticker: Mapping[str, Market] = field(default_factory=dict)
    instruments: Mapping[str, Instrument] = field(default_factory=dict)

    @property
    def is_usual(self) -> bool:
        """Tell whether nothing was said: all is traded in New York's regular hours."""
        return not self.by_ticker and not self.instruments and replace(self.default, weeks=0) == NEW_YORK

    def disguise(self, codes: Mapping[str, str], weeks: int) -> "Markets":
        """Give the same by the codes of tickers, with days said so many weeks later, and nothing known of a code."""
        by_code = {code: replace(self.find(ticker), weeks=weeks) for ticker, code in codes.items()}
        return Markets(replace(self.default, weeks=weeks), by_code if self.by_ticker else {})

    def find(self, ticker: object) -> Market:
        """Find the market of a ticker."""
        return _look_up(self.by_ticker, str(ticker)) or self.default

    def find_instrument(self, ticker: object) -> Instrument:
        """Find what is known of an instrument."""
        return _look_up(self.instruments, str(ticker)) or Instrument()

    def name_zone(self, tickers: Iterable[object]) -> str:
        """Name the zone in which times of these tickers are shown: that of their markets, or UTC where they differ."""
        zones = {self.find(ticker).zone_name for ticker in tickers} or {self.default.zone_name}
        return zones.pop() if len(zones) == 1 else "UTC"

    def add(self, more: Mapping[str, Market], instruments: Mapping[str, Instrument]) -> "Markets":
        """Add what a log itself says of its tickers; what was declared goes before it."""
        known = {ticker: market for ticker, market in more.items() if _look_up(self.by_ticker, ticker) is None}
        told = {ticker: one for ticker, one in instruments.items() if _look_up(self.instruments, ticker) is None}
        return replace(self, by_ticker={**known, **self.by_ticker}, instruments={**told, **self.instruments})

    def to_data(self) -> dict[str, Any]:
        """Give plain data that `read_markets` reads."""
        names = sorted({*self.by_ticker, *self.instruments})
        tickers = {name: _to_data(self.by_ticker.get(name), self.instruments.get(name)) for name in names}
        return _to_data(self.default, None) | ({"tickers": tickers} if tickers else {})

    def list_multipliers(self, tickers: pl.Series) -> dict[str, float | None]:
        """List what a point of each ticker is worth: 1 of shares and coins, None of contracts where nobody says it."""
        known = {name: self.find_instrument(name).multiplier for name in tickers.drop_nulls().unique()}
        return {
            name: 1.0 if value is None and self.find(name).calendar not in CONTRACTS else value
            for name, value in known.items()
        }

    def group(self, tickers: pl.Series) -> dict[Market, list[str]]:
        """Group tickers by their markets, in the order of their first place."""
        groups: dict[Market, list[str]] = {}
        for ticker in tickers.drop_nulls().unique(maintain_order=True):
            groups.setdefault(self.find(ticker), []).append(ticker)
        return groups

    def split(self, rows: pl.DataFrame) -> Iterator[tuple[Market, pl.DataFrame]]:
        """Give every market with the rows of its tickers, in their order; no rows are the default's."""
        groups = self.group(rows.get_column("ticker"))
        if len(groups) < 2:
            yield next(iter(groups), self.default), rows
            return
        for market, names in groups.items():
            yield market, rows.filter(pl.col("ticker").is_in(names))

    def find_days(self, tickers: pl.Series, moments: pl.Series) -> pl.Series:
        """Find the trading days in which moments lie, each on the market of its ticker."""
        if not self.by_ticker:
            return self.default.find_days(moments)
        days = pl.Series(moments.name, [None] * len(moments), pl.Date)
        for market, names in self.group(tickers).items():
            days = days.zip_with(~tickers.is_in(names), market.find_days(moments))
        return days

    def start_days(self, tickers: pl.Series, days: pl.Series) -> pl.Series:
        """Give the moments at which trading days usually begin, each on the market of its ticker."""
        starts = self.default.start_days(days)
        for market, names in self.group(tickers).items() if self.by_ticker else ():
            starts = starts.zip_with(~tickers.is_in(names), market.start_days(days))
        return starts

    def begin_days(self, rows: pl.DataFrame) -> pl.Series:
        """Give the moments at which the trading days of rows with `ticker` and `session_date` begin."""
        keys = rows.select("ticker", "session_date").unique()
        begins = [
            None if day is None else (market := self.find(ticker)).begin_day(day).replace(tzinfo=market.zone)
            for ticker, day in keys.iter_rows()
        ]
        moments = pl.Series("begins", begins, pl.Datetime("us", "UTC")).dt.convert_time_zone(EXCHANGE_ZONE)
        placed = rows.select("ticker", "session_date").join(
            keys.with_columns(moments),
            on=["ticker", "session_date"],
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        return placed.get_column("begins")

    def list_sessions(self, rows: pl.DataFrame) -> pl.DataFrame:
        """List the sessions of rows with `ticker` and `session_date`: their `opens`, `closes`, `pauses`, `resumes`.

        One row each, in their order; null where the market is closed on that day.
        """
        days = rows.get_column("session_date").drop_nulls()
        parts = [pl.DataFrame(schema={**SESSIONS, "ticker": pl.String()})]
        for market, names in self.group(rows.get_column("ticker")).items() if len(days) else ():
            sessions = market.list_sessions(days.min(), days.max())  # type: ignore[arg-type]
            parts += [sessions.with_columns(ticker=pl.lit(name, pl.String)) for name in names]
        wanted = rows.select("ticker", day="session_date")
        return wanted.join(pl.concat(parts), on=["ticker", "day"], how="left", maintain_order="left").drop(
            "ticker", "day"
        )


USUAL = Markets()


def join_markets(declared: Markets, told: Iterable[Markets]) -> Markets:
    """Join what several logs say of their tickers to the declared markets, which go before; earlier logs first."""
    markets = declared
    for one in told:
        markets = one if markets.is_usual else markets.add(one.by_ticker, one.instruments)
    return markets


Told = TypeVar("Told")


def _look_up(known: Mapping[str, Told], ticker: str) -> Told | None:
    if ticker in known:
        return known[ticker]
    return next((told for pattern, told in known.items() if "*" in pattern and fnmatchcase(ticker, pattern)), None)


def _to_data(market: Market | None, instrument: Instrument | None) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if market is not None:
        data["calendar"] = market.calendar
        if market.hours != REGULAR:
            data["hours"] = list(map(_say_clock, market.hours)) if isinstance(market.hours, tuple) else market.hours
        if market.clock:
            data["zone"] = market.clock
    for name in OF_INSTRUMENTS if instrument is not None else ():
        if (value := getattr(instrument, name)) is not None:
            data[name] = value
    return data


def _say_clock(clock: time) -> str:
    return f"{clock:%H:%M}"


def read_markets(data: object, where: str) -> Markets:
    """Read markets from plain data.

    Args:
        data: A text such as `XNYS extended` or `CMES 08:30-15:00 America/Chicago`; or a mapping with `calendar`,
            `hours`, `zone`, and `tickers`: for each, such a text or such a mapping, with `multiplier` and `tick` too.
        where: Where it stands, for messages.

    Raises:
        GoldError: it names what there is not; says what there is.
    """
    if data is None:
        return USUAL
    if isinstance(data, str):
        return Markets(read_market(data, where))
    _check_keys(data, KEYS, where)
    assert isinstance(data, Mapping)
    tickers = data.get("tickers") or {}
    if not isinstance(tickers, Mapping):
        raise GoldError(f"{where}: tickers is {tickers!r}; give a market by ticker, such as {{BTCUSDT: 24/7}}")
    default = _read_plain({key: value for key, value in data.items() if key != "tickers"}, where)
    markets: dict[str, Market] = {}
    instruments: dict[str, Instrument] = {}
    for ticker, told in tickers.items():
        place, name = f"{where}: tickers: {ticker}", str(ticker).upper()
        if isinstance(told, Mapping):
            _check_keys(told, (*KEYS[:3], *OF_INSTRUMENTS), place)
            numbers = {key: _read_positive(told[key], f"{place}: {key}") for key in OF_INSTRUMENTS if key in told}
            told = {key: value for key, value in told.items() if key not in OF_INSTRUMENTS}  # noqa: PLW2901
            if numbers:
                instruments[name] = Instrument(**numbers)
            if told:
                markets[name] = _read_plain({"calendar": default.calendar, **told}, place)
        else:
            markets[name] = read_market(told, place)
    return Markets(default, markets, instruments)


def _check_keys(data: object, known: Sequence[str], where: str) -> None:
    if not isinstance(data, Mapping):
        raise GoldError(f"{where}: {data!r} is no market; give one such as XNYS, CMES or 24/7")
    if foreign := [str(key) for key in data if key not in known]:
        close = get_close_matches(foreign[0], known, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise GoldError(f"{where}: unknown key {foreign[0]}; {hint}known: {', '.join(known)}")


def _read_positive(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
        raise GoldError(f"{where}: {value!r} is no number above 0")
    return float(value)


def _read_plain(data: Mapping[str, Any], where: str) -> Market:
    calendar, zone = data.get("calendar", NEW_YORK.calendar), data.get("zone", "")
    market = read_market(calendar, where)
    if zone and zone not in available_timezones():
        raise GoldError(f"{where}: there is no time zone {zone}; give one such as America/New_York or Europe/Berlin")
    hours = data.get("hours", market.hours)
    if not isinstance(hours, str):
        hours = _read_span(hours, where)
    return _check_hours(replace(market, hours=hours, clock=zone or market.clock), where)


def read_market(text: object, where: str) -> Market:
    """Read a market from a text: a calendar, then hours and a zone where they are not its usual ones.

    Raises:
        GoldError: it names what there is not; says what there is.
    """
    calendar, *rest = str(text).split() or [""]
    known = exchange_calendars.get_calendar_names(include_aliases=True)
    if calendar.upper() in map(str.upper, known):
        calendar = next(name for name in known if name.upper() == calendar.upper())
    else:
        close = get_close_matches(calendar.upper(), known, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise GoldError(
            f"{where}: there is no market {calendar or 'without a name'}; {hint}give the name of a calendar of "
            f"exchange-calendars, such as {', '.join(SHOWN)}"
        )
    hours: str | Hours = REGULAR
    zone = ""
    for word in rest:
        if (span := SPAN.fullmatch(word)) is not None:
            hours = _read_span(span.groups(), where)
        elif word in (REGULAR, EXTENDED):
            hours = word
        elif word in available_timezones():
            zone = word
        else:
            raise GoldError(
                f"{where}: {word!r} is neither hours (regular, extended, 08:30-15:00) nor a zone (America/Chicago)"
            )
    return _check_hours(Market(exchange_calendars.resolve_alias(calendar), hours, zone), where)


def _check_hours(market: Market, where: str) -> Market:
    if isinstance(market.hours, str) and market.hours not in (REGULAR, EXTENDED):
        raise GoldError(f'{where}: hours {market.hours!r}; give regular, extended, or from and to: ["08:30", "15:00"]')
    if market.hours == EXTENDED and market.calendar not in EXTENDED_HOURS:
        raise GoldError(
            f"{where}: extended hours are known of {', '.join(EXTENDED_HOURS)} only; say those of {market.calendar} "
            'as from and to, such as hours: ["08:00", "22:00"]'
        )
    return market


def _read_span(hours: object, where: str) -> Hours:
    if not isinstance(hours, Sequence) or len(hours) != 2:
        raise GoldError(f'{where}: hours {hours!r}; give regular, extended, or from and to: ["08:30", "15:00"]')
    start, end = (_read_clock(clock, where) for clock in hours)
    return start, end


def _read_clock(clock: object, where: str) -> time:
    """Read a time of day; YAML reads 9:30 without quotation marks as 570, the minutes of it."""
    if isinstance(clock, int) and not isinstance(clock, bool) and 0 <= clock < SECONDS_OF_DAY:
        minutes = clock if clock <= MINUTES_OF_DAY else clock // 60
        return time(minutes // 60 % 24, minutes % 60)
    try:
        text = str(clock)
        return time() if text in ("24:00", "24:00:00") else time.fromisoformat(text.zfill(5))
    except ValueError as exc:
        raise GoldError(f'{where}: {clock!r} is no time of day; write it as "08:30"') from exc


def read_options(options: Sequence[str]) -> Markets:
    """Read the command line's `--market`: one for all tickers, or `TICKER=MARKET` for one.

    Raises:
        GoldError: it names what there is not, or there are two for all.
    """
    markets = USUAL
    is_told = False
    for option in options:
        ticker, sign, text = option.rpartition("=")
        market = read_market(text, f"--market {option}")
        if sign:
            markets = replace(markets, by_ticker={**markets.by_ticker, ticker.strip().upper(): market})
        elif is_told:
            raise GoldError(f"--market {option}: there is one for all tickers already; say whose it is: TICKER={text}")
        else:
            markets, is_told = replace(markets, default=market), True
    return markets


def load_markets(folder: Path) -> Markets | None:
    """Load the markets that a gold folder names; None where it names none.

    Raises:
        GoldError: its file is damaged.
    """
    path = folder / MARKET
    try:
        return read_markets(json.loads(path.read_text(encoding="utf-8")), str(path)) if path.is_file() else None
    except (OSError, ValueError) as exc:
        raise GoldError(f"{path} cannot be read ({exc}); import the gold anew") from exc


def find_markets(folder: Path | None, declared: Markets) -> Markets:
    """Find the markets of a gold folder, or those that were declared.

    Raises:
        GoldError: both are said, and differ.
    """
    own = load_markets(folder) if folder is not None else None
    if own is None or declared.is_usual or own == declared:
        return own or declared
    raise GoldError(
        f"{folder} was imported for the market {json.dumps(own.to_data())}, and the profile's market is "
        f"{json.dumps(declared.to_data())}; leave it out of the profile, or import the gold anew with --market"
    )


def read_source_markets(source: GoldSource) -> Markets:
    """Read where a profile's gold is traded: as its folder says, or the profile's key `market`.

    Raises:
        GoldError: both say it and differ, or what is said is no market.
    """
    declared = read_markets(source.options.get("market"), "market")
    return find_markets(None if source.split is None else source.split.parent, declared)


def write_markets(markets: Markets, folder: Path) -> None:
    """Write the markets into a gold folder, where they are not the usual one."""
    if not markets.is_usual:
        (folder / MARKET).write_text(json.dumps(markets.to_data(), indent=2) + "\n", encoding="utf-8")

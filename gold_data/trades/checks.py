"""The search for what is wrong with one trade: one function per rule of `gold_data.trades.rules`.

A function looks only at fields that are there, of the right type and finite, so that all violations of a row are listed
and none of them is a consequence of another field's.
"""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from math import ceil, floor, inf, isfinite
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator

from gold_data.sessions import Session, say_session
from gold_data.trades.limits import PERCENT_ROUNDING, GoldLimits
from gold_data.trades.schema import CORE_FIELDS, NUMBER_FIELDS, PRICE_FIELDS, TIME_FIELDS, load_core_schema
from gold_data.violation import Expectation

STATED_ROUNDING = 0.011  # the same, where somebody else computed the percent from prices not yet rounded
SLACK = 1e-9  # 0.35 is within 0.05 of 0.3, also in binary
LONGEST_SHOWN = 60  # characters of a wrong value that a message repeats

CORE_VALIDATOR = Draft202012Validator(load_core_schema())
FIELDS: Mapping[str, Any] = load_core_schema()["properties"]

Fingerprint = tuple[float, ...]


class Breach(NamedTuple):
    """What breaks a rule: the fields at fault, the limit, the value found, and a clause that says it."""

    fields: tuple[str, ...]
    limit: str
    found: str
    clause: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One trade as it is stated, with what it is held against; `rules.check_trade` says what each part is."""

    core: Mapping[str, object]
    session_date: date
    exit_date: date | None
    percent: float | None
    limits: GoldLimits
    expectations: Sequence[Expectation]
    known_trades: Mapping[Fingerprint, str]


class Row:
    """One trade under check: `misfits` is what the schema refuses, `numbers` and `times` hold the sound fields only."""

    def __init__(self, stated: Statement) -> None:
        self.stated, self.core, self.limits = stated, stated.core, stated.limits
        self.misfits = list(_find_misfits(stated.core))
        refused = {field for misfit in self.misfits for field in misfit.fields}
        self.sound = frozenset(CORE_FIELDS) - refused
        numbers = {name: read_number(self.core[name]) for name in NUMBER_FIELDS if name in self.sound}
        self.numbers = {name: number for name, number in numbers.items() if isfinite(number)}
        self.times = {name: time.fromisoformat(str(self.core[name])) for name in TIME_FIELDS if name in self.sound}
        self.exit_percent = self._measure_exit_percent()
        self.market = self.limits.markets.find(self.core.get("ticker"))
        self.day = find_session_date(self.limits, self.core.get("ticker"), stated.session_date, stated.exit_date)
        self.holds_overnight = self.limits.holds_overnight or not self.market.closes_after(self.day)
        self.exit_session = self._find_exit_session()

    def _measure_exit_percent(self) -> float | None:
        entry_price, exit_price = (self.numbers.get(name, 0.0) for name in PRICE_FIELDS)
        if entry_price <= 0 or exit_price <= 0 or "trade_type" not in self.sound:
            return None
        return measure_exit_percent(str(self.core["trade_type"]), entry_price, exit_price)

    def _find_exit_session(self) -> date | None:
        if self.stated.exit_date is not None or len(self.times) < 2:
            return self.stated.exit_date
        entered, left = (self.market.place(self.day, self.times[field]) for field in TIME_FIELDS)
        return self.market.find_next(self.day) if left <= entered and self.holds_overnight else self.day


def find_session_date(limits: GoldLimits, ticker: object, day: date, exit_date: date | None = None) -> date:
    """Find the session of a trade: `day`, or, of a gold of several markets, the last one that its own market had.

    Where the exit's day is stated, the entry's is too.
    """
    if exit_date is not None or not limits.markets.by_ticker:
        return day
    return limits.markets.find(ticker).find_last(day) or day


def measure_exit_percent(trade_type: str, entry_price: float, exit_price: float) -> float:
    """Measure the percent from entry to exit, signed in the trade's direction: the `trade_percent_change`."""
    return 100.0 * (exit_price / entry_price - 1.0) * (-1.0 if trade_type == "short" else 1.0)


def fingerprint(core: Mapping[str, object]) -> Fingerprint:
    """Give what two copies of one trade have in common: all numbers. Other times of day do not make a trade new."""
    return tuple(read_number(core[name]) for name in NUMBER_FIELDS)


def list_copy_marks(mark: Fingerprint) -> list[Fingerprint]:
    """List what a copy may have in common with a trade: all of its numbers but one, which is infinite in each."""
    return [(*mark[:place], inf, *mark[place + 1 :]) for place in range(len(mark))]


def mark_trades(known: Mapping[Fingerprint, str]) -> dict[Fingerprint, str]:
    """Give the ids of trades by all that a copy of one may have in common with it."""
    return {mark: name for whole, name in known.items() for mark in (whole, *list_copy_marks(whole))}


def read_number(value: object) -> float:
    """Read a number of any type; infinite where it is none, or more than a float can hold."""
    try:
        return float(str(value))
    except ValueError:
        return inf


def show_value(value: object) -> str:
    """Write a value as messages show it."""
    if isinstance(value, float):
        return f"{value:.10g}"
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return (text if text.isprintable() else ascii(text)[1:-1])[:LONGEST_SHOWN]


def find_misfits(row: Row) -> Iterator[Breach]:
    """Find what the JSON Schema of the core fields refuses."""
    yield from row.misfits


def _find_misfits(core: Mapping[str, object]) -> Iterator[Breach]:
    if core.keys() == FIELDS.keys() and all(_fits(field, value) for field, value in core.items()):
        return  # as nearly every row does; the validator takes ten times as long to say so
    for field in CORE_FIELDS:
        if field not in core:
            yield Breach((field,), "every core field is there", "missing", f"{field} is missing")
    for field in core:
        if field not in CORE_FIELDS:
            yield Breach((field,), "core fields only", show_value(core[field]), f"{field} is not a core field")
    for error in CORE_VALIDATOR.iter_errors(core):
        if error.absolute_path:  # errors without a path are the missing and the foreign fields
            yield _refuse(core, str(error.absolute_path[0]), str(error.validator), error.validator_value)
    for field in TIME_FIELDS:
        value = core.get(field)
        if isinstance(value, str) and value.endswith("\n"):  # which a pattern's `$` lets pass
            yield _refuse(core, field, "pattern", None)


def _fits(field: str, value: object) -> bool:
    """Tell whether a plain value fits its field; False of a number of another type, which the validator decides on."""
    schema = FIELDS[field]
    if type(value) is float:
        return schema["type"] == "number" and bool(schema["minimum"] <= value <= schema["maximum"])
    return isinstance(value, str) and len(value) <= LONGEST_SHOWN and _fits_text(field, value)


@functools.lru_cache(maxsize=10_000)
def _fits_text(field: str, value: str) -> bool:
    """Tell whether a text fits its field; tickers and times of day come again and again."""
    return not value.endswith("\n") and bool(CORE_VALIDATOR.evolve(schema=FIELDS[field]).is_valid(value))


def _refuse(core: Mapping[str, object], field: str, keyword: str, constraint: object) -> Breach:
    limits = {
        "enum": f"one of {', '.join(constraint)}" if isinstance(constraint, list) else "",
        "pattern": "a time of day as HH:MM:SS",
        "type": f"a {constraint}",
        "not": "no control characters, such as line breaks or marks of the writing direction",
        "maxLength": f"at most {constraint} characters",
        "minLength": f"at least {constraint} character",
    }
    found = show_value(core[field])
    return Breach((field,), limits.get(keyword, f"{keyword} {constraint}"), found, f"{field} {found!r} does not fit")


def find_not_finite(row: Row) -> Iterator[Breach]:
    """Find numbers that are infinite or not a number."""
    for field in NUMBER_FIELDS:
        if field in row.sound and field not in row.numbers:
            found = show_value(row.core[field])
            yield Breach((field,), "a finite number", found, f"{field} {found} is not finite")


def find_not_positive(row: Row, fields: Sequence[str]) -> Iterator[Breach]:
    """Find numbers at or below 0."""
    for field in fields:
        if row.numbers.get(field, inf) <= 0:
            found = show_value(row.core[field])
            yield Breach((field,), f"{field} > 0", found, f"{field} {found} is not above 0")


def find_out_of_hours(row: Row) -> Iterator[Breach]:
    """Find an entry or exit outside the market's session; at the close itself one can leave, but not enter."""
    for field, day in zip(TIME_FIELDS, (row.day, row.exit_session), strict=True):
        clock = row.times.get(field)
        if clock is None or day is None:
            continue
        session = row.market.find_session(day)
        if session is None:
            found = f"{day} {clock}"
            yield Breach((field,), "a day the exchange is open", found, f"{field} {found} is on a day it is closed")
            continue
        if not _is_open(session, row.market.place(day, clock), enters=field == "entry_time"):
            limit = f"{say_session(row.market, day)} on {day}" + (", before the close" if field == "entry_time" else "")
            yield Breach((field,), limit, str(clock), f"{field} {clock} is outside the regular session")


def _is_open(session: Session, moment: datetime, *, enters: bool) -> bool:
    starts, ends = session.pause or (session.closes, session.closes)
    if enters:
        return session.opens <= moment < session.closes and not starts <= moment < ends
    return session.opens <= moment <= session.closes and not starts < moment < ends


def find_exit_before_entry(row: Row) -> Iterator[Breach]:
    """Find an exit that does not follow its entry, or follows it later than the core fields can say."""
    if row.exit_session is None or len(row.times) < 2:
        return
    day, overnight = row.day, row.holds_overnight
    entered, left = (row.times[field] for field in TIME_FIELDS)
    is_later = row.market.place(day, left) > row.market.place(day, entered)
    if row.exit_session == day and is_later:
        return
    if overnight and not is_later and row.exit_session == row.market.find_next(day):
        return
    limit = f"after {entered} in the same session" + (f", or by {entered} in the next" if overnight else "")
    found = f"{left}" if row.exit_session == day else f"{left} on {row.exit_session}"
    clause = f"exit_time {found} does not follow entry_time {entered} on {day} as it should"
    yield Breach(TIME_FIELDS, limit, found, clause)


def find_worst_above_best(row: Row) -> Iterator[Breach]:
    """Find a worst excursion above the best one."""
    worst, best = _read_excursions(row)
    if worst > best:
        limit = f"worst_exit_percent <= {show_value(best)}"
        clause = f"worst_exit_percent {show_value(worst)} is above best_exit_percent {show_value(best)}"
        yield Breach(("worst_exit_percent", "best_exit_percent"), limit, show_value(worst), clause)


def find_exit_outside_excursions(row: Row) -> Iterator[Breach]:
    """Find an exit percent below the worst excursion or above the best, beyond rounding."""
    if row.exit_percent is None:
        return
    worst, best = _read_excursions(row)
    highest, lowest = row.exit_percent + PERCENT_ROUNDING, row.exit_percent - PERCENT_ROUNDING
    if worst > highest + SLACK:
        limit = f"worst_exit_percent <= {show_value(floor((highest + SLACK) * 1e4) / 1e4)}"
        clause = f"worst_exit_percent {show_value(worst)} is above the exit percent {row.exit_percent:.4f}"
        yield Breach(("worst_exit_percent",), limit, show_value(worst), clause)
    if best < lowest - SLACK:
        limit = f"best_exit_percent >= {show_value(ceil((lowest - SLACK) * 1e4) / 1e4)}"
        clause = f"best_exit_percent {show_value(best)} is below the exit percent {row.exit_percent:.4f}"
        yield Breach(("best_exit_percent",), limit, show_value(best), clause)


def find_one_sided_excursions(row: Row) -> Iterator[Breach]:
    """Find a worst excursion above 0, or a best one below, where the gold measures both from the entry itself."""
    if not row.limits.spans_entry:
        return
    worst, best = _read_excursions(row)
    if worst > PERCENT_ROUNDING + SLACK:
        clause = f"worst_exit_percent {show_value(worst)} is above 0, the move at the entry itself"
        yield Breach(("worst_exit_percent",), "worst_exit_percent <= 0", show_value(worst), clause)
    if best < -PERCENT_ROUNDING - SLACK:
        clause = f"best_exit_percent {show_value(best)} is below 0, the move at the entry itself"
        yield Breach(("best_exit_percent",), "best_exit_percent >= 0", show_value(best), clause)


def find_wrong_sign(row: Row) -> Iterator[Breach]:
    """Find a stated percent that prices and direction do not give, and excursions told in the opposite direction."""
    change, stated = row.exit_percent, row.stated.percent
    if change is None:
        return
    if stated is not None and not abs(stated - change) <= STATED_ROUNDING + SLACK:
        limit = f"{change:.4f} within {STATED_ROUNDING}"
        clause = f"trade_percent_change {show_value(stated)} is not what the prices of a {row.core['trade_type']} give"
        yield Breach(("trade_percent_change", "trade_type", *PRICE_FIELDS), limit, show_value(stated), clause)
    worst, best = _read_excursions(row)
    if isfinite(best - worst) and not _holds(worst, change, best) and _holds(worst, -change, best):
        found = f"{show_value(worst)} to {show_value(best)}"
        clause = (
            f"worst_exit_percent and best_exit_percent, {found}, hold the exit percent {change:.4f} of this trade_type "
            "only with its sign reversed"
        )
        yield Breach(("trade_type", "worst_exit_percent", "best_exit_percent"), f"hold {change:.4f}", found, clause)


def _holds(worst: float, change: float, best: float) -> bool:
    return worst - PERCENT_ROUNDING - SLACK <= change <= best + PERCENT_ROUNDING + SLACK


def _read_excursions(row: Row) -> tuple[float, float]:
    return row.numbers.get("worst_exit_percent", -inf), row.numbers.get("best_exit_percent", inf)


def find_unknown_ticker(row: Row) -> Iterator[Breach]:
    """Find a ticker the gold does not trade."""
    known, ticker = row.limits.price_ranges, row.core.get("ticker")
    if known and "ticker" in row.sound and ticker not in known:
        limit = f"one of {', '.join(known)}"
        yield Breach(("ticker",), limit, show_value(ticker), f"ticker {show_value(ticker)} is not one the gold trades")


def find_price_out_of_range(row: Row) -> Iterator[Breach]:
    """Find a price that is not one of this ticker in the gold."""
    ticker = str(row.core["ticker"]) if "ticker" in row.sound else ""
    low, high = row.limits.price_ranges.get(ticker, (0.0, inf))
    for field in PRICE_FIELDS:
        price = row.numbers.get(field, -inf)
        if price > 0 and not low - SLACK <= price <= high + SLACK:
            clause = f"{field} {show_value(price)} is not a price the gold knows of {ticker}"
            yield Breach((field,), f"{show_value(low)} to {show_value(high)}", show_value(price), clause)


def find_disobedience(row: Row) -> Iterator[Breach]:
    """Find a field that is not what a control asked for."""
    for field, wanted, tolerance in row.stated.expectations:
        if field not in row.sound or (tolerance is not None and field not in row.numbers):
            continue
        found, limit = show_value(row.core[field]), show_value(wanted)
        if tolerance is None:
            obeyed = str(row.core[field]) == str(wanted)
        else:
            obeyed = abs(row.numbers[field] - read_number(wanted)) <= tolerance + SLACK
            limit += f" within {show_value(tolerance)}"
        if not obeyed:
            yield Breach((field,), limit, found, f"{field} {found} is not what a control asks for")


def find_copy(row: Row) -> Iterator[Breach]:
    """Find the known trade this one is a copy of: all numbers but one, at most, are the same."""
    if len(row.numbers) == len(NUMBER_FIELDS):
        yield from name_copy(fingerprint(row.core), row.stated.known_trades)


def name_copy(mark: Fingerprint, known_trades: Mapping[Fingerprint, str]) -> Iterator[Breach]:
    """Name the known trade that has this fingerprint, or all of it but one number; `mark_trades` gave the ids."""
    known = next((known_trades[one] for one in (mark, *list_copy_marks(mark)) if one in known_trades), None)
    if known is not None:
        clause = f"of {', '.join(NUMBER_FIELDS)} all, or all but one, equal those of {known}"
        yield Breach(NUMBER_FIELDS, "at least two differ from every known trade", f"copy of {known}", clause)

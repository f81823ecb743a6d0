"""Reads the rows of one file: events or round trips, and an account of every other row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from gold_data.errors import GoldError
from gold_data.importers.base import RejectedRow, RoundTrip
from gold_data.importers.carrying import Carrier
from gold_data.importers.events import Event, Execution, Unreadable
from gold_data.importers.faults import NotAFillError, NotATradeError, RowFaultError
from gold_data.importers.fills import squeeze_word
from gold_data.importers.formats import GENERIC, Format
from gold_data.importers.instruments import name_ticker
from gold_data.importers.rows import Row, RowReader, Style
from gold_data.markets import USUAL, Markets
from gold_data.trades.schema import CARRIED, INSTRUMENT_COLUMNS

Key = tuple[str, ...]
BESIDE = {*CARRIED, *INSTRUMENT_COLUMNS} - {"quantity", "account"}  # fields that alone make no trade
DEAD = {"canceled", "cancelled", "rejected", "expired", "working", "pending", "failed"}
HALF_TIMES = {
    "date_without_time": "is a date without a time of day, and minute bars cannot be searched for a trade by that",
    "time_without_date": "is a time of day without a date; name the day with --date",
}


@dataclass
class FileReading:
    """What the rows of one file say, before executions are paired."""

    name: str
    form: Format
    file: int
    rows_in: int
    events: list[Event] = field(default_factory=list)
    raw: dict[int, Key] = field(default_factory=dict)  # of events, by identity
    trips: list[RoundTrip] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    duplicates: list[int] = field(default_factory=list)
    not_fills: list[RejectedRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    zone: str = ""
    markets: Markets = USUAL


def read_rows(
    name: str, file: int, form: Format, rows: Sequence[Row], *, style: Style, seen: dict[Key, Row]
) -> FileReading:
    """Read the rows of a file.

    Args:
        name: The file, for messages.
        file: Its place among those that are read together.
        form: Its format.
        rows: Its data rows.
        style: How it writes numbers and times.
        seen: Executions of the files before it, by format and name; those of this file are added.

    Raises:
        GoldError: no row can be read, because their times are dates alone, or times of day alone.
    """
    reading = FileReading(name, form, file, len(rows))
    read_row = form.study(rows, style)
    carrier = Carrier(form, rows, style)
    tickers = {ticker for row in rows if not row.torn and (ticker := name_ticker(row.text("ticker")))}
    own: dict[Key, Row] = {}
    for row in rows:
        key = _identify(form, row)
        if key and (first := own.get(key) or (seen.get((form.name, *key)) if form.pairs else None)):
            _check_repetition(reading, first, row, is_here=key in own)
            reading.duplicates.append(row.line)
            continue
        own[key] = row
        try:
            _refuse_no_fill(form, row)
            outcome = read_row(RowReader(row, style))
        except RowFaultError as fault:
            _sort_out(reading, row, fault, tickers)
            continue
        if isinstance(outcome, RoundTrip):
            reading.trips.append(replace(outcome, file=file, carried={**carrier.carry(row), **outcome.carried}))
        else:
            account = _name_account(reading, row)
            _add_event(reading, replace(outcome, file=file, account=account, carried=carrier.carry(row)), row)
    seen |= {(form.name, *key): row for key, row in own.items() if key}
    _refuse_half_times(reading)
    reading.notes += [*_note_alike(form, rows), *_note_dead(reading, rows)] if form.pairs else []
    reading.notes += carrier.note_lost()
    return reading


def _add_event(reading: FileReading, event: Event, row: Row) -> None:
    reading.events.append(event)
    reading.raw[id(event)] = row.raw


def _identify(form: Format, row: Row) -> Key:
    if form.pairs:
        named = any(row.text(name) for name in form.identity)
        return tuple(row.text(name) for name in (*form.identity, *form.detail)) if named else ()
    return () if row.is_text else row.raw


def _name_account(reading: FileReading, row: Row) -> str:
    """Name what a fill is paired in: an account of a platform, or where the file numbers its trades, one of these."""
    form = reading.form
    if form.trade_number:
        return f"{form.name} {reading.file} {row.text(form.trade_number)}"
    return f"{form.name} {row.text('account')}"  # two platforms are two accounts


def _check_repetition(reading: FileReading, first: Row, row: Row, *, is_here: bool) -> None:
    """Check that two rows of one number are the same fill, where a mapping says which column holds the number.

    Raises:
        GoldError: they differ in what was traded, so that the numbers are those of orders.
    """
    fields = ("ticker", "side", "quantity", "price", *chain(*reading.form.moments))
    told = [tuple(map(one.text, fields)) for one in (first, row)]
    if reading.form.name == GENERIC and reading.form.pairs and told[0] != told[1]:
        raise GoldError(
            f"{reading.name}: line {row.line} repeats the number {row.text('id')} of line {first.line}"
            f"{'' if is_here else ' of an earlier file'} with another ticker, side, quantity, price or time, so these "
            "are no numbers of fills; leave `id` out of the mapping"
        )


def _refuse_no_fill(form: Format, row: Row) -> None:
    told = sum(bool(row.text(name)) for name in form.required if name not in BESIDE)
    if row.is_text or (told <= 1 < len(form.required) and not row.torn):
        raise NotAFillError("no_fill", " ".join(filter(None, row.raw)))
    for name, words in form.only.items():
        if not row.torn and squeeze_word(row.text(name)) not in words:
            raise NotAFillError("not_filled", row.text(name))


def _sort_out(reading: FileReading, row: Row, fault: RowFaultError, tickers: set[str]) -> None:
    """Account for a row that cannot be used; one that may be a fill makes its ticker's position uncertain."""
    if isinstance(fault, NotAFillError):
        reading.not_fills.append(RejectedRow(row.line, fault.rule, fault.value, reading.file))
        return
    if not isinstance(fault, NotATradeError) and (_is_dead(row) or _is_sum(reading.form, row)):
        reading.not_fills.append(RejectedRow(row.line, "not_filled", fault.value, reading.file))
        return
    reading.rejected.append(RejectedRow(row.line, fault.rule, fault.finding, reading.file))
    if isinstance(fault, NotATradeError) or not reading.form.pairs:
        return
    named = [name_ticker(cell) for cell in row.raw if name_ticker(cell) in tickers] if row.torn else []
    ticker = next(iter(named), "") if row.torn else name_ticker(row.text("ticker"))
    if row.torn and not ticker:
        return  # it names nothing that this log trades
    account = None if row.torn else _name_account(reading, row)
    event = Unreadable(row.line, ticker, fault.quantity, fault.time, account, reading.file)
    _add_event(reading, event, row)


def _is_sum(form: Format, row: Row) -> bool:
    """Tell whether a row has neither price nor moment, as sums have."""
    prices = ("price", "entry_price", "exit_price")
    is_told = all(map(row.text, prices[1:])) or row.text(prices[0]) or any(row.text(*names) for names in form.moments)
    return not row.torn and not is_told


def _is_dead(row: Row) -> bool:
    """Tell whether a row says that its order was not filled."""
    return any(squeeze_word(cell) in DEAD for cell in row.raw)


def _refuse_half_times(reading: FileReading) -> None:
    if reading.trips or any(isinstance(event, Execution) for event in reading.events):
        return
    for row in reading.rejected:
        if why := HALF_TIMES.get(row.rule):
            advice = f". {reading.form.instead}" if reading.form.instead and row.rule == "date_without_time" else ""
            raise GoldError(f"{reading.name}: line {row.line} has {row.value!r}, which {why}{advice}")


def _note_dead(reading: FileReading, rows: Sequence[Row]) -> list[str]:
    """Note fills of a mapped log whose orders it calls canceled or so: nobody knows whether a part was filled."""
    filled = {event.line for event in reading.events if isinstance(event, Execution)}
    lines = [row.line for row in rows if row.line in filled and _is_dead(row)]
    if not lines or reading.form.name != GENERIC:
        return []
    return [
        f"fills in rows that say canceled, rejected or the like: {len(lines)}, the first in line {lines[0]}; if "
        "nothing of them was filled, name the rows that count as `only` in the mapping"
    ]


def _note_alike(form: Format, rows: Sequence[Row]) -> list[str]:
    counts = Counter(row.raw for row in rows if not row.is_text and not _identify(form, row))
    alike = sum(count - 1 for count in counts.values())
    if not alike:
        return []
    return [f"rows that repeat another in every cell: {alike}; having no number of their own, they count as fills"]

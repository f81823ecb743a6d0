"""The formats that can be imported, and the import of files: each is read, then their fills are paired together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from gold_data.errors import GoldError
from gold_data.importers import (
    activity_statement,
    alpaca,
    backtests,
    das,
    fidelity,
    freqtrade,
    gold_table,
    interactive_brokers,
    metatrader,
    ninjatrader,
    ninjatrader_executions,
    platform_summary,
    quantconnect,
    robinhood,
    schwab,
    thinkorswim,
    tradingview,
    tradovate_orders,
    tradovate_performance,
    webull,
)
from gold_data.importers.base import ImportedFile, RoundTrip
from gold_data.importers.carrying import find_markets
from gold_data.importers.events import Event, Execution, Unreadable
from gold_data.importers.formats import GENERIC, Format
from gold_data.importers.generic import build_format, read_mapping
from gold_data.importers.moments import load_zone
from gold_data.importers.opening import Opened, open_log
from gold_data.importers.pairing import Pairing, Splits, pair_executions
from gold_data.importers.pooling import pool_events
from gold_data.importers.positions import read_positions
from gold_data.importers.reading import FileReading, Key, read_rows
from gold_data.importers.rows import Row
from gold_data.importers.styles import Log, find_order, find_style
from gold_data.late_years import DateOrder
from gold_data.markets import USUAL, Instrument, Markets, join_markets, read_markets

AUTO = "auto"

FORMATS: Mapping[str, Format] = {
    form.name: form
    for form in (
        thinkorswim.FORMAT,
        ninjatrader.FORMAT,
        ninjatrader_executions.FORMAT,
        interactive_brokers.FORMAT,
        interactive_brokers.TWO_COLUMNS,
        activity_statement.FORMAT,
        alpaca.FORMAT,
        alpaca.ORDERS,
        webull.FORMAT,
        das.FORMAT,
        schwab.FORMAT,
        fidelity.FORMAT,
        robinhood.FORMAT,
        tradovate_orders.FORMAT,
        tradovate_performance.FORMAT,
        tradingview.FORMAT,
        metatrader.FORMAT,
        quantconnect.FORMAT,
        freqtrade.FORMAT,
        backtests.VECTORBT,
        backtests.BACKTRADER,
        backtests.BACKTESTING,
        platform_summary.FORMAT,
        gold_table.FORMAT,
    )
}
FORMAT_NAMES = (AUTO, *FORMATS, GENERIC)


@dataclass(frozen=True)
class LogOptions:
    """What is known of logs beside what they say.

    `format` is one of `FORMAT_NAMES`, `zone` the zone of times without an offset (the format's own where none is
    given), `mapping` the columns of the format generic (with `auto`, that format is taken). `ticker` is that of all
    rows of a log that names none, `day` the day of times that have none, `date_order` the order of day and month.
    `positions` has what was held before the logs; with `long_only` no sale is taken for a short one. `markets` says
    where tickers are traded, `splits` what is known of their splits.
    """

    format: str = AUTO
    zone: str | None = None
    mapping: Path | None = None
    ticker: str | None = None
    day: date | None = None
    date_order: DateOrder | None = None
    positions: Path | None = None
    long_only: bool = False
    markets: Markets = USUAL
    splits: Splits | None = None


def detect_format(path: Path) -> str:
    """Tell a file's format by its header, or the keys of its records.

    Raises:
        GoldError: the file cannot be read, or no format fits; names the formats and what the closest one misses.
    """
    return open_log(path, list(FORMATS.values())).form.name


def import_file(path: Path, format: str = AUTO, zone: str | None = None, mapping: Path | None = None) -> ImportedFile:
    """Import one trade log; see `import_files`."""
    return import_files([path], LogOptions(format, zone, mapping))[0]


def import_files(paths: Sequence[Path], options: LogOptions) -> list[ImportedFile]:
    """Import trade logs: round trips, and an account of every row that did not become one.

    Fills of all files that are of one format and one account are pooled before they are paired.

    Args:
        paths: Files as the platform exported them.
        options: What is known of all of them.

    Raises:
        GoldError: a file or the mapping cannot be read, the format does not fit, numbers or dates are ambiguous, or
            there is no data row.
    """
    forms = _choose_formats(options)
    if options.zone is not None:
        load_zone(options.zone)
    positions = read_positions(options.positions) if options.positions else None
    seen: dict[Key, Row] = {}
    logs = [_open_file(path, forms, options) for path in paths]
    readings = [
        _read_file(log, file, options, options.date_order or find_order(log, logs), seen)
        for file, log in enumerate(logs)
    ]
    events = pool_events(readings)
    if options.long_only:
        events = [_close_sale(event) for event in events]
    markets = join_markets(options.markets, (reading.markets for reading in readings))
    pairing = pair_executions(events, positions, markets, options.splits)
    return [_sum_up(reading, pairing, is_last=reading is readings[-1]) for reading in readings]


def _choose_formats(options: LogOptions) -> list[Format]:
    name, mapping = options.format, options.mapping
    if name not in FORMAT_NAMES:
        raise GoldError(f"the format {name!r} is unknown; choose one of {', '.join(FORMAT_NAMES)}")
    if name == GENERIC or (name == AUTO and mapping is not None):
        if mapping is None:
            raise GoldError("the format generic needs a mapping of its columns; give one as YAML")
        return [build_format(read_mapping(mapping, options.ticker))]
    if mapping is not None:
        raise GoldError(f"the format {name} knows its columns; give a mapping only with the format generic")
    return list(FORMATS.values()) if name == AUTO else [FORMATS[name]]


def _open_file(path: Path, forms: Sequence[Format], options: LogOptions) -> Log:
    opened = open_log(path, forms)
    if not opened.rows:
        raise GoldError(
            f"{path}: this is a log of {opened.form.describes}, but it holds no rows; export one with trades"
        )
    return Log(path, opened._replace(rows=_name_tickers(path, opened, options)))


def _read_file(log: Log, file: int, options: LogOptions, order: DateOrder, seen: dict[Key, Row]) -> FileReading:
    path, (form, rows, *_) = log
    declared = options.markets
    if declared.is_usual and form.market is not None:
        declared = read_markets(form.market, "the mapping's market")
    markets = find_markets(path, rows, declared)
    style, notes, zone = find_style(log, order, options.zone, options.day, markets)
    reading = read_rows(str(path), file, form, rows, style=style, seen=seen)
    reading.notes, reading.zone, reading.markets = [*notes, *reading.notes], zone, markets
    return reading


def _name_tickers(path: Path, opened: Opened, options: LogOptions) -> list[Row]:
    """Give rows the ticker that was named for all of them, where they name none or only one."""
    ticker = options.ticker or opened.form.ticker
    if not ticker:
        if opened.form.needs_ticker:
            raise GoldError(f"{path}: {opened.form.describes} names no ticker; give it, such as --ticker SPY")
        return opened.rows
    named = {row.text("ticker") for row in opened.rows if not row.torn} - {""}
    if len(named) > 1:
        raise GoldError(
            f"{path} names {len(named)} tickers, {min(named)} among them; --ticker is for a log that names none"
        )
    return [replace(row, cells={**row.cells, "ticker": ticker}) for row in opened.rows]


def _close_sale(event: Event) -> Event:
    if isinstance(event, Execution) and event.quantity < 0 and not event.effect:
        return replace(event, effect="close")
    return event


def _sum_up(reading: FileReading, pairing: Pairing, *, is_last: bool) -> ImportedFile:
    """Give the account of one file; what concerns all of them stands with the last."""
    form, file = reading.form, reading.file
    trips = [trip for trip in pairing.trips if trip.file == file] if form.pairs else reading.trips
    rejected = reading.rejected + [row for row in pairing.rejected if row.file == file]
    notes = [*reading.notes, *(_note_unreadable(reading) if form.pairs else [])]
    if is_last:
        notes += [*pairing.notes, *_note_doubtful(pairing.doubtful)]
    return ImportedFile(
        format=form.name,
        rows_in=reading.rows_in,
        rows_used=pairing.used[file] if form.pairs else len(reading.trips),
        trips=trips,
        rejected=sorted(rejected, key=lambda row: row.line),
        duplicates=reading.duplicates,
        not_fills=reading.not_fills,
        rows_open=pairing.open[file],
        open_positions=pairing.open_positions if is_last else [],
        notes=notes,
        zone=reading.zone,
        markets=_add_point_values(reading.markets, trips),
    )


def _add_point_values(markets: Markets, trips: Sequence[RoundTrip]) -> Markets:
    """Add what trips tell of a point's worth, beyond what the rows state."""
    told = {trip.ticker: value for trip in trips if isinstance(value := trip.carried.get("multiplier"), float)}
    return markets.add({}, {ticker: Instrument(multiplier=value) for ticker, value in told.items() if value != 1})


def _note_unreadable(reading: FileReading) -> list[str]:
    lines = [event.line for event in reading.events if isinstance(event, Unreadable)]
    if not lines:
        return []
    return [
        f"fills that cannot be read: {len(lines)}, the first in line {lines[0]}; their trades are rejected, and what "
        "follows until the log proves the position flat again (rule after_unreadable)"
    ]


def _note_doubtful(doubtful: Sequence[Execution]) -> list[str]:
    if not doubtful:
        return []
    named = ", ".join(f"{fill.ticker} (line {fill.line})" for fill in doubtful[:5])
    more = f" and {len(doubtful) - 5} more" if len(doubtful) > 5 else ""
    return [
        f"shorts that begin with the first fill of their ticker in the log, a sale: {len(doubtful)}, {named}{more}. "
        "Where it sold what was held before, they are wrong, and what follows in these tickers too: give --long-only "
        "if you never sell short, or --positions FILE with what was held (columns ticker, quantity)"
    ]

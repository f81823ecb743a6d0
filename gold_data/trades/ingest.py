"""Reads a trader's own trades: every row is held against the rules, and none is lost silently."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from math import inf
from pathlib import Path

import polars as pl

from gold_data.bars import read_bars
from gold_data.clocks import show_clocks
from gold_data.errors import GoldError
from gold_data.markets import USUAL, Markets, find_markets
from gold_data.sessions import EXCHANGE_ZONE, Market
from gold_data.splits import read_split
from gold_data.store import Gold
from gold_data.tables import RawRow, check_columns, read_rows
from gold_data.trades.carried import find_misfit, note_partly_given, read_carried, read_instruments
from gold_data.trades.limits import GoldLimits, describe_limits
from gold_data.trades.rules import check_trade
from gold_data.trades.schema import (
    CARRIED,
    CARRIED_NUMBERS,
    CORE_FIELDS,
    INSTRUMENT_COLUMNS,
    NUMBER_FIELDS,
    TIME_FIELDS,
    GoldTrades,
)
from gold_data.violation import Violation

WHAT = "gold trades"
STATED = "trade_percent_change"
COMPUTED = ("trade_id", "session_date")  # which a gold folder's own trades have, and every reading finds anew
REJECTED_SCHEMA = {"line": pl.Int64, **dict.fromkeys(("rule", "field", "limit", "found", "row"), pl.String)}

# A trader holds overnight when at least this share of the rows is held into a later session. Fewer are taken for slips
# of the pen and rejected: a gold that allows them has to allow every exit before its entry.
OVERNIGHT_SHARE = 0.02


@dataclass
class Reading:
    """One row as far as it could be read: `core` as the rules take it, and what was wrong before any rule was asked."""

    trade_id: str
    raw: RawRow
    core: dict[str, object] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    carried: dict[str, object] = field(default_factory=dict)
    stated: float | None = None
    oddities: set[str] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)


@dataclass(frozen=True)
class Judgement:
    """Rows held against the rules: gold trades, one row per rule that another row broke, and counts of oddities."""

    trades: pl.DataFrame
    rejected: pl.DataFrame
    oddities: Counter[str]


def read_gold(trades: Path, bars: Path | None, split: Path | None = None, markets: Markets = USUAL) -> Gold:
    """Read gold trades, and their bars and their split where there are some; tables are CSV or Parquet.

    Times with an offset are converted to the exchange's zone, times without are those of the ticker's market; parts of
    a second are cut off. `trade_percent_change` may be missing: it is computed anyhow. `entry_volatility_percent` is
    believed. Columns of `CARRIED` are kept, and those of `INSTRUMENT_COLUMNS` add to `markets`; a gold folder's own
    markets go before those.

    Raises:
        GoldError: a file is missing, empty, unreadable or lacks a column, or no row obeys the rules.
    """
    if split is not None and not split.is_file():
        raise GoldError(
            f"{split.parent} is no gold folder, it has no {split.name}; name one that `tradelogs gold import` wrote"
        )
    table = read_rows(trades, WHAT)
    notes = check_columns(trades, table.columns, CORE_FIELDS, [STATED, *COMPUTED, *CARRIED, *INSTRUMENT_COLUMNS])
    if not table.rows:
        raise GoldError(f"{trades} holds a header but no trades; add one row per trade")
    markets = find_markets(trades.parent if split else None, markets).add(*read_instruments(trades, table.rows))
    judged = judge_rows(table.rows, markets)
    gold, rejected = judged.trades, judged.rejected
    if gold.is_empty():
        first = rejected.row(0, named=True)
        raise GoldError(
            f"{trades}: all {len(table.rows)} rows break a rule; the first is line {first['line']}: {first['field']} "
            f"{first['found']}, rule {first['rule']}, limit: {first['limit']}. Mend the file as the rule says"
        )
    notes += [f"{trades.name}: times of {count} rows {oddity}" for oddity, count in sorted(judged.oddities.items())]
    if gold["session_date"].n_unique() == 1:
        notes.append(f"{trades.name}: all trades are of one session, so none can be held out")
    notes += note_partly_given(trades.name, gold)
    gold = show_clocks(gold, markets, TIME_FIELDS)
    parts = read_split(split, gold) if split else None
    read = Gold(gold, None, rejected, notes, parts, partial(describe_limits, markets=markets), markets)
    if bars is None:
        return read
    bar_frame, bar_notes = read_bars(bars, markets)
    days = markets.find_days(bar_frame["ticker"], bar_frame["timestamp"])
    return replace(read, bars=bar_frame, notes=[*notes, *bar_notes, *_note_without_bars(gold, bar_frame, days)])


def judge_rows(rows: Sequence[RawRow], markets: Markets = USUAL) -> Judgement:
    """Hold rows of trades against the rules, the same that candidates are held against.

    Args:
        rows: Each with a line of its own, and a value for every core field, empty or null where it is missing; their
            number, from 1, names the trade. `trade_percent_change` is checked where a row states it, and columns of
            `CARRIED` are kept.
        markets: Where each ticker is traded.
    """
    readings = [_read_row(f"gold-{number:04d}", raw, markets) for number, raw in enumerate(rows, start=1)]
    _check_readings(readings, markets)
    sound = [reading for reading in readings if not reading.violations]
    oddities = Counter(oddity for reading in readings for oddity in reading.oddities)
    return Judgement(_build_trades(sound), _list_rejected(readings), oddities)


def _read_row(trade_id: str, raw: RawRow, markets: Markets) -> Reading:
    reading = Reading(trade_id, raw)
    if not raw.fits:
        found = f"{len(raw.values)} values"
        reading.violations.append(_refuse("row", found, "as many values as the header has names"))
        return reading
    for name in CORE_FIELDS:
        value = raw.values[name]
        if value is None or value == "":
            continue
        if name in TIME_FIELDS:
            _read_time(reading, name, value, markets.find(raw.values["ticker"]))
        else:
            reading.core[name] = _read_number(value) if name in NUMBER_FIELDS else value
    stated = raw.values.get(STATED)
    if stated is not None and stated != "":
        number = _read_number(stated)
        if isinstance(number, float):
            reading.stated = number
        else:
            reading.violations.append(_refuse(STATED, str(stated), "a number"))
    reading.carried = read_carried(raw.values)
    reading.violations += [_refuse(*misfit) for misfit in find_misfit(reading.carried)]
    return reading


def _read_number(value: object) -> object:
    try:
        return float(str(value))
    except ValueError:
        return value  # which the rule `schema` refuses, and shows


def _read_time(reading: Reading, name: str, value: object, market: Market) -> None:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            reading.oddities.add(f"without an offset were read as {_say_zone(market)}")
        local = moment.astimezone(market.zone) if moment.tzinfo else moment.replace(tzinfo=market.zone)
    except (ValueError, OverflowError):
        reading.violations.append(_refuse(name, str(value), "a date and time such as 2013-10-04T10:06:00-04:00"))
        return
    if local.microsecond:
        reading.oddities.add("had parts of a second, which were cut off")
    reading.times[name] = local.replace(microsecond=0)
    reading.days[name] = market.find_day(reading.times[name])
    reading.core[name] = reading.times[name].strftime("%H:%M:%S")


def _say_zone(market: Market) -> str:
    return "exchange time" if market.zone_name == EXCHANGE_ZONE else f"times of {market.zone_name}"


def _refuse(name: str, found: str, limit: str) -> Violation:
    return Violation("schema", (name,), limit, found, f"{name} {found} cannot be read; limit: {limit}")


def _check_readings(readings: Sequence[Reading], markets: Markets) -> None:
    limits = _derive_reading_limits(readings, markets)
    lines: dict[str, int] = {}
    for reading in readings:
        if not reading.raw.fits:
            continue
        days = reading.days
        refused = {violation.fields for violation in reading.violations}
        broken = check_trade(
            reading.core,
            session_date=days.get("entry_time", days.get("exit_time", date.min)),
            limits=limits,
            exit_date=days.get("exit_time"),
            stated_percent=reading.stated,
        )
        reading.violations += [violation for violation in broken if violation.fields not in refused]
        if not reading.violations:
            earlier = lines.setdefault(f"{reading.core} {reading.times}", reading.raw.line)
            if earlier != reading.raw.line:
                found = f"the same as line {earlier}"
                reading.violations.append(Violation("duplicate", ("row",), "each trade once", found, f"row is {found}"))


def _derive_reading_limits(readings: Sequence[Reading], markets: Markets) -> GoldLimits:
    whole = [reading for reading in readings if len(reading.days) == len(TIME_FIELDS)]
    overnight = sum(reading.days["exit_time"] > reading.days["entry_time"] for reading in whole)
    holds_overnight = overnight > 0 and overnight >= OVERNIGHT_SHARE * len(whole)
    return GoldLimits(price_ranges={}, holds_overnight=holds_overnight, volatility_range=(0.0, inf), markets=markets)


def _list_rejected(readings: Sequence[Reading]) -> pl.DataFrame:
    rows = [
        (reading.raw.line, broken.rule, ", ".join(broken.fields), broken.limit, broken.found, _write_raw(reading.raw))
        for reading in readings
        for broken in reading.violations
    ]
    return pl.DataFrame(rows, schema=REJECTED_SCHEMA, orient="row")


def _write_raw(raw: RawRow) -> str:
    return json.dumps(raw.values, default=str)


def _build_trades(readings: Sequence[Reading]) -> pl.DataFrame:
    rows = [
        {**reading.core, **{name: moment.astimezone(UTC) for name, moment in reading.times.items()}}
        | {"trade_id": reading.trade_id, "session_date": reading.days["entry_time"]}
        for reading in readings
    ]
    direction = pl.when(pl.col("trade_type") == "short").then(-1.0).otherwise(1.0)
    change = 100.0 * (pl.col("exit_price") / pl.col("entry_price") - 1.0) * direction
    if not rows:
        return GoldTrades.create_empty()
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.col(TIME_FIELDS).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(EXCHANGE_ZONE),
        change.alias(STATED),
    )
    trades = GoldTrades.validate(frame.select(GoldTrades.column_names()))
    kinds = {name: pl.Float64 if name in CARRIED_NUMBERS else pl.String for name in CARRIED}
    given = [
        pl.Series(name, [reading.carried.get(name) for reading in readings], kind)
        for name, kind in kinds.items()
        if any(reading.carried.get(name) is not None for reading in readings)
    ]
    return trades.hstack(given)


def _note_without_bars(trades: pl.DataFrame, bars: pl.DataFrame, dates: pl.Series) -> list[str]:
    sessions = bars.select("ticker", session_date=dates).unique()
    bare = trades.join(sessions, on=["ticker", "session_date"], how="anti", maintain_order="left")
    if bare.is_empty():
        return []
    first = bare.row(0, named=True)
    return [
        f"{bare.height} of {trades.height} trades have no bars of their ticker and session; the first is "
        f"{first['trade_id']}, {first['ticker']} on {first['session_date']}"
    ]

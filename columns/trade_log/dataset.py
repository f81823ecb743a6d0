"""What a trade needs beyond its YAML: the trader's rules, and what is computed for accepted trades."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import inf
from typing import Any

import polars as pl

from columns.dataset import Dataset as DatasetBase
from columns.dataset import Finished, FinishRequest, Given, PlanRow
from columns.disguise import Disguise, put_on_step
from columns.narrowing import match_times
from columns.trade_log.carried import carry_from_gold
from columns.trade_log.parts import complete_trade, narrow_parts
from gold_data.clocks import say_elsewhere, show_zone
from gold_data.markets import read_source_markets
from gold_data.sessions import EXCHANGE_ZONE, Market
from gold_data.source import GoldSource
from gold_data.store import SESSION, Gold, GoldFolder
from gold_data.trades.checks import find_session_date
from gold_data.trades.ingest import read_gold
from gold_data.trades.limits import GoldLimits
from gold_data.trades.rules import (
    Fingerprint,
    check_copy,
    check_trade,
    fingerprint,
    list_copy_marks,
    measure_exit_percent,
)
from gold_data.trades.rules import describe_rules as say_rules
from gold_data.trades.schema import NUMBER_FIELDS, TIME_FIELDS
from gold_data.violation import Violation
from indicators.attach import attach_price_paths

__all__ = ["Dataset", "complete_trade", "describe_rules"]  # what the columns' YAML names

TRADES, BARS = "trades", "bars"
PERIOD = timedelta(hours=1)  # of a session's open and close, as the control session_period says them
CHANGE = "trade_percent_change"
EXCURSIONS = ("worst_exit_percent", "best_exit_percent")
MOST_DIGITS = 6  # of a percent
FAR_BARS = "the gold's bars do not reach far enough before its trades"
NO_LIMITS = GoldLimits({}, holds_overnight=True, volatility_range=(0.0, inf))
TRADE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "ticker": pl.String,
    "trade_type": pl.String,
    SESSION: pl.Date,
    "entry_time": pl.Datetime("us"),
    "exit_time": pl.Datetime("us"),
    **{name: pl.Float64 for name in (*NUMBER_FIELDS, CHANGE)},  # noqa: C420
}


def say_market(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Give a schema whose descriptions speak of a market's own clock and currency."""
    properties = {name: dict(told) for name, told in schema.get("properties", {}).items()}
    for told in properties.values():
        told |= {key: say_elsewhere(told[key]) for key in ("description", "unit") if key in told}
    return {**schema, "properties": properties}


class Dataset(DatasetBase):
    """The trade log: gold and candidates obey one list of rules, and every trade gets bars and indicators."""

    def read_gold(self, source: GoldSource) -> Gold:
        """Read a trader's trades and the bars they were made on.

        Raises:
            GoldError: a file cannot be read, or no trade obeys the rules.
        """
        return read_gold(source.files[TRADES], source.files.get(BARS), source.split, read_source_markets(source))

    def check_row(self, row: Any, plan: PlanRow, given: Given) -> list[Violation]:
        """List the rules that a trade breaks, with the limits of its session and of the trader's gold."""
        trader = describe_trader(given)
        return check_trade(
            row,
            session_date=date.fromisoformat(plan[SESSION]),
            limits=trader.limits,
            expectations=given.expect(plan),
            known_trades=trader.known_trades,
        )

    def narrow_schema(self, schema: Mapping[str, Any], plan: PlanRow, given: Given) -> dict[str, Any]:
        """Narrow a trade's schema to its controls, and its times to its session and to the part of it that is asked."""
        limits, narrowed = describe_trader(given).limits, super().narrow_schema(schema, plan, given)
        if limits.markets.is_usual and not limits.holds_overnight:
            narrowed = narrow_times(narrowed, plan, limits.markets.default)
        elif not limits.markets.is_usual:
            narrowed = say_market(narrowed)
        return narrow_parts(narrowed, plan, given, limits.price_ranges)

    def identify(self, row: Any) -> bytes:
        """Give a trade's numbers: one that has them all in common with another is its copy, whatever its times."""
        return _pack(fingerprint(row))

    def list_marks(self, row: Any) -> list[bytes]:
        """Give a trade's numbers but one, in all ways: with another one in that one's place it is a copy still."""
        return [_pack(mark) for mark in list_copy_marks(fingerprint(row))]

    def name_copy(self, row: Any, known: str) -> Violation:
        """Name the known trade that has all numbers, or all but one, in common with a trade."""
        return check_copy(row, {fingerprint(row): known})[0]

    def list_steps(self, facts: Mapping[str, Any]) -> Mapping[str, float]:
        """List the ticks that were declared."""
        limits = GoldLimits.from_facts(facts)
        ticks = {ticker: limits.markets.find_instrument(ticker).tick for ticker in limits.price_ranges}
        return {ticker: tick for ticker, tick in ticks.items() if tick is not None}

    def disguise_facts(self, facts: Mapping[str, Any], disguise: Disguise) -> Mapping[str, Any]:
        """Give the range of prices by codes, and the markets as the rules shall know them."""
        ranges = {
            disguise.codes[ticker]: [disguise.hide_limit(ticker, price) for price in ends]
            for ticker, ends in facts["price_ranges"].items()
        }
        return {**facts, "price_ranges": ranges, "disguise": {"codes": disguise.codes, "weeks": disguise.weeks}}

    def fit_to_steps(self, row: Mapping[str, Any], exact: Mapping[str, Any], step: float) -> Mapping[str, Any]:
        """Measure the excursions anew, from prices on steps: rounding keeps their order, so a valid trade stays one."""
        return {**row, **measure_on_steps(row, exact, step)}

    def finish(self, accepted: pl.DataFrame, gold: GoldFolder, request: FinishRequest) -> Finished:
        """Give trades zoned times, the percent from entry to exit, a price path, and indicators at the entry.

        The minute bars of every trade are the table `bars`.
        """
        limits = GoldLimits.from_facts(gold.facts)
        trades = assemble_trades(accepted, [date.fromisoformat(day) for day in request.plan[SESSION]], limits)
        bars_file = request.folder / f"bars-{request.number:06d}.parquet"
        finished, fallback = attach_price_paths(
            trades,
            gold.train.with_columns(pl.col(TIME_FIELDS).dt.convert_time_zone(EXCHANGE_ZONE)),
            gold.bars,
            request.options["indicators"],
            bars_file,
            seed=request.seed,
            markets=limits.markets,
        )
        finished = carry_from_gold(finished, gold.train, limits.markets, request.seed)
        finished = show_zone(finished, limits.markets, TIME_FIELDS, of=limits.price_ranges)
        why = "the gold came without bars" if gold.bars is None else FAR_BARS
        notes = {f"{{count}} trades have bars of the fallback shape, a seeded random walk: {why}": len(fallback)}
        return Finished(finished, {BARS: bars_file}, notes)


@dataclass(frozen=True)
class Trader:
    """What the rules take from a trader's gold: its limits, and the trades that none may copy."""

    limits: GoldLimits
    known_trades: Mapping[Fingerprint, str]


def describe_trader(given: Given) -> Trader:
    """Describe the trader of a gold folder, once for all rows."""
    if not isinstance(trader := given.kept.get("trader"), Trader):
        known = {struct.unpack(f"{len(NUMBER_FIELDS)}d", mark): name for mark, name in given.known_rows.items()}
        trader = given.kept["trader"] = Trader(GoldLimits.from_facts(given.gold.facts), known)
    return trader


def _pack(mark: Fingerprint) -> bytes:
    return struct.pack(f"{len(mark)}d", *(number + 0.0 for number in mark))  # 0.0 and -0.0 are one


def describe_rules(row: Mapping[str, Any], given: Given) -> str:
    """Say the rules that the checks will apply to a row, with the limits of its session and ticker."""
    column, _ = given.asked.get("ticker", (None, None))
    ticker = None if column is None else row[column]
    return say_rules(describe_trader(given).limits, session_date=date.fromisoformat(row[SESSION]), ticker=ticker)


def narrow_times(schema: Mapping[str, Any], plan: PlanRow, market: Market) -> dict[str, Any]:
    """Narrow the entry's time to the part of the session that a control asks for, the exit's to the session."""
    properties, session = dict(schema.get("properties", {})), market.find_session(date.fromisoformat(plan[SESSION]))
    if session is None:
        return dict(schema)
    opened, closed = session.opens, session.closes
    ends = {
        "open": (opened, opened + PERIOD),
        "midday": (opened + PERIOD, closed - PERIOD),
        "close": (closed - PERIOD, closed),
    }
    entry = ends.get(str(plan.get("session_period")), (opened, closed))
    for name, (first, last) in {"entry_time": entry, "exit_time": (opened, closed)}.items():
        if name in properties:
            latest = last - timedelta(minutes=1)
            properties[name] = {**properties[name], "pattern": match_times(f"{first:%H:%M}", f"{latest:%H:%M}")}
    return {**schema, "properties": properties}


def measure_on_steps(row: Mapping[str, Any], exact: Mapping[str, Any], step: float) -> dict[str, float]:
    """Measure both excursions of a trade from its worst and best price, each put on a step, as its prices were.

    Where a percent has so many decimals it keeps them, two at least.
    """
    if not {*EXCURSIONS, "entry_price", "trade_type"} <= row.keys():
        return {}
    sign = -1.0 if row["trade_type"] == "short" else 1.0
    measured = {}
    for name in EXCURSIONS:
        price = put_on_step(exact["entry_price"] * (1.0 + sign * row[name] / 100.0), step)
        digits = max(2, len(repr(float(row[name])).partition(".")[2]))
        measured[name] = round(sign * 100.0 * (price / row["entry_price"] - 1.0), min(digits, MOST_DIGITS)) + 0.0
    return measured


def place_moment(clock: datetime, market: Market) -> datetime:
    """Give a time of a market's clock as one of UTC, without its zone."""
    return clock.replace(tzinfo=market.zone).astimezone(UTC).replace(tzinfo=None)


def assemble_trades(accepted: pl.DataFrame, sessions: Sequence[date], limits: GoldLimits = NO_LIMITS) -> pl.DataFrame:
    """Put trades together from rows and sessions: zoned times, and the percent from entry to exit.

    An exit at or before the entry is in the next session of the ticker's market, as the rules read it.
    """
    rows = []
    for trade, planned in zip(
        accepted.select(*set(TRADE_SCHEMA) - {SESSION, CHANGE}).to_dicts(), sessions, strict=True
    ):
        market, day = limits.markets.find(trade["ticker"]), find_session_date(limits, trade["ticker"], planned)
        entry, leave = (market.place(day, time.fromisoformat(trade[name])) for name in TIME_FIELDS)
        if leave <= entry:
            leave = market.place(market.find_next(day) or day, leave.time())
        change = measure_exit_percent(trade["trade_type"], trade["entry_price"], trade["exit_price"])
        times = {"entry_time": place_moment(entry, market), "exit_time": place_moment(leave, market)}
        rows.append({**trade, SESSION: day, **times, CHANGE: change})
    zoned = [pl.col(name).dt.replace_time_zone("UTC").dt.convert_time_zone(EXCHANGE_ZONE) for name in TIME_FIELDS]
    trades = pl.DataFrame(rows, schema=TRADE_SCHEMA).with_columns(zoned)
    others = accepted.drop("row_id", *(name for name in TRADE_SCHEMA if name in accepted.columns))
    return pl.concat([accepted.select("row_id"), trades, others], how="horizontal")

"""The shape of gold: core fields of one trade (JSON Schema), tables of gold trades and of bars (dataframely)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from gold_data.clocks import write_clock
from gold_data.sessions import EXCHANGE_ZONE

CORE_SCHEMA_FILE = Path(__file__).parents[2] / "columns" / "trade_log" / "trade.schema.json"


@cache
def load_core_schema() -> dict[str, Any]:
    """Load the JSON Schema of the core fields, the one a generator must keep to."""
    schema: dict[str, Any] = json.loads(CORE_SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


CORE_FIELDS: tuple[str, ...] = tuple(load_core_schema()["properties"])
TIME_FIELDS = ("entry_time", "exit_time")
PRICE_FIELDS = ("entry_price", "exit_price")
NUMBER_FIELDS = (*PRICE_FIELDS, "entry_volatility_percent", "worst_exit_percent", "best_exit_percent")

# What a log may say of a trade besides: carried where it is there, asked for nowhere.
CARRIED_NUMBERS = {
    "quantity": "Shares, contracts or coins that were traded.",
    "fees": "Commissions and fees of the whole trade, in the currency of its prices; below 0 where they were paid out.",
    "stop": "Price of the stop at the entry.",
    "target": "Price of the target at the entry.",
}
CARRIED_TEXTS = {
    "setup": "The trader's own name of the setup.",
    "tags": "The trader's own tags, with commas between.",
    "account": "Account the trade was made in.",
}
CARRIED: tuple[str, ...] = (*CARRIED_NUMBERS, *CARRIED_TEXTS)
# What a log may say of the instrument: one value for all trades of a ticker.
INSTRUMENT_COLUMNS = ("market", "multiplier", "tick")


class GoldTrades(dy.Schema):
    """One row per gold trade, in the order of the file it came from."""

    trade_id = dy.String(primary_key=True, description="gold- and the number of the data row in the file, from 1.")
    ticker = dy.String(description="Symbol that was traded.")
    trade_type = dy.String(check=lambda value: value.is_in(["buy", "short"]), description="Direction of the trade.")
    session_date = dy.Date(description="Session the trade was opened in, exchange time.")
    entry_time = dy.Datetime(time_unit="us", time_zone=EXCHANGE_ZONE, description="Moment of the entry.")
    exit_time = dy.Datetime(time_unit="us", time_zone=EXCHANGE_ZONE, description="Moment of the exit.")
    entry_price = dy.Float64(min_exclusive=0.0, description="Price at the entry, dollars.")
    exit_price = dy.Float64(min_exclusive=0.0, description="Price at the exit, dollars.")
    entry_volatility_percent = dy.Float64(
        min_exclusive=0.0,
        description="100 x ATR(14) / price on one-minute bars at the last bar complete at the entry, percent.",
    )
    worst_exit_percent = dy.Float64(description="Most adverse move until the exit, percent, signed in its direction.")
    best_exit_percent = dy.Float64(description="Most favourable move until the exit, percent, signed likewise.")
    trade_percent_change = dy.Float64(description="Move from entry to exit, percent, signed likewise; computed by us.")


def list_core_rows(trades: pl.DataFrame) -> list[dict[str, Any]]:
    """List trades as the core fields a model reads and writes, times as times of day."""
    times = [write_clock(trades, name) for name in TIME_FIELDS]
    return trades.with_columns(times).select(CORE_FIELDS).to_dicts()

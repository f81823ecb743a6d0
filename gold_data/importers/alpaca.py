"""Alpaca: account activities or orders, as JSON.

Source: Alpaca's documentation of its Trading API, `GET /v2/account/activities` (TradeActivity: `activity_type` FILL,
`transaction_time`, `type` fill or partial_fill, `price`, `qty`, `side` buy, sell or sell_short, `symbol`, `id`,
`order_id`; other activity types have no fill) and `GET /v2/orders` (`status`, `filled_at`, `filled_qty`,
`filled_avg_price`, `side`, `position_intent`, `asset_class`, `legs`). Numbers are text. Times are RFC 3339 in UTC, to
the nanosecond. A file is one list of such objects; several pages are to be joined to one list.

An activity is one fill. An order is taken as one fill at its average price and last moment; canceled and expired orders
that were never filled are no trades. `legs` of an order are orders of their own.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gold_data.errors import GoldError
from gold_data.importers.formats import Format, read_alone
from gold_data.importers.pairing import Execution
from gold_data.importers.rows import NotATradeError, Row, RowReader

SIDES = {"buy": "buy", "sell": "sell", "sell_short": "sell"}
EFFECTS = {"buy_to_open": "open", "sell_to_open": "open", "buy_to_close": "close", "sell_to_close": "close"}
ACTIVITY = {"time": "transaction_time", "quantity": "qty", "price": "price"}
ORDER = {"time": "filled_at", "quantity": "filled_qty", "price": "filled_avg_price"}
SHARED = {"ticker": "symbol", "side": "side", "id": "id", "activity": "activity_type", "status": "status"} | {
    "asset": "asset_class",
    "intent": "position_intent",
    "account": "account_id",
}
OPTION_DIGITS = 8  # an option's symbol ends in its strike, in thousandths


def read_records(path: Path, text: str) -> list[Row]:
    """Read a list of activities or orders; a row's line is the number of its record, from 1.

    Raises:
        GoldError: the text is no JSON, no list of objects, or mixes orders with activities.
    """
    try:
        data = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as exc:
        raise GoldError(f"{path} begins as JSON does but cannot be read as such ({exc})") from exc
    if not isinstance(data, list) or not all(isinstance(record, dict) for record in data):
        raise GoldError(f"{path}: this JSON is no list of objects; save Alpaca's activities or orders as one list")
    records = [(number, leg) for number, record in enumerate(data, start=1) for leg in _unfold(record)]
    kinds = {_find_kind(record) for _, record in records} - {""}
    if len(kinds) > 1:
        raise GoldError(f"{path} mixes orders with activities, which tell the same fills twice; give one of them")
    names = SHARED | (ORDER if kinds == {"order"} else ACTIVITY)
    if records and not kinds:
        raise GoldError(
            f"{path}: no object is an activity of Alpaca (symbol, side, qty, price, transaction_time) or an order "
            "(symbol, side, filled_qty, filled_avg_price, filled_at)"
        )
    return [_build_row(number, record, names) for number, record in records]


def _unfold(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield record
    legs = record.get("legs")
    if isinstance(legs, list):
        yield from (leg for leg in legs if isinstance(leg, dict))


def _find_kind(record: dict[str, Any]) -> str:
    if "filled_qty" in record:
        return "order"
    return "activity" if "activity_type" in record or "transaction_time" in record else ""


def _build_row(number: int, record: dict[str, Any], names: dict[str, str]) -> Row:
    cells = {name: value for name, key in names.items() if isinstance(value := record.get(key), str)}
    return Row(number, {name: value.strip() for name, value in cells.items()}, (str(sorted(cells.items())),))


def read_fill(row: RowReader) -> Execution:
    """Read one activity or order."""
    if row.text("activity") not in ("", "FILL"):
        raise NotATradeError("not_a_fill", row.text("activity"))
    if row.text("status") and row.number("quantity") == 0:
        raise NotATradeError("not_filled", row.text("status"))
    symbol = row.text("ticker")
    if row.text("asset") not in ("", "us_equity") or "/" in symbol or symbol[-OPTION_DIGITS:].isdigit():
        raise NotATradeError("not_a_stock", symbol)
    word = row.text("side").casefold()
    return Execution(
        line=row.row.line,
        ticker=row.ticker("ticker"),
        time=row.moment("time"),
        quantity=row.signed_quantity("quantity", row.choice("side", SIDES)),
        price=row.positive("price"),
        effect="open" if word == "sell_short" else EFFECTS.get(row.text("intent"), ""),
        account=row.text("account"),
    )


FORMAT = Format(
    name="alpaca",
    describes="Alpaca's account activities or orders",
    required={
        "ticker": ("symbol",),
        "side": ("side",),
        "time": ("transaction_time",),
        "quantity": ("qty",),
        "price": ("price",),
    },
    optional={"id": ("id",), "activity": ("activity_type",), "account": ("account_id",)},
    study=read_alone(read_fill),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="UTC",
    pairs=True,
    identity=("id",),
)

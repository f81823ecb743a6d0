"""Alpaca: account activities or orders, as JSON; orders as CSV too.

Source: Alpaca's documentation of its Trading API, `GET /v2/account/activities` (TradeActivity: `activity_type` FILL,
`transaction_time`, `type` fill or partial_fill, `price`, `qty`, `side` buy, sell or sell_short, `symbol`, `id`,
`order_id`; other activity types have no fill) and `GET /v2/orders` (`status`, `filled_at`, `filled_qty`,
`filled_avg_price`, `side`, `position_intent`, `asset_class`, `order_class`, `legs`). Numbers are text. Times are RFC
3339 in UTC, to the nanosecond. A file is one list of such objects, or one object a line. Orders that alpaca-py hands
out and somebody wrote as CSV have the same names and say `OrderSide.BUY`.

An activity is one fill. An order is taken as one fill at its average price and last moment; canceled and expired orders
that were never filled are no fills. `legs` of an order are orders of their own; an order of the class `mleg` is nothing
but its legs. Activities call a short sale `sell_short`, so that a `sell` only closes; of orders that is known where
one says `sell_short`, or its `position_intent`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gold_data.errors import GoldError
from gold_data.importers.events import Execution
from gold_data.importers.faults import NotAFillError, NotATradeError
from gold_data.importers.fills import WORDS, Side, close_plain_sales, read_fill, read_side, tells_shorts_apart
from gold_data.importers.formats import Format, ReadRow
from gold_data.importers.instruments import trades_shares_only
from gold_data.importers.records import Record, take_texts
from gold_data.importers.rows import Row, RowReader, Style

EFFECTS = {"buy_to_open": "open", "sell_to_open": "open", "buy_to_close": "close", "sell_to_close": "close"}
ACTIVITY = {"time": "transaction_time", "quantity": "qty", "price": "price"}
ORDER = {"time": "filled_at", "quantity": "filled_qty", "price": "filled_avg_price"}
SHARED = {"ticker": "symbol", "side": "side", "id": "id", "activity": "activity_type", "status": "status"} | {
    "asset": "asset_class",
    "intent": "position_intent",
    "account": "account_id",
    "class": "order_class",
}
OPTION_DIGITS = 8  # an option's symbol ends in its strike, in thousandths


def find_rows(path: Path, data: Any) -> list[Row]:
    """Find activities or orders; a row's line is the number of its record, from 1.

    Raises:
        GoldError: the data is no list of objects, has none of them, or mixes orders with activities.
    """
    data = _unwrap(data)
    if not isinstance(data, list) or not all(isinstance(record, dict) for record in data):
        raise GoldError(
            f"{path}: this JSON is no list of objects, no result of QuantConnect and no backtest of freqtrade; save "
            "Alpaca's activities or orders as one list, or one record a line"
        )
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


def _unwrap(data: Any) -> Any:
    """Give the one list of objects that an object holds, as a page of results does."""
    lists = [one for one in data.values() if isinstance(one, list) and one] if isinstance(data, dict) else []
    return lists[0] if len(lists) == 1 else data


def _unfold(record: Record) -> Iterator[Record]:
    yield record
    legs = record.get("legs")
    if isinstance(legs, list):
        yield from (leg for leg in legs if isinstance(leg, dict))


def _find_kind(record: Record) -> str:
    if "filled_qty" in record:
        return "order"
    return "activity" if "activity_type" in record or "transaction_time" in record else ""


def _build_row(number: int, record: Record, names: dict[str, str]) -> Row:
    texts = take_texts(record)
    cells = {name: texts[key] for name, key in names.items() if key in texts}
    return Row(number, cells, (str(sorted(cells.items())),))


def study_rows(rows: Sequence[Row], _style: Style) -> ReadRow:
    """Find whether the log tells short sales apart, and give the reader of a row."""
    are_activities = any(row.text("activity") for row in rows)
    tells = are_activities or tells_shorts_apart(rows, "side", WORDS)
    words = close_plain_sales(WORDS) if tells else WORDS
    return lambda row: _read_fill(row, words)


def _read_fill(row: RowReader, words: Mapping[str, Side]) -> Execution:
    if row.text("activity") not in ("", "FILL"):
        raise NotAFillError("not_a_fill", row.text("activity"))
    if row.text("class") == "mleg" and not row.text("ticker"):
        raise NotAFillError("not_a_fill", "the sum of an order's legs")
    if row.text("status") and row.number("quantity") == 0:
        raise NotAFillError("not_filled", row.text("status"))
    symbol = row.text("ticker")
    asset = row.text("asset").casefold().rpartition("assetclass.")[2]
    is_share = asset in ("", "us_equity") and "/" not in symbol
    if (trades_shares_only(row.market) and not is_share) or symbol[-OPTION_DIGITS:].isdigit():
        raise NotATradeError("not_a_stock", symbol)
    side = read_side(row, "side", words)
    effect = EFFECTS.get(row.text("intent").casefold().rpartition("intent.")[2])
    return read_fill(row, Side(side.word, effect) if effect else side)


FORMAT = Format(
    name="alpaca",
    describes="Alpaca's account activities or orders",
    required={
        "ticker": ("symbol",),
        "side": ("side",),
        **{name: (key,) for name, key in ACTIVITY.items()},
    },
    optional={name: (key,) for name, key in SHARED.items() if name not in ("ticker", "side")},
    study=study_rows,
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="UTC",
    pairs=True,
    identity=("id",),
)
ORDERS = replace(
    FORMAT,
    name="alpaca_orders",
    describes="Alpaca's orders, as CSV",
    required={"ticker": ("symbol",), "side": ("side",), **{name: (key,) for name, key in ORDER.items()}},
)

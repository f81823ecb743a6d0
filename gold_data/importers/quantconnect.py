"""QuantConnect and LEAN: the orders of a backtest, as JSON.

Source: LEAN's serialisation of orders (`Common/Orders/Order.cs`, `OrderTypes.cs`) and results that users publish. A
result has an object `orders`, keyed by number; the API gives `orders` as a list, and the site a file that is the object
alone. Keys are in camel case or Pascal case. An order has `symbol` (with its `value`), `price` (its average fill),
`quantity` (below 0: sold), `lastFillTime` (or `time`) in UTC, `status` 3 or filled, `securityType` 1 or equity, `id`.
"""

from decimal import Decimal
from typing import Any

from gold_data.importers.events import Execution
from gold_data.importers.faults import NotAFillError, NotATradeError, RowFaultError
from gold_data.importers.fills import BUY, SELL, read_fill
from gold_data.importers.formats import Format, read_alone
from gold_data.importers.instruments import trades_shares_only
from gold_data.importers.numerals import MAX_DIGITS, read_number
from gold_data.importers.records import Record, fold_keys, take_texts
from gold_data.importers.rows import Row, RowReader

FILLED, PARTLY = {"3", "filled"}, {"2", "partiallyfilled"}
OPTIONS = {"2", "8", "10", "option", "futureoption", "indexoption"}
EQUITIES = {"", "1", "equity"}


def find_rows(data: Any) -> list[Row] | None:
    """Find the orders in a result; None where it is none. A row's line is the number of its order in the file."""
    orders = fold_keys(data).get("orders", data) if isinstance(data, dict) else data
    listed = list(orders.values()) if isinstance(orders, dict) else orders
    if not isinstance(listed, list) or not listed:
        return None
    records = [fold_keys(order) for order in listed if isinstance(order, dict)]
    if len(records) < len(listed) or not all({"symbol", "quantity", "status"} <= record.keys() for record in records):
        return None
    if not all(isinstance(record["symbol"], dict) or "lastfilltime" in record for record in records):
        return None
    return [_build_row(number, record) for number, record in enumerate(records, start=1)]


def _build_row(number: int, record: Record) -> Row:
    texts = take_texts(record)
    symbol = record["symbol"]
    if isinstance(symbol, dict):
        texts["symbol"] = take_texts(fold_keys(symbol)).get("value", "")
    if filled := _sum_fills(record):
        texts |= filled
    cells = {
        "ticker": texts.get("symbol", ""),
        "quantity": texts.get("quantity", ""),
        "price": texts.get("price", ""),
        "time": texts.get("lastfilltime") or texts.get("time", ""),
        "filled_at": texts.get("lastfilltime", ""),
        "status": texts.get("status", ""),
        "asset": texts.get("securitytype", ""),
        "id": texts.get("id", ""),
    }
    return Row(number, cells, tuple(cells.values()))


def _sum_fills(record: Record) -> dict[str, str]:
    """Give quantity, average price and status of the fills among an order's events; empty where none tells them."""
    events = record.get("events")
    fills: list[tuple[Decimal, Decimal]] = []
    for event in events if isinstance(events, list) else []:
        texts = take_texts(fold_keys(event)) if isinstance(event, dict) else {}
        quantity, price = (read_number(texts.get(name, ""), ".") for name in ("fillquantity", "fillprice"))
        if quantity and price:
            fills.append((quantity, price))
    total = sum((quantity for quantity, _ in fills), Decimal(0))
    if not total:
        return {}
    price = sum((quantity * price for quantity, price in fills), Decimal(0)) / total
    return {"quantity": f"{total:f}", "price": f"{price:.{MAX_DIGITS}f}", "status": "filled"}


def read_order(row: RowReader) -> Execution:
    """Read one order as one fill at its average price.

    Raises:
        NotAFillError: nothing of it was filled.
        RowFaultError: a part was filled, and no event says how much.
    """
    status = row.text("status").casefold()
    if status in PARTLY or (status not in FILLED and row.text("filled_at") and row.optional_number("price")):
        raise RowFaultError("quantity", f"a part of {row.text('quantity')}, and no event of the order says which")
    if status not in FILLED:
        raise NotAFillError("not_filled", status)
    asset = row.text("asset").casefold()
    if asset in OPTIONS or (trades_shares_only(row.market) and asset not in EQUITIES):
        raise NotATradeError("not_a_stock", f"{row.text('ticker')} {row.text('asset')}")
    return read_fill(row, SELL if row.number("quantity") < 0 else BUY)


FORMAT = Format(
    name="quantconnect",
    describes="QuantConnect's orders of a backtest",
    required={"ticker": ("symbol",), "quantity": ("quantity",), "price": ("price",)}
    | {"time": ("lastfilltime",), "status": ("status",)},
    study=read_alone(read_order),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="UTC",
    pairs=True,
)

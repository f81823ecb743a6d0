"""Tradovate: the report Performance, as CSV.

Source: Tradovate's help (Reports, Performance) and files that users publish: `symbol, _priceFormat, _priceFormatType,
_tickSize, buyFillId, sellFillId, qty, buyPrice, sellPrice, pnl, boughtTimestamp, soldTimestamp, duration`. A row is a
pair of fills; the earlier one opened, so a row that sold first is a short. Times are those of the computer.
"""

from dataclasses import replace

from gold_data.importers.formats import Format
from gold_data.importers.generic import build_format
from gold_data.sessions import EXCHANGE_ZONE

COLUMNS = {
    "ticker": "symbol",
    "quantity": "qty",
    "buy_price": "buyPrice",
    "sell_price": "sellPrice",
    "buy_time": "boughtTimestamp",
    "sell_time": "soldTimestamp",
}
_FORMAT = build_format({"rows": "round_trips", "columns": COLUMNS, "date_order": "month_first", "zone": EXCHANGE_ZONE})

FORMAT: Format = replace(
    _FORMAT,
    name="tradovate_performance",
    describes="Tradovate's report of performance",
    optional={"tick": ("_ticksize",), "account": ("account",)},
    zone_note="Tradovate writes times of the computer it was exported on; name its zone where that is not New York's",
)

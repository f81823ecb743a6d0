"""Tradovate: the report Orders, as CSV.

Source: Tradovate's help (Reports, Orders) and files that users publish: `orderId, Account, Order ID, B/S, Contract,
Product, Product Description, avgPrice, filledQty, Fill Time, ..., Status, ...`. An order counts as one fill of
`filledQty` at `avgPrice`; one of which nothing was filled is no fill. Times are those of the computer.
"""

from gold_data.importers.fills import study_fills
from gold_data.importers.formats import Format

FORMAT = Format(
    name="tradovate_orders",
    describes="Tradovate's report of orders",
    required={
        "side": ("b/s",),
        "ticker": ("contract",),
        "price": ("avgprice",),
        "quantity": ("filledqty",),
        "time": ("fill time",),
    },
    optional={"account": ("account",), "id": ("orderid",)},
    study=study_fills(),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    zone_note="Tradovate writes times of the computer it was exported on; name its zone where that is not New York's",
    pairs=True,
    order="month_first",
    identity=("id",),
)

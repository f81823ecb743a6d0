"""Webull: the orders records, as CSV.

Source: Webull's desktop app (Account, Orders, export) and files that users publish: `Name, Symbol, Side, Status,
Filled, Total Qty, Price, Avg Price, Time-in-Force, Placed Time, Filled Time`, newest first. Sides are Buy, Sell and
Short, so that a Sell only closes. An order counts as one fill of `Filled` shares at `Avg Price`; one of which nothing
was filled is no fill. Times carry their zone (`06/10/2026 10:00:02 EDT`).
"""

from gold_data.importers.fills import study_fills
from gold_data.importers.formats import Format

FORMAT = Format(
    name="webull",
    describes="Webull's orders records",
    required={
        "ticker": ("symbol",),
        "side": ("side",),
        "status": ("status",),
        "quantity": ("filled",),
        "price": ("avg price",),
        "time": ("filled time",),
    },
    study=study_fills(tells_shorts=True),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    pairs=True,
    order="month_first",
)

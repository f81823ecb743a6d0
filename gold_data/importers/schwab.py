"""Charles Schwab: the history of an account, as CSV.

Source: Schwab's site (Accounts, History, export) and files that users publish: `Date, Action, Symbol, Description,
Quantity, Price, Fees & Comm, Amount`. Actions are Buy, Sell, Sell Short, Buy to Cover, and many that are no trades.
Dates come without a time of day, unless somebody added one.
"""

from gold_data.importers.fills import study_fills
from gold_data.importers.formats import Format

FORMAT = Format(
    name="schwab",
    describes="Charles Schwab's history of an account",
    required={
        "time": ("date",),
        "side": ("action",),
        "ticker": ("symbol",),
        "quantity": ("quantity",),
        "price": ("price",),
        "fees": ("fees & comm",),
    },
    study=study_fills(tells_shorts=True, others_are_fills=False),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    pairs=True,
    order="month_first",
    instead="Log in to thinkorswim with the same account and export Monitor > Account Statement, which has the times",
)

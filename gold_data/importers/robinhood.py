"""Robinhood: the account activity report, as CSV.

Source: Robinhood's help (Reports and statements, account activity) and files that users publish: `Activity Date,
Process Date, Settle Date, Instrument, Description, Trans Code, Quantity, Price, Amount`. Codes are Buy, Sell, and many
that are no trades of shares. Dates come without a time of day, unless somebody added one.
"""

from gold_data.importers.fills import study_fills
from gold_data.importers.formats import Format

FORMAT = Format(
    name="robinhood",
    describes="Robinhood's account activity",
    required={
        "time": ("activity date",),
        "ticker": ("instrument",),
        "side": ("trans code",),
        "quantity": ("quantity",),
        "price": ("price",),
    },
    study=study_fills(tells_shorts=True, others_are_fills=False),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    pairs=True,
    order="month_first",
    instead="Robinhood's report has no times at all; take them from a trading journal that recorded them, and give a "
    "mapping of its file",
)

"""NinjaTrader 8: the grid Executions, exported as CSV.

Source: NinjaTrader 8's help guide (Control Center, Executions tab) and exports that users publish: `Instrument, Action,
Quantity, Price, Time, ID, E/X, Position, Order ID, Name, Commission, Rate, Account (display name), Connection`, newest
first, often with one more comma at the end. `E/X` says whether the fill is an entry or an exit. Actions are Buy, Sell,
SellShort and BuyToCover; a strategy's Sell that enters is a short sale.
"""

from gold_data.importers.events import Execution
from gold_data.importers.fills import WORDS, Side, read_fill, read_side
from gold_data.importers.formats import Format, read_alone
from gold_data.importers.rows import RowReader

EFFECTS = {"entry": "open", "exit": "close", "e": "open", "x": "close", "": ""}


def read_row(row: RowReader) -> Execution:
    """Read one fill."""
    side = read_side(row, "side", WORDS)
    return read_fill(row, Side(side.word, row.choice("effect", EFFECTS) or side.effect))


FORMAT = Format(
    name="ninjatrader_executions",
    describes="NinjaTrader 8's grid of executions",
    required={
        "ticker": ("instrument",),
        "side": ("action",),
        "quantity": ("quantity", "qty"),
        "price": ("price",),
        "time": ("time",),
        "effect": ("e/x",),
    },
    optional={"id": ("id",), "account": ("account", "account display name"), "fees": ("commission",)},
    study=read_alone(read_row),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    zone_note="NinjaTrader writes times in the zone of its own settings; name it where that is not New York's",
    pairs=True,
    identity=("id",),
    detail=("account",),
)

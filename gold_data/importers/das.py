"""DAS Trader Pro: the window Trades, exported as CSV.

Source: DAS Trader's help (Trades window) and files that users publish: `Time, Symbol, Side, Price, Qty, Route, LiqType,
Broker, Account, Type, Cloid`. Sides are B, S and SS (sold short), so that S only closes. `Time` is a time of day, for
the window shows one day: give it as `--date`.
"""

from gold_data.importers.fills import study_fills
from gold_data.importers.formats import Format

FORMAT = Format(
    name="das",
    describes="DAS Trader's window of trades",
    required={
        "time": ("time",),
        "ticker": ("symbol", "symb"),
        "side": ("side",),
        "price": ("price",),
        "quantity": ("qty", "quantity", "shares"),
        "route": ("route",),
    },
    optional={"date": ("date",), "account": ("account",)},
    study=study_fills(tells_shorts=True, time=("date", "time")),
    numbers=("quantity", "price"),
    moments=(("date", "time"),),
    zone="America/New_York",
    pairs=True,
    order="month_first",
)

"""TradingView: the list of trades of the Strategy Tester, as CSV.

Source: TradingView's help (Strategy Tester, List of Trades, export) and files that users publish: two rows per trade,
`Trade #, Type, Signal, Date/Time, Price USD, Contracts, ...`, newer ones `Trade #, Type, Date and time, Signal, Price
USD, Position size (qty), ...`, of which the exit may stand first. Types are `Entry long`, `Exit long`, `Entry short`,
`Exit short`. The file names no ticker: give it as `--ticker`. Times are those of the chart's zone. A trade still open
has an exit of the signal `Open`, which is no fill.
"""

from gold_data.importers.events import Execution
from gold_data.importers.faults import NotAFillError, RowFaultError
from gold_data.importers.fills import BUY_CLOSES, BUY_OPENS, SELL_CLOSES, SELL_SHORT, read_fill
from gold_data.importers.formats import Format, read_alone
from gold_data.importers.rows import RowReader

TYPES = {
    "entry long": BUY_OPENS,
    "exit long": SELL_CLOSES,
    "entry short": SELL_SHORT,
    "exit short": BUY_CLOSES,
}
CURRENCIES = ("usd", "usdt", "usdc", "eur", "gbp", "jpy", "cad", "aud", "chf", "inr", "hkd")


def read_row(row: RowReader) -> Execution:
    """Read one leg."""
    side = TYPES.get(" ".join(row.text("type").casefold().split()))
    if side is None:
        raise RowFaultError("type", row.text("type"), f"one of {', '.join(TYPES)}")
    if row.text("signal").casefold() == "open" and side.effect == "close":
        raise NotAFillError("still_open", f"trade {row.text('number')}")
    return read_fill(row, side)


FORMAT = Format(
    name="tradingview",
    describes="TradingView's list of trades",
    required={
        "number": ("trade #", "trade number"),
        "type": ("type",),
        "time": ("date/time", "date and time"),
        "price": ("price", *(f"price {currency}" for currency in CURRENCIES)),
        "quantity": ("contracts", "position size (qty)", "size (qty)", "quantity", "qty"),
    },
    optional={"signal": ("signal",)},
    study=read_alone(read_row),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    zone_note="TradingView writes times of the chart's zone; name it where that is not New York's",
    pairs=True,
    trade_number="number",
    needs_ticker=True,
)

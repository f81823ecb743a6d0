"""Fidelity: the history of an account, as CSV.

Source: Fidelity's site (Activity & Orders, History, download) and files that users publish: `Run Date, (Account,)
Action, Symbol, Description, Type, Quantity, Price ($), Commission ($), Fees ($), ...`. An action is a sentence, such as
`YOU BOUGHT APPLE INC (AAPL) (Cash)`; others are no trades. Dates come without a time of day, unless somebody added one.
"""

from gold_data.importers.events import Execution
from gold_data.importers.faults import NotAFillError
from gold_data.importers.fills import BUY, BUY_CLOSES, SELL_CLOSES, SELL_SHORT, Side, read_fill
from gold_data.importers.formats import Format, read_alone
from gold_data.importers.rows import RowReader

ACTIONS = {
    "you bought short cover": BUY_CLOSES,
    "you sold short": SELL_SHORT,
    "short sale": SELL_SHORT,
    "buy to cover": BUY_CLOSES,
    "you bought": BUY,
    "you sold": SELL_CLOSES,
    "buy": BUY,
    "sell": SELL_CLOSES,
}


def read_row(row: RowReader) -> Execution:
    """Read one row."""
    action = row.text("action").casefold()
    side = next((side for words, side in ACTIONS.items() if action.startswith(words)), None)
    if side is None:
        raise NotAFillError("not_a_fill", row.text("action"))
    if "short" in action and side == SELL_CLOSES:
        side = Side("sell", "open")
    return read_fill(row, side)


FORMAT = Format(
    name="fidelity",
    describes="Fidelity's history of an account",
    required={
        "time": ("run date",),
        "action": ("action",),
        "ticker": ("symbol",),
        "quantity": ("quantity",),
        "price": ("price ($)", "price"),
    },
    optional={"account": ("account number", "account")},
    study=read_alone(read_row),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    pairs=True,
    order="month_first",
    instead="Save the orders of Fidelity's trading program, whose fills have times, as CSV and give a mapping",
)

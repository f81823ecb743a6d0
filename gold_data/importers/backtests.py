"""Tables of trades that backtesting libraries make, written as CSV: vectorbt, backtrader, backtesting.py.

Sources. vectorbt's documentation (`Portfolio.trades.records_readable`): `Exit Trade Id, Column, Size, Entry Timestamp,
Avg Entry Price, Entry Fees, Exit Timestamp, Avg Exit Price, Exit Fees, PnL, Return, Direction, Status, Position Id`.
backtrader's forum (the analyzer `trade_list`, thread 1274): `ref, ticker, dir, datein, pricein, dateout, priceout,
chng%, pnl, pnl%, size, value, cumpnl, nbars, pnl/bar, mfe%, mae%`, the last two signed in the trade's direction.
backtesting.py's documentation (`_trades`): `Size, EntryBar, ExitBar, EntryPrice, ExitPrice, PnL, ReturnPct, EntryTime,
ExitTime, Duration`, size below 0 for shorts, no ticker: give it as `--ticker`.

Times are as the data had them: with an offset, or of a zone to be named.
"""

from dataclasses import replace

from gold_data.importers.base import RoundTrip
from gold_data.importers.faults import RowFaultError
from gold_data.importers.formats import Format, read_alone
from gold_data.importers.generic import DIRECTIONS, build_format, read_trip
from gold_data.importers.rows import RowReader
from gold_data.sessions import EXCHANGE_ZONE

NAMELESS = "0"  # what vectorbt calls the column of a table that has but one, without a name
ZONE_NOTE = "the table's times have no zone; name that of the data where it is not New York's"
TIMES = {"entry_time": ("entry_time",), "exit_time": ("exit_time",)}
SHARED = {"rows": "round_trips", "date_order": "month_first", "zone": EXCHANGE_ZONE}


def read_named(row: RowReader) -> RoundTrip:
    """Read a round trip of vectorbt.

    Raises:
        RowFaultError: the table has one column, without a name.
    """
    if row.text("ticker") == NAMELESS:
        raise RowFaultError("ticker", f"{NAMELESS}, for the table names none; give it, such as --ticker SPY")
    return read_trip(row, TIMES, DIRECTIONS)


_VECTORBT = build_format(
    {
        **SHARED,
        "columns": {
            "ticker": "Column",
            "trade_type": "Direction",
            "entry_time": "Entry Timestamp",
            "exit_time": "Exit Timestamp",
            "entry_price": "Avg Entry Price",
            "exit_price": "Avg Exit Price",
            "quantity": "Size",
        },
        "only": {"Status": ["Closed"]},
    }
)
VECTORBT = replace(
    _VECTORBT,
    name="vectorbt",
    describes="vectorbt's table of trades",
    study=read_alone(read_named),
    required={
        **_VECTORBT.required,
        "entry_time": ("entry timestamp", "entry index"),
        "exit_time": ("exit timestamp", "exit index"),
    },
    zone_note=ZONE_NOTE,
)

_BACKTRADER = build_format(
    {
        **SHARED,
        "columns": {
            "ticker": "ticker",
            "trade_type": "dir",
            "entry_time": "datein",
            "exit_time": "dateout",
            "entry_price": "pricein",
            "exit_price": "priceout",
            "quantity": "size",
        },
    }
)
BACKTRADER = replace(
    _BACKTRADER,
    name="backtrader",
    describes="backtrader's list of trades",
    optional={"best_exit_percent": ("mfe%",), "worst_exit_percent": ("mae%",)},
    numbers=(*_BACKTRADER.numbers, "best_exit_percent", "worst_exit_percent"),
    zone_note=ZONE_NOTE,
)


def read_signed(row: RowReader) -> RoundTrip:
    """Read a round trip whose direction is the sign of its size."""
    words = {"": "short" if row.number("quantity") < 0 else "buy"}
    return read_trip(row, TIMES, words)


BACKTESTING = Format(
    name="backtesting_py",
    describes="backtesting.py's table of trades",
    required={
        "quantity": ("size",),
        "entry_price": ("entryprice",),
        "exit_price": ("exitprice",),
        "entry_time": ("entrytime",),
        "exit_time": ("exittime",),
    },
    study=read_alone(read_signed),
    numbers=("quantity", "entry_price", "exit_price"),
    moments=(("entry_time",), ("exit_time",)),
    zone="America/New_York",
    zone_note=ZONE_NOTE,
    pairs=False,
    order="month_first",
    needs_ticker=True,
)

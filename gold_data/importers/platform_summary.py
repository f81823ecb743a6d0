"""A trading platform's summary of its trades, one row per trade as delivered.

Source: the file `platform_trades_2025-06-09.csv` that the platform wrote; it has no published documentation. Columns:
`date` (MM-DD-YYYY), `ticker`, `start_time`, `end_time` (Pacific time without a zone), `direction` (`buy`, `short`),
`entry_price`, `macd_exit_price`, `starting_atr14` (dollars, on one-minute bars), `best exit percent`, `worst exit
percent` and `macd_exit_percent` (signed in the trade's direction, cut to two decimals), and others that are not read,
among them `price_movement`, a list of 0.1 percent steps joined by `|`. Rows are delivered several times.

`entry_volatility_percent` is stated as 100 x `starting_atr14` / `entry_price`.
"""

from gold_data.importers.base import RoundTrip
from gold_data.importers.formats import Format, read_alone
from gold_data.importers.rows import RowReader

DIRECTIONS = {"buy": "buy", "short": "short"}
STATED = {
    "worst_exit_percent": "worst",
    "best_exit_percent": "best",
    "trade_percent_change": "change",
}


def read_trade(row: RowReader) -> RoundTrip:
    """Read one trade with the measures the platform states."""
    entry_price = row.positive("entry_price")
    stated = {name: number for name, field in STATED.items() if (number := row.optional_number(field)) is not None}
    atr = row.optional_number("atr")
    if atr is not None:
        stated["entry_volatility_percent"] = 100 * atr / entry_price
    return RoundTrip(
        source_line=row.row.line,
        ticker=row.ticker("ticker"),
        trade_type=row.choice("direction", DIRECTIONS),
        entry_time=row.moment("date", "start"),
        exit_time=row.moment("date", "end"),
        entry_price=float(entry_price),
        exit_price=float(row.positive("exit_price")),
        quantity=1.0,
        stated={name: float(number) for name, number in stated.items()},
    )


FORMAT = Format(
    name="platform_summary",
    describes="a trading platform's summary of its trades",
    required={
        "date": ("date",),
        "ticker": ("ticker",),
        "start": ("start_time",),
        "end": ("end_time",),
        "direction": ("direction",),
        "entry_price": ("entry_price",),
        "exit_price": ("macd_exit_price",),
    },
    optional={
        "atr": ("starting_atr14",),
        "worst": ("worst exit percent",),
        "best": ("best exit percent",),
        "change": ("macd_exit_percent",),
    },
    study=read_alone(read_trade),
    numbers=("entry_price", "exit_price", "atr", "worst", "best", "change"),
    moments=(("date", "start"), ("date", "end")),
    zone="America/Los_Angeles",
    pairs=False,
    order="month_first",
)

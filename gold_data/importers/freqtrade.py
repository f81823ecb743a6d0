"""freqtrade: the trades of a backtest, as JSON.

Source: freqtrade's documentation (Backtesting, Strategy analysis) and its `backtest-result-*.json`: an object
`strategy`, in it one object per strategy with a list `trades`, or that list alone: `pair`, `open_date`, `close_date`
(with their offset), `open_rate`, `close_rate`, `is_short`, `amount`, `min_rate`, `max_rate`, `is_open`.

`min_rate` and `max_rate` are the lowest and highest price while the trade was open, and give its excursions.
"""

from typing import Any

from gold_data.importers.base import RoundTrip
from gold_data.importers.faults import NotAFillError
from gold_data.importers.formats import Format, read_alone
from gold_data.importers.records import take_texts
from gold_data.importers.rows import Row, RowReader

NAMES = {
    "ticker": "pair",
    "entry_time": "open_date",
    "exit_time": "close_date",
    "entry_price": "open_rate",
    "exit_price": "close_rate",
    "quantity": "amount",
    "short": "is_short",
    "lowest": "min_rate",
    "highest": "max_rate",
    "open": "is_open",
}
TRUTHS = {"true": "short", "false": "buy", "1": "short", "0": "buy", "": "buy"}


def find_rows(data: Any) -> list[Row] | None:
    """Find the trades in a result; None where it is none. A row's line is the number of its trade in the file."""
    trades = data
    if isinstance(data, dict):
        strategies = data.get("strategy")
        found = list(strategies.values()) if isinstance(strategies, dict) else [data]
        lists = [one["trades"] for one in found if isinstance(one, dict) and isinstance(one.get("trades"), list)]
        trades = [trade for listed in lists for trade in listed] if lists else None
    if not isinstance(trades, list) or (not trades and trades is data):
        return None
    if not all(isinstance(trade, dict) and {"pair", "open_rate"} <= trade.keys() for trade in trades):
        return None
    rows = []
    for number, trade in enumerate(trades, start=1):
        texts = take_texts(trade)
        cells = {name: texts.get(key, "") for name, key in NAMES.items()}
        rows.append(Row(number, cells, tuple(cells.values())))
    return rows


def read_trade(row: RowReader) -> RoundTrip:
    """Read one trade."""
    if row.text("open").casefold() == "true":
        raise NotAFillError("still_open", row.text("ticker"))
    trade_type, entry_price = row.choice("short", TRUTHS), row.positive("entry_price")
    ends = [100 * (number / entry_price - 1) for name in ("lowest", "highest") if (number := row.optional_number(name))]
    stated = {}
    if len(ends) == 2:
        worst, best = ends if trade_type == "buy" else (-ends[1], -ends[0])
        stated = {"worst_exit_percent": float(worst), "best_exit_percent": float(best)}
    return RoundTrip(
        source_line=row.row.line,
        ticker=row.ticker("ticker"),
        trade_type=trade_type,
        entry_time=row.moment("entry_time"),
        exit_time=row.moment("exit_time"),
        entry_price=float(entry_price),
        exit_price=float(row.positive("exit_price")),
        quantity=float(row.positive("quantity")) if row.text("quantity") else 1.0,
        stated=stated,
    )


FORMAT = Format(
    name="freqtrade",
    describes="freqtrade's trades of a backtest",
    required={"ticker": ("pair",), "entry_price": ("open_rate",), "exit_price": ("close_rate",)}
    | {"entry_time": ("open_date",), "exit_time": ("close_date",)},
    optional={name: (NAMES[name],) for name in ("quantity", "short", "lowest", "highest", "open")},
    study=read_alone(read_trade),
    numbers=("entry_price", "exit_price", "quantity"),
    moments=(("entry_time",), ("exit_time",)),
    zone="UTC",
    pairs=False,
)

"""MetaTrader 5: the report of an account's history, as HTML.

Source: MetaTrader 5's help (Trade History Report) and reports that users publish. A table `Positions` has one row per
closed position: `Time, Position, Symbol, Type, Volume, Price, S / L, T / P, Time, Price, Commission, Swap, Profit`; the
second time and price are those of the exit. `Orders` and `Deals`, which follow, say the same once more. The file is
often UTF-16. Times are those of the broker's server, `2025.09.22 15:50:36`; most are seven hours ahead of New York.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from gold_data.errors import GoldError
from gold_data.importers.base import RoundTrip
from gold_data.importers.formats import CsvLine, Format, read_alone
from gold_data.importers.rows import RowReader

TYPES = {"buy": "buy", "sell": "short"}
ADVICE = (
    "Of pages of HTML the history report of MetaTrader 5 in English is read (View > Languages > English, then Report); "
    "other tables are to be saved as CSV and read with a mapping: tradelogs gold map FILE writes a first one"
)
COSTS = ("commission", "swap", "fee")


def refuse_version_4(path: Path, text: str) -> None:
    """Refuse the statement of MetaTrader 4.

    Raises:
        GoldError: it is one.
    """
    if "Closed Transactions" in text:
        raise GoldError(
            f"{path} is a statement of MetaTrader 4, whose HTML is not read; save its table of closed transactions as "
            "CSV (open the page in a spreadsheet) and give a mapping of its columns (tradelogs gold map FILE)"
        )


def take_positions(_header: CsvLine, lines: Sequence[CsvLine]) -> Iterator[CsvLine]:
    """Take the rows up to the next table's title."""
    for line in lines:
        if sum(map(bool, line.cells)) <= 1:
            return
        yield line


def read_position(row: RowReader) -> RoundTrip:
    """Read one closed position."""
    return RoundTrip(
        source_line=row.row.line,
        ticker=row.ticker("ticker"),
        trade_type=row.choice("type", TYPES),
        entry_time=row.moment("entry_time"),
        exit_time=row.moment("exit_time"),
        entry_price=float(row.positive("entry_price")),
        exit_price=float(row.positive("exit_price")),
        quantity=float(row.positive("quantity")),
    )


FORMAT = Format(
    name="metatrader",
    describes="MetaTrader 5's report of an account's history",
    required={
        "entry_time": ("time",),
        "position": ("position",),
        "ticker": ("symbol",),
        "type": ("type",),
        "quantity": ("volume",),
        "entry_price": ("price",),
        "exit_time": ("time 2",),
        "exit_price": ("price 2",),
    },
    optional={
        "stop": ("s / l",),
        "target": ("t / p",),
        **{name: (name,) for name in COSTS},
    },
    study=read_alone(read_position),
    fees=COSTS,
    numbers=("quantity", "entry_price", "exit_price"),
    moments=(("entry_time",), ("exit_time",)),
    zone="Europe/Athens",
    zone_note="MetaTrader writes times of the broker's server, which is usually in Athens' zone; name another if it is",
    pairs=False,
    take=take_positions,
)

"""Interactive Brokers: the Activity Statement, as CSV.

Source: Interactive Brokers' reporting guide (Activity Statement, section Trades) and statements that users publish.
Every line begins with its section and with Header, Data, SubTotal or Total. The section Trades has the columns
`DataDiscriminator, Asset Category, Currency, (Account,) Symbol, Date/Time, (Exchange,) Quantity, T. Price, ..., Code`.
An Order row is followed by its Trade rows, where the statement shows executions, and by the ClosedLot rows it closed:
its Trade rows are the fills, and the Order itself where it has none. `Date/Time` is `2021-01-27, 13:31:38` in the zone
of the account's reports. Among the codes `O` opens, `C` closes, `Ca` takes back, and some tell that shares were
delivered and not traded (`A` by an assignment). Other asset categories may stand under a header of their own; its
columns are found by their names.
"""

from collections.abc import Iterator, Sequence

from gold_data.importers.events import Execution
from gold_data.importers.faults import NotAFillError
from gold_data.importers.fills import Side, read_fill
from gold_data.importers.formats import CsvLine, Format, ReadRow, name_columns
from gold_data.importers.instruments import refuse_other_books
from gold_data.importers.interactive_brokers import DELIVERIES, build_delivery_fault
from gold_data.importers.rows import Row, RowReader, Style

SECTION = "Trades"


def take_trades(header: CsvLine, lines: Sequence[CsvLine]) -> Iterator[CsvLine]:
    """Take the rows of the section Trades, sums included, each laid out as this header says."""
    usual = name_columns(header.cells)
    names = usual
    for line in lines:
        if not line.cells or line.cells[0] != SECTION:
            continue
        if len(line.cells) > 1 and line.cells[1] == "Header":
            names = usual[:2] + name_columns(line.cells)[2:]
        elif names == usual:
            yield line
        else:
            told = {name: cell for name, cell in zip(names, line.cells, strict=False) if name}
            yield CsvLine(line.number, tuple(told.get(name, "") for name in usual))


def study_rows(rows: Sequence[Row], _style: Style) -> ReadRow:
    """Find the orders that are told by their trades, and give the reader of a row."""
    told: set[int] = set()
    order: Row | None = None
    for row in rows:
        level = row.text("level").casefold()
        if level == "order":
            order = row
        elif level == "trade" and order is not None and row.text("ticker") == order.text("ticker"):
            told.add(order.line)
    return lambda row: _read_row(row, told)


def _read_row(row: RowReader, told: set[int]) -> Execution:
    level = row.text("level").casefold()
    if row.text("kind") != "Data" or level not in ("order", "trade") or row.row.line in told:
        raise NotAFillError("not_an_execution", row.text("level") or row.text("kind"))
    refuse_other_books(
        {**row.row.cells, "exchange": ""}, row.market
    )  # the column tells where it was traded, not listed
    codes = {code.strip().casefold() for code in row.text("codes").split(";")}
    number = row.number("quantity")
    if codes & DELIVERIES:
        raise build_delivery_fault(row, f"code {row.text('codes')}", number)
    kind = "cancel" if "ca" in codes else ""
    effect = "" if {"o", "c"} <= codes or kind else "open" if "o" in codes else "close" if "c" in codes else ""
    side = Side("sell" if number < 0 else "buy", effect)
    return read_fill(row, side, quantity=number if kind else None, kind=kind)


FORMAT = Format(
    name="activity_statement",
    describes="Interactive Brokers' Activity Statement",
    required={
        "kind": ("header",),
        "level": ("datadiscriminator",),
        "asset": ("asset category",),
        "currency": ("currency",),
        "ticker": ("symbol",),
        "time": ("date/time",),
        "quantity": ("quantity",),
        "price": ("t. price",),
    },
    optional={"account": ("account",), "codes": ("code",), "fees": ("comm/fee", "comm in usd")},
    study=study_rows,
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    zone_note="the account's reports may be set to another zone than New York's; name it where they are",
    pairs=True,
    take=take_trades,
)

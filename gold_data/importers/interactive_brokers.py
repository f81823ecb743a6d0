"""Interactive Brokers: a Flex Query with the section Trades, as CSV.

Source: Interactive Brokers' reporting guide (Activity and Trade Confirmation Flex Queries) and the field lists of
public readers of it. A query has the columns its owner chose; this reader needs `Symbol`, `DateTime` (or `Date/Time`),
`Quantity` and `TradePrice` (in confirmations `Price`), and uses those of `optional`. With section codes switched on,
lines begin with BOF, BOA, BOS, HEADER, DATA, EOS, EOA or EOF and the section's code; only DATA of the header's section
is read. Without, a section ends at the line EOS, or where the next one's header stands, and begins once more with its
own header, as every account has its sections. Some queries have `TradeDate` and `TradeTime` in place of `DateTime`.

Quantities are negative for sales. `DateTime` is `20250609;093112` unless the query is set otherwise; its zone is that
of the account's reports, New York unless changed, and may follow as `EDT`. One trade may be told at several levels of
detail (ORDER, EXECUTION, CLOSED_LOT, SYMBOL_SUMMARY): executions count, and orders where there is no execution. `C;O`
closes and reverses. A `TransactionType` TradeCancel, a code `Ca` or `BUY (Ca.)` takes back the fill of that quantity
and price; `TradeCorrect` stands in the place of one taken back, and an `IBExecID` that ends in a higher number corrects
the one before. Anything else that is no ExchTrade (a BookTrade: shares delivered by an assignment, moved, or adjusted),
or has the code of such a delivery (`A` assignment, `Ex` exercise, ...), changes the position and is no trade.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from gold_data.importers.events import Execution
from gold_data.importers.faults import NotAFillError, RowFaultError
from gold_data.importers.fills import BUY, SELL, Side, read_fill
from gold_data.importers.formats import CsvLine, Format, ReadRow, name_columns
from gold_data.importers.instruments import refuse_other_books
from gold_data.importers.rows import Row, RowReader, Style

MARKERS = {"BOF", "BOA", "BOS", "EOS", "EOA", "EOF"}
SIDES = {"buy": BUY, "sell": SELL, "bot": BUY, "sld": SELL, "buy (ca.)": BUY, "sell (ca.)": SELL}
EFFECTS = {"o": "open", "c": "close"}
TRADES = {"", "exchtrade", "fracshare"}
DELIVERIES = {"a", "ex", "aex", "mex", "gea", "t", "adj"}  # codes: assigned, exercised, transferred, adjusted
COLUMNS = {"symbol", "datetime", "date/time", "quantity", "amount", "clientaccountid", "currencyprimary", "assetclass"}


def take_trades(header: CsvLine, lines: Sequence[CsvLine]) -> Iterator[CsvLine]:
    """Take the section's rows, whether or not lines begin with their kind and the section's code."""
    if header.cells[0].upper() == "HEADER":
        code = header.cells[1]
        yield from (line for line in lines if len(line.cells) > 1 and line.cells[:2] == ("DATA", code))
        return
    is_inside = True
    for line in lines:
        if line.cells == header.cells:
            is_inside = True
        elif line.cells and (line.cells[0] in MARKERS or _is_header(header, line)):
            is_inside = False
        elif is_inside and any(line.cells):
            yield line


def _is_header(header: CsvLine, line: CsvLine) -> bool:
    return line.cells[0] == header.cells[0] or len(COLUMNS.intersection(name_columns(line.cells))) >= 3


def study_rows(rows: Sequence[Row], _style: Style, time: tuple[str, ...] = ("time",)) -> ReadRow:
    """Find the level of detail that tells the fills, and give the reader of a row at that level.

    Args:
        rows: All rows of the file.
        time: Fields of the moment.
    """
    levels = {row.text("level").upper() for row in rows if not row.torn}
    level = "EXECUTION" if "EXECUTION" in levels else "ORDER"
    return lambda row: _read_execution(row, level, time)


def _read_execution(row: RowReader, wanted: str, time: tuple[str, ...]) -> Execution:
    level = row.text("level").upper()
    if level not in ("", wanted):
        raise NotAFillError("not_an_execution", level)
    refuse_other_books(row.row.cells, row.market)
    word = row.text("side").casefold() or ("sell" if row.text("quantity").startswith("-") else "buy")
    side = SIDES.get(word)
    if side is None:
        raise RowFaultError("side", row.text("side"), f"one of {', '.join(SIDES)}")
    transaction = row.text("transaction").casefold()
    codes = {code.strip().casefold() for code in row.text("codes").split(";")}
    kind = ""
    if "cancel" in transaction or "ca" in codes or "(ca.)" in word:
        kind = "cancel"
    elif "correct" in transaction:
        kind = "correction"
    number = row.number("quantity")
    quantity = -abs(number) if side == SELL else abs(number)
    if kind == "cancel":  # whose sign is that of the fill taken back, or the opposite one
        return read_fill(row, Side(side.word), quantity=quantity, time=time, identity="exec_id", kind=kind)
    if not kind and transaction not in TRADES:
        raise build_delivery_fault(row, row.text("transaction"), quantity)
    if codes & DELIVERIES:
        raise build_delivery_fault(row, f"code {row.text('codes')}", quantity)
    identity = "exec_id" if row.text("exec_id") else "trade_id"
    effect = EFFECTS.get(row.text("effect").casefold(), "")
    return read_fill(row, Side(side.word, effect), time=time, identity=identity, kind=kind)


def build_delivery_fault(row: RowReader, why: str, quantity: Decimal) -> RowFaultError:
    """Build the fault of a row that changes a position and is no trade."""
    fault = RowFaultError("not_traded", f"{row.text('ticker')}: {why}")
    fault.quantity = quantity
    return fault


FORMAT = Format(
    name="interactive_brokers",
    describes="Interactive Brokers' Flex Query of trades",
    required={
        "ticker": ("symbol",),
        "time": ("datetime", "date/time"),
        "quantity": ("quantity",),
        "price": ("tradeprice", "price"),
    },
    optional={
        "side": ("buy/sell", "side"),
        "asset": ("assetclass",),
        "level": ("levelofdetail",),
        "effect": ("open/closeindicator",),
        "account": ("clientaccountid",),
        "codes": ("notes/codes", "code"),
        "trade_id": ("tradeid",),
        "transaction": ("transactiontype",),
        "currency": ("currencyprimary",),
        "exchange": ("listingexchange",),
        "multiplier": ("multiplier",),
        "exec_id": ("ibexecid", "execid"),
        "fees": ("ibcommission", "commission"),
    },
    study=study_rows,
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    zone_note="the account's reports may be set to another zone than New York's; name it where they are",
    pairs=True,
    identity=("trade_id", "exec_id"),
    detail=("level", "transaction"),
    take=take_trades,
)
TWO_COLUMNS = replace(
    FORMAT,
    name="interactive_brokers_two_columns",
    describes="Interactive Brokers' Flex Query of trades, date and time in two columns",
    required={**FORMAT.required, "date": ("tradedate",), "time": ("tradetime",)},
    unless=FORMAT.required["time"],  # which may say the zone
    moments=(("date", "time"),),
    study=partial(study_rows, time=("date", "time")),
)

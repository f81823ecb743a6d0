"""Interactive Brokers: a Flex Query with the section Trades, as CSV.

Source: Interactive Brokers' reporting guide (Activity and Trade Confirmation Flex Queries) and the field lists of
public readers of it. A query has the columns its owner chose; this reader needs `Symbol`, `DateTime` (or `Date/Time`),
`Quantity` and `TradePrice` (in confirmations `Price`), and uses `Buy/Sell`, `AssetClass`, `LevelOfDetail`,
`Open/CloseIndicator`, `TradeID`, `ClientAccountID` and `Notes/Codes`. With section codes switched on, lines begin with
BOF, BOA, BOS, HEADER, DATA, EOS, EOA or EOF and the section's code; only DATA of the header's section is read.

Quantities are negative for sales. `DateTime` is `20250609;093112` unless the query is set otherwise; its zone is that
of the account's reports, New York unless changed, and may follow as `EDT`. One trade may be told at several levels of
detail (ORDER, EXECUTION, CLOSED_LOT, SYMBOL_SUMMARY): only executions count. `C;O` closes and reverses. A canceled
execution (`Ca` among the codes, or `BUY (Ca.)`) makes the position uncertain and counts as a fill nobody can read.
"""

from collections.abc import Iterator, Sequence

from gold_data.importers.formats import CsvLine, Format, read_alone, take_all
from gold_data.importers.pairing import Execution
from gold_data.importers.rows import NotATradeError, RowFaultError, RowReader

MARKERS = {"BOF", "BOA", "BOS", "EOS", "EOA", "EOF"}
SIDES = {"buy": "buy", "sell": "sell"}
EFFECTS = {"o": "open", "c": "close"}


def take_trades(header: CsvLine, lines: Sequence[CsvLine]) -> Iterator[CsvLine]:
    """Take the section's rows, whether or not lines begin with their kind and the section's code."""
    if header.cells[0].upper() == "HEADER":
        code = header.cells[1]
        return (line for line in lines if len(line.cells) > 1 and line.cells[:2] == ("DATA", code))
    return (line for line in take_all(header, lines) if line.cells[0] not in MARKERS)


def read_execution(row: RowReader) -> Execution:
    """Read one execution."""
    level, asset = row.text("level").upper(), row.text("asset").upper()
    if level not in ("", "EXECUTION"):
        raise NotATradeError("not_an_execution", level)
    if asset not in ("", "STK"):
        raise NotATradeError("not_a_stock", asset)
    side = row.text("side") or ("sell" if row.text("quantity").startswith("-") else "buy")
    codes = [code.strip().casefold() for code in row.text("codes").split(";")]
    if "ca" in codes or "(ca.)" in side.casefold():
        raise RowFaultError("canceled", f"{row.text('quantity')} {row.text('ticker')}")
    side = SIDES.get(side.casefold(), "")
    if not side:
        raise RowFaultError("side", row.text("side"))
    return Execution(
        line=row.row.line,
        ticker=row.ticker("ticker"),
        time=row.moment("time"),
        quantity=row.signed_quantity("quantity", side),
        price=row.positive("price"),
        effect=EFFECTS.get(row.text("effect").casefold(), ""),
        account=row.text("account"),
    )


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
        "side": ("buy/sell",),
        "asset": ("assetclass",),
        "level": ("levelofdetail",),
        "effect": ("open/closeindicator",),
        "account": ("clientaccountid",),
        "codes": ("notes/codes", "code"),
        "trade_id": ("tradeid",),
    },
    study=read_alone(read_execution),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    zone_note="the account's reports may be set to another zone than New York's; name it where they are",
    pairs=True,
    identity=("trade_id", "level"),
    take=take_trades,
)

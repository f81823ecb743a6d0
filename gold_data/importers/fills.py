"""Reads one execution: its side, what that says of the position, and the rest of it."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from gold_data.importers.events import Execution
from gold_data.importers.faults import NotAFillError, RowFaultError
from gold_data.importers.formats import ReadRow, Study
from gold_data.importers.rows import Row, RowReader, Style


class Side(NamedTuple):
    """What a word for a side means: `buy` or `sell`, and `open` or `close` where it says so."""

    word: str
    effect: str = ""


BUY, SELL = Side("buy"), Side("sell")
BUY_OPENS, BUY_CLOSES = Side("buy", "open"), Side("buy", "close")
SELL_SHORT, SELL_CLOSES = Side("sell", "open"), Side("sell", "close")

# Words that platforms use, in any case; hyphens, underscores and spaces do not matter.
WORDS: Mapping[str, Side] = {
    **dict.fromkeys(("buy", "bought", "b", "bot", "long", "you bought"), BUY),
    **dict.fromkeys(("sell", "sold", "s", "sld", "you sold"), SELL),
    **dict.fromkeys(("buytoopen", "bto", "buyopen", "openlong"), BUY_OPENS),
    **dict.fromkeys(
        ("buytocover", "buycover", "cover", "bc", "btc", "buytoclose", "buyclose", "closeshort"), BUY_CLOSES
    ),
    **dict.fromkeys(("short", "sellshort", "ss", "sh", "soldshort", "selltoopen", "sto", "openshort"), SELL_SHORT),
    **dict.fromkeys(("selltoclose", "stc", "sellclose", "closelong"), SELL_CLOSES),
}

# What an account's history has beside trades; no position hangs on it.
OF_MONEY = {
    *("dividend", "dividends", "div", "cashdividend", "qualifieddividend", "interest", "margininterest", "fee", "fees"),
    *("commission", "tax", "adrfee", "deposit", "withdrawal", "wire", "ach", "cash", "journal"),
}


def squeeze_word(text: str) -> str:
    """Give a word as it is compared: `Sell_Short`, `SELL SHORT` and `OrderSide.SELL_SHORT` are `sellshort`."""
    word = text.casefold().rpartition("side.")[2]
    return "".join(char for char in word if char not in " _-")


def tells_shorts_apart(rows: Iterable[Row], field: str, words: Mapping[str, Side]) -> bool:
    """Tell whether a log has words of its own for short sales, or for sales that close."""
    special = {SELL_SHORT, SELL_CLOSES}
    return any(words.get(squeeze_word(row.text(field))) in special for row in rows if not row.torn)


def close_plain_sales(words: Mapping[str, Side]) -> Mapping[str, Side]:
    """Let a plain sale close only, as it does in a log that tells short sales apart."""
    return {word: SELL_CLOSES if side == SELL else side for word, side in words.items()}


def read_side(row: RowReader, field: str, words: Mapping[str, Side]) -> Side:
    """Read a side.

    Raises:
        NotAFillError: its word is one of `OF_MONEY`.
        RowFaultError: its word is none of these.
    """
    side = words.get(squeeze_word(row.text(field)))
    if side is None and squeeze_word(row.text(field)) in OF_MONEY:
        raise NotAFillError("not_a_fill", row.text(field))
    if side is None:
        raise RowFaultError(field, row.text(field), "a word for bought or sold; a mapping may name your own (words)")
    return side


def read_fill(
    row: RowReader,
    side: Side,
    *,
    quantity: Decimal | None = None,
    time: tuple[str, ...] = ("time",),
    identity: str = "id",
    kind: str = "",
) -> Execution:
    """Read an execution whose side is known; its other fields are `ticker`, `quantity`, `price`, `account`.

    Raises:
        NotAFillError: two of quantity, price and time are empty, or the quantity is 0.
        RowFaultError: a cell cannot be read. It carries quantity and time as far as those could be.
    """
    empty = [not any(map(row.text, names)) for names in (("quantity",), ("price",), time)]
    if sum(empty) >= 2:
        raise NotAFillError("no_quantity" if empty[0] else "not_filled", row.text("ticker"))
    ticker = row.ticker("ticker")
    quantity = row.signed_quantity("quantity", side.word) if quantity is None else quantity
    moment = None
    try:
        moment = row.moment(*time)
        price = row.positive("price")
    except RowFaultError as fault:
        fault.quantity, fault.time = quantity, moment
        raise
    return Execution(
        line=row.row.line,
        ticker=ticker,
        time=moment,
        quantity=quantity,
        price=price,
        effect=side.effect,
        account=row.text("account"),
        identity=row.text(identity),
        kind=kind,
    )


def study_fills(
    *, tells_shorts: bool = False, time: tuple[str, ...] = ("time",), others_are_fills: bool = True
) -> Study:
    """Make a format whose rows are fills with a `side` in the usual words.

    Args:
        tells_shorts: Whether such logs always have a word of their own for short sales; else their rows may tell.
        time: Fields of the moment.
        others_are_fills: Whether a side of any other word is a fault; else such a row is no fill (a dividend).
    """

    def study(rows: Sequence[Row], _style: Style) -> ReadRow:
        words = close_plain_sales(WORDS) if tells_shorts or tells_shorts_apart(rows, "side", WORDS) else WORDS

        def read_row(row: RowReader) -> Execution:
            if not others_are_fills and squeeze_word(row.text("side")) not in words:
                raise NotAFillError("not_a_fill", row.text("side"))
            return read_fill(row, read_side(row, "side", words), time=time)

        return read_row

    return study

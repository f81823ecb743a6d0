"""One data row, read cell by cell: what cannot be read is a fault with a rule and the value found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal

from gold_data.importers.faults import NotAFillError, RowFaultError
from gold_data.importers.instruments import name_ticker, refuse_foreign_sign, refuse_other_kinds
from gold_data.importers.moments import UnreadableTimeError, read_moment
from gold_data.importers.numerals import Apostrophe, DecimalMark, read_number
from gold_data.late_years import DateOrder
from gold_data.markets import USUAL, Markets
from gold_data.sessions import Market

LONGEST_TICKER = 16
TIME_LIMITS = {
    "time": "a date with a time of day",
    "ambiguous_time": "a time that the clock of {zone} shows once",
    "nonexistent_time": "a time that the clock of {zone} shows",
}


@dataclass(frozen=True)
class Style:
    """How a file writes numbers and times; `day` is the day of times that have none.

    `markets` says where its tickers are traded.
    """

    mark: DecimalMark
    order: DateOrder
    zone: tzinfo
    apostrophe: Apostrophe = ""
    day: date | None = None
    markets: Markets = USUAL


@dataclass(frozen=True)
class Row:
    """A data row: `cells` by field, as the format names them; `raw` is all that stands there, to tell rows apart.

    One `is_text` where at most one of its cells holds anything, as in a disclaimer.
    """

    line: int
    cells: Mapping[str, str]
    raw: tuple[str, ...]
    torn: str = ""
    is_text: bool = False

    def text(self, *names: str) -> str:
        """Give the cells' text, joined by a space; empty where the file has no such column."""
        return " ".join(self.cells.get(name, "") for name in names).strip()


class RowReader:
    """Reads a row's cells in a file's style; every method raises RowFaultError for a cell it cannot read."""

    def __init__(self, row: Row, style: Style) -> None:
        """Refuse a row whose values cannot be told apart.

        Raises:
            RowFaultError: `torn` - it has more or fewer values than the header has names.
        """
        if row.torn:
            raise RowFaultError("torn", row.torn)
        self.row = row
        self.style = style

    @property
    def market(self) -> Market:
        """The market of the row's ticker."""
        return self.style.markets.find(name_ticker(self.row.text("ticker")))

    def text(self, name: str) -> str:
        """Give the text of a cell, empty where there is none."""
        return self.row.text(name)

    def ticker(self, name: str) -> str:
        """Give a ticker as gold names it: 1 to 16 characters.

        Raises:
            NotATradeError: it is the symbol of an option, or of a pair of currencies where only shares are traded.
        """
        ticker = name_ticker(self.row.text(name))
        refuse_other_kinds(ticker, self.market)
        if not 1 <= len(ticker) <= LONGEST_TICKER or not ticker.isprintable():
            raise RowFaultError(name, ticker, f"a symbol of 1 to {LONGEST_TICKER} characters")
        return ticker

    def number(self, name: str) -> Decimal:
        """Read a number."""
        number = read_number(self.row.text(name), self.style.mark, self.style.apostrophe)
        if number is None:
            raise RowFaultError(name, self.row.text(name), f"a number, its decimal mark {self.style.mark!r}")
        return number

    def optional_number(self, name: str) -> Decimal | None:
        """Read a number, or None where the cell is empty or missing."""
        return self.number(name) if self.row.text(name) else None

    def positive(self, name: str) -> Decimal:
        """Read a number above 0.

        Raises:
            NotATradeError: it is a price in another currency than the market's.
        """
        number = self.number(name)
        refuse_foreign_sign(self.row.text("ticker"), self.row.text(name), self.market)
        if number <= 0:
            raise RowFaultError(name, self.row.text(name), "above 0")
        return number

    def moment(self, *names: str) -> datetime:
        """Read a date with its time, in one cell or two, as a moment in UTC."""
        text = self.row.text(*names)
        if not text:
            raise RowFaultError("time", f"{names[0].replace('_', ' ')} is empty", TIME_LIMITS["time"])
        try:
            return read_moment(text, self.style.order, self.style.zone, self.style.day)
        except UnreadableTimeError as exc:
            limit = TIME_LIMITS.get(exc.rule, "").format(zone=self.style.zone)
            raise RowFaultError(exc.rule, text, limit) from exc

    def choice(self, name: str, choices: Mapping[str, str]) -> str:
        """Read one of several words, in whatever case."""
        word = choices.get(self.row.text(name).casefold())
        if word is None:
            raise RowFaultError(name, self.row.text(name), f"one of {', '.join(filter(None, choices))}")
        return word

    def signed_quantity(self, name: str, side: str) -> Decimal:
        """Read how many were bought (above 0) or sold (below); a sign in the cell must not contradict the side.

        Args:
            name: The field.
            side: `buy` or `sell`.

        Raises:
            NotAFillError: it is 0.
        """
        number = self.number(name)
        contradicts = number < 0 if side == "buy" else self.row.text(name).startswith("+")
        if number == 0:
            raise NotAFillError("no_quantity", f"{self.row.text(name)} to {side}")
        if contradicts:
            raise RowFaultError(name, f"{self.row.text(name)} to {side}", "a sign that is the side's, or none")
        return abs(number) if side == "buy" else -abs(number)

"""What rows of a log say beyond the trade itself, carried to gold: size, fees, stop, target, setup, tags, account.

A cell of these that cannot be read is left out and counted; it costs no trade.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from gold_data.importers.formats import Format
from gold_data.importers.instruments import name_ticker
from gold_data.importers.numerals import read_number
from gold_data.importers.rows import Row, Style
from gold_data.markets import Markets
from gold_data.trades.carried import LONGEST_TEXT, POSITIVE, build_instruments
from gold_data.trades.schema import CARRIED_NUMBERS, CARRIED_TEXTS, INSTRUMENT_COLUMNS

Carried = Mapping[str, object]


def find_markets(path: Path, rows: Sequence[Row], markets: Markets) -> Markets:
    """Add to the declared markets what rows say of their tickers; numbers of which two rows disagree are left out.

    Raises:
        GoldError: a market cannot be read.
    """
    told: dict[tuple[str, str], tuple[int, str]] = {}
    disputed: set[tuple[str, str]] = set()
    for row in rows:
        ticker = name_ticker(row.text("ticker"))
        for name in INSTRUMENT_COLUMNS if ticker and not row.torn else ():
            value = row.text(name)
            number = None if name == "market" else read_number(value, ".")
            if not value or (name != "market" and (number is None or number <= 0)):
                continue
            said = value if number is None else str(float(number))
            if told.setdefault((ticker, name), (row.line, said))[1] != said:
                disputed.add((ticker, name))
    return markets.add(*build_instruments(str(path), {key: one for key, one in told.items() if key not in disputed}))


def are_costs_negative(form: Format, rows: Iterable[Row], style: Style) -> bool:
    """Tell whether a log writes what it cost below 0, as most brokers do: none of its fees is above."""
    numbers = [read_number(row.text(name), style.mark) for row in rows if not row.torn for name in form.fees]
    known = [number for number in numbers if number is not None]
    return any(number < 0 for number in known) and not any(number > 0 for number in known)


class Carrier:
    """Reads what is carried of the rows of one file; `lost` counts cells that cannot be read, by field."""

    def __init__(self, form: Format, rows: Sequence[Row], style: Style) -> None:
        self.form, self.style = form, style
        self.turns_fees = are_costs_negative(form, rows, style)
        self.lost: Counter[str] = Counter()

    def carry(self, row: Row) -> dict[str, object]:
        """Read what is carried of a row."""
        carried: dict[str, object] = {}
        for name in CARRIED_NUMBERS:
            if name != "fees" and row.text(name) and (number := self._read_number(row, name)) is not None:
                carried[name] = abs(float(number)) if name == "quantity" else float(number)
        if (fees := self._sum_fees(row)) is not None:
            carried["fees"] = float(-fees if self.turns_fees else fees)
        for name in CARRIED_TEXTS:
            text = " ".join(row.text(name).split())
            if text and (len(text) > LONGEST_TEXT or not text.isprintable()):
                self.lost[name] += 1
            elif text:
                carried[name] = text
        return carried

    def _read_number(self, row: Row, name: str) -> Decimal | None:
        number = read_number(row.text(name), self.style.mark, self.style.apostrophe)
        if number is None or (name in POSITIVE and name != "quantity" and number <= 0):
            self.lost[name] += number is None or number < 0  # a stop of 0 is none
            return None
        return number if number else None

    def _sum_fees(self, row: Row) -> Decimal | None:
        texts = [text for name in self.form.fees if (text := row.text(name))]
        numbers = [read_number(text, self.style.mark, self.style.apostrophe) for text in texts]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            self.lost["fees"] += 1
            return None
        return sum(known, Decimal(0)) if known else None

    def note_lost(self) -> list[str]:
        """Note the cells that could not be read."""
        return [f"{name} that cannot be read, left out: {count}" for name, count in sorted(self.lost.items())]


def share_fees(legs: Sequence[tuple[Carried, Decimal, Decimal]]) -> float | None:
    """Sum the fees of executions, each by the part of its quantity that is meant; None where one states none.

    Args:
        legs: What an execution carries, the part of its quantity, and the whole.
    """
    total = 0.0
    for carried, part, whole in legs:
        fees = carried.get("fees")
        if not isinstance(fees, float):
            return None
        total += fees * float(part / whole)
    return total if legs else None

"""Reads what was held before a log begins: a CSV file with the columns ticker and quantity, or a broker's positions."""

import csv
from decimal import Decimal
from pathlib import Path

from gold_data.errors import GoldError
from gold_data.importers.files import MAX_LINE_MIB, MIB, POSITIONS, read_lines
from gold_data.importers.formats import DELIMITERS, name_columns
from gold_data.importers.instruments import name_ticker
from gold_data.importers.numerals import read_number

ALIASES = {"symbol": "ticker", "qty": "quantity", "shares": "quantity"}


def read_positions(path: Path) -> dict[str, Decimal]:
    """Read opening positions: quantity by ticker, below 0 where it was sold short; tickers not named were not held.

    Raises:
        GoldError: the file cannot be read, lacks a column, or a row has no ticker, no number, or a ticker once more.
    """
    lines = read_lines(path, MAX_LINE_MIB * MIB, POSITIONS)
    rows = list(csv.reader(lines, delimiter=max(DELIMITERS, key=lines[0].count)))
    names = [ALIASES.get(name, name) for name in name_columns(rows[0])]
    if not {"ticker", "quantity"} <= set(names):
        raise GoldError(f"{path}: opening positions need the columns ticker and quantity; found: {', '.join(names)}")
    positions: dict[str, Decimal] = {}
    for line, cells in enumerate(rows[1:], start=2):
        values = dict(zip(names, cells, strict=False))
        if not any(cell.strip() for cell in cells):
            continue
        ticker, text = name_ticker(values.get("ticker", "")), values.get("quantity", "").strip()
        number = read_number(text, ".")
        if not ticker or number is None or ticker in positions:
            raise GoldError(
                f"{path}: line {line} has {ticker!r} and {text!r}; give one row per ticker, with the number of shares "
                "held (below 0: sold short)"
            )
        positions[ticker] = number
    return positions

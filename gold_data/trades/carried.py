"""What a log says of trades beyond the core fields: size, fees, stop, target, setup, tags, account, instrument.

It is carried where somebody gave it, and asked for nowhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path

import polars as pl

from gold_data.errors import GoldError
from gold_data.markets import Instrument, read_market
from gold_data.sessions import Market
from gold_data.tables import RawRow
from gold_data.trades.schema import CARRIED, CARRIED_NUMBERS, INSTRUMENT_COLUMNS

LONGEST_TEXT = 200
POSITIVE = ("quantity", "stop", "target")


def read_carried(values: Mapping[str, object]) -> dict[str, object]:
    """Read the carried columns of a row: numbers as floats, texts as texts; what is no number stays as it is."""
    carried: dict[str, object] = {}
    for name in CARRIED:
        value = values.get(name)
        if isinstance(value, Sequence) and not isinstance(value, str):
            value = ", ".join(map(str, value))
        if value is None or str(value).strip() == "":
            continue
        carried[name] = _read_number(value) if name in CARRIED_NUMBERS else str(value).strip()
    return carried


def _read_number(value: object) -> object:
    try:
        return float(str(value))
    except ValueError:
        return str(value)


def find_misfit(carried: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Find what cannot be carried: field, value found, limit."""
    for name, value in carried.items():
        if name in CARRIED_NUMBERS:
            is_number = isinstance(value, float) and isfinite(value)
            if not is_number or (name in POSITIVE and float(str(value)) <= 0):
                yield name, str(value), "a number above 0" if name in POSITIVE else "a number"
        elif len(text := str(value)) > LONGEST_TEXT or not text.isprintable():
            found = (text if text.isprintable() else ascii(text)[1:-1])[:60]
            yield name, found, f"a text of at most {LONGEST_TEXT} characters, without control characters"


def read_instruments(file: Path, rows: Sequence[RawRow]) -> tuple[dict[str, Market], dict[str, Instrument]]:
    """Read what rows say of instruments, in the columns `market`, `multiplier` and `tick`.

    Raises:
        GoldError: a value cannot be read, or two rows of one ticker say different things.
    """
    told: dict[tuple[str, str], tuple[int, str]] = {}
    for row in rows if rows and set(INSTRUMENT_COLUMNS) & rows[0].values.keys() else ():
        for name in INSTRUMENT_COLUMNS:
            value, ticker = str(row.values.get(name) or "").strip(), str(row.values.get("ticker") or "")
            if not value or not ticker:
                continue
            line, earlier = told.setdefault((ticker, name), (row.line, value))
            if earlier != value:
                raise GoldError(
                    f"{file}: line {row.line} says {name} {value} of {ticker}, and line {line} {earlier}; a ticker has "
                    f"one {name}"
                )
    return build_instruments(str(file), told)


def build_instruments(
    file: str, told: Mapping[tuple[str, str], tuple[int, str]]
) -> tuple[dict[str, Market], dict[str, Instrument]]:
    """Build markets and instruments of what was told, with its line, of each ticker and column.

    Raises:
        GoldError: a value cannot be read.
    """
    markets: dict[str, Market] = {}
    numbers: dict[str, dict[str, float]] = {}
    for (ticker, name), (line, value) in told.items():
        where = f"{file}: line {line}: {name}"
        if name == "market":
            markets[ticker] = read_market(value, where)
            continue
        number = _read_number(value)
        if not isinstance(number, float) or not 0 < number < 1e12:
            raise GoldError(f"{where} {value} is no number above 0")
        numbers.setdefault(ticker, {})[name] = number
    return markets, {ticker: Instrument(**known) for ticker, known in numbers.items()}


def note_partly_given(file: str, trades: pl.DataFrame) -> list[str]:
    """Note columns that only a part of the trades has."""
    counts = {name: trades.get_column(name).null_count() for name in CARRIED if name in trades.columns}
    return [
        f"{file}: {name} is missing in {count} of {trades.height} trades" for name, count in counts.items() if count
    ]


def risk_percent(entry: pl.Expr, stop: pl.Expr, trade_type: pl.Expr) -> pl.Expr:
    """Give the percent of the entry price between it and the stop; null where the stop is not on the losing side."""
    sign = pl.when(trade_type == "short").then(-1.0).otherwise(1.0)
    risk = 100.0 * sign * (entry - stop) / entry
    return pl.when(risk > 0).then(risk)


def result_r(trades: pl.DataFrame, multipliers: Mapping[str, float | None]) -> pl.Series:
    """Give results in R, multiples of what was risked between entry and stop; null where no stop tells it.

    R = (move in the trade's direction - fees of one unit) / (distance from entry to stop), prices per unit; fees count
    where they, the quantity and the ticker's entry in `multipliers` are known, and are divided by both.
    """
    entry, stop = pl.col("entry_price"), pl.col("stop")
    risk = risk_percent(entry, stop, pl.col("trade_type")) / 100.0 * entry
    sign = pl.when(pl.col("trade_type") == "short").then(-1.0).otherwise(1.0)
    gain = sign * (pl.col("exit_price") - entry)
    if {"fees", "quantity"} <= set(trades.columns):
        factor = pl.col("ticker").replace_strict(multipliers, default=None, return_dtype=pl.Float64)
        gain -= (pl.col("fees") / (pl.col("quantity") * factor)).fill_null(0.0)
    return trades.select(result_r=gain / risk).to_series()

"""Finds ticker, time, prices and volume among the columns of market data as people download it.

Sources of the names: the documentation of yfinance (`Datetime, Open, ..., Adj Close`; newer ones with two more lines
of names, `Price`, `Ticker`), of Polygon's flat files (`window_start`, nanoseconds), of TradingView's chart export
(`time`, seconds), of stooq (`<TICKER>,<PER>,<DATE>,<TIME>,...`, times of Warsaw), of Alpaca (`symbol, timestamp,
trade_count, vwap`), of Databento (`ts_event`, with `pretty_px` off prices in billionths), of Binance (`open_time`), of
Dukascopy (`Gmt time`) and of MetaTrader 5 (`<DATE> <TIME> ... <TICKVOL> <VOL> <SPREAD>`, times of the broker's server).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gold_data.bars import PRICES
from gold_data.errors import GoldError

GMT = ("gmt time",)  # a name that says the zone, too
# The names by which a column may go, in any case, pointed brackets aside; the first that is there is taken.
NAMES: Mapping[str, tuple[str, ...]] = {
    "ticker": ("ticker", "symbol", "sym"),
    "timestamp": (
        "timestamp",
        "datetime",
        "window_start",
        "ts_event",
        "date_time",
        "open_time",
        "open time",
        *GMT,
        "time",
        "date",
        "t",
    ),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "price": ("price", "last"),
    "volume": ("volume", "size", "vol", "v"),
}
STOOQ_ZONE, METATRADER_ZONE, GMT_ZONE = "Europe/Warsaw", "Europe/Athens", "UTC"
DATABENTO = {"rtype", "publisher_id"}
BILLIONTHS = 1e9
WHOLE = r"^\d{8,}$"  # a price in billionths, below which there are no such prices


@dataclass(frozen=True)
class BarColumns:
    """Which column holds what: `stamps` one or two columns that tell the time, `numbers` by wanted name, None missing.

    Without a column, `ticker` is that of all rows. `divisor` is what prices are to be divided by, `zone` the source's
    own where it has one.
    """

    stamps: tuple[str, ...]
    numbers: Mapping[str, str | None]
    ticker_column: str | None
    ticker: str
    divisor: float
    zone: str | None
    unread: tuple[str, ...]


def find_columns(
    source: Path, found: Sequence[str], head: pl.DataFrame, ticker: str | None, traded: Iterable[str] | None
) -> BarColumns:
    """Tell which column holds what, by the names it may go by.

    Args:
        source: The file, for messages, and for the ticker that its name may hold.
        found: Its columns.
        head: Its first rows.
        ticker: That of all rows, where it was given.
        traded: Tickers that its name may hold.

    Raises:
        GoldError: a column is missing, or the ticker is.
    """
    known = {_bare(name): name for name in reversed(found)}
    columns = {
        wanted: known[names[0]]
        for wanted, aliases in NAMES.items()
        if (names := [alias for alias in aliases if alias in known])
    }
    named = None
    if "timestamp" not in columns and (named := _find_side_by_side(found, head)):
        columns["timestamp"] = columns.pop("price")
    stamps = (known["date"], known["time"]) if {"date", "time"} <= known.keys() else (columns.get("timestamp", ""),)
    needed = ["timestamp", *(PRICES if "price" not in columns else ())]
    if missing := [" or ".join(NAMES[name][:3]) for name in needed if name not in columns]:
        raise GoldError(
            f"{source}: missing columns: {', '.join(missing)}; found: {', '.join(found)}. Bars need a header line "
            "with a time, open, high, low, close, volume; single prices a time and price; CSV is separated by commas"
        )
    if all(name in columns for name in PRICES):
        columns.pop("price", None)
    if "ticker" not in columns:
        named = named or ticker or _read_name(source, traded)
    read = {*columns.values(), *stamps}
    return BarColumns(
        stamps=stamps,
        numbers={name: columns.get(name) or columns.get("price") for name in PRICES}
        | {"volume": columns.get("volume")},
        ticker_column=columns.get("ticker"),
        ticker=named or "",
        divisor=_find_divisor(known, columns, head),
        zone=_find_zone(found, known),
        unread=tuple(name for name in found if name not in read),
    )


def _bare(name: str) -> str:
    return name.strip().strip("<>").lower()


def _find_zone(found: Sequence[str], known: Mapping[str, str]) -> str | None:
    if known.keys() & set(GMT):
        return GMT_ZONE
    if any(name.startswith("<") for name in found):
        return METATRADER_ZONE if "tickvol" in known else STOOQ_ZONE
    return None


def _find_side_by_side(found: Sequence[str], head: pl.DataFrame) -> str | None:
    """Give the ticker of yfinance's table with two lines of names; None where it is none."""
    if not found or found[0] != "Price" or head.is_empty() or str(head.item(0, 0)) != "Ticker":
        return None
    named = {str(name) for name in head.row(0)[1:] if name is not None}
    return named.pop() if len(named) == 1 else None


def _read_name(source: Path, traded: Iterable[str] | None) -> str:
    words = {word.upper() for word in re.split(r"[^A-Za-z0-9.]+", source.stem)}
    words |= {word.removesuffix(".US") for word in words}
    tickers = sorted(set(traded or ()) & words)
    if len(tickers) == 1:
        return tickers[0]
    why = f"its name holds several of the log's tickers ({', '.join(tickers)})" if tickers else "its name holds none"
    raise GoldError(
        f"{source} has no column of tickers (ticker or symbol), and {why}; name the ticker, such as "
        "--bars-ticker NVDA, or name the file after it"
    )


def _find_divisor(known: Mapping[str, str], columns: Mapping[str, str], head: pl.DataFrame) -> float:
    if not known.keys() >= DATABENTO or "open" not in columns or head.is_empty():
        return 1.0
    opens = head.get_column(columns["open"]).drop_nulls().cast(pl.String)
    return BILLIONTHS if len(opens) and opens.str.contains(WHOLE).all() else 1.0


def name_tickers(column: pl.Expr) -> pl.Expr:
    """Give tickers as gold names them: capitals, no exchange before, no country after, class shares with a point."""
    bare = column.cast(pl.String).str.strip_chars().str.to_uppercase().str.replace(r"^[A-Z]+:", "")
    bare = bare.str.replace(r"\.US$", "").str.replace(r"^([A-Z]{1,5})[ /-]([A-Z])$", "${1}.${2}")
    return bare.replace("", None)

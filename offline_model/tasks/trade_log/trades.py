"""One trade as this package reads it: numbers and seconds of the day."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

FIELDS = (
    "ticker",
    "trade_type",
    "entry_time",
    "exit_time",
    "entry_price",
    "exit_price",
    "entry_volatility_percent",
    "worst_exit_percent",
    "best_exit_percent",
)
LAST_SECOND = 86399
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$")

Row = Mapping[str, object]


class Trade(NamedTuple):
    """The core fields of one trade; times are seconds since midnight, percents signed in the trade's direction."""

    ticker: str
    trade_type: str
    entry_time: int
    exit_time: int
    entry_price: float
    exit_price: float
    entry_volatility_percent: float
    worst_exit_percent: float
    best_exit_percent: float

    @property
    def hold(self) -> int:
        """Seconds from entry to exit; negative where the exit comes first."""
        return self.exit_time - self.entry_time

    @property
    def exit_percent(self) -> float:
        """Percent from entry to exit, signed in the trade's direction."""
        return measure_move(self.trade_type, self.entry_price, self.exit_price)

    @property
    def largest_excursion(self) -> float:
        """The larger of both excursions, percent, without its sign."""
        return max(abs(self.worst_exit_percent), abs(self.best_exit_percent))


def measure_move(trade_type: str, entry_price: float, price: float) -> float:
    """Measure the percent from the entry price to a price, signed in the trade's direction."""
    move = 100.0 * (price / entry_price - 1.0)
    return -move if trade_type == "short" else move


def find_price(trade_type: str, entry_price: float, move: float) -> float:
    """Find the price at a move in percent from the entry price: the reverse of `measure_move`."""
    return entry_price * (1.0 + (-move if trade_type == "short" else move) / 100.0)


def round_percent(value: float, decimals: int) -> float:
    """Round a percent, to 0.0 rather than -0.0."""
    return round(value, decimals) + 0.0


def parse_clock(text: object) -> int | None:
    """Parse a time of day into seconds since midnight, None where it is none."""
    match = _CLOCK.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)


def format_clock(seconds: int) -> str:
    """Write seconds since midnight as HH:MM:SS."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def count_decimals(value: float) -> int:
    """Count the decimals that a number shows when it is written out."""
    return len(repr(float(value)).partition(".")[2]) if value != int(value) else 0


def find_unusable(row: Row) -> list[str]:
    """Find the core fields that are missing, empty, of the wrong type or without meaning, in their order."""
    return [field for field in FIELDS if not _is_usable(field, row.get(field))]


def read_trade(row: Row) -> Trade | None:
    """Read a row into a trade, None where a field is unusable."""
    if find_unusable(row):
        return None
    values = {field: row[field] for field in FIELDS}
    values["entry_time"], values["exit_time"] = parse_clock(values["entry_time"]), parse_clock(values["exit_time"])
    return Trade(**values)  # type: ignore[arg-type]  # every field was just looked at


def write_row(trade: Trade) -> dict[str, object]:
    """Write a trade as the row of core fields that a model would answer with."""
    times = {"entry_time": format_clock(trade.entry_time), "exit_time": format_clock(trade.exit_time)}
    return {**trade._asdict(), **times}


def _is_usable(field: str, value: object) -> bool:
    if field == "ticker":
        return isinstance(value, str) and bool(value.strip())
    if field == "trade_type":
        return value in ("buy", "short")
    if field.endswith("_time"):
        return parse_clock(value) is not None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return False
    return field.endswith("_exit_percent") or value > 0

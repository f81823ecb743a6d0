"""What every importer hands back: round trips, and an account of every row that did not become one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from gold_data.markets import USUAL, Markets
from gold_data.sessions import EXCHANGE_ZONE

STATED_FIELDS = ("entry_volatility_percent", "worst_exit_percent", "best_exit_percent", "trade_percent_change")


@dataclass(frozen=True)
class RoundTrip:
    """One closed trade.

    `source_line` is the first line of it in the file (the first line of the file is 1; in JSON, the number of the
    record, from 1). Times carry a zone. Prices are averages by quantity where the position was built or closed in
    parts. `quantity` is 1 where the file gives none. `stated` holds the measures that the file itself gives, among
    `STATED_FIELDS`, in percent, signed in the trade's direction. `file` is the place of the first line's file among
    those that were read together. `carried` is what the log says beyond that, by the names of gold columns.
    """

    source_line: int
    ticker: str
    trade_type: str
    entry_time: datetime
    exit_time: datetime
    entry_price: float
    exit_price: float
    quantity: float
    stated: Mapping[str, float] = field(default_factory=dict)
    file: int = 0
    carried: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class RejectedRow:
    """A row that is no trade, or none that can be used: its line, the rule it broke, and the value found there.

    `file` is the place of its file among those that were read together.
    """

    line: int
    rule: str
    value: str
    file: int = 0


@dataclass(frozen=True)
class ImportedFile:
    """A file as it was understood.

    Every data row is counted once: `rows_in == rows_used + rows_open + len(rejected) + len(duplicates) +
    len(not_fills)`. `rows_used` are rows that are part of a round trip, `rows_open` executions that belong to positions
    still open at the end of all files (`open_positions` has a sentence on each). Where a row is a whole trip,
    `rows_used == len(trips)`. `duplicates` are the lines of rows that stand in this file or an earlier one once more;
    `not_fills` are rows in which nothing was bought or sold: canceled orders, dividends, sums, sentences. `notes` are
    sentences on what was assumed. `zone` is that in which times were read, empty where each has an offset of its own.
    `markets` says where its tickers are traded, and what it tells of instruments.
    """

    format: str
    rows_in: int
    rows_used: int
    trips: list[RoundTrip]
    rejected: list[RejectedRow] = field(default_factory=list)
    duplicates: list[int] = field(default_factory=list)
    not_fills: list[RejectedRow] = field(default_factory=list)
    rows_open: int = 0
    open_positions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    zone: str = ""
    markets: Markets = USUAL

    @property
    def rows_accounted(self) -> int:
        """Count the rows that something became of, which are all of them."""
        left_out = len(self.rejected) + len(self.duplicates) + len(self.not_fills)
        return self.rows_used + self.rows_open + left_out


def trips_to_frame(trips: Sequence[RoundTrip], markets: Markets = USUAL) -> pl.DataFrame:
    """Lay round trips out as a table of trades, in the order given.

    Returns:
        One row per trip: `source_line`, `quantity`, and the columns of gold trades but for `trade_id`. Times are in the
        exchange's zone, `session_date` is that of the entry on its market; measures that the file does not state are
        null. `trade_percent_change` is computed, whatever the file states.
    """
    schema: dict[str, pl.DataType] = {
        "source_line": pl.Int64(),
        "ticker": pl.String(),
        "trade_type": pl.String(),
        "entry_time": pl.Datetime("us", "UTC"),
        "exit_time": pl.Datetime("us", "UTC"),
        "entry_price": pl.Float64(),
        "exit_price": pl.Float64(),
        "quantity": pl.Float64(),
        **dict.fromkeys(STATED_FIELDS[:3], pl.Float64()),
    }
    rows = [
        {name: getattr(trip, name, trip.stated.get(name)) for name in schema}
        | {"entry_time": trip.entry_time.astimezone(UTC), "exit_time": trip.exit_time.astimezone(UTC)}
        for trip in trips
    ]
    direction = pl.when(pl.col("trade_type") == "short").then(-1.0).otherwise(1.0)
    change = 100.0 * (pl.col("exit_price") / pl.col("entry_price") - 1.0) * direction
    times = pl.col("entry_time", "exit_time").dt.convert_time_zone(EXCHANGE_ZONE)
    frame = pl.DataFrame(rows, schema=schema).with_columns(times)
    dates = markets.find_days(frame.get_column("ticker"), frame.get_column("entry_time"))
    return frame.with_columns(session_date=dates, trade_percent_change=change)

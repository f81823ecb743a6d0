"""Tables of trades as the questions read them."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from designer_configs.compile.controls import Control
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.trades.schema import NUMBER_FIELDS, TIME_FIELDS
from verification.errors import VerificationError
from verification.trades.features import EXITS, FEATURES
from verification.trades.waiving import Waived

TRADE_COLUMNS = ("ticker", "trade_type", "session_date", *TIME_FIELDS, *NUMBER_FIELDS, "trade_percent_change")


ACCEPTED, OWN_BARS = "accepted.parquet", "bars.parquet"


FEATURE_OF = {
    "entry_volatility_percent": "entry_volatility_percent",
    "worst_exit_percent": "worst_exit_percent",
    "best_exit_percent": "best_exit_percent",
    "trade_percent_change": "trade_percent_change",
    "exit_time": "holding_minutes",
    "entry_time": "entry_minute",
    "trade_type": "is_short",
}


def drop_unknown(trades: pl.DataFrame) -> pl.DataFrame:
    """Drop trades of which something is null or not finite: `validity` counts them, no other question can use them."""
    numbers = [name for name in TRADE_COLUMNS if trades.schema[name].is_float()]
    known = [pl.col(TRADE_COLUMNS).is_not_null(), pl.col(numbers).is_finite()]
    return trades.filter(pl.all_horizontal(known))


def name_controlled(controls: Sequence[Control], waived: Sequence[Waived]) -> tuple[str, ...]:
    """Name the features whose law the controls set: what is waived of them, and the outcomes that they match or check.

    A field without a feature, such as the ticker, sets none.
    """
    fields = {rule["field"] for control in controls for rule in (control.match, control.check) if rule}
    found = {FEATURE_OF[field] for field in fields if FEATURE_OF.get(field) in EXITS}
    found |= {each.feature for each in waived}
    return tuple(name for name in FEATURES if name in found)


def shape_trades(table: pl.DataFrame, key: str, path: Path, zone: str = EXCHANGE_ZONE) -> pl.DataFrame:
    """Make a trade table of a file's rows, whose ids are in the column `key`; times come on the clock of `zone`.

    Raises:
        VerificationError: it lacks a column, or has one of another type.
    """
    if missing := [name for name in (key, *TRADE_COLUMNS) if name not in table.columns]:
        raise VerificationError(f"{path} is no table of trades: the column {missing[0]} is missing")
    naive = [name for name in TIME_FIELDS if getattr(table.schema[name], "time_zone", None) is None]
    if naive:
        raise VerificationError(f"{path}: {naive[0]} is {table.schema[naive[0]]}; it should be a time with a zone")
    zoned = [pl.col(name).dt.convert_time_zone(zone).dt.cast_time_unit("us") for name in TIME_FIELDS]
    numbers = [pl.col(name).cast(pl.Float64) for name in (*NUMBER_FIELDS, "trade_percent_change")]
    texts = [pl.col(name).cast(pl.String) for name in (key, "ticker", "trade_type")]
    try:
        return table.with_columns(*zoned, *numbers, *texts, pl.col("session_date").cast(pl.Date)).rename(
            {key: "trade_id"}
        )
    except PolarsError as exc:
        raise VerificationError(f"{path} is no table of trades: {exc}") from exc

"""Minute bars as this package takes them: sorted, cut into batches of whole series, and placed in sessions."""

from collections.abc import Iterator
from datetime import date, datetime

import polars as pl

from gold_data.sessions import EXCHANGE_ZONE, session_hours
from indicators.errors import IndicatorError

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume")
TIMESTAMP = pl.Datetime("us", EXCHANGE_ZONE)


def sort_bars(bars: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return the bars sorted by series and time, after a look at their columns.

    One row per `by` and minute in any order; `timestamp` is the start of the minute. Values are not looked at.

    Raises:
        IndicatorError: A column is missing or of another type, or a series has one minute twice.
    """
    expected = {by: pl.String, "timestamp": TIMESTAMP} | dict.fromkeys(VALUES, pl.Float64)
    wrong = [
        f"`{name}` should be {dtype} and is {bars.schema.get(name, 'missing')}"
        for name, dtype in expected.items()
        if bars.schema.get(name) != dtype
    ]
    if wrong:
        raise IndicatorError(f"Bars cannot be used: {'; '.join(wrong)}. Cast or add them first.")
    same = pl.col(by) == pl.col(by).shift(1)
    later = pl.col("timestamp") > pl.col("timestamp").shift(1)
    in_order = (pl.col(by) > pl.col(by).shift(1)) | (same & later)
    if not bars.select(in_order.all()).item():
        bars = bars.sort(by, "timestamp")
        twice = bars.filter(~in_order)
        if twice.height:
            named = [
                f"{key} {minute:%Y-%m-%d %H:%M}" for key, minute in twice.select(by, "timestamp").head(3).iter_rows()
            ]
            raise IndicatorError(
                f"{twice.height} bars stand twice for one `{by}` and minute: {', '.join(named)}. Keep one of each."
            )
    return bars


def iter_series(bars: pl.DataFrame, by: str, batch_bars: int) -> Iterator[pl.DataFrame]:
    """Cut sorted bars into frames of whole series: the fewest that have `batch_bars` rows, then the rest."""
    start = 0
    for end in bars.get_column(by).rle().struct.field("len").cum_sum():
        if end - start >= batch_bars or end == bars.height:
            yield bars.slice(start, end - start)
            start = end


def list_sessions(first: date, last: date) -> pl.DataFrame:
    """Return one row per session from `first` to `last`, both included, in order: `opens`, `closes`, exchange time.

    The close is the first moment after the session: the last regular minute starts one minute earlier.
    """
    days = pl.date_range(first, last, eager=True)
    hours = [[datetime.combine(day, moment) for moment in found] for day in days if (found := session_hours(day))]
    schema = dict.fromkeys(("opens", "closes"), pl.Datetime("us"))
    return pl.DataFrame(hours, schema, orient="row").with_columns(pl.all().dt.replace_time_zone(EXCHANGE_ZONE))


def list_minutes(first: date, last: date) -> pl.DataFrame:
    """Return one row per regular minute from `first` to `last`, both included, in order.

    `minute` is its start; `session_start` the number of the row of its session's first minute, `session_end` of the row
    after its session's last.
    """
    length = pl.col("minute").list.len().cast(pl.Int64)
    return (
        list_sessions(first, last)
        .select(minute=pl.datetime_ranges("opens", "closes", "1m", closed="left"))
        .with_columns(session_start=length.cum_sum() - length, session_end=length.cum_sum())
        .explode("minute")
    )


def number_sessions(timestamps: pl.Series) -> pl.Series:
    """Number the sessions in which minutes lie, given their starts; null outside regular hours. Takes one or more."""
    first, last = timestamps.min(), timestamps.max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    minutes = timestamps.to_physical()
    begun, ended = (
        moments.to_physical().search_sorted(minutes, side="right")
        for moments in list_sessions(first.date(), last.date())
    )
    return pl.select(pl.when(begun > ended).then(begun)).to_series()

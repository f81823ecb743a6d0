"""Minute bars as this package takes them: sorted, cut into batches of whole series, and placed in sessions."""

from collections.abc import Iterator
from datetime import date, datetime

import polars as pl

from gold_data.sessions import EXCHANGE_ZONE, NEW_YORK, ZONE, Market
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


def list_sessions(first: date, last: date, market: Market = NEW_YORK) -> pl.DataFrame:
    """Return one row per session from `first` to `last`, both included, in order: `opens`, `closes`, exchange time.

    The close is the first moment after the session: the last regular minute starts one minute earlier.
    """
    return market.list_sessions(first, last).select("opens", "closes")


def list_minutes(first: date, last: date, market: Market = NEW_YORK) -> pl.DataFrame:
    """Return one row per minute of the sessions from `first` to `last`, both included, in order; none of a pause.

    `minute` is its start; `session_start` the number of the row of its session's first minute, `session_end` of the row
    after its session's last.
    """
    rests = pl.col("minute").is_between("pauses", "resumes", closed="left").fill_null(value=False)
    minutes = (
        market.list_sessions(first, last)
        .with_columns(minute=pl.datetime_ranges("opens", "closes", "1m", closed="left"))
        .explode("minute")
        .filter(~rests)
    )
    length = pl.len().cast(pl.Int64)
    bounds = minutes.group_by("day", maintain_order=True).agg(length=length)
    ends = bounds.select(
        "day", session_start=pl.col("length").cum_sum() - pl.col("length"), session_end=pl.col("length").cum_sum()
    )
    return minutes.select("day", "minute").join(ends, on="day", maintain_order="left").drop("day")


def number_sessions(timestamps: pl.Series, market: Market = NEW_YORK) -> pl.Series:
    """Number the sessions in which minutes lie, given their starts; null outside of them. Takes one or more."""
    first, last = timestamps.min(), timestamps.max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    sessions = market.list_sessions(*(market.find_day(moment.replace(tzinfo=ZONE)) for moment in (first, last)))
    minutes = timestamps.to_physical()
    begun, ended, paused, resumed = (
        moments.drop_nulls().to_physical().search_sorted(minutes, side="right") for moments in sessions.drop("day")
    )
    return pl.select(pl.when((begun > ended) & (paused == resumed)).then(begun)).to_series()

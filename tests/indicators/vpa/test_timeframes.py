"""Higher bars: what they are made of, when they are finished, and who may see them."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
import pytest

from gold_data.sessions import EXCHANGE_ZONE, ZONE
from indicators.errors import IndicatorError
from indicators.vpa.context import build_context
from indicators.vpa.timeframes import check_timeframes, gather_bars
from tests.indicators.vpa.walks import calm_rows, make_walk, tell_bars


def place_bars(*starts: str) -> pl.DataFrame:
    """Bars 1, 2, 3, ... at given times."""
    moments = [datetime.fromisoformat(start).astimezone(ZONE) for start in starts]
    numbers = pl.Series(range(1, len(starts) + 1)).cast(pl.Float64)
    return pl.DataFrame(
        {
            "ticker": ["IBM"] * len(starts),
            "timestamp": pl.Series(moments, dtype=pl.Datetime("us", EXCHANGE_ZONE)),
            **{
                "open": numbers,
                "high": numbers + 0.5,
                "low": numbers - 0.5,
                "close": numbers + 0.25,
                "volume": numbers,
            },
        }
    )


def list_starts(bars: pl.DataFrame) -> list[str]:
    return bars.get_column("timestamp").dt.to_string("%d %H:%M").to_list()


def test_a_higher_bar_is_made_of_those_within_it() -> None:
    bars = place_bars(*(f"2024-03-05T09:3{minute}-05:00" for minute in (0, 1, 4, 5, 9)))
    assert gather_bars(bars, "1m", "5m").rows() == [
        ("IBM", datetime(2024, 3, 5, 9, 30, tzinfo=ZONE), 1.0, 3.5, 0.5, 3.25, 6.0),
        ("IBM", datetime(2024, 3, 5, 9, 35, tzinfo=ZONE), 4.0, 5.5, 3.5, 5.25, 9.0),
    ]


@pytest.mark.parametrize(("last", "found"), [("09:38", ["05 09:30"]), ("09:39", ["05 09:30", "05 09:35"])])
def test_the_last_bar_is_left_out_until_its_time_is_over(last: str, found: list[str]) -> None:
    bars = place_bars("2024-03-05T09:30-05:00", "2024-03-05T09:36-05:00", f"2024-03-05T{last}-05:00")
    assert list_starts(gather_bars(bars, "1m", "5m")) == found


def test_hours_are_those_of_the_clock_where_it_is_set_back() -> None:
    bars = place_bars(*(f"2024-11-03T0{hour}:59+00:00" for hour in (4, 5, 6, 7)))
    hours = gather_bars(bars, "1m", "1h").get_column("timestamp").dt.to_string("%H:%M%z").to_list()
    assert hours == ["00:00-0400", "01:00-0400", "01:00-0500", "02:00-0500"]


def test_a_week_is_known_from_the_next_monday_on() -> None:
    bars = make_walk(600, 3, every="1d").filter(pl.col("timestamp").dt.weekday() <= 5)
    rows = build_context(bars, ("1d", "1w")).filter(pl.col("timeframe") == "1d", pl.col("timestamp").dt.year() == 2025)
    seen = rows.select("timestamp", week=pl.col("multi_timeframe_context").list.first().struct.field("timestamp"))
    monday = pl.col("timestamp").dt.truncate("1w")
    assert seen.drop_nulls().height > 100
    assert seen.drop_nulls().filter(pl.col("week") >= monday).is_empty()
    assert (
        seen.filter(pl.col("timestamp") == monday)
        .drop_nulls()
        .filter(pl.col("week") != monday.dt.offset_by("-1w"))
        .is_empty()
    )


def test_every_higher_bar_seen_is_finished_and_the_last_that_is() -> None:
    context = build_context(make_walk(1500, 4), ("1m", "5m", "15m")).filter(pl.col("timeframe") == "1m")
    listed = context.select(pl.col("timestamp").alias("bar"), "multi_timeframe_context").explode(
        "multi_timeframe_context"
    )
    seen = listed.drop_nulls().select("bar", pl.col("multi_timeframe_context").struct.unnest())
    length = pl.when(pl.col("timeframe") == "5m").then(5).otherwise(15)
    late = (pl.col("bar") - pl.col("timestamp")).dt.total_minutes() + 1 - length
    assert set(seen.get_column("timeframe")) == {"5m", "15m"}
    assert seen.select(late.min()).item() == 0
    assert seen.filter(late >= length).height < 0.05 * seen.height  # only where minutes are missing


@pytest.mark.parametrize(
    ("ladder", "message"),
    [
        (("1m", "7m"), "Unknown timeframes 7m. Known: 1m, 5m, 15m, 1h, 1d, 1w."),
        (("5m", "1m"), "found 5m, 1m"),
        (("1m", "1m"), "found 1m, 1m"),
        ((), "found none"),
        (("1d", "1w"), "3 of 4 bars do not start where bars of 1d do .* IBM 2024-03-04 04:01:00"),
    ],
)
def test_ladders_that_cannot_be_climbed_are_refused(ladder: Sequence[str], message: str) -> None:
    bars = tell_bars(calm_rows(4))
    bars = bars.with_columns(
        pl.when(pl.int_range(4) == 0).then(pl.col("timestamp").dt.truncate("1d")).otherwise("timestamp")
    )
    with pytest.raises(IndicatorError, match=message):
        check_timeframes(bars, ladder)


def test_no_bars_and_few_bars_give_no_rows() -> None:
    bars = tell_bars(calm_rows(50))
    few, none = build_context(bars), build_context(bars.head(0))
    assert (few.height, none.height) == (0, 0)
    assert few.schema == none.schema == build_context(make_walk(60, 1)).schema

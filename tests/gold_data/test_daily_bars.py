"""Bars of days are read as people have them: plain dates, and midnights of markets without an exchange."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from gold_data.bars import read_bars
from indicators.errors import IndicatorError
from indicators.vpa.bars_file import attach_context_to_bars_file, choose_timeframes
from indicators.vpa.context import build_context

DAYS = [date(2024, 1, 1) + timedelta(days=place) for place in range(120)]
VALUES = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 100.0}


def make_bars(stamps: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"ticker": "A", "timestamp": stamps, **VALUES})


STAMPS = {
    "date": pl.Series(DAYS),
    "text": pl.Series([f"{day}" for day in DAYS]),
    "month first": pl.Series([f"{day:%m/%d/%Y}" for day in DAYS]),
    "day first": pl.Series([f"{day:%d.%m.%Y}" for day in DAYS]),
    "text in UTC": pl.Series([f"{day}T00:00:00Z" for day in DAYS]),
    "midnight UTC": pl.Series(DAYS).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC"),
    "midnight New York": pl.Series(DAYS).cast(pl.Datetime("us")).dt.replace_time_zone("America/New_York"),
    "midnight without a zone": pl.Series(DAYS).cast(pl.Datetime("us")),
}


@pytest.mark.parametrize("name", STAMPS)
def test_days_are_read_as_days(tmp_path: Path, name: str) -> None:
    make_bars(STAMPS[name]).write_parquet(tmp_path / "bars.parquet")
    bars, _ = read_bars(tmp_path / "bars.parquet")
    assert bars["timestamp"].dt.date().to_list() == DAYS
    assert set(bars["timestamp"].dt.hour()) == {0}
    assert choose_timeframes(bars) == ("1d", "1w")


def test_plain_dates_of_a_csv_make_context(tmp_path: Path) -> None:
    make_bars(STAMPS["text"]).write_csv(tmp_path / "bars.csv")
    summary = attach_context_to_bars_file(tmp_path / "bars.csv", tmp_path / "out.jsonl")
    assert summary.rows == {"1d": 70}
    assert any("dates" in note for note in summary.notes)


def test_lines_that_end_in_a_carriage_return_alone(tmp_path: Path) -> None:
    make_bars(STAMPS["month first"]).write_csv(tmp_path / "bars.csv", line_terminator="\r")
    bars, _ = read_bars(tmp_path / "bars.csv")
    assert bars["timestamp"].dt.date().to_list() == DAYS


def test_a_date_that_is_none_is_dropped_and_counted(tmp_path: Path) -> None:
    make_bars(pl.Series(["2024-01-02", "2024-02-30", "2024-01-03"])).write_csv(tmp_path / "bars.csv")
    bars, notes = read_bars(tmp_path / "bars.csv")
    assert bars.height == 2
    assert any("dropped 1 of 3 bars: no ticker, or a timestamp that is no time" in note for note in notes)


@pytest.mark.parametrize(("step", "ladder"), [("1m", "1m"), ("5m", "5m"), ("15m", "15m"), ("1h", "1h")])
def test_timeframes_are_those_that_bars_start_on(step: str, ladder: str) -> None:
    start = pl.datetime(2024, 3, 4, 9, 0, time_zone="America/New_York")
    stamps = pl.select(pl.datetime_range(start, start + pl.duration(hours=30), step)).to_series()
    assert choose_timeframes(make_bars(stamps))[0] == ladder


@pytest.mark.parametrize(("step", "first"), [("3m", "1m"), ("30m", "15m"), ("4h", "1h"), ("28d", "1d")])
def test_bars_that_are_longer_than_any_timeframe_they_start_on_are_refused(step: str, first: str) -> None:
    start = pl.datetime(2024, 3, 5, time_zone="America/New_York")
    stamps = pl.select(start.dt.offset_by(pl.format("{}" + step[-1], pl.int_range(40) * int(step[:-1])))).to_series()
    bars = make_bars(stamps)
    with pytest.raises(IndicatorError, match=f"apart, so they are none of {first}"):
        build_context(bars, choose_timeframes(bars))

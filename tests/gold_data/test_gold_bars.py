"""Reading one-minute bars."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from gold_data.bars import Bars, read_bars

HEADER = "ticker,timestamp,open,high,low,close,volume"
GOOD = "IBM,2013-10-04T09:30:00-04:00,1.5,2,1,1.8,100"


def read_lines(folder: Path, *lines: str, header: str = HEADER) -> tuple[pl.DataFrame, list[str]]:
    file = folder / "bars.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return read_bars(file)


def test_bars_are_sorted_and_typed(tmp_path: Path) -> None:
    late, other = GOOD.replace("09:30", "09:31"), GOOD.replace("IBM", "AIG")
    bars, notes = read_lines(tmp_path, late, "", GOOD, other, header="\ufeff" + HEADER)
    assert bars["ticker"].to_list() == ["AIG", "IBM", "IBM"]
    assert bars["timestamp"].dt.minute().to_list() == [30, 30, 31]
    assert Bars.is_valid(bars)
    assert bars.row(0)[2:] == (1.5, 2.0, 1.0, 1.8, 100.0)
    assert notes == []


@pytest.mark.parametrize(
    "text",
    [
        "2013-10-04 09:30",
        "2013-10-04T09:30:00",
        "2013-10-04T13:30:00Z",
        "2013-10-04 13:30+00:00",
        "2013-10-04T06:30:00.5-0700",
    ],
)
def test_timestamps_as_text(tmp_path: Path, text: str) -> None:
    bars, notes = read_lines(tmp_path, GOOD.replace("2013-10-04T09:30:00-04:00", text))
    assert bars["timestamp"].to_list() == [datetime(2013, 10, 4, 13, 30, tzinfo=UTC)]
    assert len(notes) == int(text.startswith("2013-10-04 09") or text.endswith("09:30:00"))


@pytest.mark.parametrize(
    ("unit", "zone"), [("ns", "UTC"), ("ms", None), ("us", "America/New_York"), ("us", "Asia/Tokyo")]
)
def test_timestamps_as_types(tmp_path: Path, unit: str, zone: str | None) -> None:
    bars, _ = read_lines(tmp_path, GOOD)
    stamp = pl.col("timestamp").dt.convert_time_zone(zone) if zone else pl.col("timestamp").dt.replace_time_zone(None)
    file = tmp_path / "bars.parquet"
    bars.with_columns(stamp.dt.cast_time_unit(unit), pl.col("volume").cast(pl.Int32)).write_parquet(file)  # type: ignore[arg-type]
    again, notes = read_bars(file)
    assert again.equals(bars)
    assert len(notes) == int(zone is None)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (",100", ",", "values missing or not finite"),
        (",100", ",inf", "values missing or not finite"),
        (",100", ",-1", "prices not above 0 or volume below 0"),
        (",1.5,", ",nan,", "values missing or not finite"),
        (",1.5,", ",x,", "values missing or not finite"),
        (",1,", ",0,", "prices not above 0 or volume below 0"),
        (",1,", ",1.6,", "low or high crossed by another price"),
        (",2,", ",1.7,", "low or high crossed by another price"),
        (",2,", ",0.5,", "low or high crossed by another price"),
        ("IBM", "", "no ticker, or a timestamp that is no time"),
        ("2013-10-04T09:30:00-04:00", "4 October", "no ticker, or a timestamp that is no time"),
        ("2013-10-04T09:30:00-04:00", "", "no ticker, or a timestamp that is no time"),
    ],
)
def test_a_bad_bar_is_dropped_and_counted(tmp_path: Path, old: str, new: str, why: str) -> None:
    bars, notes = read_lines(tmp_path, GOOD.replace("09:30", "09:31"), GOOD.replace(old, new, 1))
    assert (bars.height, notes) == (1, [f"bars.csv: dropped 1 of 2 bars: {why}"])


def test_a_minute_that_is_there_twice_keeps_the_first(tmp_path: Path) -> None:
    bars, notes = read_lines(tmp_path, GOOD, GOOD.replace("09:30:00", "09:30:30").replace("1.8", "1.9"))
    assert bars["close"].to_list() == [1.8]
    assert notes == ["bars.csv: dropped 1 bars of a ticker and minute already there"]


def test_clock_changes(tmp_path: Path) -> None:
    stamps = ("2013-11-03 01:30", "2013-03-10 02:30", "2013-11-04 09:30")  # twice, never, once
    bars, notes = read_lines(tmp_path, *(GOOD.replace("2013-10-04T09:30:00-04:00", stamp) for stamp in stamps))
    assert bars["timestamp"].dt.date().to_list() == [date(2013, 11, 3), date(2013, 11, 4)]
    assert notes[-1] == "bars.csv: dropped 1 of 3 bars: no ticker, or a timestamp that is no time"

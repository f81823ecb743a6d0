"""Importing market data: any fineness, any zone, and everything odd about it counted."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gold_data import market
from gold_data.bars import Bars
from gold_data.errors import GoldError
from gold_data.market import BarsReport, import_bars
from gold_data.sessions import EXCHANGE_ZONE

HEADER = "ticker,timestamp,open,high,low,close,volume"
Import = Callable[..., tuple[pl.DataFrame, BarsReport]]


@pytest.fixture
def bars_of(tmp_path: Path) -> Import:
    def import_lines(
        *lines: str, header: str = HEADER, zone: str = EXCHANGE_ZONE, day: date | None = None
    ) -> tuple[pl.DataFrame, BarsReport]:
        source = tmp_path / "bars.csv"
        source.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        report = import_bars(source, tmp_path / "out.parquet", zone=zone, day=day)
        assert {file.name for file in tmp_path.iterdir()} == {"bars.csv", "out.parquet"}
        return Bars.validate(pl.read_parquet(tmp_path / "out.parquet")), report

    return import_lines


def write_bar(minute: str, price: float = 10.0, ticker: str = "IBM", day: str = "2024-03-07") -> str:
    return f"{ticker},{day}T{minute}:00,{price},{price + 1},{price - 1},{price},100"


def test_minute_bars_are_kept_and_sorted(bars_of: Import) -> None:
    bars, report = bars_of(write_bar("09:31"), write_bar("09:30"), "", write_bar("09:30", ticker="AIG"))
    assert bars["ticker"].to_list() == ["AIG", "IBM", "IBM"]
    assert bars["timestamp"].dt.strftime("%H:%M").to_list() == ["09:30", "09:30", "09:31"]
    assert (report.rows_in, report.bars, report.tickers, report.finer) == (3, 3, ["AIG", "IBM"], False)
    assert (report.kinds, report.splits) == ({}, [])
    assert report.notes == [f"bars.csv: 3 timestamps without an offset were read as exchange time ({EXCHANGE_ZONE})"]


def test_seconds_become_minutes(bars_of: Import) -> None:
    rows = [("09:30:05", 10.0), ("09:30:00", 11.0), ("09:30:59", 9.0), ("09:30:59", 12.0), ("09:31:00", 8.0)]
    lines = [f"7,SOXL,{price},0.1,{clock}" for clock, price in rows]
    bars, report = bars_of(*lines, header=",Ticker,Price,Atr14,Time", day=date(2024, 3, 7))
    assert bars.rows()[0][2:] == (11.0, 12.0, 9.0, 12.0, 0.0)
    assert bars.rows()[1][2:] == (8.0, 8.0, 8.0, 8.0, 0.0)
    assert (report.finer, report.kinds) == (True, {"moment there twice (all used)": 1})
    assert report.notes[:2] == [
        "bars.csv: columns not read: column_0, Atr14",
        "bars.csv: it has no volume; all bars have 0",
    ]


def test_bars_of_seconds_become_minutes(bars_of: Import) -> None:
    lines = ["A,2024-03-07 09:30:00,1,4,1,2,5", "A,2024-03-07 09:30:10,2,3,0.5,3,7"]
    bars, _ = bars_of(*lines)
    assert bars.rows()[0][2:] == (1.0, 4.0, 0.5, 3.0, 12.0)


@pytest.mark.parametrize(
    ("lines", "kind", "count", "kept"),
    [
        ([",2024-03-07T09:31:00,1,1,1,1,1"], "no ticker, or a timestamp that is no time (dropped)", 1, 0),
        (["A,2024-03-07T09:61:00,1,1,1,1,1"], "no ticker, or a timestamp that is no time (dropped)", 1, 0),
        (["A,2024-03-07T09:31:00,1,x,1,1,1"], "values missing or not finite (dropped)", 1, 0),
        (["A,2024-03-07T09:31:00,0,1,0,1,1"], "prices not above 0 or volume below 0 (dropped)", 1, 0),
        (["A,2024-03-07T09:31:00,5,4,1,2,1"], "low or high crossed by another price (dropped)", 1, 0),
        ([write_bar("09:30")], "minute there twice (first kept)", 1, 0),
        ([write_bar("09:30", price=11)], "minute there twice, with other values (first kept)", 1, 0),
        ([write_bar("09:33"), write_bar("09:40")], "gap between bars of one regular session", 2, 2),
        ([write_bar("09:33"), write_bar("09:40")], "minute without a bar in those gaps", 8, 2),
        ([write_bar("09:29"), write_bar("16:00")], "bar outside regular hours (kept)", 2, 2),
        ([write_bar("10:00", day="2024-03-09")], "bar on a day the exchange is closed (kept)", 1, 1),
        ([write_bar("13:30", day="2024-07-03")], "bar outside regular hours (kept)", 1, 1),  # which closes at 13:00
    ],
)
def test_what_is_odd_is_counted_by_kind(bars_of: Import, lines: list[str], kind: str, count: int, kept: int) -> None:
    bars, report = bars_of(write_bar("09:30"), *lines)
    assert report.kinds[kind] == count
    assert bars.height == 1 + kept


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (100.0, 25.2, "100 to 25.2 overnight, as after a 4-for-1 split"),
        (5.0, 50.0, "5 to 50 overnight, as after a 1-for-10 split"),
        (100.0, 103.0, ""),
        (100.0, 60.0, ""),
    ],
)
def test_a_jump_of_a_whole_ratio_overnight(bars_of: Import, before: float, after: float, said: str) -> None:
    _, report = bars_of(write_bar("15:59", price=before), write_bar("09:30", price=after, day="2024-03-08"))
    assert [said in split for split in report.splits] == [True] * bool(said)


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2024-03-08 06:30", "America/Los_Angeles", datetime(2024, 3, 8, 14, 30, tzinfo=UTC)),
        ("2024-03-11 06:30", "America/Los_Angeles", datetime(2024, 3, 11, 13, 30, tzinfo=UTC)),
        ("2024-03-20 14:30", "Europe/Berlin", datetime(2024, 3, 20, 13, 30, tzinfo=UTC)),  # America changes earlier
        ("2024-04-02 15:30", "Europe/Berlin", datetime(2024, 4, 2, 13, 30, tzinfo=UTC)),
        ("2024-11-03 01:30", "America/New_York", datetime(2024, 11, 3, 5, 30, tzinfo=UTC)),  # the first of the two
        ("2024-11-03T01:30:00-05:00", "America/New_York", datetime(2024, 11, 3, 6, 30, tzinfo=UTC)),
        ("2024-03-07T23:30:00+09:00", "Europe/Berlin", datetime(2024, 3, 7, 14, 30, tzinfo=UTC)),
    ],
)
def test_times_of_any_zone(bars_of: Import, text: str, zone: str, utc: datetime) -> None:
    bars, _ = bars_of(f"A,{text},1,1,1,1,1", zone=zone)
    assert bars["timestamp"].dt.convert_time_zone("UTC").to_list() == [utc]
    assert bars.schema["timestamp"] == pl.Datetime("us", EXCHANGE_ZONE)


def test_an_hour_that_the_clocks_skip(bars_of: Import) -> None:
    bars, report = bars_of(write_bar("02:30", day="2024-03-10"), write_bar("09:30"))
    assert (bars.height, report.kinds["no ticker, or a timestamp that is no time (dropped)"]) == (1, 1)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_parquet_with_types_of_its_own(tmp_path: Path, unit: str) -> None:
    stamps = pl.Series([datetime(2024, 3, 7, 6, 30)]).cast(pl.Datetime(unit))  # type: ignore[arg-type]  # noqa: DTZ001
    frame = pl.DataFrame({"Symbol": ["A"], "DateTime": stamps, "Last": [3], "Size": [9]})
    frame.write_parquet(tmp_path / "bars.parquet")
    import_bars(tmp_path / "bars.parquet", tmp_path / "out", zone="America/Los_Angeles")
    row = pl.read_parquet(tmp_path / "out").row(0)
    assert row == ("A", datetime(2024, 3, 7, 14, 30, tzinfo=UTC), 3.0, 3.0, 3.0, 3.0, 9.0)


def test_tickers_nobody_traded_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text("\n".join([HEADER, write_bar("09:30"), write_bar("09:30", ticker="AIG")]))
    report = import_bars(tmp_path / "bars.csv", tmp_path / "out", zone=EXCHANGE_ZONE, tickers=["AIG", "SPY"])
    assert pl.read_parquet(tmp_path / "out")["ticker"].to_list() == ["AIG"]
    assert "bars.csv: bars of 1 other tickers were left out" in report.notes
    assert report.tickers == ["AIG"]


def test_batches_change_nothing(bars_of: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [write_bar(minute, ticker=ticker) for minute in ("09:30", "09:33") for ticker in "CAB"]
    whole, report = bars_of(*lines)
    monkeypatch.setattr(market, "BATCH_ROWS", 1)
    again, report_again = bars_of(*lines)
    assert whole.equals(again)
    assert report == report_again


FIVE_MINUTES = "\n".join([HEADER, *(write_bar(f"1{n // 12}:{n % 12 * 5:02d}") for n in range(21))]).encode()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02", "neither Parquet nor CSV"),
        (b"PAR1 and no more", "cannot be read as market data"),
        (b"a" * (1 << 17), "first line does not end within 64 KiB"),
        (b"\xff\xfe,\xff\n1,2\n", "missing columns|cannot be read"),
        (b"ticker|timestamp|price\nA|2024-03-07 09:30|1\n", "missing columns: timestamp or datetime"),
        (f"{HEADER}\n".encode(), "none of its 0 rows is a bar"),
        (f"{HEADER}\nA,07.13.2024 09:30,1,1,1,1,1\n".encode(), "none of its 1 rows is a bar"),
        (b"ticker,time,price\nA,09:30:00,1\n", "without a date; state the date"),
        (FIVE_MINUTES, "its bars are 0:05:00 apart"),
        (f"{HEADER}\nA,2024-03-07 09:30,1,2\nB,1,2,3,4,5,6,7,8,9\n".encode(), "cannot be read as market data"),
    ],
)
def test_what_cannot_be_imported(tmp_path: Path, text: bytes, wrong: str) -> None:
    (tmp_path / "bars.csv").write_bytes(text)
    with pytest.raises(GoldError, match=wrong):
        import_bars(tmp_path / "bars.csv", tmp_path / "out", zone=EXCHANGE_ZONE)
    assert not (tmp_path / "out.rows").exists()


def test_a_damaged_parquet_file(tmp_path: Path, bars_of: Import) -> None:
    bars, _ = bars_of(*(write_bar(f"10:{minute}") for minute in range(10, 40)))
    bars.write_parquet(tmp_path / "bars.parquet")
    whole = (tmp_path / "bars.parquet").read_bytes()
    for spoilt in (whole[:200], whole[:-20] + b"x" * 12 + whole[-8:], whole[:40] + bytes(60) + whole[100:]):
        (tmp_path / "bars.parquet").write_bytes(spoilt)
        with pytest.raises(GoldError, match=r"bars\.parquet"):
            import_bars(tmp_path / "bars.parquet", tmp_path / "other", zone=EXCHANGE_ZONE)


def test_what_is_stated_must_fit(bars_of: Import) -> None:
    with pytest.raises(GoldError, match="has dates of its own"):
        bars_of(write_bar("09:30"), day=date(2024, 3, 7))
    with pytest.raises(GoldError, match="there is no time zone Mars/Base"):
        bars_of(write_bar("09:30"), zone="Mars/Base")
    with pytest.raises(GoldError, match="there is no such file"):
        import_bars(Path("nowhere.csv"), Path("out"), zone=EXCHANGE_ZONE)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_bars_or_a_clear_message(
    tmp_path_factory: pytest.TempPathFactory, text: bytes, headed: bool
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "bars.csv").write_bytes(f"{HEADER}\n".encode() * headed + text)
    try:
        report = import_bars(folder / "bars.csv", folder / "out", zone=EXCHANGE_ZONE)
    except GoldError:
        return
    dropped = sum(count for kind, count in report.kinds.items() if "dropped" in kind or "first kept" in kind)
    assert report.finer or report.rows_in == report.bars + dropped

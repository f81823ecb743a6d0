"""Market data as people download it: names, times and tickers of the usual sources."""

import gzip
from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from gold_data.errors import GoldError
from gold_data.market import BarsReport, import_bars, merge_bars

CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "gold"
MINUTE = "2026-03-26 09:30:00-0400"
Read = Callable[..., tuple[BarsReport, pl.DataFrame]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def import_text(text: str, name: str = "bars.csv", **known: object) -> tuple[BarsReport, pl.DataFrame]:
        (tmp_path / name).write_text(text)
        report = import_bars(tmp_path / name, tmp_path / "out.parquet", **known)  # type: ignore[arg-type]
        return report, pl.read_parquet(tmp_path / "out.parquet")

    return import_text


def tell(bars: pl.DataFrame) -> tuple[str, str, float, float, float, float, float]:
    row = bars.row(0, named=True)
    moment: datetime = row["timestamp"]
    prices = (row["open"], row["high"], row["low"], row["close"])
    return row["ticker"], moment.strftime("%Y-%m-%d %H:%M:%S%z"), *prices, row["volume"]


@pytest.mark.parametrize(
    ("text", "ticker"),
    [
        ("Datetime,Open,High,Low,Close,Adj Close,Volume\n2026-03-26 09:30:00-04:00,1,4,0.5,2,2,9\n", None),
        (
            "Price,Close,High,Low,Open,Volume\nTicker,NVDA,NVDA,NVDA,NVDA,NVDA\nDatetime,,,,,\n"
            "2026-03-26 13:30:00+00:00,2,4,0.5,1,9\n",
            None,
        ),
        ("ticker,volume,open,close,high,low,window_start,transactions\nNVDA,9,1,2,4,0.5,1774531800000000000,3\n", None),
        ("time,open,high,low,close,Volume\n1774531800,1,4,0.5,2,9\n", "nvda"),
        ("time,open,high,low,close,Volume\n1774531800000,1,4,0.5,2,9\n", "NVDA"),
        ("time,open,high,low,close,Volume\n2026-03-26T09:30:00-04:00,1,4,0.5,2,9\n", "NVDA"),
        ("symbol,timestamp,open,high,low,close,volume,vwap\nNVDA,2026-03-26 13:30:00+00:00,1,4,0.5,2,9,1\n", None),
        (
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
            "NVDA.US,1,20260326,143000,1,4,0.5,2,9,0\n",
            None,
        ),
        (
            "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n"
            "2026-03-26T13:30:00.000000000Z,33,2,1,1000000000,4000000000,500000000,2000000000,9,NVDA\n",
            None,
        ),
        ("ticker;timestamp;open;high;low;close;volume\nNVDA;2026-03-26 09:30;1,0;4,0;0,5;2,0;9\n", None),
        ("<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<VOL>\n2026.03.26\t14:30:00\t1\t4\t0.5\t2\t9\n", "NVDA"),
        (
            "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
            "2026.03.26\t15:30:00\t1\t4\t0.5\t2\t7\t9\t1\n",
            "NVDA",
        ),
        ("Gmt time,Open,High,Low,Close,Volume\n26.03.2026 13:30:00.000,1,4,0.5,2,9\n", "NVDA"),
        ("open_time,open,high,low,close,volume,close_time\n1774531800000000,1,4,0.5,2,9,1774531859999999\n", "NVDA"),
        ("t,o,h,l,c,v,S\n2026-03-26T13:30:00Z,1,4,0.5,2,9,x\n", "NVDA"),
    ],
)
def test_a_minute_as_every_source_writes_it(read: Read, text: str, ticker: str | None) -> None:
    _, bars = read(text, "NVDA_1min.csv", ticker=ticker, tickers=["NVDA", "AMD"])
    assert tell(bars) == ("NVDA", MINUTE, 1.0, 4.0, 0.5, 2.0, 9.0)


def write_minutes(*times: str, head: str = "time") -> str:
    return f"{head},open,high,low,close,volume\n" + "".join(f"{time},1,4,0.5,2,9\n" for time in times)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        (write_minutes("03/26/2026 09:30"), None),
        (write_minutes("3/26/26 9:30:00"), None),
        (write_minutes("26/03/2026 09:30:00"), None),
        (write_minutes("26.03.2026 09:30"), None),
        (write_minutes("26-03-2026 09:30"), None),
        (write_minutes("3/26/2026 9:30 AM"), None),
        (write_minutes("2026-03-26 09:30:00 AM"), None),
        (write_minutes("03/26/2026,09:30", head="date,time"), None),
        (write_minutes("03/26/2026,9:30:00 am", head="Date,Time"), None),
        (write_minutes("03/26/2026 09:30").replace("\n", "\r\n"), None),
        (write_minutes("03/26/2026 09:30").replace("\n", "\r"), None),
        (write_minutes("03/26/2026 09:30", "03/02/2026 09:30"), "day_first"),
    ],
)
def test_dates_with_the_year_last(read: Read, text: str, order: str | None) -> None:
    _, bars = read(text, "NVDA.csv", ticker="NVDA", date_order=order)
    assert tell(bars[-1:]) == ("NVDA", MINUTE, 1.0, 4.0, 0.5, 2.0, 9.0)


@pytest.mark.parametrize(
    ("times", "order", "found"),
    [
        (["3/5/2026 9:30 AM"], None, "03-05"),  # AM and PM are written where the month comes first
        (["05.03.2026 09:30"], None, "03-05"),
        (["03/05/2026 09:30"], "month_first", "03-05"),
        (["03/05/2026 09:30"], "day_first", "05-03"),
        (["03/05/2026 09:30", "03/26/2026 09:30"], None, "03-05"),
        (["05/03/2026 09:30", "26/03/2026 09:30"], None, "03-05"),
    ],
)
def test_which_number_is_the_month_the_file_tells(read: Read, times: list[str], order: str | None, found: str) -> None:
    _, bars = read(write_minutes(*times), "NVDA.csv", ticker="NVDA", date_order=order)
    assert tell(bars)[1].startswith(f"2026-{found} 09:30")


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (["03/05/2026 09:30", "03/06/2026 09:30"], "no date in the file tells whether day or month comes first"),
        (["03/26/2026 09:30", "26/03/2026 09:30"], "has the month first and '26/03/2026 09:30' the day"),
        (["26-03-26 09:30"], "a timestamp that is no time"),  # of three orders
    ],
)
def test_dates_that_do_not_tell_are_refused(read: Read, times: list[str], said: str) -> None:
    with pytest.raises(GoldError, match=said):
        read(write_minutes(*times), "NVDA.csv", ticker="NVDA")


def test_a_flat_file_as_it_is_downloaded(tmp_path: Path) -> None:
    text = "ticker,open,close,high,low,window_start\nNVDA,1,2,4,0.5,1774531800000000000\n"
    (tmp_path / "day.csv.gz").write_bytes(gzip.compress(text.encode()))
    import_bars(tmp_path / "day.csv.gz", tmp_path / "out.parquet")
    assert tell(pl.read_parquet(tmp_path / "out.parquet"))[:3] == ("NVDA", MINUTE, 1.0)
    (tmp_path / "day.csv.gz").write_bytes(gzip.compress(text.encode())[:30])
    with pytest.raises(GoldError, match=r"no whole gzip file|cannot be read as market data"):
        import_bars(tmp_path / "day.csv.gz", tmp_path / "out.parquet")


def test_times_that_nobody_reads_are_told_how_to_be_written(read: Read) -> None:
    with pytest.raises(GoldError, match=r"times are read as 2013-10-04 09:30:00, with an offset or without"):
        read("ticker,time,open,high,low,close\nA,26 Mar 2026 09:30,1,1,1,1\n")


def test_epochs_in_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame({"symbol": ["BRK B"], "timestamp": [1774531800000]})
    frame.with_columns(open=1.0, high=1.0, low=1.0, close=1.0).write_parquet(tmp_path / "bars.parquet")
    import_bars(tmp_path / "bars.parquet", tmp_path / "out.parquet")
    assert tell(pl.read_parquet(tmp_path / "out.parquet"))[:2] == ("BRK.B", MINUTE)


BARE = "time,open,high,low,close\n1774531800,1,1,1,1\n"


@pytest.mark.parametrize(("name", "message"), [("bars.csv", "its name holds none"), ("AMD_NVDA.csv", "several of the")])
def test_bars_that_name_no_ticker(read: Read, name: str, message: str) -> None:
    with pytest.raises(GoldError, match=f"has no column of tickers.*{message}.*--bars-ticker NVDA"):
        read(BARE, name, tickers=["AMD", "NVDA"])


def test_tickers_side_by_side(read: Read) -> None:
    text = "Price,Close,Close,Open,Open\nTicker,AMD,NVDA,AMD,NVDA\nDatetime,,,,\n2026-03-26 13:30:00+00:00,2,2,1,1\n"
    with pytest.raises(GoldError, match="several tickers side by side"):
        read(text)


def test_bars_of_other_tickers_are_named(read: Read) -> None:
    with pytest.raises(GoldError, match="they are of QQQ; wanted: AMD"):
        read(BARE, ticker="QQQ", tickers=["AMD"])


def test_several_files_become_one(read: Read, tmp_path: Path) -> None:
    parts = []
    reports = []
    for number, day in enumerate(("2026-03-26", "2026-03-27")):
        price = 100 / (number + 1)
        rows = [f"A,{day} 09:3{minute},{price},{price},{price},{price}" for minute in range(3 + number)]
        rows += ["A,2026-03-26 09:30,7,7,7,7", "B,2026-03-26 09:30,7,7,7,7"] if number else []
        reports.append(read("\n".join(["ticker,timestamp,open,high,low,close", *rows]))[0])
        parts.append((tmp_path / "out.parquet").rename(tmp_path / f"part{number}"))
    report = merge_bars(parts, tmp_path / "all.parquet", reports)
    bars = pl.read_parquet(tmp_path / "all.parquet")
    assert (report.bars, bars.height, report.rows_in, report.tickers) == (8, 8, 9, ["A", "B"])
    assert bars.select("ticker", "timestamp").is_unique().all()
    assert bars["open"][0] == 100
    assert report.kinds["minute that an earlier file has too (left out)"] == 1
    assert report.jumps == [("A", date(2026, 3, 27), Fraction(2))]


@pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases are not here: {CASES}")
@pytest.mark.parametrize(
    ("name", "ticker", "first"),
    [
        ("c50_bars_yfinance.csv", "NVDA", ("NVDA", MINUTE, 6.2, 6.7, 6.1, 6.3, 1000.0)),
        ("c51_bars_polygon_flatfile.csv", None, ("NAVN", MINUTE, 12.0, 13.2, 11.0, 12.1, 4930.0)),
        ("c52_bars_tradingview.csv", "NAVN", ("NAVN", MINUTE, 12.0, 13.2, 11.0, 12.1, 1000.0)),
        ("c53_bars_alpaca.csv", None, ("NAVN", MINUTE, 12.0, 13.2, 11.0, 12.1, 1000.0)),
        ("c54_bars_stooq.txt", None, ("NAVN", MINUTE.replace("09", "10", 1), 12.0, 13.2, 11.0, 12.1, 1000.0)),
    ],
)
def test_the_cases(tmp_path: Path, name: str, ticker: str | None, first: tuple[object, ...]) -> None:
    import_bars(CASES / name, tmp_path / "out.parquet", ticker=ticker)
    assert tell(pl.read_parquet(tmp_path / "out.parquet")) == first

"""A bars file in, the same bars with every indicator out; and what is said to a person whose file cannot be used."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from gold_data.markets import read_options
from indicators.bars_file import attach_to_bars_file
from indicators.errors import IndicatorError
from indicators.technicals import INDICATORS, attach_technicals

MakeBars = Callable[..., pl.DataFrame]
HEADER = "ticker,timestamp,open,high,low,close,volume\n"
GOOD = "IBM,2024-03-05T09:30:00-05:00,10,11,9,10.5,100\n"


def test_every_bar_gets_every_indicator(make_bars: MakeBars, tmp_path: Path) -> None:
    bars = pl.concat([make_bars([10.0] * 60, "SPY"), make_bars([11.0] * 3, "AIG")])
    bars.write_parquet(tmp_path / "bars.parquet")
    summary = attach_to_bars_file(tmp_path / "bars.parquet", tmp_path / "out.parquet")
    assert pl.read_parquet(tmp_path / "out.parquet").equals(attach_technicals(bars, INDICATORS))
    assert (summary.tickers, summary.bars, summary.nulls["ema_9"]) == (("AIG", "SPY"), 63, 8 + 3)
    assert "63 bars of AIG, SPY, 2024-03-05 09:30 to 2024-03-05 10:29" in str(summary)


def test_csv_and_parquet_hold_the_same(make_bars: MakeBars, tmp_path: Path) -> None:
    bars, csv = make_bars([10.0] * 30), tmp_path / "bars.csv"
    bars.with_columns(pl.col("timestamp").dt.to_string("iso:strict")).sort("timestamp", descending=True).write_csv(csv)
    attach_to_bars_file(csv, tmp_path / "out.csv")
    floats = dict.fromkeys(INDICATORS, pl.Float64)
    written = pl.read_csv(tmp_path / "out.csv", try_parse_dates=True, schema_overrides=floats)
    expected = attach_technicals(bars, INDICATORS)
    assert written.with_columns(pl.col("timestamp").dt.convert_time_zone("America/New_York")).equals(expected)


@pytest.mark.parametrize(
    "stamp", ["2024-03-05T14:30:00Z", "2024-03-05T06:30:00-08:00", "2024-03-05 09:30", "2024-03-05T09:30:00"]
)
def test_times_are_put_on_the_exchange_clock(stamp: str, tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(f"{HEADER}IBM,{stamp},10,11,9,10.5,100\n")
    attach_to_bars_file(tmp_path / "bars.csv", tmp_path / "out.parquet")
    written = pl.read_parquet(tmp_path / "out.parquet").get_column("timestamp")
    assert (written.dtype, f"{written[0]:%H:%M}") == (pl.Datetime("us", "America/New_York"), "09:30")


def test_naive_times_are_noted(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(f"{HEADER}IBM,2024-03-05 09:30,10,11,9,10.5,100\n")
    assert "read as exchange time" in str(attach_to_bars_file(tmp_path / "bars.csv", tmp_path / "out.csv"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (HEADER, "a header and no rows"),
        ("ticker,time\nIBM,1\n", "missing columns: timestamp"),
        (HEADER + GOOD + GOOD, "1 bars stand twice .* IBM 2024-03-05 09:30"),
        (
            HEADER + GOOD.replace("10.5", "nan"),
            r"1 of 1 rows have values missing or not finite: row 1 after the header \(IBM",
        ),
        (HEADER + GOOD.replace("10.5", "inf"), "not finite"),
        (HEADER + GOOD.replace("10.5", "abc"), "row 1 after the header .*abc"),
        (HEADER + GOOD.replace("10.5", ""), "missing or not finite"),
        (HEADER + GOOD.replace("10.5", "12"), "low or high crossed"),
        (HEADER + GOOD.replace(",9,", ",-9,"), "prices not above 0"),
        (HEADER + GOOD.replace("2024-03-05T", "yesterday "), "no time"),
        ("PAR1 and then nothing of the kind", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(text)
    with pytest.raises(IndicatorError, match=message):
        attach_to_bars_file(tmp_path / "bars.csv", tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["bars.csv"]


def test_binary_garbage(tmp_path: Path) -> None:
    (tmp_path / "bars.parquet").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(IndicatorError, match="cannot be read as one-minute bars"):
        attach_to_bars_file(tmp_path / "bars.parquet", tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        ("missing.csv", "out.csv", "no such file"),
        (".", "out.csv", "is a directory"),
        ("bars.csv", "out.xlsx", r"should end in .parquet or .csv"),
        ("bars.csv", "nowhere/out.csv", "its directory does not exist"),
        ("bars.csv", "folder.csv", "this is a directory"),
        ("bars.csv", "bars.csv", "is the bars file itself"),
    ],
)
def test_a_path_that_cannot_be_used(source: str, out: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(HEADER + GOOD)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IndicatorError, match=message):
        attach_to_bars_file(tmp_path / source, tmp_path / out)


def test_vwap_follows_the_market(tmp_path: Path) -> None:
    night = [
        f"BTCUSDT,2025-03-08T0{hour}:{minute:02d}:00+00:00,100,102,99,101,5" for hour in (3, 4) for minute in (0, 1)
    ]
    source = tmp_path / "night.csv"
    source.write_text("\n".join(["ticker,timestamp,open,high,low,close,volume", *night]) + "\n", encoding="utf-8")
    for number, (market, known) in enumerate((("24/7", 4), ("XNYS", 0))):
        out = tmp_path / f"{number}.parquet"
        attach_to_bars_file(source, out, read_options([market]))
        assert pl.read_parquet(out).get_column("vwap_session").count() == known


def test_dates_are_bars_of_whole_days(tmp_path: Path) -> None:
    days = [f"2024-03-{day:02d}" for day in range(1, 29)]
    prices = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 100.0}
    source, out = tmp_path / "days.csv", tmp_path / "out.parquet"
    pl.DataFrame({"ticker": ["A"] * len(days), "timestamp": days}).with_columns(
        pl.lit(value).alias(name) for name, value in prices.items()
    ).write_csv(source)
    said = str(attach_to_bars_file(source, out))
    valued = pl.read_parquet(out)
    assert "read as bars of whole days" in said
    assert valued["timestamp"].dt.date().cast(pl.String).to_list() == days
    assert valued["atr_14"].drop_nulls().to_list() == pytest.approx([2.0] * (len(days) - 13))
    assert valued["vwap_session"].null_count() == len(days)  # midnight lies in no session

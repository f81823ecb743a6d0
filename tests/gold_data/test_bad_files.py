"""Files that cannot be used: one clear message, never a traceback of a library."""

import os
from pathlib import Path

import polars as pl
import pytest

from gold_data.bars import read_bars
from gold_data.errors import GoldError
from gold_data.trades.ingest import read_gold
from gold_data.trades.schema import CORE_FIELDS

HEADERS = {"trades": ",".join(CORE_FIELDS), "bars": "ticker,timestamp,open,high,low,close,volume"}


def read_file(kind: str, file: Path) -> object:
    return read_gold(file, None) if kind == "trades" else read_bars(file)


@pytest.mark.parametrize("kind", ["trades", "bars"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        (b"", "is empty"),
        (b"\n\n", "only blank lines|cannot be read"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "neither Parquet nor CSV"),
        (b"\xff\xfet\0i\0c\0k\0e\0r\0", "neither Parquet nor CSV"),
        (b"ticker\n\xff\xfe\n", "neither Parquet nor CSV"),
        (b"PAR1 but no more", "begins as Parquet does"),
        (b"ticker;timestamp;entry_time\n1;2;3\n", "missing columns"),
    ],
)
def test_content_nobody_can_read(tmp_path: Path, kind: str, content: bytes | None, message: str) -> None:
    file = tmp_path / "my.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(GoldError, match=message) as caught:
        read_file(kind, file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["trades", "bars"])
def test_a_directory(tmp_path: Path, kind: str) -> None:
    with pytest.raises(GoldError, match="is a directory"):
        read_file(kind, tmp_path)


@pytest.mark.parametrize("kind", ["trades", "bars"])
def test_a_pipe_that_would_be_waited_for(tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(GoldError, match="is no regular file"):
        read_file(kind, tmp_path / "pipe")


@pytest.mark.parametrize("kind", ["trades", "bars"])
def test_a_header_alone(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "my.csv"
    file.write_text(HEADERS[kind] + "\n")
    with pytest.raises(GoldError, match=r"holds a header but no trades|none of its 0 rows"):
        read_file(kind, file)


def test_missing_columns_are_named_with_the_closest(tmp_path: Path) -> None:
    file = tmp_path / "my.csv"
    file.write_text(HEADERS["trades"].replace("entry_price", "entry price").replace("best_exit_percent", "mfe") + "\n")
    with pytest.raises(GoldError) as caught:
        read_gold(file, None)
    assert "missing columns: entry_price (is it `entry price`?), best_exit_percent; found: ticker," in str(caught.value)


def test_columns_named_twice(tmp_path: Path) -> None:
    file = tmp_path / "my.csv"
    file.write_text(HEADERS["trades"] + ",ticker\n")
    with pytest.raises(GoldError, match="columns named twice: ticker"):
        read_gold(file, None)


def test_bars_whose_timestamps_are_broken_numbers(tmp_path: Path) -> None:
    file = tmp_path / "bars.parquet"
    row = {
        "ticker": "IBM",
        "timestamp": 1380893400.5,
        "open": 1.0,
        "high": 1.0,
        "low": 1.0,
        "close": 1.0,
        "volume": 1.0,
    }
    pl.DataFrame([row]).write_parquet(file)
    with pytest.raises(GoldError, match="column timestamp is Float64; give dates with times"):
        read_bars(file)


def test_bars_of_which_none_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    file.write_text(HEADERS["bars"] + "\nIBM,soon,1,1,1,1,1\n")
    with pytest.raises(GoldError, match=r"none of its 1 rows is a bar that can be used. bars.csv: dropped 1 of 1 bars"):
        read_bars(file)


def test_bars_with_a_torn_line(tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    file.write_text(HEADERS["bars"] + "\nIBM,2013-10-04 09:30,1,1,1,1,1,1\n")
    with pytest.raises(GoldError, match="more fields than defined"):
        read_bars(file)

"""Context for a bars file by itself: what is written, what is said, and what is refused."""

import json
from pathlib import Path

import polars as pl
import pytest

from indicators.errors import IndicatorError
from indicators.vpa.bars_file import attach_context_to_bars_file
from indicators.vpa.context import build_context
from tests.indicators.vpa.walks import calm_rows, make_walk, tell_bars


@pytest.fixture
def bars_file(tmp_path: Path) -> Path:
    path = tmp_path / "bars.parquet"
    pl.concat([make_walk(100, 1, "A"), make_walk(100, 2, "B")]).write_parquet(path)
    return path


def test_parquet_holds_the_context(bars_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "context.parquet"
    said = str(attach_context_to_bars_file(bars_file, out)).splitlines()
    assert pl.read_parquet(out).equals(build_context(pl.read_parquet(bars_file)))
    assert said[:2] == [f"{out}: 100 rows of context from 200 bars", "1m 100"]
    assert "HOLD" in said[2]


def test_lines_hold_the_same_rows(bars_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "context.jsonl"
    attach_context_to_bars_file(bars_file, out, ("1m", "15m"))
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    rows = build_context(pl.read_parquet(bars_file), ("1m", "15m")).rows(named=True)
    assert len(lines) == len(rows)
    assert lines[7]["timestamp"] == rows[7]["timestamp"].isoformat()
    assert lines[7]["vpa_metrics"] == rows[7]["vpa_metrics"]


def test_bars_of_midnight_are_days(tmp_path: Path) -> None:
    source, out = tmp_path / "days.parquet", tmp_path / "out.parquet"
    make_walk(500, 3, every="1d").write_parquet(source)
    assert set(attach_context_to_bars_file(source, out).rows) == {"1d", "1w"}


def test_too_few_bars_and_dropped_bars_are_said(tmp_path: Path) -> None:
    source, out = tmp_path / "bars.csv", tmp_path / "out.parquet"
    bars = tell_bars([*calm_rows(40), (100.0, 99.0, 101.0, 100.0, 1.0)])
    bars.with_columns(pl.col("timestamp").dt.to_string("iso:strict")).write_csv(source)
    assert str(attach_context_to_bars_file(source, out)).splitlines() == [
        f"{out}: 0 rows of context from 40 bars",
        "no bar has 50 bars of its ticker before it, which a context needs",
        "bars.csv: dropped 1 of 41 bars: low or high crossed by another price",
    ]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("out.csv", r"should end in \.parquet or \.jsonl"),
        ("nowhere/out.parquet", "its directory does not exist"),
        ("bars.parquet", "is the bars file itself"),
    ],
)
def test_files_that_cannot_be_written_are_refused(out: str, message: str, bars_file: Path) -> None:
    with pytest.raises(IndicatorError, match=message):
        attach_context_to_bars_file(bars_file, bars_file.parent / out)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndicatorError, match="there is no such file"):
        attach_context_to_bars_file(tmp_path / "bars.csv", tmp_path / "out.parquet")


def test_minutes_said_to_be_days_leave_no_file(bars_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    with pytest.raises(IndicatorError, match="do not start where bars of 1d do"):
        attach_context_to_bars_file(bars_file, out, ("1d", "1w"))
    assert not out.exists()

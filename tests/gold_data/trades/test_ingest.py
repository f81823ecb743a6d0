"""Reading gold trades: what is converted, what is refused, and that nothing is lost."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gold_data.errors import GoldError
from gold_data.store import Gold
from gold_data.trades.ingest import read_gold
from gold_data.trades.schema import CORE_FIELDS, GoldTrades

HEADER = ",".join(CORE_FIELDS)
BUY = "IBM,buy,2013-10-04T10:06:00-04:00,2013-10-04T10:22:00-04:00,184.2,184.53,0.096,-0.005,0.293"
SHORT = "SPY,short,2013-10-04T10:20:00-04:00,2013-10-04T10:34:05-04:00,168.33,168.47,0.049,-0.083,0.053"
MONDAY = "IBM,buy,2013-10-07T10:06:00-04:00,2013-10-07T10:22:00-04:00,184.2,184.53,0.096,-0.005,0.293"


def read_lines(folder: Path, *lines: str, header: str = HEADER) -> Gold:
    file = folder / "my.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return read_gold(file, None)


def list_rejected(gold: Gold) -> list[tuple[int, str, str, str]]:
    return gold.rejected.select("line", "rule", "field", "found").rows()


def test_trades_as_they_are_kept(tmp_path: Path) -> None:
    gold = read_lines(tmp_path, SHORT, BUY)
    assert gold.rows.columns == GoldTrades.column_names()
    assert gold.rows["trade_id"].to_list() == ["gold-0001", "gold-0002"]
    assert gold.rows["session_date"].to_list() == [date(2013, 10, 4)] * 2
    assert gold.rows["exit_time"][0] == datetime(2013, 10, 4, 14, 34, 5, tzinfo=UTC)
    assert gold.rows.schema["exit_time"] == pl.Datetime("us", "America/New_York")
    assert gold.rows["trade_percent_change"].to_list() == pytest.approx([-0.083170, 0.179153], abs=1e-6)
    assert (gold.bars, gold.rejected.height) == (None, 0)


@pytest.mark.parametrize(
    ("entry", "notes"),
    [
        ("2013-10-04T10:06:00-04:00", []),
        ("2013-10-04T14:06:00Z", []),
        ("2013-10-04 14:06:00+0000", []),
        ("2013-10-04 10:06", ["my.csv: times of 1 rows without an offset were read as exchange time"]),
        ("2013-10-04T07:06:00.75-07:00", ["my.csv: times of 1 rows had parts of a second, which were cut off"]),
    ],
)
def test_times(tmp_path: Path, entry: str, notes: list[str]) -> None:
    gold = read_lines(tmp_path, BUY.replace("2013-10-04T10:06:00-04:00", entry), MONDAY)
    assert gold.rows["entry_time"][0] == datetime(2013, 10, 4, 14, 6, tzinfo=UTC)
    assert gold.notes == notes


def test_a_byte_order_mark_blanks_and_spaces(tmp_path: Path) -> None:
    gold = read_lines(tmp_path, "", BUY.replace(",", " , "), ",,,,,,,,", SHORT, "", header="\ufeff" + HEADER)
    assert gold.rows["ticker"].to_list() == ["IBM", "SPY"]
    assert gold.rows["trade_id"].to_list() == ["gold-0001", "gold-0002"]


def test_columns_in_any_order_and_foreign_ones(tmp_path: Path) -> None:
    names = ["mood", *reversed(CORE_FIELDS)]
    gold = read_lines(tmp_path, ",".join(["calm", *reversed(BUY.split(","))]), header=",".join(names))
    assert gold.rows["ticker"].to_list() == ["IBM"]
    assert gold.notes[0] == "my.csv: columns not read: mood"


@pytest.mark.parametrize(
    ("old", "new", "rejected"),
    [
        (",184.2,", ",abc,", ("schema", "entry_price", "abc")),
        (",184.2,", ",,", ("schema", "entry_price", "missing")),
        (",184.2,", ",-184.2,", ("positive_price", "entry_price", "-184.2")),
        (",0.096,", ",nan,", ("finite", "entry_volatility_percent", "nan")),
        (",buy,", ",long,", ("schema", "trade_type", "long")),
        ("2013-10-04T10:06:00-04:00", "10:06:00", ("schema", "entry_time", "10:06:00")),
        (
            "2013-10-04T10:06:00-04:00",
            "0001-01-01T00:00:00+14:00",
            ("schema", "entry_time", "0001-01-01T00:00:00+14:00"),
        ),
        ("2013-10-04T10:06:00-04:00", "2013-10-04T09:06:00-04:00", ("session_hours", "entry_time", "09:06:00")),
        (
            "2013-10-04T10:22:00-04:00",
            "2013-10-04T10:02:00-04:00",
            ("exit_after_entry", "entry_time, exit_time", "10:02:00"),
        ),
        (",-0.005,", ",0.2,", ("excursion_bounds", "worst_exit_percent", "0.2")),
        (",0.293", ",0.293,9", ("schema", "row", "10 values")),
        (",0.293", "", ("schema", "row", "8 values")),
    ],
)
def test_a_bad_row_is_listed_with_its_line(tmp_path: Path, old: str, new: str, rejected: tuple[str, str, str]) -> None:
    assert old in BUY
    gold = read_lines(tmp_path, SHORT, "", BUY.replace(old, new), MONDAY)
    assert list_rejected(gold) == [(4, *rejected)]
    assert gold.rows["trade_id"].to_list() == ["gold-0001", "gold-0003"]
    assert {"IBM", "184.53"} <= set(json.loads(gold.rejected["row"][0]).values())


def test_every_broken_rule_of_a_row_is_listed(tmp_path: Path) -> None:
    bad = "IBM,hold,10:06:00,2013-10-05T10:22:00-04:00,x,0,0,-0.005,0.293,much"
    gold = read_lines(tmp_path, BUY + ",0.179", bad, header=HEADER + ",trade_percent_change")
    assert [(rule, field) for _, rule, field, _ in list_rejected(gold)] == [
        ("schema", "entry_time"),
        ("schema", "trade_percent_change"),
        ("schema", "trade_type"),
        ("schema", "entry_price"),
        ("positive_price", "exit_price"),
        ("session_hours", "exit_time"),
        ("positive_volatility", "entry_volatility_percent"),
    ]


@pytest.mark.parametrize(
    ("stated", "kept"), [("0.179", 1), ("", 1), ("0.19", 1), ("0.2", 0), ("-0.179", 0), ("nan", 0)]
)
def test_a_stated_percent_is_compared_and_computed_anew(tmp_path: Path, stated: str, kept: int) -> None:
    gold = read_lines(tmp_path, f"{BUY},{stated}", SHORT + ",", header=HEADER + ",trade_percent_change")
    assert gold.rows.height == 1 + kept
    assert list_rejected(gold) == [
        (2, "exit_sign", "trade_percent_change, trade_type, entry_price, exit_price", stated)
    ] * (1 - kept)
    assert gold.rows["trade_percent_change"][0] == pytest.approx(0.179153 if kept else -0.083170, abs=1e-6)


def test_a_row_that_is_there_twice(tmp_path: Path) -> None:
    gold = read_lines(tmp_path, BUY, SHORT, BUY.replace("184.2,", "184.20,"), MONDAY)
    assert list_rejected(gold) == [(4, "duplicate", "row", "the same as line 2")]
    assert gold.rows.height == 3


def write_overnight(count: int, of: int) -> list[str]:
    minutes = range(of)
    entries = [f"2013-10-04T{10 + minute // 60}:{minute % 60:02d}:00-04:00" for minute in minutes]
    exits = ["2013-10-07T09:45:00-04:00" if minute < count else "2013-10-04T15:00:00-04:00" for minute in minutes]
    return [f"IBM,buy,{start},{end},184.2,184.53,0.096,-0.005,0.293" for start, end in zip(entries, exits, strict=True)]


def test_a_gold_that_holds_overnight(tmp_path: Path) -> None:
    gold = read_lines(tmp_path, *write_overnight(2, of=100))
    assert (gold.rows.height, gold.rejected.height) == (100, 0)
    assert gold.rows["exit_time"].dt.date().to_list()[:3] == [date(2013, 10, 7)] * 2 + [date(2013, 10, 4)]


def test_a_rare_exit_on_a_later_day_is_a_slip(tmp_path: Path) -> None:
    gold = read_lines(tmp_path, *write_overnight(1, of=100))
    assert list_rejected(gold) == [(2, "exit_after_entry", "entry_time, exit_time", "09:45:00 on 2013-10-07")]


def test_parquet_with_types_of_its_own(tmp_path: Path) -> None:
    wanted = read_lines(tmp_path, BUY, SHORT)
    file = tmp_path / "my.parquet"
    utc = pl.col("entry_time", "exit_time").dt.convert_time_zone("UTC")
    wanted.rows.with_columns(utc, pl.col("exit_price").cast(pl.Decimal(9, 2))).write_parquet(file)
    gold = read_gold(file, None)
    assert gold.rows.equals(wanted.rows)
    assert not any("columns not read" in note for note in gold.notes)


def test_a_bad_row_of_a_parquet_file(tmp_path: Path) -> None:
    trades = read_lines(tmp_path, BUY, SHORT).rows.select(CORE_FIELDS)
    file = tmp_path / "my.parquet"
    trades.with_columns(exit_price=pl.Series([None, 168.47])).write_parquet(file)
    assert list_rejected(read_gold(file, None)) == [(2, "schema", "exit_price", "missing")]


def test_one_session_is_noted(tmp_path: Path) -> None:
    assert "so none can be held out" in read_lines(tmp_path, BUY, SHORT).notes[-1]
    assert read_lines(tmp_path, BUY, MONDAY).notes == []


def test_trades_without_bars_are_counted(tmp_path: Path) -> None:
    read_lines(tmp_path, BUY, SHORT, MONDAY)
    (tmp_path / "bars.csv").write_text(
        "ticker,timestamp,open,high,low,close,volume\nIBM,2013-10-04T09:30:00-04:00,184,184,184,184,100\n"
    )
    gold = read_gold(tmp_path / "my.csv", tmp_path / "bars.csv")
    assert gold.rows.height == 3
    assert gold.notes == [
        "2 of 3 trades have no bars of their ticker and session; the first is gold-0002, SPY on 2013-10-04"
    ]


def test_nothing_left_says_why(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match=r"all 2 rows break a rule; the first is line 2: trade_type long, rule schema"):
        read_lines(tmp_path, BUY.replace("buy", "long"), SHORT.replace("short", "long"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.lists(st.text(max_size=6), min_size=9, max_size=9), max_size=4))
def test_no_row_is_lost_whatever_it_holds(tmp_path: Path, cells: list[list[str]]) -> None:
    quoted = [",".join(f'"{cell.replace(chr(34), "")}"' for cell in row) for row in cells]
    file = tmp_path / "wild.csv"
    file.write_bytes("\n".join([HEADER, BUY, *quoted]).encode("utf-8", "replace").replace(b"\0", b"0"))
    gold = read_gold(file, None)
    filled = sum(any(cell.replace('"', "").replace("\0", "0").strip() for cell in row) for row in cells)
    assert gold.rows.height + gold.rejected["line"].n_unique() == 1 + filled

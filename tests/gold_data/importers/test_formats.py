"""Each format on a file written from its documentation, with its traps in it."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from gold_data.importers import (
    FORMATS,
    ImportedFile,
    LogOptions,
    RejectedRow,
    detect_format,
    import_file,
    import_files,
    trips_to_frame,
)

FIXTURES = Path(__file__).with_name("fixtures")
NEW_YORK = ZoneInfo("America/New_York")

Told = tuple[int, str, str, str, str, float, float, float]


# What is known of a log beside what it says.
KNOWN: dict[str, dict[str, Any]] = {
    "tradingview.csv": {"ticker": "SPY"},
    "backtesting_py.csv": {"ticker": "SPY"},
    "das.csv": {"day": date(2026, 3, 17)},
}


def read(name: str, zone: str | None = None) -> ImportedFile:
    mapping = (FIXTURES / name).with_suffix(".yaml")
    options = LogOptions(zone=zone, mapping=mapping if mapping.exists() else None, **KNOWN.get(name, {}))
    return import_files([FIXTURES / name], options)[0]


def tell(file: ImportedFile) -> list[Told]:
    return [
        (
            trip.source_line,
            trip.ticker,
            trip.trade_type,
            trip.entry_time.astimezone(NEW_YORK).strftime("%d %H:%M:%S"),
            trip.exit_time.astimezone(NEW_YORK).strftime("%d %H:%M:%S"),
            round(trip.entry_price, 6),
            round(trip.exit_price, 6),
            trip.quantity,
        )
        for trip in file.trips
    ]


def test_thinkorswim() -> None:
    file = read("thinkorswim.csv")
    assert tell(file) == [
        (26, "SOXL", "buy", "09 09:31:12", "09 10:10:00", 20.25, 20.5, 400.0),
        (21, "PLUG", "short", "11 11:02:00", "11 11:05:30", 1.0, 0.95, 1200.0),
    ]
    assert file.rejected == [
        RejectedRow(23, "not_a_stock", "SPY CALL"),
        RejectedRow(24, "not_a_stock", "SPY CALL"),
        RejectedRow(25, "close_without_open", "75 TSLA"),
    ]
    assert file.open_positions == ["HOOD: 50 bought since 2025-06-13 15:58:00-04:00 (line 20) is left open at the end"]
    assert (file.rows_in, file.rows_used, file.rows_open, file.duplicates) == (11, 7, 1, [])
    assert any("rows that repeat another in every cell: 1" in note for note in file.notes)


def test_thinkorswim_in_another_zone() -> None:
    assert tell(read("thinkorswim.csv", "America/Chicago"))[0][3] == "09 10:31:12"


def test_ninjatrader_in_dollars() -> None:
    file = read("ninjatrader_us.csv")
    assert tell(file) == [
        (2, "SOXL", "buy", "09 09:31:12", "09 09:45:00", 20.0, 20.1, 200.0),
        (3, "SOXL", "short", "09 12:05:00", "09 12:30:00", 20.1, 20.12, 100.0),
        (4, "ES 06-25", "buy", "10 10:00:00", "10 10:30:00", 6000.0, 6010.0, 2.0),
        (5, "ES 06-25", "short", "10 11:00:00", "10 11:10:00", 6010.0, 6012.0, 1.0),
    ]
    assert (file.duplicates, file.rejected) == ([6], [RejectedRow(7, "position", "Flat; limit: one of long, short")])


def test_ninjatrader_excursions_in_dollars_become_percent() -> None:
    stated = [trip.stated for trip in read("ninjatrader_us.csv").trips]
    assert stated[0] == pytest.approx({"worst_exit_percent": -0.2, "best_exit_percent": 0.8})
    assert stated[1] == pytest.approx({"worst_exit_percent": -0.2, "best_exit_percent": 0.0})
    # A point of ES is worth 50 dollars, and its profits are told after commission.
    assert stated[2] == pytest.approx({"worst_exit_percent": -300 / 600_000 * 100, "best_exit_percent": 0.2})


def test_ninjatrader_excursions_of_an_instrument_whose_profits_disagree(tmp_path: Path) -> None:
    log = tmp_path / "trades.csv"
    log.write_text((FIXTURES / "ninjatrader_us.csv").read_text().replace("$20.00,$20.00", "$23.00,$23.00"))
    assert [bool(trip.stated) for trip in import_file(log).trips] == [False, False, True, True]


def test_ninjatrader_day_first_in_percent() -> None:
    file = read("ninjatrader_day_first.csv", "Europe/Berlin")
    assert tell(file) == [
        (2, "SOXL", "buy", "09 09:31:12", "09 09:45:00", 20.0, 20.1, 100.0),
        (3, "SOXL", "short", "13 10:00:00", "13 10:05:00", 20.1, 20.12, 1000.0),
    ]
    assert file.trips[0].stated == {"worst_exit_percent": -0.2, "best_exit_percent": 0.75}


def test_flex_query() -> None:
    file = read("flex_plain.csv")
    assert tell(file) == [
        (4, "IBM", "buy", "09 09:35:00", "09 10:15:00", 270.5, 271.0, 100.0),
        (6, "IBM", "short", "09 10:15:00", "09 10:45:00", 271.0, 270.0, 150.0),
    ]
    assert [(row.line, row.rule) for row in file.rejected] == [(10, "not_a_stock")]
    assert [(row.line, row.rule) for row in file.not_fills] == [(line, "not_an_execution") for line in (2, 3, 11)]
    assert (file.duplicates, file.rows_open) == ([8], 1)


def test_flex_query_with_section_codes() -> None:
    file = read("flex_sections.csv")
    assert tell(file) == [(9, "AIG", "short", "09 09:40:00", "09 09:55:00", 80.5, 80.1, 100.0)]
    assert file.rows_in == 2


def test_a_canceled_execution_makes_the_position_uncertain(tmp_path: Path) -> None:
    log = tmp_path / "flex.csv"
    log.write_text((FIXTURES / "flex_plain.csv").read_text().replace('"C;O",""', '"C;O","Ca"'))
    file = import_file(log)
    rules = {row.line: row.rule for row in file.rejected}
    assert file.trips == []
    assert [rules[line] for line in (4, 5, 6, 7)] == ["after_unreadable"] * 2 + ["canceled", "after_unreadable"]


def test_alpaca_activities() -> None:
    file = read("alpaca_activities.json")
    assert tell(file) == [
        (5, "SOXL", "short", "09 09:30:00", "09 10:00:00", 20.6, 20.5, 10.0),
        (1, "HOOD", "buy", "09 10:30:00", "09 10:45:01", 72.077924, 72.4, 0.5),
    ]
    assert file.not_fills == [RejectedRow(4, "not_a_fill", "DIV")]
    assert file.rejected == [RejectedRow(8, "not_a_stock", "BTC/USD")]
    assert file.duplicates == [7]


def test_alpaca_orders() -> None:
    file = read("alpaca_orders.json")
    assert tell(file) == [(1, "SOXL", "buy", "09 09:31:12", "09 09:45:00", 20.105, 20.4, 100.0)]
    assert file.rejected == [
        RejectedRow(2, "close_without_open", "5 HOOD"),
        RejectedRow(3, "not_a_stock", "SPY250620C00600000"),
    ]
    assert file.not_fills == [RejectedRow(1, "not_filled", "canceled")]
    assert file.rows_in == 5


def test_platform_summary() -> None:
    file = read("platform_summary.csv")
    assert tell(file) == [
        (2, "SOXL", "short", "09 09:41:16", "09 09:52:18", 20.0, 20.3, 1.0),
        (3, "HOOD", "buy", "09 15:59:55", "09 16:00:00", 72.0, 71.9, 1.0),
    ]
    assert file.trips[1].stated == {
        "entry_volatility_percent": 0.05,
        "worst_exit_percent": -0.13,
        "best_exit_percent": -0.01,
        "trade_percent_change": -0.13,
    }
    assert (file.duplicates, file.rejected) == ([4], [RejectedRow(5, "direction", "long; limit: one of buy, short")])


def test_gold_in_our_own_columns() -> None:
    file = read("gold_table.csv")
    assert tell(file) == [
        (2, "IBM", "buy", "04 10:06:00", "04 10:09:00", 184.1, 184.2, 1.0),
        (3, "IBM", "short", "04 11:06:00", "04 11:09:00", 184.1, 184.2, 1.0),
    ]
    assert [sorted(trip.stated) for trip in file.trips] == [
        ["best_exit_percent", "entry_volatility_percent", "worst_exit_percent"],
        ["worst_exit_percent"],
    ]


def test_generic_round_trips() -> None:
    file = read("generic_trips.csv")
    assert tell(file) == [
        (2, "SOXL", "buy", "09 09:31:12", "09 09:45:00", 20.1, 20.4, 1000.0),
        (3, "HOOD", "short", "10 10:00:00", "10 10:10:00", 72.0, 72.5, 50.0),
    ]
    assert [trip.stated for trip in file.trips] == [{"worst_exit_percent": -0.25}, {"worst_exit_percent": -0.8}]


def test_generic_executions() -> None:
    assert tell(read("generic_fills.csv")) == [
        (2, "SOXL", "buy", "09 09:31:00", "09 09:40:00", 20.1, 20.3, 100.0),
        (3, "SOXL", "short", "09 09:40:00", "09 09:50:00", 20.3, 20.2, 50.0),
    ]


LOGS = sorted(path for path in FIXTURES.iterdir() if path.suffix != ".yaml")


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_rows_in_are_rows_accounted_for(path: Path) -> None:
    file = read(path.name)
    assert file.rows_in == file.rows_accounted
    assert file.format == (detect_format(path) if file.format != "generic" else "generic")


def test_every_format_has_a_fixture() -> None:
    assert {read(path.name).format for path in LOGS} == {*FORMATS, "generic"}


def test_trips_as_a_table() -> None:
    frame = trips_to_frame(read("platform_summary.csv").trips)
    assert frame["entry_time"].dtype == pl.Datetime("us", "America/New_York")
    assert frame["entry_time"][0] == datetime(2025, 6, 9, 13, 41, 16, tzinfo=UTC)
    assert frame["trade_percent_change"].round(4).to_list() == [-1.5, -0.1389]
    assert trips_to_frame(read("thinkorswim.csv").trips)["worst_exit_percent"].to_list() == [None, None]
    assert trips_to_frame([]).schema == frame.schema

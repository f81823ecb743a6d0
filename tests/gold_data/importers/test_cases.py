"""Logs as people have them: each file stands for a kind, and gives what a person who knows the platform expects."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gold_data.errors import GoldError
from gold_data.importers import ImportedFile, LogOptions, import_files
from tests.gold_data.importers.test_formats import NEW_YORK

CASES = Path(__file__).parents[3].parent / "shared" / "cases" / "gold"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases are not here: {CASES}")

Told = tuple[str, str, str, float, float]  # ticker, direction, entry, prices

# By file: what is known beside it, and its round trips.
TRIPS: dict[str, tuple[dict[str, Any], list[Told]]] = {
    "c01_tos_auto.csv": (
        {},
        [("NVDA", "short", "09:34:56", 167.1, 166.79), ("NVDA", "short", "10:08:41", 169.16, 168.5)],
    ),
    "c02_tos_closes_of_bracket_children.csv": (
        {},
        [
            ("KOD", "buy", "10:31:22", 35.22, 35.53),
            ("NAVN", "buy", "11:44:32", 11.35, 11.87),
            ("NAVN", "buy", "14:20:03", 12.9, 13.13),
        ],
    ),
    "c03_tos_filled_orders_today.csv": (
        {},
        [("SOFI", "buy", "09:50:00", 15.1, 15.3), ("INTC", "buy", "10:10:00", 20.0, 20.1)],
    ),
    "c05_ib_activity_statement.csv": (
        {},
        [("NOK", "buy", "13:31:38", 6.73, 7.45), ("NOK", "buy", "10:33:59", 4.775, 4.982)],
    ),
    "c06_flex_two_sections.csv": (
        {},
        [("AAPL", "buy", "10:00:00", 255.1, 256.3), ("MSFT", "buy", "11:00:00", 410.0, 409.1)],
    ),
    "c07_flex_bos_no_codes.csv": (
        {},
        [("AAPL", "buy", "10:00:00", 255.1, 256.3), ("MSFT", "buy", "11:00:00", 410.0, 409.1)],
    ),
    "c09_flex_tradecancel.csv": ({}, [("ACME", "buy", "10:30:00", 10.32, 10.5)]),
    "c11_side_column_other_name.csv": (
        {},
        [("TSLA", "buy", "10:00:00", 250.1, 251.3), ("TSLA", "short", "11:00:00", 252.0, 251.0)],
    ),
    "c12_alpaca_activities_prior_position.json": ({}, [("SPY", "buy", "11:00:00", 735.0, 737.0)]),
    "c13_alpaca_mleg.json": (
        {},
        [
            ("SPY", "buy", "09:40:00", 600.1, 601.1),
            ("QQQ", "buy", "12:00:00", 520.1, 521.1),
            ("SPY", "buy", "14:00:00", 602.1, 603.1),
        ],
    ),
    "c15_nt_executions.csv": ({}, [("SPY", "buy", "10:30:00", 602.0, 602.75)]),
    "c16_nt_bonds.csv": ({}, []),
    "c17_webull.csv": ({}, [("AAPL", "buy", "09:30:05", 150.0, 155.0), ("AMC", "short", "10:00:02", 5.31, 5.02)]),
    "c18_footer_disclaimer.csv": (
        {"mapping": "c18_map.yaml"},
        [("MSFT", "buy", "09:35:05", 450.0, 455.0), ("AAPL", "buy", "09:30:05", 150.0, 155.0)],
    ),
    "c21_tradovate_performance.csv": (
        {},
        [("MNQU6", "buy", "10:30:00", 20000.0, 20010.0), ("MNQU6", "short", "11:00:00", 20100.0, 20130.0)],
    ),
    "c22_das_trades_window.csv": ({"day": date(2026, 3, 17)}, [("ACME", "short", "09:41:00", 10.0, 9.625)]),
    "c24_mt5_report.html": ({}, [("US100", "buy", "08:50:36", 24861.0, 24878.0)]),
    "c25_float_tails.csv": (
        {},
        [
            ("AAPL", "buy", "10:00:00", 255.1, 256.3),
            ("MSFT", "buy", "11:00:00", 410.0, 409.1),
            ("MSFT", "buy", "12:00:00", 410.0, 411.0),
        ],
    ),
    "c27_alpaca_pages.jsonl": ({}, [("AAPL", "buy", "10:00:00", 255.1, 256.1)]),
    "c29_nt_french.csv": (
        {"zone": "Europe/Paris"},
        [("MNQ 12-26", "buy", "09:35:00", 20000.0, 20010.0), ("MNQ 12-26", "short", "10:05:00", 20050.0, 20060.0)],
    ),
    "c32_flex_orders_only.csv": ({}, [("AAPL", "buy", "10:50:00", 250.0, 251.0)]),
    "c33_flex_no_assetclass.csv": ({}, []),
    "c40_minute_ties_newest_first.csv": (
        {"mapping": "c40_map.yaml"},
        [("SPY", "buy", "09:55:00", 600.0, 600.4), ("SPY", "buy", "10:05:00", 600.5, 601.0)],
    ),
    "c42_tradervue_export.csv": (
        {"mapping": "c42_map.yaml"},
        [("NVDA", "buy", "09:41:02", 181.105, 181.905), ("NVDA", "short", "10:41:02", 182.105, 181.905)],
    ),
    "c44_ib_equal_fills_flip.csv": (
        {},
        [("ACME", "buy", "09:45:00", 10.0, 10.3), ("ACME", "short", "09:55:00", 10.3, 10.1)],
    ),
    "c56_split_overnight.csv": ({}, []),
    "c57_topstepx.csv": (
        {"mapping": "c57_map.yaml"},
        [("MNQZ6", "buy", "10:13:23", 21000.0, 21010.0), ("MNQZ6", "short", "10:33:23", 21020.0, 21010.0)],
    ),
    "c60_nt_european_week.csv": (
        {"zone": "Europe/Berlin", "date_order": "day_first"},
        [("ES SEP25", "buy", "09:48:21", 6387.5, 6383.5), ("ES SEP25", "short", "10:46:10", 6445.0, 6449.0)],
    ),
    "c61_flex_first_fill_in_file_short_with_oc.csv": (
        {},
        [("NVDA", "buy", "10:00:00", 170.0, 171.0), ("NVDA", "short", "10:30:00", 171.0, 170.5)],
    ),
}


def read(*names: str, **known: Any) -> list[ImportedFile]:
    mapping = CASES / known.pop("mapping") if "mapping" in known else None
    files = import_files([CASES / name for name in names], LogOptions(mapping=mapping, **known))
    assert all(file.rows_in == file.rows_accounted for file in files)
    return files


def tell(files: list[ImportedFile]) -> list[Told]:
    return [
        (
            trip.ticker,
            trip.trade_type,
            trip.entry_time.astimezone(NEW_YORK).strftime("%H:%M:%S"),
            round(trip.entry_price, 6),
            round(trip.exit_price, 6),
        )
        for file in files
        for trip in file.trips
    ]


@pytest.mark.parametrize("name", TRIPS)
def test_round_trips(name: str) -> None:
    known, trips = TRIPS[name]
    assert tell(read(name, **known)) == trips


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("c22_das_trades_window.csv", {}, "a time of day without a date; name the day with --date"),
        ("c24_ib_flex.xml", {}, "it is XML. Of Interactive Brokers export the Flex Query in the format CSV"),
        ("c38_robinhood.csv", {}, "a date without a time of day"),
        ("c60_nt_european_week.csv", {}, "--date-order day_first"),
        ("c42_tradervue_export.csv", {"mapping": "c57_map.yaml"}, "Columns it names and no line has: contractname"),
        ("c42_tradervue_export.csv", {"mapping": "nowhere.yaml"}, "no such file; give the path of a mapping"),
    ],
)
def test_refusals_say_what_to_do(name: str, known: dict[str, Any], message: str) -> None:
    with pytest.raises(GoldError, match=message):
        read(name, **known)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("c16_nt_bonds.csv", {"entry_price"}),
        ("c28_freqtrade.json", {"not_a_stock"}),
        ("c33_flex_no_assetclass.csv", {"not_a_stock"}),
        ("c56_split_overnight.csv", {"split_inside"}),
        ("c12_alpaca_activities_prior_position.json", {"close_without_open"}),
    ],
)
def test_what_is_no_trade_is_rejected_by_its_rule(name: str, rules: set[str]) -> None:
    assert {row.rule for row in read(name)[0].rejected} == rules


def test_shorts_that_may_be_sales_of_what_was_held() -> None:
    (file,) = read("c10_flex_transferred.csv")
    assert "a sale: 1, AMC (line 2)" in file.notes[-1]
    (told,) = read("c10_flex_transferred.csv", long_only=True)
    assert tell([told]) == [("AMC", "buy", "11:00:00", 4.2, 4.15)]


def test_files_of_one_account_are_one_log() -> None:
    files = read("c30_ib_jan.csv", "c30_ib_feb.csv")
    assert tell(files) == [
        ("MSFT", "buy", "10:00:00", 400.0, 401.0),
        ("AAPL", "buy", "15:50:00", 250.0, 252.0),
        ("AAPL", "buy", "10:05:00", 251.0, 253.0),
    ]
    overlapping = read("c46_a.csv", "c46_b.csv")
    assert tell(overlapping) == [("ACME", "buy", "09:45:00", 10.0, 10.2)]
    assert [file.duplicates for file in overlapping] == [[], [2, 3]]


def test_canceled_orders_cost_nothing() -> None:
    (file,) = read("c62_webull_593_with_cancelled.csv")
    assert (len(file.trips), len(file.not_fills), file.rejected) == (593, 19, [])


def test_no_note_of_zones_where_every_time_has_its_offset() -> None:
    assert not any(
        "zone" in note or "offset" in note for note in read(*["c57_topstepx.csv"], mapping="c57_map.yaml")[0].notes
    )

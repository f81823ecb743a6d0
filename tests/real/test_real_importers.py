"""A real platform's file imports with no hand editing."""

from pathlib import Path

import polars as pl
import pytest

from gold_data.importers import ImportedFile, detect_format, import_file, trips_to_frame

REAL = Path(__file__).parents[3] / "shared" / "real"
LOG = REAL / "platform_trades_2025-06-09.csv"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real inputs are not here: {REAL}")


@pytest.fixture(scope="module")
def log() -> ImportedFile:
    return import_file(LOG)


def test_every_row_is_accounted_for(log: ImportedFile) -> None:
    assert detect_format(LOG) == log.format == "platform_summary"
    assert (log.rows_in, len(log.trips), len(log.duplicates), log.rejected) == (297, 155, 142, [])


def test_distinct_trades_by_ticker_and_hour(log: ImportedFile) -> None:
    frame = trips_to_frame(log.trips)
    times = frame["entry_time"].dt.time()
    assert dict(frame.group_by("ticker").len().rows()) == {"SOXL": 71, "HOOD": 84}
    assert (str(times.min()), str(frame["exit_time"].dt.time().max())) == ("09:41:16", "15:57:01")


def test_the_stated_percent_is_the_computed_one_cut_to_two_decimals(log: ImportedFile) -> None:
    frame = trips_to_frame(log.trips)
    stated = pl.Series([trip.stated["trade_percent_change"] for trip in log.trips])
    assert (frame["trade_percent_change"] - stated).abs().max() < 0.0101  # type: ignore[operator]


def test_stated_volatility_is_within_what_such_tickers_have(log: ImportedFile) -> None:
    volatility = trips_to_frame(log.trips)["entry_volatility_percent"]
    assert volatility.null_count() == 0
    assert 0.1 < volatility.min() < volatility.max() < 0.8  # type: ignore[operator]

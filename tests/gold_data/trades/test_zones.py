"""The bars tell in which zone a log was written."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from gold_data.errors import GoldError
from gold_data.importers import LogOptions
from gold_data.trades.import_gold import BarsSource, import_gold
from gold_data.trades.zones import find_better_zone, say_better_zone

NEW_YORK = "America/New_York"
OPEN = datetime(2026, 3, 10, 13, 30, tzinfo=UTC)


def price_at(moment: datetime) -> float:
    """Give a price that no other minute of the day has."""
    return 100 + (moment - OPEN).total_seconds() / 600


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    minutes = [OPEN + timedelta(minutes=count) for count in range(390)]
    rows = [(minute, price_at(minute) - 0.02, price_at(minute) + 0.02) for minute in minutes]
    frame = pl.DataFrame(rows, ["timestamp", "low", "high"], orient="row").with_columns(
        ticker=pl.lit("A"), open="low", close="high", timestamp=pl.col("timestamp").dt.convert_time_zone(NEW_YORK)
    )
    frame.write_parquet(tmp_path / "bars.parquet")
    return tmp_path / "bars.parquet"


def make_trades(hours: float, count: int = 8) -> pl.DataFrame:
    """Make trades on the bars, told some hours later than they were made."""
    entries = [OPEN + timedelta(minutes=30 * number + 60) for number in range(count)]
    exits = [entry + timedelta(minutes=10) for entry in entries]
    late = timedelta(hours=hours)
    return pl.DataFrame(
        {
            "ticker": ["A"] * count,
            "entry_time": [entry + late for entry in entries],
            "exit_time": [leave + late for leave in exits],
            "entry_price": [price_at(entry) for entry in entries],
            "exit_price": [price_at(leave) for leave in exits],
        }
    ).with_columns(pl.col("entry_time", "exit_time").dt.convert_time_zone(NEW_YORK))


def test_the_right_zone_is_left_alone(bars: Path) -> None:
    assert find_better_zone(make_trades(0), bars, NEW_YORK) is None


def test_a_log_of_chicago_read_as_new_york(bars: Path) -> None:
    finding = find_better_zone(make_trades(-1), bars, NEW_YORK)
    assert finding is not None
    assert (finding.zones[0], finding.fits, finding.declared_fits, finding.trades) == ("America/Chicago", 8, 0, 8)
    said = say_better_zone("log.csv", NEW_YORK, finding)
    assert "at America/Chicago 8 of 8 trades match" in said
    assert "--zone America/Chicago" in said


def test_times_with_offsets_point_to_the_bars(bars: Path) -> None:
    finding = find_better_zone(make_trades(2), bars, "")
    assert finding is not None
    assert (finding.zones, finding.hours) == ((), -2)
    assert "read 2 hours earlier, 8 of 8" in say_better_zone("log.csv", "", finding)
    assert "--bars-zone" in say_better_zone("log.csv", "", finding)


def test_one_trade_or_other_bars_tell_nothing(bars: Path) -> None:
    assert find_better_zone(make_trades(-1, count=1), bars, NEW_YORK) is None
    assert find_better_zone(make_trades(-1).with_columns(ticker=pl.lit("B")), bars, NEW_YORK) is None
    prices = pl.col("entry_price", "exit_price") * 2
    assert find_better_zone(make_trades(-1).with_columns(prices), bars, NEW_YORK) is None


def test_an_import_in_the_wrong_zone_stops(tmp_path: Path, bars: Path) -> None:
    log = tmp_path / "nt.csv"
    trades = make_trades(0).with_columns(pl.col("entry_time", "exit_time").dt.convert_time_zone("America/Chicago"))
    rows = [
        f"A,Long,1,{row['entry_price']},{row['exit_price']},{row['entry_time']:%m/%d/%Y %I:%M:%S %p},"
        f"{row['exit_time']:%m/%d/%Y %I:%M:%S %p}"
        for row in trades.iter_rows(named=True)
    ]
    log.write_text("\n".join(["Instrument,Market pos.,Qty,Entry price,Exit price,Entry time,Exit time", *rows]))
    with pytest.raises(GoldError, match="at America/Chicago 8 of 8 trades match"):
        import_gold([log], tmp_path / "gold", bars=[BarsSource(bars)])
    logs = LogOptions(zone="America/Chicago")
    account = import_gold([log], tmp_path / "gold", bars=[BarsSource(bars)], logs=logs)
    assert account.trades.height == 8
    assert account.trades["entry_time"][0].astimezone(ZoneInfo(NEW_YORK)).hour == 10

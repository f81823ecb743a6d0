"""Real logs and real market data, imported as they were delivered."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from gold_data.market import import_bars
from gold_data.trades.account import Account
from gold_data.trades.import_gold import BarsSource, import_gold
from gold_data.trades.measures import MEASURES, add_average_true_range

REAL = Path(__file__).parents[3] / "shared" / "real"
SECONDS = REAL / "platform_seconds_SOXL.csv"
PACIFIC = "America/Los_Angeles"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real inputs are not here: {REAL}")


@pytest.fixture(scope="module")
def cross(tmp_path_factory: pytest.TempPathFactory) -> Account:
    out = tmp_path_factory.mktemp("cross") / "gold"
    return import_gold(
        [REAL / "cross_trades_on_bars.csv"], out, bars=[BarsSource(REAL / "minute_bars.parquet")], embargo=1
    )


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Account:
    out = tmp_path_factory.mktemp("platform") / "gold"
    bars = BarsSource(SECONDS, PACIFIC, date(2025, 6, 9))
    return import_gold([REAL / "platform_trades_2025-06-09.csv"], out, bars=[bars])


def compare(account: Account, name: str) -> pl.Series:
    kept = account.trips.filter(pl.col("fate") == "gold")
    return (kept[f"measured_{name}"] - kept[name]).abs()


def test_every_cross_trade_is_gold_and_measured(cross: Account) -> None:
    assert (cross.trips.height, cross.trades.height, cross.rejected.height) == (591, 591, 0)
    assert [len(days) for days in (cross.split.train, cross.split.embargo, cross.split.holdout)] == [3, 1, 1]
    assert cross.trips["unmeasured"].null_count() == 591
    assert cross.bars is not None
    assert (cross.bars.rows_in, cross.bars.bars) == (11_217, 11_217)
    assert cross.bars.kinds["minute without a bar in those gaps"] == 2


def test_measured_and_stated_agree_on_cross_trades(cross: Account) -> None:
    """Stated volatility starts anew each morning; stated excursions leave the entry price itself out."""
    medians = {name: compare(cross, name).median() for name in MEASURES}
    assert all(median < 0.0005 for median in medians.values())  # type: ignore[operator]  # three decimals are stated
    assert compare(cross, "entry_volatility_percent").max() == pytest.approx(0.0164, abs=1e-4)
    assert compare(cross, "worst_exit_percent").max() == pytest.approx(0.073, abs=1e-4)
    within = cross.trips.filter((pl.col("worst_exit_percent") <= 0) & (pl.col("best_exit_percent") >= 0))
    for name in MEASURES[1:]:
        assert (within[f"measured_{name}"] - within[name]).abs().max() <= 0.0005 + 1e-9  # type: ignore[operator]


def test_the_platforms_rows_are_counted(platform: Account) -> None:
    file = next(iter(platform.files.values()))
    assert (file.format, file.rows_in, file.rows_used) == ("platform_summary", 297, 155)
    assert (len(file.duplicates), len(file.rejected), file.rows_open) == (142, 0, 0)
    assert platform.trades.height == 155
    assert dict(platform.trades.group_by("ticker").len().rows()) == {"HOOD": 84, "SOXL": 71}
    assert platform.trades["entry_time"].dt.strftime("%H:%M").min() == "09:41"


def test_seconds_of_another_day_are_recognised(platform: Account) -> None:
    assert platform.bars is not None
    assert (platform.bars.rows_in, platform.bars.bars, platform.bars.finer) == (5_284, 0, True)
    assert "bars of SOXL were left out" in platform.bars.notes[-1]
    stated = platform.trips.select(pl.col(MEASURES[0]).round(5)).to_series().sort()
    assert platform.trades[MEASURES[0]].sort().equals(stated)


@pytest.fixture(scope="module")
def minutes(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The seconds as minute bars, with our volatility, and the platform's at the minute mark that ends each."""
    out = tmp_path_factory.mktemp("seconds") / "bars.parquet"
    import_bars(SECONDS, out, zone=PACIFIC, day=date(2025, 6, 20))
    bars = add_average_true_range(pl.read_parquet(out))
    marks = read_seconds().filter(pl.col("moment") == pl.col("minute"))
    stated = marks.select("Atr14", pl.col("minute").dt.offset_by("-1m").alias("timestamp"), stated="Volatility Percent")
    volatility = 100 * pl.col("atr_14") / pl.col("close")
    return bars.join(stated, on="timestamp", how="left").with_columns(volatility=volatility)


def read_seconds() -> pl.DataFrame:
    moment = pl.format("2025-06-20 {}", "Time").str.to_datetime().dt.replace_time_zone(PACIFIC)
    seconds = pl.read_csv(SECONDS).with_columns(moment=moment.dt.convert_time_zone("America/New_York"))
    return seconds.with_columns(minute=pl.col("moment").dt.truncate("1m"))


def test_seconds_become_minute_bars(minutes: pl.DataFrame) -> None:
    assert minutes.height == 90
    assert minutes.row(0)[2:6] == (22.8, 22.94, 22.78, 22.94)
    assert minutes["stated"].count() == 88  # of two minutes the row at the mark is missing, or after the end


def test_volatility_at_the_minute_marks(minutes: pl.DataFrame) -> None:
    gap = minutes.select("timestamp", gap=pl.col("volatility") - pl.col("stated")).drop_nulls()
    assert gap.height == 75
    assert gap["gap"][0] == pytest.approx(0.103, abs=0.001)  # at 9:44, our first: theirs began before the open
    settled = gap.filter(pl.col("timestamp").dt.strftime("%H:%M") >= "10:04")["gap"]
    assert settled.len() == 55
    assert settled.abs().median() == pytest.approx(0.0108, abs=0.0005)
    assert settled.abs().max() < 0.02  # type: ignore[operator]
    assert settled.mean() == pytest.approx(-0.0102, abs=0.0005)  # ours sees no prices between the seconds


def test_the_platform_updates_its_range_within_the_minute(minutes: pl.DataFrame) -> None:
    """Its ATR at any second is (13 x that of the last minute + true range so far) / 14."""
    seconds = read_seconds()
    closes = minutes.select(pl.col("timestamp").alias("minute"), before=pl.col("close").shift(1))
    last = seconds.group_by("minute").agg(pl.col("Atr14").last().alias("done")).sort("minute")
    earlier = last.with_columns(pl.col("done").shift(1)).drop_nulls("done")
    known = seconds.join(closes, on="minute").join(earlier, on="minute")
    high, low = (edge.over("minute") for edge in (pl.col("Price").cum_max(), pl.col("Price").cum_min()))
    so_far = pl.max_horizontal(high - low, (high - pl.col("before")).abs(), (low - pl.col("before")).abs())
    error = known.select(((13 * pl.col("done") + so_far) / 14 - pl.col("Atr14")).abs()).to_series()
    assert error.len() == 5_246
    assert error.median() == pytest.approx(0.0004, abs=0.0001)  # dollars
    assert (error <= 0.003).mean() > 0.95  # type: ignore[operator]

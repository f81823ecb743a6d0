"""The sample gold: what its card promises, and that its script still makes it."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gold_data.sample.build import BARS, CARD, SAMPLE, TRADES, compare_sample, main
from gold_data.sessions import session_hours
from gold_data.store import Gold, GoldFolder, write_gold
from gold_data.trades.ingest import read_gold

BUCKETS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)


@pytest.fixture(scope="module")
def gold() -> Gold:
    return read_gold(SAMPLE / TRADES, SAMPLE / BARS)


@pytest.fixture(scope="module")
def folder(gold: Gold, tmp_path_factory: pytest.TempPathFactory) -> GoldFolder:
    return write_gold(gold, tmp_path_factory.mktemp("gold"), 0.2)


@pytest.fixture(scope="module")
def bars(gold: Gold) -> pl.DataFrame:
    assert gold.bars is not None
    return gold.bars


def test_every_trade_obeys_the_rules(gold: Gold) -> None:
    assert (gold.rejected.height, gold.notes) == (0, [])
    assert 550 <= gold.rows.height <= 650
    assert gold.rows["session_date"].n_unique() == 60


def test_every_minute_of_every_session_is_there(bars: pl.DataFrame) -> None:
    minutes = bars.group_by("ticker", pl.col("timestamp").dt.date().alias("day")).len()
    assert minutes.height == 8 * 60
    hours = {day: session_hours(day) for day in minutes["day"].unique()}
    lengths = {day: (ends[1].hour - ends[0].hour) * 60 - 30 for day, ends in hours.items() if ends}
    assert set(minutes.select("day", "len").rows()) == set(lengths.items())
    assert sorted(set(lengths.values())) == [210, 390]


def test_prices_are_whole_cents(bars: pl.DataFrame) -> None:
    prices = bars.select("open", "high", "low", "close").to_numpy()
    assert (np.round(prices, 2) == prices).all()
    assert (bars["volume"] > 0).all()


def test_the_original_buckets_lie_inside_the_train_part(folder: GoldFolder) -> None:
    volatility = folder.train["entry_volatility_percent"].to_numpy()
    assert volatility.min() - 0.05 <= min(BUCKETS)
    assert max(BUCKETS) <= volatility.max() + 0.05
    assert all((np.abs(volatility - bucket) <= 0.05).sum() >= 10 for bucket in BUCKETS)


def test_held_out_prices_lie_in_the_range_of_the_train_part(folder: GoldFolder) -> None:
    ranges = folder.facts["price_ranges"]
    rows = folder.holdout.select("ticker", "entry_price").rows()
    assert sum(ranges[ticker][0] <= price <= ranges[ticker][1] for ticker, price in rows) >= 0.95 * len(rows)


def test_volatility_is_that_of_the_last_bar_complete_at_the_entry(gold: Gold, bars: pl.DataFrame) -> None:
    measured = {}
    for (ticker,), series in bars.group_by("ticker"):
        high, low, close = (series[name].to_list() for name in ("high", "low", "close"))
        ranges = [high[0] - low[0]]
        for i in range(1, len(close)):
            ranges.append(max(high[i], close[i - 1]) - min(low[i], close[i - 1]))
        atr = sum(ranges[:14]) / 14
        for stamp, span, price in zip(series["timestamp"][14:], ranges[14:], close[14:], strict=True):
            atr = (13 * atr + span) / 14
            measured[ticker, stamp] = 100 * atr / price
    bar = (pl.col("entry_time").dt.truncate("1m") - pl.duration(minutes=1)).alias("bar")
    for ticker, stamp, stated in gold.rows.select("ticker", bar, "entry_volatility_percent").rows():
        assert stated == pytest.approx(measured[ticker, stamp], abs=0.0006)


def test_prices_and_excursions_are_those_of_the_bars(gold: Gold, bars: pl.DataFrame) -> None:
    ends = bars.select("ticker", "timestamp", "low", "high").partition_by("ticker", as_dict=True)
    for trade in gold.rows.iter_rows(named=True):
        series = ends[trade["ticker"],]
        inside = (pl.col("timestamp") + pl.duration(minutes=1) > trade["entry_time"]) & (
            pl.col("timestamp") < trade["exit_time"]
        )
        held = series.filter(inside)
        assert held["low"][0] <= trade["entry_price"] <= held["high"][0]
        assert held["low"][-1] <= trade["exit_price"] <= held["high"][-1]
        sign = -1 if trade["trade_type"] == "short" else 1
        moves = [sign * 100 * (price / trade["entry_price"] - 1) for price in (held["low"].min(), held["high"].max())]
        assert (trade["worst_exit_percent"], trade["best_exit_percent"]) == pytest.approx(sorted(moves), abs=0.0006)


def test_trades_do_not_overlap(gold: Gold) -> None:
    assert (gold.rows["entry_time"].shift(-1) > gold.rows["exit_time"]).drop_nulls().all()


def test_exits_widen_with_volatility(gold: Gold) -> None:
    width = gold.rows["best_exit_percent"] - gold.rows["worst_exit_percent"]
    assert np.corrcoef(width, gold.rows["entry_volatility_percent"])[0, 1] > 0.3


def test_the_market_looks_like_one(bars: pl.DataFrame) -> None:
    day = pl.col("timestamp").dt.date()
    moves = bars.with_columns(
        move=(pl.col("close") / pl.col("close").shift(1)).log().over("ticker", day),
        after=pl.int_range(pl.len()).over("ticker", day),
    ).drop_nulls("move")
    size = moves["move"].abs()
    level = pl.col("move").abs().mean()
    early, midday, late = (
        moves.filter(pl.col("after").is_between(*ends)).select(level).item()
        for ends in ((1, 30), (150, 210), (375, 389))
    )
    assert early > 1.3 * midday
    assert late > 1.1 * midday
    assert moves["move"].kurtosis() > 1.5  # type: ignore[operator]  # fat tails: 0 for a normal distribution
    assert np.corrcoef(size[:-60], size[60:])[0, 1] > 0.05  # volatility clusters
    assert moves.group_by("after").agg(pl.mean("volume")).sort("after")["volume"].arg_max() < 30  # type: ignore[operator]


def test_it_is_small() -> None:
    assert sum(file.stat().st_size for file in SAMPLE.iterdir()) < 1.5 * 2**20


def test_the_script_makes_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_difference_is_found(gold: Gold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build_again(folder: Path) -> Gold:
        shutil.copy(SAMPLE / CARD, folder)
        return gold

    monkeypatch.setattr("gold_data.sample.build.build_sample", build_again)
    shutil.copy(SAMPLE / BARS, tmp_path)
    text = (SAMPLE / TRADES).read_text()
    (tmp_path / TRADES).write_text(text.replace("SIM1,buy", "SIM1,short", 1))
    assert compare_sample(tmp_path) == [TRADES, CARD]
    assert "there is no such file" in compare_sample(tmp_path / "nowhere")[0]

"""Measuring trades on bars: against a naive loop, against the indicators, and blind to what comes later."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gold_data import market
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.trades.measures import MEASURES, add_average_true_range, measure_trades
from indicators.attach import attach_indicators
from indicators.technicals import attach_technicals

OPEN = datetime(2024, 3, 7, 14, 30, tzinfo=UTC)  # 9:30 in New York
Trade = tuple[str, str, float, float]  # ticker, type, seconds from the open to the entry and to the exit


def make_bars(minutes: list[int], ticker: str = "IBM", seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    close = 100 + np.cumsum(rng.normal(0, 0.1, len(minutes)))
    low, high = close - rng.random(len(minutes)), close + rng.random(len(minutes))
    stamps = [OPEN + timedelta(minutes=minute) for minute in minutes]
    return pl.DataFrame(
        {"ticker": ticker, "timestamp": stamps, "open": close, "high": high, "low": low, "close": close, "volume": 1.0}
    ).with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(EXCHANGE_ZONE))


def make_trades(*trades: Trade, price: float = 100.0) -> pl.DataFrame:
    rows = [
        (ticker, kind, OPEN + timedelta(seconds=entry), OPEN + timedelta(seconds=leave), price, price * 1.001)
        for ticker, kind, entry, leave in trades
    ]
    names = ["ticker", "trade_type", "entry_time", "exit_time", "entry_price", "exit_price"]
    times = pl.col("entry_time", "exit_time").cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(EXCHANGE_ZONE)
    frame = pl.DataFrame(rows, names, orient="row").with_columns(times)
    return frame.with_columns(session_date=pl.col("entry_time").dt.date())


def write(bars: pl.DataFrame, folder: Path) -> Path:
    bars.write_parquet(folder / "bars.parquet")
    return folder / "bars.parquet"


def test_measures_typed_in(tmp_path: Path) -> None:
    bars = make_bars(list(range(20))).with_columns(open=100.0, high=100.5, low=99.8, close=100.0)
    bars = bars.with_columns(high=pl.when(pl.int_range(20) == 16).then(101.0).otherwise("high"))
    trades = make_trades(("IBM", "buy", 15 * 60, 17 * 60), ("IBM", "short", 15 * 60 + 5, 16 * 60 + 5))
    measured = measure_trades(trades, write(bars, tmp_path))
    assert measured["entry_volatility_percent"].to_list() == pytest.approx([0.7, 0.7])
    assert measured["worst_exit_percent"].to_list() == pytest.approx([-0.2, -1.0])
    assert measured["best_exit_percent"].to_list() == pytest.approx([1.0, 0.2])
    assert measured["unmeasured"].to_list() == [None, None]


def test_prices_of_the_trade_itself_count(tmp_path: Path) -> None:
    bars = make_bars(list(range(20))).with_columns(open=100.2, high=100.2, low=100.2, close=100.2)
    measured = measure_trades(make_trades(("IBM", "buy", 900, 905)), write(bars, tmp_path))
    assert measured.select(MEASURES[1:]).row(0) == pytest.approx((0.0, 0.2))


def test_average_true_range_is_that_of_the_indicators() -> None:
    bars = pl.concat([make_bars(list(range(0, 90, 2))), make_bars(list(range(10)), "SPY", 2), make_bars([5], "T", 3)])
    ours = add_average_true_range(bars.sort("ticker", "timestamp"))["atr_14"]
    theirs = attach_technicals(bars, ["atr_14"])["atr_14"]
    assert ours.null_count() == theirs.null_count() == 13 + 10 + 1
    np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), rtol=1e-12)


def test_volatility_is_that_of_the_indicators_at_the_entry(tmp_path: Path) -> None:
    bars = make_bars(list(range(60)))
    trades = make_trades(*(("IBM", "buy", 900 + 47 * number, 3590) for number in range(50)))
    at_entry = attach_indicators(trades, bars, ["atr_14"])["atr_14"]
    closes = bars["close"].gather([(900 + 47 * number) // 60 - 1 for number in range(50)])
    measured = measure_trades(trades, write(bars, tmp_path))["entry_volatility_percent"]
    np.testing.assert_allclose(measured.to_numpy(), (100 * at_entry / closes).to_numpy(), rtol=1e-12)


def test_no_later_bar_is_looked_at(tmp_path: Path) -> None:
    bars, trades = make_bars(list(range(60))), make_trades(("IBM", "buy", 1800, 2400), ("IBM", "short", 1830, 2430))
    before = measure_trades(trades, write(bars, tmp_path))
    after_exit = measure_trades(trades, write(spoil(bars, 41), tmp_path))
    after_entry = measure_trades(trades, write(spoil(bars, 31), tmp_path))
    assert after_exit.equals(before)
    assert after_entry["entry_volatility_percent"].equals(before["entry_volatility_percent"])
    assert after_entry["best_exit_percent"][0] > before["best_exit_percent"][0]


def spoil(bars: pl.DataFrame, minute: int) -> pl.DataFrame:
    is_later = pl.int_range(pl.len()) >= minute
    return bars.with_columns(pl.when(is_later).then(pl.col("high", "close") + 50).otherwise(pl.col("high", "close")))


@pytest.mark.parametrize(
    ("trade", "price", "why", "known"),
    [
        (("SPY", "buy", 900.0, 960.0), 100.0, "no_bars", 0),
        (("IBM", "buy", 5400.0, 5460.0), 100.0, "no_bars", 0),
        (("IBM", "buy", 1200.0, 5460.0), 100.0, "no_bars", 0),
        (("IBM", "buy", 900.0, 960.0), 110.0, "price_not_in_bars", 0),
        (("IBM", "buy", 300.0, 360.0), 100.0, "warming_up", 2),
        (("IBM", "buy", 1.0, 2.0), 100.0, "warming_up", 2),
        (("IBM", "buy", 1800.0, 1830.0), 100.0, None, 3),
    ],
)
def test_why_a_trade_is_not_measured(tmp_path: Path, trade: Trade, price: float, why: str | None, known: int) -> None:
    measured = measure_trades(make_trades(trade, price=price), write(make_bars(list(range(30))), tmp_path))
    assert measured["unmeasured"].to_list() == [why]
    assert sum(value is not None for value in measured.select(MEASURES).row(0)) == known


def measure_naively(trade: dict[str, object], bars: pl.DataFrame) -> tuple[float, float]:
    low = high = entry = float(str(trade["entry_price"]))
    minute = timedelta(minutes=1)
    for row in bars.iter_rows(named=True):
        overlaps = row["timestamp"] < trade["exit_time"] and row["timestamp"] + minute > trade["entry_time"]
        if row["ticker"] == trade["ticker"] and overlaps:
            low, high = min(low, row["low"]), max(high, row["high"])
    low, high = (edge(value, float(str(trade["exit_price"]))) for edge, value in ((min, low), (max, high)))
    percents = sorted(100 * (price / entry - 1) * (1 if trade["trade_type"] == "buy" else -1) for price in (low, high))
    return percents[0], percents[1]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_excursions_are_those_of_a_naive_loop(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("bars")
    minutes = data.draw(st.lists(st.integers(0, 80), min_size=1, unique=True).map(sorted))
    bars = pl.concat([make_bars(minutes), make_bars(list(range(40)), "SPY", 2)]).sort("ticker", "timestamp")
    seconds = st.tuples(st.integers(0, 4800), st.integers(1, 4800)).map(lambda pair: (pair[0], sum(pair)))
    drawn = data.draw(st.lists(st.tuples(st.sampled_from(["IBM", "SPY"]), st.sampled_from(["buy", "short"]), seconds)))
    trades = make_trades(*((ticker, kind, *span) for ticker, kind, span in drawn)) if drawn else make_trades().clear()
    measured = measure_trades(trades, write(bars, folder))
    for trade, found in zip(trades.iter_rows(named=True), measured.select(MEASURES[1:]).iter_rows(), strict=True):
        assert found == (None, None) or found == pytest.approx(measure_naively(trade, bars))


def test_batches_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bars = pl.concat([make_bars(list(range(40)), ticker, seed) for seed, ticker in enumerate("ABC")])
    trades = make_trades(("C", "buy", 1000, 1500), ("A", "short", 1100, 1200), ("B", "buy", 1200, 1300))
    whole = measure_trades(trades, write(bars, tmp_path))
    monkeypatch.setattr(market, "BATCH_ROWS", 1)
    assert measure_trades(trades, tmp_path / "bars.parquet").equals(whole)
    assert whole["unmeasured"].null_count() == 3

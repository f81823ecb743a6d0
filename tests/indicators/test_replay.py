"""What a replay fills, and when; and that the fast way says what the plain loop says."""

import math
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.oracles.replay import list_bars, replay_one
from gold_data.sessions import EXCHANGE_ZONE
from indicators import replay as backtest
from indicators.replay import (
    COST_PERCENT,
    HORIZON,
    NEVER,
    Paths,
    Percents,
    Strategy,
    build_paths,
    find_first,
    replay,
    replay_gold,
    replay_run,
)

Bar = tuple[float, float, float, float]
NO_BAR = (math.nan,) * 4
HOLD = Strategy(NEVER, NEVER, NEVER, HORIZON)
LEVELS = (0.5, 1.0, 2.0, NEVER)


def make_paths(*bars: Bar, volatility: float = 1.0) -> Paths:
    """One trade; a bar is open, worst, best, close in percent."""
    columns = [np.array(column)[:, None] for column in zip(*bars, strict=True)]
    trades = pl.DataFrame({"trade_id": ["a"], "session_date": [date(2024, 3, 5)]})
    return Paths(trades, np.array([volatility]), *columns)


def run(paths: Paths, *strategies: Strategy) -> Percents:
    """Replay; gross percents, shape (strategies, trades)."""
    out = np.full((len(strategies), paths.trades.height), np.nan, np.float32)
    replay(paths, strategies, out)
    return np.asarray(out + np.float32(COST_PERCENT))


@pytest.mark.parametrize(
    ("bars", "strategy", "gross"),
    [
        ([(0, -1, 3, 0)], Strategy(1, 2, NEVER, 60), -1),  # both reached: the stop counts
        ([(0, -0.9, 3, 0)], Strategy(1, 2, NEVER, 60), 2),
        ([(0, 0, 0, 0), (-5, -6, 0, 0)], Strategy(1, 2, NEVER, 60), -5),  # gap through the stop: the open
        ([(0, 0, 0, 0), (5, 4, 6, 5)], Strategy(1, 2, NEVER, 60), 2),  # gap through the target: the target
        ([(0, -0.5, 3, 2.5), (2, 1, 2.5, 2)], Strategy(NEVER, NEVER, 1.5, 60), 1.5),  # below the best bar before
        ([(0, -0.5, 3, -0.5)], Strategy(NEVER, NEVER, 1.5, 60), -0.5),  # its own high does not raise the level
        ([(0, -1.5, 3, 0)], Strategy(NEVER, NEVER, 1.5, 60), -1.5),  # from the entry price
        ([(0, 0, 3, 3), (1, 0, 1, 1)], Strategy(1, NEVER, 1.5, 60), 1),  # gap through the trailing level
        ([(0, -3, 0, 0)], Strategy(1, NEVER, 1.5, 60), -1),  # of both stops the nearer
        ([(0, 0, 2, 2), (2, -3, 2, 0)], Strategy(1, NEVER, 1.5, 60), 0.5),
        ([(0, 0, 0, 0), (0.5, -9, 9, 0)], Strategy(1, 1, NEVER, 1), 0.5),  # the time stop is at the open
        ([(0, 0, 0, 0.25)], Strategy(1, 1, NEVER, 5), 0.25),  # no later bar: the last close
        ([(0, 0, 0, 0), NO_BAR, (0.75, 0, 9, 0)], Strategy(1, 1, NEVER, 1), 0.75),  # the first open after it
        ([NO_BAR, NO_BAR, (0.75, -9, 9, 0)], Strategy(1, 1, NEVER, 1), 0.75),
        ([(0, 0, 0, 0.25), NO_BAR], HOLD, 0.25),
    ],
)
def test_each_exit_fills_where_it_says(bars: list[Bar], strategy: Strategy, gross: float) -> None:
    assert run(make_paths(*bars), strategy).item() == pytest.approx(gross, abs=1e-6)


def test_levels_are_multiples_of_the_volatility_and_costs_are_taken() -> None:
    paths = make_paths((0.0, -0.2, 0.0, 0.0), volatility=0.1)
    out = np.empty((1, 1), np.float32)
    replay(paths, [Strategy(2.0, NEVER, NEVER, 60)], out)
    assert out.item() == pytest.approx(-0.2 - 2 * (0.005 + 0.02))


@st.composite
def draw_paths(draw: st.DrawFn) -> Paths:
    """Some trades of coarse prices, so that ties and gaps are common, with minutes missing."""
    trades, minutes = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = np.sort(rng.integers(-6, 7, (4, minutes, trades)) / 2, axis=0)
    swapped = rng.random((minutes, trades)) < 0.5
    opened, closed = np.where(swapped, values[1], values[2]), np.where(swapped, values[2], values[1])
    missing = rng.random((minutes, trades)) < 0.3
    missing[rng.integers(minutes), :] = False
    matrices = [np.where(missing, np.nan, each) for each in (opened, values[0], values[3], closed)]
    rows = pl.DataFrame(
        {"trade_id": [str(each) for each in range(trades)], "session_date": [date(2024, 3, 5)] * trades}
    )
    return Paths(rows, rng.choice([0.5, 1.0, 1.5], trades), *matrices)


STRATEGIES = st.builds(Strategy, *[st.sampled_from(LEVELS)] * 3, st.integers(1, 12))


@settings(max_examples=150, deadline=None)
@given(draw_paths(), st.lists(STRATEGIES, min_size=1, max_size=8))
def test_replays_are_those_of_the_plain_loop(paths: Paths, strategies: list[Strategy]) -> None:
    rows = range(paths.trades.height)
    expected: list[list[float]] = [
        [replay_one(list_bars(paths, row), paths.volatility[row].item(), each) for row in rows] for each in strategies
    ]
    np.testing.assert_allclose(run(paths, *strategies) - COST_PERCENT, np.array(expected), atol=1e-5)


@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=9))
def test_first_places_are_those_of_a_plain_search(steps: list[list[int]]) -> None:
    rising = np.cumsum(np.array(steps, float), axis=0)
    levels = np.array([[0.0] * 5, [2.0] * 5, [4.5] * 5, [math.inf] * 5])
    for level, found in zip(levels, find_first(rising, levels), strict=True):
        plain = [
            next((place for place, row in enumerate(rising) if row[one] >= level[one]), len(rising)) for one in range(5)
        ]
        assert found.tolist() == plain


def make_trade(trade_id: str = "a", **changes: object) -> dict[str, object]:
    entry = changes.pop("entry", "2024-03-05 09:30:20")
    return {
        "trade_id": trade_id,
        "ticker": "SPY",
        "trade_type": "buy",
        "session_date": date(2024, 3, 5),
        "entry_time": datetime.fromisoformat(str(entry)),
        "entry_price": 100.0,
        "entry_volatility_percent": 1.0,
        **changes,
    }


def frame_trades(*rows: dict[str, object]) -> pl.DataFrame:
    zoned = pl.col("entry_time").dt.cast_time_unit("us").dt.replace_time_zone(EXCHANGE_ZONE)
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(zoned)


def make_bars(closes: list[float | None], start: str = "2024-03-05 09:30", **by: str) -> pl.DataFrame:
    """One bar a minute around each close, one below and two above; None leaves a minute out."""
    first = datetime.fromisoformat(start)
    rows = [
        {
            "timestamp": first + timedelta(minutes=minute),
            "open": close,
            "high": close + 2,
            "low": close - 1,
            "close": close,
        }
        for minute, close in enumerate(closes)
        if close is not None
    ]
    zoned = pl.col("timestamp").dt.cast_time_unit("us").dt.replace_time_zone(EXCHANGE_ZONE)
    return pl.DataFrame(rows).with_columns(
        zoned, volume=pl.lit(1.0), **{k: pl.lit(v) for k, v in (by or {"ticker": "SPY"}).items()}
    )


def test_bars_begin_with_the_first_whole_minute_after_the_entry() -> None:
    bars = make_bars([50.0, 101.0, 102.0]).lazy()
    trades = frame_trades(
        make_trade(), make_trade("b", entry="2024-03-05 09:31:00"), make_trade("c", trade_type="short")
    )
    paths = build_paths(trades, bars, "ticker")
    np.testing.assert_allclose(paths.open[:3], np.array([[1, 1, -1], [2, 2, -2], [np.nan] * 3]), atol=1e-9)
    np.testing.assert_allclose(paths.worst[0], [0, 0, -3], atol=1e-9)
    np.testing.assert_allclose(paths.best[0], [3, 3, 0], atol=1e-9)


def test_nothing_before_the_entry_nor_after_the_window_is_read() -> None:
    closes: list[float | None] = [100.0 + number % 3 for number in range(120)]
    trades = frame_trades(make_trade(entry="2024-03-05 10:00:10"))
    spoilt = [*([9.0] * 31), *closes[31 : 31 + HORIZON], *([9.0] * 29)]
    one, two = (build_paths(trades, make_bars(list(each)).lazy(), "ticker") for each in (closes, spoilt))
    assert np.isfinite(one.open).all()
    np.testing.assert_array_equal(one.worst, two.worst)


def test_the_window_ends_with_the_session() -> None:
    trades = frame_trades(make_trade(entry="2024-03-05 15:57:01"), make_trade("late", entry="2024-03-05 15:59:01"))
    paths = build_paths(trades, make_bars([100.0] * 20, start="2024-03-05 15:50").lazy(), "ticker")
    assert paths.trades["trade_id"].to_list() == ["a"]
    assert np.isfinite(paths.open[:, 0]).tolist() == [True, True] + [False] * 58


@pytest.mark.parametrize(
    "changes",
    [
        {"ticker": "IBM"},
        {"entry": "2024-03-09 10:00"},  # a Saturday
        {"entry": "2024-03-05 12:00"},  # after the last bar
        {"entry_volatility_percent": 0.0},
        {"entry_volatility_percent": None},
        {"entry_volatility_percent": math.nan},
        {"entry_price": 50.0},  # before a split
        {"entry_price": None},
    ],
)
def test_trades_that_cannot_be_replayed_are_dropped_and_counted(changes: dict[str, object]) -> None:
    trades = frame_trades(make_trade("odd", **changes), make_trade("a"))
    replays = replay_gold(trades, make_bars([100.0, 100.0, 101.0]), [HOLD])
    assert (replays.trades["trade_id"].to_list(), replays.dropped) == (["a"], 1)
    assert replays.percents.tolist() == [[pytest.approx(1 - COST_PERCENT)]]


@pytest.mark.parametrize("price", [None, math.nan, 0.0, math.inf])
def test_a_bar_without_a_price_counts_as_missing(price: float | None) -> None:
    bars = make_bars([100.0, 100.0, 103.0, 101.0])
    bars = bars.with_columns(low=pl.when(pl.col("close") == 103.0).then(pl.lit(price)).otherwise("low"))
    paths = build_paths(frame_trades(make_trade()), bars.lazy(), "ticker")
    assert np.isfinite(paths.open[:4, 0]).tolist() == [True, False, True, False]


def test_no_trades_give_no_replays(tmp_path: Path) -> None:
    none = frame_trades(make_trade()).clear()
    make_bars([100.0], row_id="a").write_parquet(tmp_path / "bars.parquet")
    for replays in (replay_gold(none, make_bars([100.0]), [HOLD]), replay_run(none, tmp_path / "bars.parquet", [HOLD])):
        assert (replays.percents.shape, replays.trades.height, replays.dropped) == ((1, 0), 0, 0)


def test_trades_of_a_run_have_bars_of_their_own_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closes = {"a": 101.0, "b": 102.0, "c": 103.0, "e": 99.0}
    bars = [make_bars([100.0, 100.0, close], row_id=row_id) for row_id, close in closes.items()]
    pl.concat(bars).write_parquet(tmp_path / "bars.parquet", row_group_size=4)
    monkeypatch.setattr(backtest, "BLOCK_TRADES", 2)
    trades = frame_trades(*(make_trade(row_id) for row_id in "ecbda"))
    replays = replay_run(trades, tmp_path / "bars.parquet", [HOLD])
    assert (replays.trades["trade_id"].to_list(), replays.dropped) == (["a", "b", "c", "e"], 1)
    np.testing.assert_allclose(replays.percents[0] + COST_PERCENT, [1, 2, 3, -1], atol=1e-5)

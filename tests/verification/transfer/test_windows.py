from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from verification.transfer.windows import CONTEXT, HORIZON, RETURN, Windows, resample_blocks, take_windows

START = datetime(2025, 3, 3, 14, 30, tzinfo=UTC)
ENTRY = 70  # the bar that holds the entry, 20 s after it begins


def make_bars(count: int = 100, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 1e-3, count)))
    spread = 1.0 + rng.uniform(0, 1e-3, (2, count))
    return pl.DataFrame(
        {
            "ticker": ["AAA"] * count,
            "timestamp": [START + timedelta(minutes=place) for place in range(count)],
            "open": close,
            "high": close * spread[0],
            "low": close / spread[1],
            "close": close,
            "volume": rng.integers(0, 900, count),
        }
    )


def make_trades(entry: int = ENTRY, worst: float = -0.4, best: float = 0.9) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ticker": ["AAA"],
            "session_date": [date(2025, 3, 3)],
            "entry_time": [START + timedelta(minutes=entry, seconds=20)],
            "worst_exit_percent": [worst],
            "best_exit_percent": [best],
        }
    )


def test_a_window_holds_the_sixty_bars_before_the_one_of_the_entry() -> None:
    bars = make_bars()
    found = take_windows(make_trades(), bars, "ticker")
    close, high, low = (bars[name].to_numpy() for name in ("close", "high", "low"))
    at = np.arange(ENTRY - CONTEXT, ENTRY)
    assert np.allclose(found.context[0, :, 0], np.log(close[at] / close[at - 1]))
    assert np.allclose(found.context[0, :, 1], np.log(np.log(high[at] / low[at]) + 1e-5))
    assert np.allclose(found.context[0, :, 2], np.log1p(bars["volume"].to_numpy()[at]))
    assert found.closes[0] == close[ENTRY - 1]


def test_targets_are_the_excursions_and_what_five_bars_did() -> None:
    bars = make_bars()
    close, high, low = (bars[name].to_numpy() for name in ("close", "high", "low"))
    after = slice(ENTRY, ENTRY + HORIZON)
    moved = np.log(close[ENTRY + HORIZON - 1] / close[ENTRY - 1])
    told = take_windows(make_trades(), bars, "ticker").targets[0]
    spread = np.log(high[after].max() / low[after].min())
    assert np.allclose(told, [np.log(0.9), np.log(0.4), np.log(spread + 1e-5), moved])


def test_no_excursion_is_as_good_as_the_least_that_is_stated() -> None:
    assert np.allclose(take_windows(make_trades(worst=0.0), make_bars(), "ticker").targets[0, 1], np.log(0.01))


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_the_context_sees_nothing_from_the_bar_of_the_entry_on(column: str) -> None:
    planted = make_bars().with_columns(
        pl.when(pl.int_range(pl.len()) >= ENTRY).then(777.0).otherwise(pl.col(column)).alias(column)
    )
    seen = take_windows(make_trades(), planted, "ticker").context
    assert (seen == take_windows(make_trades(), make_bars(), "ticker").context).all()


def test_a_trade_without_sixty_one_bars_before_it_is_left_out() -> None:
    assert len(take_windows(make_trades(entry=CONTEXT), make_bars(), "ticker")) == 0
    assert len(take_windows(make_trades(entry=CONTEXT + 1), make_bars(), "ticker")) == 1
    assert len(take_windows(make_trades().with_columns(ticker=pl.lit("BBB")), make_bars(), "ticker")) == 0


def test_what_five_bars_did_is_unknown_where_they_are_not_all_there() -> None:
    told = take_windows(make_trades(), make_bars(ENTRY + HORIZON - 1), "ticker").targets[0]
    assert np.isfinite(told[:2]).all()
    assert np.isnan(told[2:]).all()


def test_resampled_windows_are_blocks_of_gold_bars_and_know_no_trade() -> None:
    gold = take_windows(make_trades(), make_bars(), "ticker")
    drawn = resample_blocks(gold, 4, np.random.default_rng(0))
    series = gold.bars[0, :, RETURN].tolist()
    starts = [series.index(first) for first in drawn.bars[:, ::13, RETURN].ravel()]
    expected = [series[start : start + 13] for start in starts]
    assert drawn.bars[..., RETURN].reshape(-1, 13).tolist() == expected
    assert np.isnan(drawn.excursions).all()
    assert isinstance(drawn.take(np.array([1])), Windows)

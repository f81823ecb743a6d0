"""What a series is, where its formula is known from elsewhere, and when it has its first value."""

import random
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from indicators.strategy.bar_set import MOST_KEPT, BarSet, read_bar_set
from indicators.strategy.bar_suite import make_walks
from indicators.strategy.clock import DAY, INTERVALS, lay_out, number_groups
from indicators.strategy.errors import StrategyError
from indicators.strategy.prices import Values
from indicators.strategy.series import SERIES
from indicators.technicals import attach_technicals

MakeBars = Callable[..., pl.DataFrame]
Walk = Callable[[int, int], list[float]]

ALIKE = {
    "ema_9": {"EMA": {}},
    "ema_50": {"EMA": {"length": 50}},
    "rsi_14": {"RSI": {}},
    "macd": {"MACD": {}},
    "macd_signal": {"MACD_SIGNAL": {}},
    "bb_high_20": {"BB_UPPER": {}},
    "bb_low_20": {"BB_LOWER": {}},
    "stoch_k_14": {"STOCH_PERCENT_K": {}},
    "stoch_d_3": {"STOCH_PERCENT_D": {}},
    "cci_20": {"CCI": {}},
    "mfi_14": {"MFI": {}},
}
FIRST = {
    "SMA": 8,
    "EMA": 8,
    "RSI": 13,
    "ATR": 13,
    "MACD": 25,
    "MACD_SIGNAL": 33,
    "PRIOR_HIGH": 20,
    "TRIX": 52,
    "OBV": 0,
}


def take(bars: BarSet, series: object) -> Values:
    """Return a series' values."""
    values = bars.take(series)
    assert isinstance(values, np.ndarray)
    return values


@pytest.mark.parametrize("name", ALIKE)
def test_series_are_the_indicators_of_this_house(name: str, make_bars: MakeBars, walk_closes: Walk) -> None:
    frame = make_bars(walk_closes(300, 4))
    known = attach_technicals(frame, [name])[name].fill_null(np.nan).to_numpy()
    found = take(read_bar_set("IBM", "1m", frame), ALIKE[name])
    assert np.allclose(known, found, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_the_average_true_range_meets_that_of_this_house(make_bars: MakeBars, walk_closes: Walk) -> None:
    frame = make_bars(walk_closes(700, 4))
    known = attach_technicals(frame, ["atr_14"])["atr_14"].to_numpy()
    assert np.allclose(take(read_bar_set("IBM", "1m", frame), {"ATR": {}})[600:], known[600:], rtol=1e-9)


@pytest.mark.parametrize("name", FIRST)
def test_a_series_is_null_while_warming_up(name: str) -> None:
    values = take(next(make_walks()), {name: {}})
    assert int(np.isfinite(values).argmax()) == FIRST[name]
    assert np.isfinite(values[FIRST[name] :]).all()


@pytest.mark.parametrize("name", SERIES)
def test_every_series_has_values_in_its_unit_and_none_of_the_future(name: str) -> None:
    bars = next(make_walks(seed=2))
    values = take(bars, {name: {}})
    assert np.isfinite(values[-300:]).mean() > 0.9
    shorter = BarSet(
        "cut", "1m", bars.minutes[:700], type(bars.prices)(*(each[:700] for each in vars(bars.prices).values()))
    )
    assert np.array_equal(values[:700], take(shorter, {name: {}}), equal_nan=True)


def test_flat_prices_never_cross_their_average(make_bars: MakeBars) -> None:
    bars = read_bar_set("IBM", "1m", make_bars([101.5, 99.7, 100.1, *[100.1] * 100]))
    assert (take(bars, {"SMA": {"length": 20}})[25:] == 100.1).all()


def test_a_series_is_computed_once_and_memory_is_bounded() -> None:
    bars = next(make_walks())
    assert take(bars, {"SMA": {"length": 20}}) is take(bars.at("1d"), {"SMA": {"length": 20}})
    rng = random.Random(1)
    for _ in range(2 * MOST_KEPT):
        take(bars, {"SMA": {"length": rng.randint(2, 200), "offset": rng.randint(0, 100)}})
    assert len(bars._kept._values) == MOST_KEPT


@pytest.mark.parametrize("interval", INTERVALS)
def test_bars_laid_out_start_one_after_the_other_on_weekdays(interval: str) -> None:
    minutes = lay_out(500, interval)
    assert (np.diff(minutes) > 0).all()
    assert ((minutes % DAY >= 570) & (minutes % DAY < 960)).all()
    if interval not in ("1mo", "3mo"):
        assert set(((minutes // DAY + 3) % 7).tolist()) <= set(range(5))


@pytest.mark.parametrize(
    ("interval", "longer", "most"),
    [("1m", "5m", 5), ("5m", "1h", 12), ("30m", "1d", 13), ("1d", "1wk", 5), ("1d", "5d", 5), ("1d", "1mo", 23)],
)
def test_bars_are_joined_by_the_clock(interval: str, longer: str, most: int) -> None:
    groups = number_groups(lay_out(400, interval), longer)
    assert (np.diff(groups) >= 0).all()
    assert np.unique(groups, return_counts=True)[1].max() == most


def test_bars_that_cannot_be_are_refused(make_bars: MakeBars) -> None:
    good = make_bars([100.0, 101.0])
    with pytest.raises(StrategyError, match=r"IBM cannot be used: .* there is no bar"):
        read_bar_set("IBM", "1m", good.clear())
    with pytest.raises(StrategyError, match="two bars start at one moment"):
        read_bar_set("IBM", "1m", pl.concat([good, good]))
    with pytest.raises(
        StrategyError, match=r"1 of 2 bars cannot be, the first at 2024-03-05 09:31:00.*: open 101, high 1"
    ):
        read_bar_set(
            "IBM", "1m", good.with_columns(high=pl.when(pl.col("close") > 100).then(pl.lit(1.0)).otherwise("high"))
        )

"""Technical indicators over the minute bars of many series at once, in Polars.

1. `INDICATORS`       every indicator by name: what computes it, its warm-up, its meaning
2. `attach_technicals` bars in, bars with the wanted indicators out
3. `compute_*`        one function per family

The definitions are those of the library `ta` 0.11 with `fillna=False`, over a series' whole run of bars as given:
gaps, extended hours and overnight jumps count as neighbours. A value at a bar needs that bar and earlier ones only.
Every value equals `ta`'s to 1e-9 of its size, or of a floor where it may cancel to zero: 1e-4 of the price for
`macd`, `macd_signal` and `macd_hist`, 1 for what is measured on a scale of 100. `ta` is blank (NaN) or 0 in the
warm-up: here it is null. Where `ta` divides zero by zero, it is null too. Bars are taken as checked: finite, prices
above 0, low <= open, close <= high.

The in-memory engine does the work: the streaming one takes three times as long for plans of so many small steps.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import polars as pl

from gold_data.sessions import NEW_YORK, Market
from indicators.bars import iter_series, number_sessions, sort_bars
from indicators.errors import IndicatorError
from indicators.windows import (
    GROUP,
    POSITION,
    divide_exactly,
    roll_deviation,
    roll_mean,
    roll_mean_deviation,
    seed_wilder,
    smooth,
    smooth_span,
    sum_14,
)

BATCH_BARS = 120_000  # keeps the working columns of one batch, about 60 MB, near the processor

HIGH, LOW, CLOSE, VOLUME = map(pl.col, ("high", "low", "close", "volume"))
PREVIOUS_CLOSE, TYPICAL, TRUE_RANGE = map(pl.col, ("_previous_close", "_typical", "_true_range"))

Family = Callable[[pl.LazyFrame], pl.LazyFrame]


def attach_technicals(
    bars: pl.DataFrame, names: Collection[str], by: str = "ticker", market: Market = NEW_YORK
) -> pl.DataFrame:
    """Return the bars, sorted by `by` and `timestamp`, with one Float64 column per name.

    One row per bar, in any order on input. The value at a bar knows that bar and the earlier ones of its series. It is
    null while warming up (`INDICATORS[name].warm_up` bars) and where the formula has no value. Only what is named is
    computed, in batches of whole series: beyond the result, memory holds one batch, or the longest series. Sessions are
    those of `market`.

    Raises:
        IndicatorError: An unknown name, a name that is a column already, or bars that `sort_bars` refuses.
    """
    check_names(names, bars.columns)
    ordered = sort_bars(bars, by)
    if ordered.is_empty():
        return ordered.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
    return pl.concat([_attach_batch(batch, names, by, market) for batch in iter_series(ordered, by, BATCH_BARS)])


def check_names(names: Collection[str], columns: Collection[str]) -> None:
    """Refuse names of indicators that nobody computes, or that a frame has as columns already.

    Raises:
        IndicatorError: Naming them.
    """
    if unknown := [name for name in names if name not in INDICATORS]:
        raise IndicatorError(f"Unknown indicators {', '.join(unknown)}. Known: {', '.join(INDICATORS)}.")
    if taken := [name for name in names if name in columns]:
        raise IndicatorError(f"There are columns {', '.join(taken)} already. Drop or rename them first.")


def _attach_batch(bars: pl.DataFrame, names: Collection[str], by: str, market: Market) -> pl.DataFrame:
    base = bars.lazy().pipe(_add_base_columns, by).collect(engine="in-memory")
    if any(INDICATORS[name].compute is compute_session_price for name in names):
        base = base.with_columns(number_sessions(bars.get_column("timestamp"), market).alias("_session"))
    families: dict[Family, list[str]] = {}
    for name in names:
        families.setdefault(INDICATORS[name].compute, []).append(name)
    columns = pl.collect_all(
        [
            compute(base.lazy()).select(_blank_warm_up(name) for name in members)
            for compute, members in families.items()
        ],
        engine="in-memory",
    )
    return pl.concat([bars, *columns], how="horizontal").select(*bars.columns, *names)


def _blank_warm_up(name: str) -> pl.Expr:
    known = (pl.col(POSITION) >= INDICATORS[name].warm_up) & pl.col(name).is_finite()
    return pl.when(known).then(pl.col(name)).alias(name)


def _add_base_columns(bars: pl.LazyFrame, by: str) -> pl.LazyFrame:
    """Add what several families need: number of the series, number of the bar in it, previous close, true range."""
    return (
        bars.with_columns(pl.col(by).rle_id().set_sorted().alias(GROUP))
        .with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).over(GROUP).alias(POSITION))
        .with_columns(
            _previous_close=pl.when(pl.col(POSITION) > 0).then(CLOSE.shift(1)),
            _typical=divide_exactly(HIGH + LOW + CLOSE, 3),
        )
        .with_columns(
            _true_range=pl.max_horizontal(HIGH - LOW, (HIGH - PREVIOUS_CLOSE).abs(), (LOW - PREVIOUS_CLOSE).abs())
        )
    )


def compute_average_true_range(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Wilder's average true range, dollars: `ta.volatility.AverageTrueRange`.

    True range = the largest of high - low, |high - previous close|, |low - previous close|; at a series' first bar
    high - low. `atr_14`, `atr_28`: the mean of the first 14 (28) true ranges, then ((window - 1) ATR + true range) /
    window. First value at bar 13 (27); `ta` has 0 before, and cannot take a shorter series. Flat bars give 0.
    `volatility_ratio`: `atr_14 / atr_28`, ours; first value at bar 27; null while `atr_28` is 0.
    """
    windows = (14, 28)
    return (
        bars.with_columns(seed_wilder(TRUE_RANGE, window, first=0).alias(f"atr_{window}") for window in windows)
        .with_columns(smooth(pl.col(f"atr_{window}"), 1 / window) for window in windows)
        .with_columns(volatility_ratio=pl.col("atr_14") / pl.col("atr_28"))
    )


def compute_directional_movement(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Wilder's directional movement, 0 to 100: `ta.trend.ADXIndicator`.

    `plus_di_14`, `minus_di_14`: 100 x smoothed rise of the high (fall of the low), where it is the larger of the two
    and positive, over the smoothed true range; each smoothed from the mean of the bars 1 to 14 on, as bar 0 has no
    move. First value at bar 15: the one at bar 14 is known, but `ta` leaves 0 there.
    `adx_7`, `adx_14`, `adx_28`: 100 x |plus - minus| / (plus + minus) of the same window, smoothed from the mean of the
    bars w to 2w - 1 on. First value at bar 2w - 1; `ta` has 0 before, and cannot take a shorter series.
    Where there was no range, or no move, all of them are 0, as in `ta`.
    """
    rise, fall = HIGH - HIGH.shift(1), LOW.shift(1) - LOW
    windows = (7, 14, 28)
    parts = {"_size": TRUE_RANGE, "plus_di": pl.col("_rise"), "minus_di": pl.col("_fall")}
    return (
        bars.with_columns(
            _rise=pl.when((rise > fall) & (rise > 0)).then(rise).otherwise(0.0),
            _fall=pl.when((fall > rise) & (fall > 0)).then(fall).otherwise(0.0),
        )
        .with_columns(
            seed_wilder(values, window, first=1).alias(f"{name}_{window}")
            for name, values in parts.items()
            for window in windows
        )
        .with_columns(smooth(pl.col(f"{name}_{window}"), 1 / window) for name in parts for window in windows)
        .with_columns(
            _give_percent(pl.col(f"{side}_di_{window}"), pl.col(f"_size_{window}")).alias(f"{side}_di_{window}")
            for side in ("plus", "minus")
            for window in windows
        )
        .with_columns(
            _give_percent((plus - minus).abs(), plus + minus).alias(f"_index_{window}")
            for window in windows
            for plus, minus in [(pl.col(f"plus_di_{window}"), pl.col(f"minus_di_{window}"))]
        )
        .with_columns(
            seed_wilder(pl.col(f"_index_{window}"), window, first=window).alias(f"adx_{window}") for window in windows
        )
        .with_columns(smooth(pl.col(f"adx_{window}"), 1 / window) for window in windows)
    )


def _give_percent(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole != 0).then(100 * (part / whole)).otherwise(0.0)


def compute_relative_strength(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Relative strength index, 0 to 100: `ta.momentum.RSIIndicator`.

    `rsi_14`: 100 - 100 / (1 + average gain / average loss), both exponential with alpha = 1/14, starting at 0 at the
    first bar. First value at bar 13. Without any loss it is 100, so flat prices give 100.
    """
    change, gain, loss = (CLOSE - PREVIOUS_CLOSE).fill_null(0.0), pl.col("_gain"), pl.col("_loss")
    return (
        bars.with_columns(_gain=change.clip(lower_bound=0.0), _loss=-change.clip(upper_bound=0.0))
        .with_columns(smooth(gain, 1 / 14), smooth(loss, 1 / 14))
        .with_columns(rsi_14=pl.when(loss == 0).then(100.0).otherwise(100 - 100 / (1 + gain / loss)))
    )


def compute_moving_averages(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Exponential moving averages of the close, dollars: `ta.trend.EMAIndicator`.

    `ema_9`, `ema_20`, `ema_50`: alpha = 2 / (window + 1), starting at the first close. First value at bar window - 1.
    """
    return bars.with_columns(smooth_span(CLOSE, span).alias(f"ema_{span}") for span in (9, 20, 50))


def compute_convergence(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Moving average convergence divergence 12/26/9, dollars: `ta.trend.MACD`.

    `macd`: exponential average of the close over 12 less that over 26; first value at bar 25. `macd_signal`:
    exponential average of `macd` over 9, starting at its first value; `macd_hist`: `macd - macd_signal`; both from
    bar 33 on.
    """
    macd = pl.when(pl.col(POSITION) >= 25).then(smooth_span(CLOSE, 12) - smooth_span(CLOSE, 26))
    return (
        bars.with_columns(macd=macd)
        .with_columns(macd_signal=smooth_span(pl.col("macd"), 9))
        .with_columns(macd_hist=pl.col("macd") - pl.col("macd_signal"))
    )


def compute_bollinger(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Bollinger bands 20/2: `ta.volatility.BollingerBands`.

    `bb_high_20`, `bb_low_20` (dollars): mean of 20 closes plus and less two population standard deviations (ddof 0).
    `bb_percent_20`: (close - low) / (high - low), 0 at the low band and 1 at the high one; null where they are equal.
    `bb_width_20`: 100 x (high - low) / mean, percent. First value at bar 19.
    """
    mean, deviation, high, low = map(pl.col, ("_mean", "_deviation", "bb_high_20", "bb_low_20"))
    return (
        bars.with_columns(_mean=roll_mean(CLOSE, 20), _deviation=roll_deviation(CLOSE, 20))
        .with_columns(bb_high_20=mean + 2 * deviation, bb_low_20=mean - 2 * deviation)
        .with_columns(bb_percent_20=(CLOSE - low) / (high - low), bb_width_20=(high - low) / mean * 100)
    )


def compute_stochastic(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Stochastic oscillator 14/3, 0 to 100: `ta.momentum.StochasticOscillator`.

    `stoch_k_14`: 100 x (close - lowest low) / (highest high - lowest low) over 14 bars; first value at bar 13; null
    where the bars have no range. `stoch_d_3`: mean of three `stoch_k_14`; first value at bar 15; null where one of
    them is.
    """
    lowest, highest, k = LOW.rolling_min(14), HIGH.rolling_max(14), pl.col("stoch_k_14")
    return bars.with_columns(stoch_k_14=100 * (CLOSE - lowest) / (highest - lowest)).with_columns(
        stoch_d_3=(k.shift(2) + k.shift(1) + k) / 3
    )


def compute_commodity_channel(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Commodity channel index, mostly -200 to 200: `ta.trend.CCIIndicator`.

    `cci_20`: (typical price - its mean over 20 bars) / (0.015 x mean absolute deviation from that mean), typical
    price = (high + low + close) / 3. First value at bar 19. In a window of equal typical prices it is 0 or null, as
    in `ta`: 0 where numpy's mean of them misses them by a rounding, null where it does not.
    """
    return bars.with_columns(
        cci_20=(TYPICAL - roll_mean(TYPICAL, 20)) / (0.015 * roll_mean_deviation(TYPICAL, 20)),
    )


def compute_balance_volume(bars: pl.LazyFrame) -> pl.LazyFrame:
    """On-balance volume, shares: `ta.volume.OnBalanceVolumeIndicator`.

    `obv`: running sum of the volume, negative where the close falls. As in `ta` it starts with the first bar's volume
    and an unchanged close counts as a rise. First value at bar 0.
    """
    signed = pl.when(CLOSE < PREVIOUS_CLOSE).then(-VOLUME).otherwise(VOLUME)
    return bars.with_columns(obv=signed.cum_sum().over(GROUP))


def compute_money_flow(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Money flow index, 0 to 100: `ta.volume.MFIIndicator`.

    `mfi_14`: 100 - 100 / (1 + inflow / outflow), sums over 14 bars of typical price x volume where the typical price
    rose (fell). First value at bar 13: the first bar counts with no flow. 100 without outflow; null without any flow.
    """
    change = pl.when(pl.col(POSITION) > 0).then(TYPICAL - TYPICAL.shift(1))
    flow = TYPICAL * VOLUME
    return (
        bars.with_columns(
            _inflow=pl.when(change > 0).then(flow).otherwise(0.0),
            _outflow=pl.when(change < 0).then(flow).otherwise(0.0),
        )
        .with_columns(_ratio=sum_14(pl.col("_inflow")) / sum_14(pl.col("_outflow")))
        .with_columns(mfi_14=100 - 100 / (1 + pl.col("_ratio")))
    )


def compute_session_price(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Volume-weighted average price of the session so far, dollars; ours, `ta` only knows a rolling one.

    `vwap_session`: sum of typical price x volume over sum of volume, from the first bar of the day that starts at or
    after the market's opening. No warm-up. Null outside regular hours (bars before the opening are not part of the
    session; after the close it is over) and until the first share is traded.
    """
    return (
        bars.with_columns(_run=pl.struct(GROUP, "_session").rle_id().set_sorted())
        .with_columns(_value=(TYPICAL * VOLUME).cum_sum().over("_run"), _shares=VOLUME.cum_sum().over("_run"))
        .with_columns(vwap_session=pl.when(pl.col("_session").is_not_null()).then(pl.col("_value") / pl.col("_shares")))
    )


@dataclass(frozen=True)
class Indicator:
    """What an indicator is: the function of its family, the bars of a series before its first value, one sentence."""

    compute: Family
    warm_up: int
    meaning: str


INDICATORS: dict[str, Indicator] = {
    "atr_14": Indicator(compute_average_true_range, 13, "Average true range over 14 bars, dollars."),
    "atr_28": Indicator(compute_average_true_range, 27, "Average true range over 28 bars, dollars."),
    "adx_7": Indicator(compute_directional_movement, 13, "Strength of the trend over 7 bars, 0 to 100."),
    "adx_14": Indicator(compute_directional_movement, 27, "Strength of the trend over 14 bars, 0 to 100."),
    "adx_28": Indicator(compute_directional_movement, 55, "Strength of the trend over 28 bars, 0 to 100."),
    "plus_di_14": Indicator(compute_directional_movement, 15, "Upward movement over 14 bars, 0 to 100."),
    "minus_di_14": Indicator(compute_directional_movement, 15, "Downward movement over 14 bars, 0 to 100."),
    "rsi_14": Indicator(compute_relative_strength, 13, "Relative strength index over 14 bars, 0 to 100."),
    "macd": Indicator(compute_convergence, 25, "12-bar less 26-bar exponential average of the close, dollars."),
    "macd_signal": Indicator(compute_convergence, 33, "9-bar exponential average of macd, dollars."),
    "macd_hist": Indicator(compute_convergence, 33, "macd less macd_signal, dollars."),
    "bb_high_20": Indicator(compute_bollinger, 19, "Upper Bollinger band, 20 bars, two deviations, dollars."),
    "bb_low_20": Indicator(compute_bollinger, 19, "Lower Bollinger band, 20 bars, two deviations, dollars."),
    "bb_percent_20": Indicator(compute_bollinger, 19, "Place of the close between the bands: 0 lower, 1 upper."),
    "bb_width_20": Indicator(compute_bollinger, 19, "Distance of the bands, percent of their middle."),
    "ema_9": Indicator(compute_moving_averages, 8, "Exponential average of the close over 9 bars, dollars."),
    "ema_20": Indicator(compute_moving_averages, 19, "Exponential average of the close over 20 bars, dollars."),
    "ema_50": Indicator(compute_moving_averages, 49, "Exponential average of the close over 50 bars, dollars."),
    "stoch_k_14": Indicator(compute_stochastic, 13, "Place of the close in the range of 14 bars, 0 to 100."),
    "stoch_d_3": Indicator(compute_stochastic, 15, "Mean of three stoch_k_14, 0 to 100."),
    "cci_20": Indicator(compute_commodity_channel, 19, "Distance of the typical price from its 20-bar mean."),
    "obv": Indicator(compute_balance_volume, 0, "On-balance volume since the series' first bar, shares."),
    "vwap_session": Indicator(
        compute_session_price, 0, "Volume-weighted average price of the session so far, dollars."
    ),
    "mfi_14": Indicator(compute_money_flow, 13, "Money flow index over 14 bars, 0 to 100."),
    "volatility_ratio": Indicator(compute_average_true_range, 27, "atr_14 over atr_28."),
}

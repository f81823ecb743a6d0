"""What is measured at a bar: its volume, its candle, and the trend that led to it.

A value at a bar is made of that bar and the LOOKBACK bars before it, so it does not depend on where a file begins, as
Wilder's averages would. Volume and spread are held against their own trailing law: ranks and medians of the LOOKBACK
bars before, which one freak bar cannot move, and which have no unit, so that a share of 5 dollars and one of 500, a
minute and a week, are measured alike.

What is measured is rounded (ratios to 2 decimals, dollars to 7 significant digits) before any rule reads it: the number
that a reader sees is the number that decided. Sums run from the oldest bar to the newest, whatever stands around them,
so they are the same to the last bit in a longer series and in a cut one.

Sources: T. Williams, "Master the Markets" (TradeGuider, 1993/2005), for spread, close and volume as what is read in a
bar; A. Coulling, "A Complete Guide to Volume Price Analysis" (2013), for volume that confirms or denies price;
P. Kaufman, "Trading Systems and Methods", for the efficiency ratio; S. Nison, "Japanese Candlestick Charting
Techniques" (1991), for hammer, shooting star and doji.
"""

import operator
from collections.abc import Callable
from functools import reduce

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from indicators.windows import POSITION

LOOKBACK = 50  # bars before the one that is read: reference 002's least lookback; a rank among 50 moves in steps of 2%
TREND_BARS = 20  # a month of days; the span of Bollinger's and Donchian's usual windows
PRIOR_BARS = LOOKBACK - TREND_BARS  # what came before the trend, for phases that turn one around

# Percentiles of the trailing law. 30/70 leave two fifths of bars unremarkable; "very" is the tenth that stands out.
VERY_LOW, LOW, HIGH, VERY_HIGH = 10.0, 30.0, 70.0, 90.0
VOLUME_CLASS = pl.Enum(["very_low", "low", "average", "high", "very_high"])
SPREAD_CLASS = pl.Enum(["flat", "narrow", "average", "wide"])

LONG_WICK = 0.6  # of the spread: "at least twice the body" (Nison), with room for a short wick on the other side
SMALL_BODY = 0.1  # of the spread: open and close next to equal
CANDLE_CLASS = pl.Enum(
    ["flat", "hammer", "shooting_star", "doji"]
    + [f"{spread}_{side}" for spread in ("narrow", "average", "wide") for side in ("up", "down")]
)

# Efficiency of 20 random steps is about 0.28 x |normal|: 0.3 is passed by 28% of random bars, 0.5 by 8%.
TRENDING, STRONG_TREND = 0.3, 0.5
TREND_STATUS = pl.Enum(["up", "down", "sideways"])
TREND_STRENGTH = pl.Enum(["weak", "moderate", "strong"])
TREND_VALIDATION = pl.Enum(["confirmed", "not_confirmed"])
# Share of volume on up-bars. Of 20 bars of equal volume, 11 and 9: the least lead that is no tie.
BUYING_SHARE, SELLING_SHARE = 0.55, 0.45

DIGITS = 7  # significant digits of dollars: cents up to 99,999.99, and what shares of a cent there are below that
CHUNK_BARS = 65_536  # windows of so many bars are looked at together, about 25 MB

Floats = NDArray[np.float64]
OPEN, HIGHEST, LOWEST, CLOSE, VOLUME = map(pl.col, ("open", "high", "low", "close", "volume"))
SPREAD, PREVIOUS_CLOSE = pl.col("_spread"), pl.col("_previous_close")


def measure_bars(bars: pl.DataFrame) -> pl.DataFrame:
    """Return the bars with everything that is measured at them, one column each.

    `bars` are sorted by `ticker` and `timestamp`. Every value is null at a ticker's first LOOKBACK bars, except where
    nothing is looked back at. Further nulls: see the functions below.
    """
    based = bars.with_columns(
        number_bars(),
        _spread=(HIGHEST - LOWEST).round_sig_figs(DIGITS),
        _previous_close=CLOSE.shift(1),
    )
    return based.pipe(_measure_volume).pipe(_measure_candle).pipe(_measure_trend)


def number_bars() -> pl.Expr:
    """Return the number of every bar within its ticker's, counted from 0."""
    return pl.int_range(pl.len(), dtype=pl.Int64).over("ticker").alias(POSITION)


def is_known() -> pl.Expr:
    """Tell the bars that have LOOKBACK bars before them."""
    return pl.col(POSITION) >= LOOKBACK


def map_windows(
    columns: list[Floats], window: int, measure: Callable[..., tuple[Floats, ...]], outputs: int = 1
) -> Floats:
    """Measure the windows that end at every bar, some thousand at once; NaN in the first `window` - 1 rows.

    `measure` is handed one array of windows per column, a row each, and returns `outputs` arrays of a number per row;
    they come back as the rows of one array. Windows reach over the whole column, so they are right only from a series'
    own bar `window` - 1 on.
    """
    rows = len(columns[0])
    measured = np.full((outputs, rows), np.nan)
    for start in range(window - 1, rows, CHUNK_BARS):
        stop = min(start + CHUNK_BARS, rows)
        views = (sliding_window_view(column[start - window + 1 : stop], window) for column in columns)
        measured[:, start:stop] = measure(*views)
    return measured


def sum_window(values: pl.Expr, window: int) -> pl.Expr:
    """Return the sum over `window` bars, added from the oldest to the newest."""
    return reduce(operator.add, (values.shift(lag) for lag in reversed(range(window))))


def choose_class(kinds: pl.Enum, cases: dict[str, pl.Expr]) -> pl.Expr:
    """Return the name of the first case that holds, null where none does."""
    return pl.coalesce(pl.when(case).then(pl.lit(name, kinds)) for name, case in cases.items())


def _rank_last(windows: Floats) -> tuple[Floats]:
    before, last = windows[:, :-1], windows[:, -1:]
    counted = (before < last).sum(axis=1) + 0.5 * (before == last).sum(axis=1)
    return (100 * counted / LOOKBACK,)


def _rank(bars: pl.DataFrame, name: str) -> pl.Expr:
    (ranks,) = map_windows([bars.get_column(name).to_numpy()], LOOKBACK + 1, _rank_last)
    return pl.when(is_known()).then(pl.lit(pl.Series(ranks)))


def _measure_volume(bars: pl.DataFrame) -> pl.DataFrame:
    """Volume and spread against the LOOKBACK bars before.

    `volume_percentile`, `spread_percentile`: 100 x (bars below + half of the equal ones) / LOOKBACK, the mid-rank:
    a bar among equals is at 50. `volume_ratio`, `spread_ratio`: over the median of those bars; null where that is 0.
    `typical_spread`: that median of the spread, dollars: the unit in which distances are counted.
    `volume_class`: below 10, below 30, up to 70, up to 90, above. `spread_class`: flat without any spread, narrow below
    30, wide above 70. Williams reads spread and volume as high or low against recent bars; the limits are ours.
    """
    volume, spread = pl.col("volume_percentile"), pl.col("spread_percentile")
    usual, typical = (values.rolling_median(LOOKBACK).shift(1) for values in (VOLUME, SPREAD))
    return bars.with_columns(
        volume_percentile=_rank(bars, "volume"),
        spread_percentile=_rank(bars, "_spread"),
        volume_ratio=pl.when(is_known() & (usual > 0)).then((VOLUME / usual).round(2)),
        spread_ratio=pl.when(is_known() & (typical > 0)).then((SPREAD / typical).round(2)),
        typical_spread=pl.when(is_known()).then(typical.round_sig_figs(DIGITS)),
    ).with_columns(
        volume_class=choose_class(
            VOLUME_CLASS,
            {
                "very_low": volume < VERY_LOW,
                "low": volume < LOW,
                "average": volume <= HIGH,
                "high": volume <= VERY_HIGH,
                "very_high": volume > VERY_HIGH,
            },
        ),
        spread_class=choose_class(
            SPREAD_CLASS,
            {
                "flat": is_known() & (SPREAD == 0),
                "narrow": spread < LOW,
                "average": spread <= HIGH,
                "wide": spread > HIGH,
            },
        ),
    )


def _measure_candle(bars: pl.DataFrame) -> pl.DataFrame:
    """The candle's shape, as shares of its spread, which is high - low.

    `close_position`: (close - low) / spread, 0 at the low and 1 at the high. `body_share`: |close - open| / spread.
    `upper_wick_share`, `lower_wick_share`: from the body to the high (low) / spread. All null without any spread.
    `candle_class`: flat; hammer with a lower wick of LONG_WICK or more; shooting star with such an upper one; doji with
    a body of SMALL_BODY or less; else its `spread_class` and whether it closed above its open or not.
    """
    shares = {
        "close_position": CLOSE - LOWEST,
        "body_share": (CLOSE - OPEN).abs(),
        "upper_wick_share": HIGHEST - pl.max_horizontal("open", "close"),
        "lower_wick_share": pl.min_horizontal("open", "close") - LOWEST,
    }
    spread_class = pl.col("spread_class")
    side = pl.when(CLOSE > OPEN).then(pl.lit("_up")).otherwise(pl.lit("_down"))
    return bars.with_columns(
        pl.when(is_known() & (SPREAD > 0)).then((part / SPREAD).round(2)).alias(name) for name, part in shares.items()
    ).with_columns(
        candle_class=pl.coalesce(
            choose_class(
                CANDLE_CLASS,
                {
                    "flat": spread_class == "flat",
                    "hammer": pl.col("lower_wick_share") >= LONG_WICK,
                    "shooting_star": pl.col("upper_wick_share") >= LONG_WICK,
                    "doji": pl.col("body_share") <= SMALL_BODY,
                },
            ),
            (spread_class.cast(pl.String) + side).cast(CANDLE_CLASS, strict=False),
        )
    )


def _measure_trend(bars: pl.DataFrame) -> pl.DataFrame:
    """The move of the last TREND_BARS closes, the one before it, and who traded in it.

    `efficiency`: |close - close TREND_BARS ago| / sum of |close - previous close| (Kaufman), 0 for a walk that led
    nowhere or did not move, 1 for a straight line. `trend_status`: up or down from TRENDING on, sideways below;
    `trend_strength`: weak below TRENDING, moderate, strong from STRONG_TREND on. `change_percent`: of those closes.
    `prior_efficiency`, `prior_change_percent`: the same of the PRIOR_BARS before.
    `up_volume_share`: volume of bars that closed above the close before / volume of those that closed above or below;
    null without any. `trend_validation`: confirmed when that share is BUYING_SHARE or more in a trend up, SELLING_SHARE
    or less in a trend down (Coulling: volume should go with the trend); null where there is no trend or no share.
    `range_high`, `range_low`: highest high and lowest low of the TREND_BARS before this bar, dollars.
    `range_position`: (close - lowest low) / (highest high - lowest low) of LOOKBACK bars up to this; null where flat.
    """
    then = CLOSE.shift(TREND_BARS)
    step = (CLOSE - PREVIOUS_CLOSE).abs()
    up = sum_window(pl.when(CLOSE > PREVIOUS_CLOSE).then(VOLUME).otherwise(0.0), TREND_BARS)
    down = sum_window(pl.when(CLOSE < PREVIOUS_CLOSE).then(VOLUME).otherwise(0.0), TREND_BARS)
    top, bottom = HIGHEST.rolling_max(LOOKBACK), LOWEST.rolling_min(LOOKBACK)
    measured = {
        "efficiency": _divide((CLOSE - then).abs(), sum_window(step, TREND_BARS)).fill_null(0.0),
        "change_percent": _change_percent(CLOSE, then),
        "prior_efficiency": _divide(
            (then - CLOSE.shift(LOOKBACK)).abs(), sum_window(step, PRIOR_BARS).shift(TREND_BARS)
        ).fill_null(0.0),
        "prior_change_percent": _change_percent(then, CLOSE.shift(LOOKBACK)),
        "up_volume_share": _divide(up, up + down),
        "range_high": HIGHEST.rolling_max(TREND_BARS).shift(1),
        "range_low": LOWEST.rolling_min(TREND_BARS).shift(1),
        "range_position": _divide(CLOSE - bottom, top - bottom),
    }
    return bars.with_columns(pl.when(is_known()).then(values).alias(name) for name, values in measured.items()).pipe(
        _classify_trend
    )


def _change_percent(close: pl.Expr, before: pl.Expr) -> pl.Expr:
    return (100 * (close / before - 1)).round(2) + 0.0  # no -0.0


def _divide(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then((part / whole).round(2))


def _classify_trend(bars: pl.DataFrame) -> pl.DataFrame:
    efficiency, change, share = map(pl.col, ("efficiency", "_moved", "up_volume_share"))
    status = pl.col("trend_status")
    return (
        bars.with_columns(_moved=CLOSE - CLOSE.shift(TREND_BARS))
        .with_columns(
            trend_status=choose_class(
                TREND_STATUS,
                {
                    "up": (efficiency >= TRENDING) & (change > 0),
                    "down": (efficiency >= TRENDING) & (change < 0),
                    "sideways": efficiency < TRENDING,
                },
            ),
            trend_strength=choose_class(
                TREND_STRENGTH,
                {
                    "weak": efficiency < TRENDING,
                    "moderate": efficiency < STRONG_TREND,
                    "strong": efficiency >= STRONG_TREND,
                },
            ),
        )
        .with_columns(
            trend_validation=choose_class(
                TREND_VALIDATION,
                {
                    "confirmed": ((status == "up") & (share >= BUYING_SHARE))
                    | ((status == "down") & (share <= SELLING_SHARE)),
                    "not_confirmed": (status != "sideways") & share.is_not_null(),
                },
            )
        )
        .drop("_moved")
    )

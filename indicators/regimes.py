"""Regime and volatility at every bar, from bars up to it: what an advisor is told of a market.

Everything is a window of the bar and those before it, so what is known at a bar is the same in a series cut there.

- `change_percent`: 100 (close / close SPAN bars before - 1).
- `efficiency`: |close - close SPAN bars before| over the sum of the |steps| between (P. Kaufman, "Trading Systems and
  Methods"); 0 where no step was taken. From TRENDING on there is a trend: 28 of 100 random walks pass it.
- `atr_percent`: 100 mean of the last ATR_BARS true ranges / close (J. W. Wilder, "New Concepts in Technical Trading
  Systems", 1978, with a plain mean, so that it does not depend on where a file begins).
- `volatility`: low, normal or high by the share of the last LAW bars whose `atr_percent` is below the bar's own: under
  a third, over two thirds.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from gold_data.sessions import NEW_YORK, Market
from indicators.bars import sort_bars
from indicators.vpa.timeframes import check_timeframes, end_bars, gather_bars

SPAN, ATR_BARS, LAW = 20, 14, 100
TRENDING = 0.3
LOW, HIGH = 1 / 3, 2 / 3
DIGITS = 6
REGIMES = ("trending_up", "trending_down", "ranging")
VOLATILITIES = ("low", "normal", "high")


def measure_regimes(bars: pl.DataFrame, timeframes: Sequence[str], market: Market = NEW_YORK) -> pl.DataFrame:
    """Return one row per ticker, timeframe and bar, from the first bar on at which all of it is known.

    `bars` as `indicators.vpa.context.build_context` takes them, of the first of `timeframes`; higher ones are made from
    them, and only finished bars are there. Columns: `ticker`, `timeframe`, `timestamp` (start), `ends`, `close`,
    `change_percent`, `efficiency`, `atr_percent`, `regime`, `volatility`. A ticker's first LAW + ATR_BARS bars of a
    timeframe have no row.

    Raises:
        IndicatorError: bars that `sort_bars` or timeframes that `check_timeframes` refuses.
    """
    ordered = sort_bars(bars, "ticker")
    check_timeframes(ordered, timeframes, market)
    return pl.concat(list(_iter_timeframes(ordered, timeframes, market))).sort("ticker", "ends", "timeframe")


def _iter_timeframes(bars: pl.DataFrame, timeframes: Sequence[str], market: Market) -> Iterator[pl.DataFrame]:
    for timeframe in timeframes:
        gathered = gather_bars(bars, timeframes[0], timeframe, market)
        yield (
            _measure(gathered)
            .with_columns(timeframe=pl.lit(timeframe), ends=end_bars(timeframe, market))
            .select(
                *("ticker", "timeframe", "timestamp", "ends", "close", "change_percent", "efficiency", "atr_percent"),
                *("regime", "volatility"),
            )
        )


def _measure(bars: pl.DataFrame) -> pl.DataFrame:
    close, before = pl.col("close"), pl.col("close").shift(1)
    known = pl.when(before.is_not_null())  # a first bar has no true range
    ranges = known.then(pl.max_horizontal(pl.col("high"), before) - pl.min_horizontal(pl.col("low"), before))
    moved = close - close.shift(SPAN)
    stepped = bars.with_columns(
        _moved=moved.over("ticker"),
        _path=_sum_window((close - before).abs(), SPAN).over("ticker"),
        _range=(_sum_window(ranges, ATR_BARS) / ATR_BARS).over("ticker"),
    ).with_columns(
        change_percent=(100 * pl.col("_moved") / (close - pl.col("_moved"))).round_sig_figs(DIGITS),
        efficiency=pl.when(pl.col("_path") > 0).then(pl.col("_moved").abs() / pl.col("_path")).otherwise(0.0).round(2),
        atr_percent=(100 * pl.col("_range") / close).round_sig_figs(DIGITS),
    )
    up = pl.when(pl.col("change_percent") > 0).then(pl.lit(REGIMES[0])).otherwise(pl.lit(REGIMES[1]))
    return (
        stepped.with_columns(_rank=_rank_window(pl.col("atr_percent")).over("ticker"))
        .filter(pl.all_horizontal(pl.col("_moved", "_path", "_rank").is_not_null()))
        .with_columns(
            regime=pl.when(pl.col("efficiency") >= TRENDING).then(up).otherwise(pl.lit(REGIMES[2])),
            volatility=pl.when(pl.col("_rank") < LOW)
            .then(pl.lit(VOLATILITIES[0]))
            .when(pl.col("_rank") > HIGH)
            .then(pl.lit(VOLATILITIES[2]))
            .otherwise(pl.lit(VOLATILITIES[1])),
        )
    )


def _sum_window(values: pl.Expr, window: int) -> pl.Expr:
    """Sum a window from the oldest bar to the newest: the same to the last bit wherever a series begins."""
    return pl.sum_horizontal((values.shift(back) for back in reversed(range(window))), ignore_nulls=False)


def _rank_window(values: pl.Expr) -> pl.Expr:
    """Give the share of the LAW bars before that lie below a bar's value; null before there are as many."""
    below = ((values.shift(back) < values).cast(pl.Int32) for back in range(1, LAW + 1))
    return pl.sum_horizontal(below, ignore_nulls=False) / LAW

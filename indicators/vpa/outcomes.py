"""What really came after each bar. Kept apart from the context: it may stand in no prompt and in no rule.

Verification joins it to the signals to say how often a class of signal was followed by what.
"""

from collections.abc import Sequence

import polars as pl

from gold_data.sessions import NEW_YORK, Market
from indicators.bars import sort_bars
from indicators.vpa.measures import CLOSE, HIGHEST, LOWEST, is_known, number_bars
from indicators.vpa.timeframes import MINUTE_LADDER, TIMEFRAME, check_timeframes, gather_bars

HORIZONS = (1, 5, 20)  # bars: the next one, the next few, as many as a trend is measured over


def build_outcomes(
    bars: pl.DataFrame, timeframes: Sequence[str] = MINUTE_LADDER, market: Market = NEW_YORK
) -> pl.DataFrame:
    """Return one row per row of `build_context`, in the same order: `ticker`, `timeframe`, `timestamp`, and what came.

    For each horizon h of HORIZONS, in percent of the bar's close: `change_percent_h` to the close h bars later,
    `highest_percent_h` and `lowest_percent_h` to the highest high and lowest low of those h bars. Bars are those of the
    ticker and timeframe, however far apart. Null where fewer than h bars follow. Not rounded, as no text quotes them.

    Raises:
        IndicatorError: As `build_context`.
    """
    ordered = sort_bars(bars, "ticker")
    check_timeframes(ordered, timeframes, market)
    parts = [_look_ahead(gather_bars(ordered, timeframes[0], name, market), name) for name in timeframes]
    return pl.concat(parts).sort("ticker", "timeframe", "timestamp")


def _look_ahead(bars: pl.DataFrame, timeframe: str) -> pl.DataFrame:
    came = {
        f"{name}_percent_{horizon}": pl.when(pl.col("ticker") == pl.col("ticker").shift(-horizon)).then(
            100 * (price.shift(-horizon) / CLOSE - 1)
        )
        for horizon in HORIZONS
        for name, price in {
            "change": CLOSE,
            "highest": HIGHEST.rolling_max(horizon),
            "lowest": LOWEST.rolling_min(horizon),
        }.items()
    }
    return (
        bars.with_columns(number_bars(), **came)
        .filter(is_known())
        .select("ticker", pl.lit(timeframe, TIMEFRAME).alias("timeframe"), "timestamp", *came)
    )

"""Timeframes: the bars of a higher one, made from those of a lower one, and when they are finished.

A bar covers the time from its `timestamp` to `timestamp` + timeframe on the exchange's clock: hours begin at full
hours, days at midnight, weeks on Monday. It is finished when that time is over: a day's bar ends at midnight, a week's
with its Sunday, so that Monday's bar is the first to know it. No calendar of sessions is asked whether more could come.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from indicators.bars import VALUES
from indicators.errors import IndicatorError

TIMEFRAMES = ("1m", "5m", "15m", "1h", "1d", "1w")  # each is a whole multiple of those before it
TIMEFRAME = pl.Enum(TIMEFRAMES)
MINUTE_LADDER = ("1m", "5m", "1h")
DAY_LADDER = ("1d", "1w")

SHOWN_BARS = 3


def check_timeframes(bars: pl.DataFrame, timeframes: Sequence[str]) -> None:
    """Refuse a ladder of timeframes that cannot be climbed, and bars that are not of its first.

    Raises:
        IndicatorError: Unknown timeframes, or not from low to high; bars that start between two of the first timeframe.
    """
    if unknown := [name for name in timeframes if name not in TIMEFRAMES]:
        raise IndicatorError(f"Unknown timeframes {', '.join(unknown)}. Known: {', '.join(TIMEFRAMES)}.")
    places = [TIMEFRAMES.index(name) for name in timeframes]
    if not places or places != sorted(set(places)):
        raise IndicatorError(
            f"Timeframes should go from that of the bars to higher ones, such as {', '.join(MINUTE_LADDER)}; "
            f"found {', '.join(timeframes) or 'none'}."
        )
    astray = bars.filter(pl.col("timestamp") != pl.col("timestamp").dt.truncate(timeframes[0]))
    if astray.height:
        named = [
            f"{key} {start:%Y-%m-%d %H:%M:%S}"
            for key, start in astray.select("ticker", "timestamp").head(SHOWN_BARS).iter_rows()
        ]
        raise IndicatorError(
            f"{astray.height} of {bars.height} bars do not start where bars of {timeframes[0]} do on the exchange's "
            f"clock (days at midnight, weeks on Monday): {', '.join(named)}. Mend them, or name their timeframe first."
        )


def end_bars(timeframe: str) -> pl.Expr:
    """Return when a bar is finished: the start of the next one, whether there is one or not."""
    return pl.col("timestamp").dt.offset_by(timeframe)


def gather_bars(bars: pl.DataFrame, lower: str, timeframe: str) -> pl.DataFrame:
    """Return the finished bars of a timeframe, in order: first open, highest high, lowest low, last close, all volume.

    `bars` are sorted by `ticker` and `timestamp`, of timeframe `lower`; asked for that one, they come back as they are.
    A higher bar is there if any of its time was traded. The last one of a ticker is left out unless the ticker's last
    bar of `lower` ends with it or after it.
    """
    if bars.is_empty() or timeframe == lower:
        return bars
    starts = bars.with_columns(
        pl.col("timestamp").dt.truncate(timeframe), _known_until=end_bars(lower).last().over("ticker")
    )
    changes = (pl.col("ticker") != pl.col("ticker").shift(1)) | (pl.col("timestamp") != pl.col("timestamp").shift(1))
    first = starts.select(pl.arg_where(changes.fill_null(True))).to_series().to_numpy().astype(np.int64)
    last = np.append(first[1:], bars.height) - 1
    open_, high, low, close, volume = (bars.get_column(name).to_numpy() for name in VALUES)
    higher = starts[first].with_columns(
        open=pl.Series(open_[first]),
        high=pl.Series(np.maximum.reduceat(high, first)),
        low=pl.Series(np.minimum.reduceat(low, first)),
        close=pl.Series(close[last]),
        volume=pl.Series(np.add.reduceat(volume, first)),
    )
    return higher.filter(end_bars(timeframe) <= pl.col("_known_until")).select(bars.columns)

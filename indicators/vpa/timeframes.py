"""Timeframes: the bars of a higher one, made from those of a lower one, and when they are finished.

A bar covers the time from its `timestamp` to `timestamp` + timeframe on its market's clock: hours begin at full hours,
days with the trading day, weeks on Monday. A trading day begins at midnight, or where sessions begin on the evening
before (futures, foreign exchange) with them. A bar is finished when its time is over: a day's with the day, a week's
with its Sunday, so that Monday's bar is the first to know it. No calendar of sessions is asked whether more could come.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from gold_data.sessions import DAY, EXCHANGE_ZONE, NEW_YORK, Market
from indicators.bars import VALUES
from indicators.errors import IndicatorError

TIMEFRAMES = ("1m", "5m", "15m", "1h", "1d", "1w")  # each is a whole multiple of those before it
TIMEFRAME = pl.Enum(TIMEFRAMES)
OF_DAYS = ("1d", "1w")
MINUTE_LADDER = ("1m", "5m", "1h")
DAY_LADDER = OF_DAYS

LENGTHS = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "1w": timedelta(weeks=1),
}
TELLING_PAIRS = 20  # neighbouring bars; of fewer, all may be far apart because hardly anything was traded

SHOWN_BARS = 3


def check_timeframes(bars: pl.DataFrame, timeframes: Sequence[str], market: Market = NEW_YORK) -> None:
    """Refuse a ladder of timeframes that cannot be climbed, and bars that are not of its first.

    Raises:
        IndicatorError: Unknown timeframes, or not from low to high; bars that start between two of the first timeframe,
            or are all farther apart than it lasts, so that they are longer ones.
    """
    if unknown := [name for name in timeframes if name not in TIMEFRAMES]:
        raise IndicatorError(f"Unknown timeframes {', '.join(unknown)}. Known: {', '.join(TIMEFRAMES)}.")
    places = [TIMEFRAMES.index(name) for name in timeframes]
    if not places or places != sorted(set(places)):
        raise IndicatorError(
            f"Timeframes should go from that of the bars to higher ones, such as {', '.join(MINUTE_LADDER)}; "
            f"found {', '.join(timeframes) or 'none'}."
        )
    astray = bars.filter(pl.col("timestamp") != start_bars(timeframes[0], market))
    if astray.height:
        named = [f"{key} {start:%Y-%m-%d %H:%M:%S}" for key, start in _show(astray.head(SHOWN_BARS), market)]
        raise IndicatorError(
            f"{astray.height} of {bars.height} bars do not start where bars of {timeframes[0]} do on the clock of "
            f"{market.name}, {market.zone_name} (days {_say_start(market)}, weeks on Monday): {', '.join(named)}. Mend "
            "them, name their timeframe first, or say where they are traded (market)."
        )
    gap = pl.col("timestamp").diff().over("ticker")
    gaps = bars.sort("timestamp").select(gap.alias("gap"))
    step, pairs = gaps.select(pl.col("gap").min(), pl.col("gap").count().alias("pairs")).row(0)
    if pairs >= TELLING_PAIRS and step > LENGTHS[timeframes[0]]:
        raise IndicatorError(
            f"No two bars of a ticker are less than {step} apart, so they are none of {timeframes[0]}. Give bars of "
            f"one of {', '.join(TIMEFRAMES)}, and name it first: hours begin at full hours, weeks on Monday, and days "
            "are best written as dates alone."
        )


def _show(bars: pl.DataFrame, market: Market) -> list[tuple[str, datetime]]:
    return bars.select("ticker", pl.col("timestamp").dt.convert_time_zone(market.zone_name)).rows()


def _say_start(market: Market) -> str:
    return "at midnight" if not market.shift else f"at {market.shift % DAY}"


def start_bars(timeframe: str, market: Market = NEW_YORK) -> pl.Expr:
    """Return when the bar of a timeframe begins in which a moment lies."""
    local = pl.col("timestamp").dt.convert_time_zone(market.zone_name)
    if timeframe not in OF_DAYS:
        return local.dt.truncate(timeframe).dt.convert_time_zone(EXCHANGE_ZONE)
    day = (local.dt.replace_time_zone(None) - market.shift).dt.truncate(timeframe) + market.shift
    starts = day.dt.replace_time_zone(market.zone_name, ambiguous="earliest", non_existent="null")
    return starts.dt.convert_time_zone(EXCHANGE_ZONE)


def end_bars(timeframe: str, market: Market = NEW_YORK) -> pl.Expr:
    """Return when a bar is finished: the start of the next one, whether there is one or not."""
    local = pl.col("timestamp").dt.convert_time_zone(market.zone_name)
    return local.dt.offset_by(timeframe).dt.convert_time_zone(EXCHANGE_ZONE)


def gather_bars(bars: pl.DataFrame, lower: str, timeframe: str, market: Market = NEW_YORK) -> pl.DataFrame:
    """Return the finished bars of a timeframe, in order: first open, highest high, lowest low, last close, all volume.

    `bars` are sorted by `ticker` and `timestamp`, of timeframe `lower`; asked for that one, they come back as they are.
    A higher bar is there if any of its time was traded. The last one of a ticker is left out unless the ticker's last
    bar of `lower` ends with it or after it.
    """
    if bars.is_empty() or timeframe == lower:
        return bars
    starts = bars.with_columns(
        start_bars(timeframe, market), _known_until=end_bars(lower, market).last().over("ticker")
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
    return higher.filter(end_bars(timeframe, market) <= pl.col("_known_until")).select(bars.columns)

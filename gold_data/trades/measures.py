"""Measures trades on the minute bars they were made on: volatility at the entry, worst and best exit percent.

Bars are read in batches of whole tickers; within a batch all trades are measured at once.
"""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gold_data.market import iter_tickers
from gold_data.markets import USUAL, Markets

WINDOW = 14
WARM_UP = WINDOW - 1  # bars of a ticker before its first average true range
COVERED_WITHIN = pl.duration(minutes=30)  # of an entry and of an exit there must be a bar
STALE_AFTER = pl.duration(days=5)  # between an entry and the last bar before it there is a long weekend at the most

# A trade whose price lies further than this share outside its bars was not made on them: another day, another ticker,
# or prices adjusted since.
PRICE_TOLERANCE = 0.01

NO_BARS, OTHER_PRICES, WARMING_UP = "no_bars", "price_not_in_bars", "warming_up"
LIMITS = {
    NO_BARS: "a bar of the ticker within half an hour of the entry, and of the exit",
    OTHER_PRICES: f"prices within {PRICE_TOLERANCE:.0%} of the bars of their moments",
    WARMING_UP: f"{WARM_UP + 1} bars of the ticker before the entry",
}
MEASURES = ("entry_volatility_percent", "worst_exit_percent", "best_exit_percent")
SCHEMA = {**dict.fromkeys(MEASURES, pl.Float64()), "unmeasured": pl.String(), "bars_found": pl.String()}

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]


def add_average_true_range(bars: pl.DataFrame) -> pl.DataFrame:
    """Add `atr_14`, Wilder's average true range in dollars, to bars sorted by ticker and minute.

    It is that of the indicators: true range = the largest of high - low, |high - previous close|, |low - previous
    close|, at a ticker's first bar high - low; the mean of the first 14, then (13 ATR + true range) / 14. A ticker's
    bars count as neighbours whatever lies between them. Null at its first 13 bars. Source: Wilder, New Concepts in
    Technical Trading Systems, 1978, as the library `ta` computes it.
    """
    high, low, before = pl.col("high"), pl.col("low"), pl.col("close").shift(1).over("ticker")
    position = pl.int_range(pl.len()).over("ticker")
    start = pl.col("_range").head(WINDOW).mean().over("ticker")
    ranges = bars.with_columns(
        _range=pl.max_horizontal(high - low, (high - before).abs(), (low - before).abs()), _position=position
    )
    settled = pl.when(pl.col("_position") >= WINDOW).then(pl.col("_range")).otherwise(start)
    average = settled.ewm_mean(alpha=1 / WINDOW, adjust=False).over("ticker")
    return ranges.with_columns(atr_14=pl.when(pl.col("_position") >= WARM_UP).then(average)).drop("_range", "_position")


def measure_trades(trades: pl.DataFrame, bars: Path, markets: Markets = USUAL) -> pl.DataFrame:
    """Measure trades on minute bars.

    `entry_volatility_percent` is 100 x ATR(14) / close at the last bar complete at the entry; no later bar is looked
    at. `worst_exit_percent` and `best_exit_percent` are the lowest and highest percent from the entry price, signed in
    the trade's direction, among the lows and highs of the bars whose minute overlaps the trade, and the entry and exit
    price themselves; so worst <= 0 <= best. They may hold what happened in those minutes before the entry or after the
    exit.

    Args:
        trades: `ticker`, `trade_type`, `session_date`, `entry_time`, `exit_time`, `entry_price`, `exit_price`.
        bars: Parquet of minute bars, sorted by ticker and minute.
        markets: Where each ticker is traded.

    Returns:
        One row per trade, in their order: the three measures, null where the bars do not give them; `unmeasured`, the
        reason for that: `no_bars` (none within half an hour of the entry, or of the exit), `price_not_in_bars` (the
        trade was not made on these bars) or `warming_up` (no volatility yet); `bars_found`, the prices that the bars
        have at the entry.
    """
    entries = trades.with_columns(day_begins=markets.begin_days(trades)).with_row_index("trade")
    parts = [
        entries.select("trade").clear().with_columns(pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items())
    ]
    for batch in iter_tickers(bars, trades.get_column("ticker").unique().to_list()):
        parts.append(_measure_batch(entries.join(batch, on="ticker", how="semi"), batch))
    measured = entries.select("trade").join(pl.concat(parts), on="trade", how="left", maintain_order="left")
    return measured.drop("trade").with_columns(
        pl.col("unmeasured").fill_null(pl.when(pl.col("bars_found").is_null()).then(pl.lit(NO_BARS)))
    )


def _measure_batch(trades: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    placed = _locate(trades, add_average_true_range(bars))
    lows, highs = (bars.get_column(name).to_numpy() for name in ("low", "high"))
    first, end, start, stop = (placed.get_column(name).to_numpy() for name in ("first", "end", "start", "stop"))
    low, high = _find_extremes(lows, highs, first, end)
    around_low, around_high = _find_extremes(lows, highs, start, stop)
    return _say_measures(placed.with_columns(low=low, high=high, around_low=around_low, around_high=around_high))


def _locate(trades: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Find the rows of each trade's bars: `before` its entry, the `first` in it, and the `end`, which follows its last.

    `start` to `stop` are those around the entry. Trades that bars do not cover drop out.
    """
    numbered = bars.select(
        "ticker",
        "timestamp",
        complete=pl.col("timestamp").dt.offset_by("1m"),
        place=pl.int_range(pl.len(), dtype=pl.Int64),
        volatility=100.0 * pl.col("atr_14") / pl.col("close"),
    )
    tickers = numbered.group_by("ticker").agg(opening=pl.col("place").first())
    known = numbered.select("ticker", "complete", "volatility", before="place", stamp="timestamp")
    earlier = (pl.col("stamp") < pl.col("day_begins")) & (pl.col("first") < pl.col("end"))
    begun = numbered.select("ticker", last_stamp="timestamp", last="place")
    return (
        trades.join(tickers, on="ticker")
        .sort("entry_time")
        .join_asof(known, left_on="entry_time", right_on="complete", by="ticker", check_sortedness=False)
        .sort("exit_time")
        .join_asof(
            begun,
            left_on="exit_time",
            right_on="last_stamp",
            by="ticker",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .with_columns(
            first=(pl.col("before") + 1).fill_null(pl.col("opening")),
            end=(pl.col("last") + 1).fill_null(pl.col("opening")),
        )
        .with_columns(pl.col("end").clip(lower_bound=pl.col("first")))
        .filter(
            (pl.col("exit_time") - pl.col("last_stamp").dt.offset_by("1m") <= COVERED_WITHIN)
            & ((pl.col("entry_time") - pl.col("complete") <= COVERED_WITHIN) | (pl.col("first") < pl.col("end")))
        )
        .with_columns(
            start=pl.when(earlier | pl.col("before").is_null()).then(pl.col("first")).otherwise(pl.col("before")),
            volatility=pl.when(pl.col("entry_time") - pl.col("complete") <= STALE_AFTER).then(pl.col("volatility")),
        )
        .with_columns(stop=pl.min_horizontal(pl.col("first") + 1, "end").clip(lower_bound=pl.col("start") + 1))
    )


def _find_extremes(lows: Numbers, highs: Numbers, first: Places, end: Places) -> tuple[Numbers, Numbers]:
    """Find the lowest low and the highest high of the rows `first` to `end` - 1 of each trade; NaN where there is none.

    A range is covered by two windows of the greatest power of two within it. Windows double from pass to pass, so that
    many long trades cost no more than few.
    """
    low, high = np.full(len(first), np.nan), np.full(len(first), np.nan)
    size = np.frexp(end - first)[1] - 1  # the power of two; -1 of an empty range
    for power in range(int(size.max(initial=-1)) + 1):
        width = 1 << power
        here = np.flatnonzero(size == power)
        left, right = first[here], end[here] - width
        low[here], high[here] = np.minimum(lows[left], lows[right]), np.maximum(highs[left], highs[right])
        lows, highs = np.minimum(lows[:-width], lows[width:]), np.maximum(highs[:-width], highs[width:])
    return low, high


def _say_measures(placed: pl.DataFrame) -> pl.DataFrame:
    entry, leave = pl.col("entry_price"), pl.col("exit_price")
    around = pl.col("around_low"), pl.col("around_high")
    widest = pl.min_horizontal(around[0], "low"), pl.max_horizontal(around[1], "high")
    fits = pl.all_horizontal(
        price.is_between(low * (1 - PRICE_TOLERANCE), high * (1 + PRICE_TOLERANCE))
        for price, (low, high) in ((entry, around), (leave, widest))
    )
    fall = 100.0 * (pl.min_horizontal("low", entry, leave) / entry - 1.0)
    rise = 100.0 * (pl.max_horizontal("high", entry, leave) / entry - 1.0)
    buy = pl.col("trade_type") == "buy"
    measures = pl.col("volatility"), pl.when(buy).then(fall).otherwise(-rise), pl.when(buy).then(rise).otherwise(-fall)
    return placed.with_columns(pl.col("low", "high").fill_nan(None)).select(
        "trade",
        *(pl.when(fits).then(value).alias(name) for name, value in zip(MEASURES, measures, strict=True)),
        pl.when(~fits)
        .then(pl.lit(OTHER_PRICES))
        .when(pl.col("volatility").is_null())
        .then(pl.lit(WARMING_UP))
        .alias("unmeasured"),
        pl.format("{} to {}", *around).alias("bars_found"),
    )

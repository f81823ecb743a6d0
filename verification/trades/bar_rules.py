"""Do a run's own bars, prices and indicators belong to its trades? What only a run can be asked, for it has bars.

1. `own_bars`       every minute of the trade has a bar, and every bar could be one
2. `entry_in_bar`, `exit_in_bar`, `path_extremes`   prices and excursions are those of the bars
3. `known_ticker`, `price_range`                    the ticker is the gold's, and so are its prices
4. `indicators`     recomputed from the bars they are what stands in the accepted table
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from gold_data.markets import USUAL, Markets
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.trades.checks import SLACK, STATED_ROUNDING
from gold_data.trades.limits import derive_limits
from indicators.attach import attach_indicators
from indicators.errors import IndicatorError
from indicators.technicals import INDICATORS
from verification.inputs import BAR_COLUMNS

PRICES = ("open", "high", "low", "close")
ROOM = STATED_ROUNDING + SLACK  # percent: of a price from its bar, of an excursion from the path's extreme
WIDER = 0.1  # of a price, beyond the limits that a generator is held to: sessions after the gold's move on
NEAR = 1e-6  # of an indicator's size, or of 1e-4 of the price where it may cancel to nothing
BLOCKS = 20  # of the gold's sessions, each held against the others: what the gold's own prices do by chance
RECOMPUTED = 2_000  # trades whose indicators are recomputed; of more, these are drawn
MINUTE = pl.duration(minutes=1)

UNLIKE = "; counted where surely more break it than of the gold's own sessions, each held against the others."
DESCRIPTIONS = {
    "known_ticker": f"The ticker is one that the gold trades{UNLIKE}",
    "price_range": f"Prices lie in the ticker's gold range, a quarter of it and {WIDER:.0%} to spare{UNLIKE}",
    "own_bars": "Every trade has bars of its own from entry to exit: finite, above 0, low <= open, close <= high.",
    "entry_in_bar": f"The entry price lies in the bar of its minute, within {STATED_ROUNDING}%.",
    "exit_in_bar": f"The exit price lies in the bar of its minute, within {STATED_ROUNDING}%.",
    "path_extremes": f"Worst and best exit percent are the extremes of the trade's bars, within {STATED_ROUNDING}.",
    "indicators": "Indicators recomputed from the trade's bars are those of the accepted table.",
}
OF_BARS = ("own_bars", "entry_in_bar", "exit_in_bar", "path_extremes")


def find_strange_prices(trades: pl.DataFrame, gold: pl.DataFrame) -> pl.DataFrame:
    """Say which trades have a ticker that the gold does not know, or a price beyond the range of its ticker's."""
    if gold.is_empty():
        return pl.DataFrame({name: np.zeros(len(trades), dtype=bool) for name in ("known_ticker", "price_range")})
    ranges = derive_limits(gold).price_ranges
    known = pl.DataFrame(
        [(ticker, low * (1.0 - WIDER), high * (1.0 + WIDER)) for ticker, (low, high) in ranges.items()],
        schema={"ticker": pl.String, "lowest": pl.Float64, "highest": pl.Float64},
        orient="row",
    )
    told = trades.select("ticker", "entry_price", "exit_price").join(
        known, on="ticker", how="left", maintain_order="left"
    )
    outside = [(pl.col(p) < pl.col("lowest")) | (pl.col(p) > pl.col("highest")) for p in ("entry_price", "exit_price")]
    return told.select(
        known_ticker=pl.col("ticker").is_not_null() & pl.col("lowest").is_null(),
        price_range=pl.any_horizontal(outside).fill_null(value=False),
    )


def find_own_strange(gold: pl.DataFrame) -> pl.DataFrame:
    """Hold blocks of the gold's sessions against the others: on which days `find_strange_prices` speaks by chance."""
    sessions = gold["session_date"].unique().sort()
    places = np.array_split(np.arange(len(sessions)), min(BLOCKS, max(len(sessions), 1)))
    is_in = [pl.col("session_date").is_in(sessions[block.tolist()].implode()) for block in places]
    held = [(gold.filter(inside), gold.filter(~inside)) for inside in is_in]
    return pl.concat([gather_days(own, find_strange_prices(own, others)) for own, others in held])


def gather_days(trades: pl.DataFrame, strange: pl.DataFrame) -> pl.DataFrame:
    """Say of each ticker's days whether any trade of it is strange: a day's prices are alike, and count once."""
    day = pl.struct("ticker", "session_date").alias("day")
    return strange.with_columns(trades.select(day).to_series()).group_by("day").agg(pl.all().any()).drop("day")


def read_own_bars(path: Path, trades: pl.DataFrame) -> pl.DataFrame | None:
    """Read the bars of the trades' ids; None where there are none to read."""
    wanted = ["row_id", *(name for name in BAR_COLUMNS if name != "ticker")]
    try:
        bars = pl.scan_parquet(path, glob=False).select(wanted)
        return bars.join(trades.lazy().select(row_id="trade_id").unique(), on="row_id", how="semi").collect()
    except (PolarsError, OSError):
        return None


def find_strange_bars(trades: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Say of each trade which rules of OF_BARS it breaks; a rule is asked only where the one before it holds."""
    sums = _sum_bars(trades, bars)
    told = trades.select("trade_id", "entry_price", "exit_price", "worst_exit_percent", "best_exit_percent").join(
        sums, on="trade_id", how="left", maintain_order="left"
    )
    room = ROOM / 100.0
    lowest, highest, count = pl.col("lowest"), pl.col("highest"), pl.col("count").fill_null(0)
    is_bare = (count < pl.col("needed").fill_null(1)) | pl.col("is_garbage").fill_null(value=True)
    # A trade that only ever moved one way never saw its entry price: the bars begin beyond it.
    entry = pl.col("entry_price").clip(lowest, highest)
    inside = {"entry_in_bar": (entry, "first"), "exit_in_bar": (pl.col("exit_price"), "last")}
    broken = {
        name: (price < pl.col(f"{which}_low") * (1 - room)) | (price > pl.col(f"{which}_high") * (1 + room))
        for name, (price, which) in inside.items()
    }
    gap = [
        (pl.col(f"path_{end}") - pl.col(f"{end}_exit_percent")).abs() > ROOM * _relate(pl.col(f"path_{end}"))
        for end in ("worst", "best")
    ]
    broken["path_extremes"] = pl.any_horizontal(gap)
    return told.select(
        is_bare.alias("own_bars"),
        *((rule.fill_null(value=False) & ~is_bare).alias(name) for name, rule in broken.items()),
    )


def _relate(percent: pl.Expr) -> pl.Expr:
    """Rounding is of the price: of a great move it is more percent."""
    return (1.0 + percent / 100.0).abs().clip(lower_bound=1.0)


def _sum_bars(trades: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Sum up the bars from entry to exit: extremes, the first and the last bar, whether any could be none."""
    told = trades.select("trade_id", "trade_type", "entry_time", "exit_time", "entry_price").unique("trade_id")
    zone = trades.schema["entry_time"].time_zone  # type: ignore[attr-defined]
    stamp = pl.col("timestamp").dt.cast_time_unit("us")
    stamp = stamp.dt.convert_time_zone(zone) if bars.schema["timestamp"].time_zone else stamp.dt.replace_time_zone(zone)  # type: ignore[attr-defined]
    held = (
        bars.with_columns(stamp.alias("timestamp"))
        .rename({"row_id": "trade_id"})
        .join(told, on="trade_id")
        .filter(pl.col("timestamp") + MINUTE > pl.col("entry_time"), pl.col("timestamp") < pl.col("exit_time"))
    )
    sound = pl.all_horizontal(pl.col(PRICES).is_finite().fill_null(value=False), pl.col(PRICES) > 0.0)
    slack = 1.0 + 1e-9
    ordered = (pl.col("low") <= pl.min_horizontal("open", "close") * slack) & (
        pl.col("high") * slack >= pl.max_horizontal("open", "close")
    )
    side = pl.when(pl.col("trade_type").first() == "short").then(-1.0).otherwise(1.0)
    moves = [
        100.0 * side * (price / pl.col("entry_price").first() - 1.0)
        for price in (pl.col("low").min(), pl.col("high").max())
    ]
    at = pl.col("timestamp")
    return held.group_by("trade_id").agg(
        pl.col("low").min().alias("lowest"),
        pl.col("high").max().alias("highest"),
        pl.min_horizontal(moves).alias("path_worst"),
        pl.max_horizontal(moves).alias("path_best"),
        *(pl.col(end).sort_by(at).first().alias(f"first_{end}") for end in ("low", "high")),
        *(pl.col(end).sort_by(at).last().alias(f"last_{end}") for end in ("low", "high")),
        (~(sound & ordered)).any().alias("is_garbage"),
        at.n_unique().alias("count"),
        _count_minutes().alias("needed"),
    )


def _count_minutes() -> pl.Expr:
    """Count the minutes of a trade that ends on its day; of one held over a night only that there are some."""
    entry, leave = pl.col("entry_time").first(), pl.col("exit_time").first()
    minutes = (leave - MINUTE / 60_000_000).dt.truncate("1m") - entry.dt.truncate("1m")
    is_day = entry.dt.date() == leave.dt.date()
    return pl.when(is_day).then(minutes.dt.total_minutes() + 1).otherwise(2)


def find_strange_indicators(
    trades: pl.DataFrame, bars: pl.DataFrame, rng: np.random.Generator, markets: Markets = USUAL
) -> pl.DataFrame:
    """Say of which trades an indicator is not what their bars give; RECOMPUTED of them are tried."""
    names = [name for name in INDICATORS if name in trades.columns and trades.schema[name].is_numeric()]
    is_off = np.zeros(len(trades), dtype=bool)
    if not names or bars.is_empty():
        return pl.DataFrame({"indicators": is_off})
    places = np.sort(rng.permutation(len(trades))[:RECOMPUTED])
    moment = pl.col("entry_time").dt.convert_time_zone(EXCHANGE_ZONE)
    asked = trades[places].select("ticker", "entry_price", *names, moment, row_id="trade_id")
    ids = asked.select("row_id", "entry_time")
    parts = [ids.clear().with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)]
    try:
        for market, tickers in markets.group(asked["ticker"]).items():
            own = ids.filter(asked["ticker"].is_in(tickers))
            parts.append(attach_indicators(own, bars.join(own, on="row_id", how="semi"), names, market))
        found = ids.select("row_id").join(pl.concat(parts), on="row_id", how="left", maintain_order="left")
    except (IndicatorError, PolarsError):
        return pl.DataFrame({"indicators": is_off})  # such bars are none, which `own_bars` says
    is_off[places] = _compare(asked, found, names)
    return pl.DataFrame({"indicators": is_off})


def _compare(
    stated: pl.DataFrame, found: pl.DataFrame, names: Sequence[str]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    is_off = np.zeros(len(stated), dtype=bool)
    floor = 1e-4 * stated["entry_price"].to_numpy()
    for name in names:
        own, other = (table[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for table in (stated, found))
        room = NEAR * np.maximum(np.fmax(np.abs(own), np.abs(other)), np.maximum(floor, 1e-6)) + 1e-9
        is_off |= (np.isnan(own) != np.isnan(other)) | (np.abs(own - other) > room)
    return is_off

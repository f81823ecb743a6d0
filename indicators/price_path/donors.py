"""Where price paths take their bars from: those around a donor's entry, or a random walk in their place."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gold_data.markets import USUAL, Markets
from indicators.bars import VALUES, number_sessions, sort_bars

STALE_AFTER = "5d"  # between an entry and the bars before it there is a long weekend at the most


@dataclass(frozen=True)
class Source:
    """Bars of many series, one after the other, and where the donors' entries lie among them.

    `bars`: open, high, low, close, volume, one row per bar. `donors`: one row per `donor_id` with `donor_direction`
    (1 buy, -1 short) and three row numbers in `bars`: its series' `first`, the `anchor`, which is the first bar that
    is not complete at the donor's entry, and the `end`, which follows its series' last.
    """

    bars: pl.DataFrame
    donors: pl.DataFrame


def locate_donors(donors: pl.DataFrame, bars: pl.DataFrame, markets: Markets = USUAL) -> Source:
    """Find the donors' entries among the bars in the sessions of their tickers; donors without a bar before drop out.

    Raises:
        IndicatorError: Bars that `sort_bars` refuses.
    """
    ordered = sort_bars(bars, "ticker")
    if not ordered.is_empty():
        ordered = _keep_sessions(ordered, markets)
    place = pl.col("place")  # a column first: `int_range` itself would count anew within every ticker
    placed = ordered.with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64)).select(
        "ticker",
        complete=pl.col("timestamp").dt.offset_by("1m"),
        first=place.first().over("ticker"),
        anchor=place + 1,
        end=place.last().over("ticker") + 1,
    )
    entries = donors.sort("entry_time").join_asof(
        placed.sort("complete"),
        left_on="entry_time",
        right_on="complete",
        by="ticker",
        tolerance=STALE_AFTER,
        check_sortedness=False,
    )
    return Source(
        ordered.select(VALUES),
        entries.drop_nulls("anchor").select(
            pl.col("trade_id").alias("donor_id"), give_direction().alias("donor_direction"), "first", "anchor", "end"
        ),
    )


def _keep_sessions(bars: pl.DataFrame, markets: Markets) -> pl.DataFrame:
    parts = []
    for market, tickers in markets.group(bars.get_column("ticker")).items():
        own = bars.filter(pl.col("ticker").is_in(tickers))
        parts.append(own.filter(number_sessions(own.get_column("timestamp"), market).is_not_null()))
    return pl.concat(parts)


def give_direction() -> pl.Expr:
    """Return 1 for a buy and -1 for a short, from `trade_type`."""
    return pl.when(pl.col("trade_type") == "buy").then(1.0).otherwise(-1.0)


def hash_row(row_id: str, seed: int) -> int:
    """Return 62 bits that depend on the row's id and the seed alone: a row's path is the same in any company."""
    return int.from_bytes(blake2b(f"{seed}:{row_id}".encode(), digest_size=8).digest()) >> 2


def walk_randomly(paths: pl.DataFrame, minutes: pl.DataFrame, *, folded: bool) -> Source:
    """Return a random walk per path: the stated shape of bars where no donor's can be used.

    Per minute the close moves by a standard normal step; high and low reach beyond open and close by half the size of
    another; volume is 1,000 shares, times a U over the session (4 at its ends, 1 in its middle), times log-normal
    noise. Seeded by the path's `hash`. A `folded` walk has no bar before the entry below the last close, so that no
    stretch of it reaches down to zero.
    """
    share = (pl.int_range(pl.len()) - pl.col("session_start")) / (pl.col("session_end") - pl.col("session_start"))
    shape = minutes.select(1 + 3 * (2 * share - 1).pow(2)).to_series().to_numpy()
    walks = [
        _walk(seed, before, shape[entry - before : entry + inside + after], folded=folded)
        for seed, entry, before, inside, after in paths.select(
            "hash", "entry_minute", "before_wanted", "inside_bars", "after_bars"
        ).iter_rows()
    ]
    end = pl.sum_horizontal("before_wanted", "inside_bars", "after_bars").cum_sum()
    first = end.shift(1, fill_value=0)
    return Source(
        pl.DataFrame(np.concatenate([np.empty((0, len(VALUES))), *walks]), schema=list(VALUES)),
        paths.select(
            pl.col("row_id").alias("donor_id"),
            pl.col("direction").alias("donor_direction"),
            first=first,
            anchor=first + pl.col("before_wanted"),
            end=end,
        ),
    )


def _walk(seed: int, before: int, volume_shape: NDArray[np.float64], *, folded: bool) -> NDArray[np.float64]:
    steps, above, below, noise = np.random.default_rng(seed).standard_normal((4, len(volume_shape)))
    close = np.cumsum(steps)
    close -= close[before - 1]
    if folded:
        close = np.abs(close)
    opening = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(opening, close) + np.abs(above) / 2
    low = np.minimum(opening, close) - np.abs(below) / 2
    if folded:
        low = np.maximum(low, 0)
    return np.column_stack([opening, high, low, close, np.ceil(1000 * volume_shape * np.exp(noise / 2))])

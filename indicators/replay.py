"""Replays trades under other exits: stop, target, trailing stop and time stop, worst first, on minute bars.

A replay takes a trade's ticker, direction, entry time and entry price as they are, and looks for another exit:

1. Bars           From the first minute that starts at or after the entry, at most HORIZON of them, none after the close
                  of the entry's session. The minute that holds the entry is left out, for what happened in it before
                  the entry cannot be told from what happened after. Nothing depends on when the trade was really left.
                  A synthetic trade has this many bars even if it was left at once; gold's are cut to the same window.
2. Order in a bar The time stop at its open; then the stops; then the target: where a bar reaches both, the stop counts.
3. Fills          A stop at its level, or at the open where that is worse. A target at its level, even where the open is
                  better. A time stop at the open of the first bar at or after its minute, else at the last close.
4. Trailing stop  Below the best price of earlier complete bars, or the entry price where that is better. Of a stop and
                  a trailing stop the nearer one counts.
5. Costs          COST_PERCENT of the entry price per trade.

Stops and targets are multiples of `entry_volatility_percent`, percents are of the entry price, signed in the trade's
direction. How often a minute has no bar does not matter: nothing happens in it.

All first touches are places in running extremes, which rise: they are found by bisection, once per trade and level.
What is left per trade and strategy is the lesser of two numbers.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gold_data.markets import USUAL, Markets
from gold_data.sessions import EXCHANGE_ZONE
from indicators.price_path.build import MOST_AFTER

CLOSES = "closes"  # of a trade table: when its session closes
HORIZON = MOST_AFTER  # minutes: as many as a synthetic trade has bars after its exit, however soon that was
COMMISSION_PERCENT = 0.005  # per side: half a cent on a share of 100
SLIPPAGE_PERCENT = 0.02  # per side: two cents on a share of 100
COST_PERCENT = 2 * (COMMISSION_PERCENT + SLIPPAGE_PERCENT)
MOST_GAP_PERCENT = (
    20.0  # from the entry price to the first open; beyond it the bars are of another price, as after a split
)
BLOCK_TRADES = 2_048  # replayed at once: about 10 matrices of this many trades x HORIZON minutes x 8 bytes
NEVER = math.inf  # the level of a stop or target that a strategy does without
PRICES = ("open", "high", "low", "close")

Matrix = NDArray[np.float64]
Places = NDArray[np.int64]
Keys = NDArray[np.int64]
Percents = NDArray[np.float32]
Value = TypeVar("Value")

TIME_STOP, STOPS, TARGET, ORDERS = 0, 1, 2, 3  # within one minute
LOW_HALF = 0 if sys.byteorder == "little" else 1  # which four bytes of a key are its fill


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a trade is left: `stop`, `target`, `trail` in multiples, above 0, of the volatility at the entry, or NEVER.

    `minutes` is the time stop, counted from the first minute that starts at or after the entry.
    """

    stop: float
    target: float
    trail: float
    minutes: int


@dataclass(frozen=True)
class Paths:
    """Bars of some trades after their entries, in percent of the entry price, signed in the trade's direction.

    `trades` has one row per column of the matrices: `trade_id`, `session_date`. `volatility` is in percent, above 0.
    The matrices have shape (minutes, trades); `worst` and `best` are a bar's ends, by direction; NaN where a minute has
    no bar. Every trade has one bar at the least.
    """

    trades: pl.DataFrame
    volatility: Matrix
    open: Matrix
    worst: Matrix
    best: Matrix
    close: Matrix


@dataclass(frozen=True)
class Replays:
    """Net percent of every strategy (rows) on every trade (columns), which `trades` lists; and trades without bars."""

    trades: pl.DataFrame
    percents: Percents
    dropped: int


def replay_gold(trades: pl.DataFrame, bars: pl.DataFrame, strategies: Sequence[Strategy]) -> Replays:
    """Replay trades on the bars of their tickers.

    Args:
        trades: A trade table.
        bars: One row per `ticker` and `timestamp` (start of the minute), in any order.
        strategies: At least one.
    """
    blocks = (build_paths(block, bars.lazy(), "ticker") for block in _cut(trades))
    return replay_blocks(blocks, strategies, trades.height)


def replay_run(trades: pl.DataFrame, bars_file: Path, strategies: Sequence[Strategy]) -> Replays:
    """Replay a run's trades, in order of `trade_id`, each on its own bars of the run's `bars.parquet`.

    Memory holds the replays, and of the file the bars of BLOCK_TRADES trades: its row groups are skipped by `row_id`.
    """
    blocks = (_read_block(block, bars_file) for block in _cut(trades.sort("trade_id")))
    return replay_blocks(blocks, strategies, trades.height)


def replay_blocks(blocks: Iterator[Paths], strategies: Sequence[Strategy], asked: int) -> Replays:
    """Replay trades block by block; of `asked` trades those that no block has count as dropped."""
    trades = [pl.DataFrame(schema={"trade_id": pl.String, "session_date": pl.Date})]
    percents = np.empty((len(strategies), asked), np.float32)
    done = 0
    for paths in blocks:
        trades.append(paths.trades)
        replay(paths, strategies, percents[:, done : done + paths.trades.height])
        done += paths.trades.height
    return Replays(pl.concat(trades), percents[:, :done], asked - done)


def _cut(trades: pl.DataFrame) -> Iterator[pl.DataFrame]:
    yield from trades.iter_slices(BLOCK_TRADES)


def _read_block(trades: pl.DataFrame, bars_file: Path) -> Paths:
    ids = trades["trade_id"]
    bars = pl.scan_parquet(bars_file, glob=False).filter(pl.col("row_id").is_between(pl.lit(ids[0]), pl.lit(ids[-1])))
    return build_paths(trades.with_columns(row_id="trade_id"), bars, "row_id")


def build_paths(trades: pl.DataFrame, bars: pl.LazyFrame, by: str) -> Paths:
    """Lay the bars after the entry of each trade in a row, in order of trades.

    A trade is left out that has no bar in the window, no volatility above 0 to measure by, or whose first open is
    further than MOST_GAP_PERCENT from its entry price. Bars with a price that is not a number above 0 count as missing.

    Args:
        trades: A trade table, with the column `by`.
        bars: One row per `by` and minute, in any order; of a minute that stands twice one is taken.
        by: `ticker` or `row_id`.
    """
    sign = pl.when(pl.col("trade_type") == "short").then(-1.0).otherwise(1.0)
    minutes = _list_window(trades, by)
    is_sound = pl.all_horizontal(pl.col(PRICES).is_finite() & (pl.col(PRICES) > 0.0)).fill_null(value=False)
    found = (
        minutes.lazy()
        .join(bars.filter(is_sound).select(by, "timestamp", *PRICES), on=[by, "timestamp"])
        .select("trade", "minute", *PRICES)
        .collect()
    )
    entry, turn, volatility = (
        trades.select(value).to_series().cast(pl.Float64).fill_null(math.nan).to_numpy()
        for value in (pl.col("entry_price"), sign, pl.col("entry_volatility_percent"))
    )
    trade, minute = found["trade"].to_numpy(), found["minute"].to_numpy()
    percents = {}
    for name in PRICES:
        percents[name] = np.full((HORIZON, trades.height), math.nan)
        percents[name][minute, trade] = 100.0 * turn[trade] * (found[name].to_numpy() / entry[trade] - 1.0)
    first = percents["open"][np.isfinite(percents["open"]).argmax(axis=0), np.arange(trades.height)]
    kept = np.isfinite(volatility) & (volatility > 0.0) & (np.abs(first) <= MOST_GAP_PERCENT)
    return Paths(
        trades=trades.select("trade_id", "session_date").filter(pl.Series(kept, dtype=pl.Boolean)),
        volatility=volatility[kept],
        open=percents["open"][:, kept],
        worst=np.where(turn < 0.0, percents["high"], percents["low"])[:, kept],
        best=np.where(turn < 0.0, percents["low"], percents["high"])[:, kept],
        close=percents["close"][:, kept],
    )


def add_closes(trades: pl.DataFrame, markets: Markets) -> pl.DataFrame:
    """Add the moment at which the session of each trade closes on its market; replays end there."""
    sessions = markets.list_sessions(trades.select("ticker", "session_date"))
    return trades.with_columns(sessions.get_column(CLOSES))


def _list_window(trades: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return one row per trade and minute of its window: `trade` and `minute` by number, `by`, `timestamp`."""
    entry = pl.col("entry_time").dt.convert_time_zone(EXCHANGE_ZONE)
    if trades.is_empty():
        return trades.select(trade=pl.lit(0), minute=pl.lit(0), timestamp=entry, **{by: by}).clear()
    closes = trades if CLOSES in trades.columns else add_closes(trades, USUAL)
    return (
        closes.select(
            by,
            CLOSES,
            trade=pl.int_range(pl.len()),
            first=(entry + timedelta(minutes=1, microseconds=-1)).dt.truncate("1m"),
            minute=pl.lit(list(range(HORIZON))),
        )
        .explode("minute")
        .with_columns(timestamp=pl.col("first") + pl.duration(minutes="minute"))
        .filter(pl.col("timestamp") < pl.col("closes"))
        .select("trade", "minute", by, "timestamp")
    )


def replay(paths: Paths, strategies: Sequence[Strategy], out: Percents) -> None:
    """Write the net percent of every strategy on every trade into `out`: shape (strategies, trades).

    Every exit is a whole number, a key: when it comes, above the bits of its fill. The exit that is taken is the least
    of a strategy's keys, and there are few different ones: one per trade and level.
    """
    trades = paths.open.shape[1]
    if not trades:
        return
    stops, stop_of = _list_distinct([(each.stop, each.trail) for each in strategies])
    others, other_of = _list_distinct([(each.target, each.minutes) for each in strategies])
    stop_keys, other_keys = _find_stops(paths, stops), _find_others(paths, others)
    taken = np.empty(trades, np.int64)
    fills = taken.view(np.float32)[LOW_HALF::2]
    for strategy, (stop, other) in enumerate(zip(stop_of, other_of, strict=True)):
        np.minimum(stop_keys[stop], other_keys[other], out=taken)
        out[strategy] = fills


def _find_stops(paths: Paths, pairs: list[tuple[float, float]]) -> Keys:
    """Return the key of the first of each (stop, trail): shape (pairs, trades)."""
    minutes, trades = paths.open.shape
    peaks = _find_peaks(paths)
    losses = _run_maximum(np.fmax(-paths.worst, 0.0))
    slumps = _run_maximum(np.fmax(peaks[:-1] - paths.worst, 0.0))
    stops, stop_of = _list_distinct([stop for stop, _ in pairs])
    trails, trail_of = _list_distinct([trail for _, trail in pairs])
    each = np.arange(trades)

    def key_fills(rising: Matrix, multiples: list[float], start: Matrix) -> Keys:
        levels = np.array(multiples)[:, None] * paths.volatility
        places = find_first(rising, levels)
        bars = np.minimum(places, minutes - 1)
        return _make_keys(places, STOPS, np.minimum(paths.open[bars, each], start[bars, each] - levels))

    stop_keys, trail_keys = key_fills(losses, stops, np.zeros_like(peaks)), key_fills(slumps, trails, peaks)
    return np.minimum(stop_keys[stop_of], trail_keys[trail_of])


def _find_others(paths: Paths, pairs: list[tuple[float, int]]) -> Keys:
    """Return the key of the first of each (target, time stop), or else of the last close: shape (pairs, trades)."""
    minutes, trades = paths.open.shape
    targets, target_of = _list_distinct([target for target, _ in pairs])
    ends, end_of = _list_distinct([min(end, minutes) for _, end in pairs])
    levels = np.array(targets)[:, None] * paths.volatility
    target_keys = _make_keys(find_first(_find_peaks(paths)[1:], levels), TARGET, levels)
    is_bar = np.isfinite(paths.open)
    each = np.arange(trades)
    last_close = paths.close[minutes - 1 - is_bar[::-1].argmax(axis=0), each]
    left = np.empty((len(ends), trades))
    for number, end in enumerate(ends):
        left[number] = last_close
        if end < minutes:
            bars = end + is_bar[end:].argmax(axis=0)
            left[number] = np.where(is_bar[bars, each], paths.open[bars, each], last_close)
    end_keys = _make_keys(np.broadcast_to(np.array(ends)[:, None], left.shape), TIME_STOP, left)
    return np.minimum(target_keys[target_of], end_keys[end_of])


def _find_peaks(paths: Paths) -> Matrix:
    """Return the best percent before each minute, 0 at the entry: shape (minutes + 1, trades)."""
    return _run_maximum(np.vstack([np.zeros(paths.open.shape[1]), paths.best]))


def _run_maximum(rows: Matrix) -> Matrix:
    """Replace every row by the maximum so far, NaN left out: 15 times as fast as `accumulate` along this axis."""
    for earlier, later in pairwise(rows):
        np.fmax(earlier, later, out=later)
    return rows


def _make_keys(places: Places, order: int, gross: Matrix) -> Keys:
    """Put when an exit comes, by minute and then by `order` in it, above the bits of its net fill.

    Of two stops in one minute the nearer has the lesser key: the further one fills below 0, and the bits of a float
    below 0, read as a whole number, are greater than those above 0 and grow with the loss.
    """
    bits = np.ascontiguousarray(gross - COST_PERCENT, np.float32).view(np.uint32)
    return (places.astype(np.int64) * ORDERS + order << 32) | bits


def _list_distinct(values: list[Value]) -> tuple[list[Value], list[int]]:
    number = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return list(number), [number[value] for value in values]


def find_first(rising: Matrix, levels: Matrix) -> Places:
    """Find where each column first reaches each of its levels, by bisection.

    Args:
        rising: Shape (places, columns); no column ever falls.
        levels: Shape (levels, columns).

    Returns:
        Shape (levels, columns): the first place with `rising` >= level, or the number of places where there is none.
    """
    places, columns = rising.shape
    flat, column = rising.ravel(), np.arange(columns)
    below = np.zeros(levels.shape, np.int64)  # places known to lie below the level
    step = 1 << (places.bit_length() - 1)
    while step:
        ahead = below + step
        is_below = (ahead <= places) & (flat[(np.minimum(ahead, places) - 1) * columns + column] < levels)
        below += step * is_below
        step >>= 1
    return below

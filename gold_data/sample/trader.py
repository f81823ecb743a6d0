"""A simulated discretionary trader for the sample gold, who enters on momentum and on pullbacks.

One position at a time, in one ticker, never overnight. A chance is seen on bars complete before the entry, and most
chances are let pass. Stop, target and patience are drawn anew for every trade, stop and target in multiples of the
volatility at the entry, so that exits widen with it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from ta.volatility import AverageTrueRange

from gold_data.sample.market import STEPS, Array, Market
from gold_data.sessions import NEW_YORK
from gold_data.sessions import Market as Exchange
from gold_data.trades.rules import measure_exit_percent
from gold_data.trades.schema import TIME_FIELDS

ATR_WINDOW = 14
FIRST_MINUTE, LAST_MINUTES = 16, 12  # of a session, in which no trade is opened
MOMENTUM = 2.2  # move of 5 minutes, in ATRs, that is followed when volume is well above its average
BUSY = 1.3  # volume of such a minute, in averages of 20 minutes
TREND = 1.2  # move of the 20-minute average in 10 minutes, in ATRs, whose pullback is followed
NEAR = 0.3  # distance from that average, in ATRs, that is a pullback to it
REACTION = (2, 50)  # seconds from the end of the bar that gave the chance to the entry
STOP = (2.0, 0.3)  # median and log deviation, in multiples of the volatility at the entry
TARGET = (3.0, 0.45)  # the same
PATIENCE = (13.0, 0.7)  # the same of the longest holding time, minutes
PAUSE = timedelta(minutes=2)  # between two trades

STEP_SECONDS = 60 // STEPS


@dataclass(frozen=True)
class Habit:
    """What a trader trades: volatility in percent a minute, and the share of the chances that are taken."""

    volatility: tuple[float, float] = (0.28, 1.15)  # quieter tickers do not pay, wilder ones frighten
    attention: float = 0.085


@dataclass(frozen=True)
class Chance:
    """A minute in which the trader may enter: `bar` is its place in its series, `left` the minutes after it."""

    start: datetime
    ticker: str
    bar: int
    left: int
    trade_type: str
    volatility: float


@dataclass(frozen=True)
class Tape:
    """A ticker's series: start of each minute on the exchange's clock, its high and low, and the prices inside it."""

    start: list[datetime]
    high: Array
    low: Array
    prices: Array


def simulate_trades(
    rng: np.random.Generator, market: Market, habit: Habit | None = None, exchange: Exchange = NEW_YORK
) -> pl.DataFrame:
    """Simulate the trader's log in the columns of a gold file, sorted by entry; times are on the exchange's clock."""
    habit = habit or Habit()
    clock = pl.col("timestamp").dt.convert_time_zone(exchange.zone_name).dt.replace_time_zone(None)
    series = {
        str(key[0]): bars for key, bars in market.bars.with_columns(clock).group_by("ticker", maintain_order=True)
    }
    tapes = {
        ticker: Tape(
            bars["timestamp"].to_list(), bars["high"].to_numpy(), bars["low"].to_numpy(), market.prices[ticker].ravel()
        )
        for ticker, bars in series.items()
    }
    chances = [chance for ticker, bars in series.items() for chance in _find_chances(ticker, bars, habit)]
    rows: list[dict[str, object]] = []
    chances.sort(key=lambda chance: (chance.start, chance.ticker))
    free = chances[0].start
    for chance in chances:
        if rng.random() < habit.attention and chance.start >= free:
            row, left = _trade_chance(rng, chance, tapes[chance.ticker])
            rows.append(row)
            free = left + PAUSE
    return pl.DataFrame(rows).with_columns(pl.col(TIME_FIELDS).dt.replace_time_zone(exchange.zone_name))


def measure_volatility(bars: pl.DataFrame) -> pl.Series:
    """Measure 100 x ATR(14) / close of one ticker's bars as the library `ta` defines it; 0 in its first 13 bars."""
    high, low, close = (bars[name].to_pandas() for name in ("high", "low", "close"))
    atr = AverageTrueRange(high, low, close, ATR_WINDOW).average_true_range()
    return pl.Series(100.0 * atr / close)


def _find_chances(ticker: str, bars: pl.DataFrame, habit: Habit) -> list[Chance]:
    volatility, average = pl.col("volatility"), pl.col("close").ewm_mean(span=20, adjust=False)
    day = pl.col("timestamp").dt.date()
    bars = bars.with_columns(volatility=measure_volatility(bars)).with_row_index("bar")
    seen = bars.with_columns(
        minute=pl.int_range(pl.len()).over(day),
        left=pl.len().over(day) - 1 - pl.int_range(pl.len()).over(day),
        move=100.0 * (pl.col("close") / pl.col("close").shift(5) - 1.0) / volatility,
        trend=100.0 * (average / average.shift(10) - 1.0) / volatility,
        distance=100.0 * (pl.col("close") / average - 1.0) / volatility,
        busy=pl.col("volume") > BUSY * pl.col("volume").rolling_mean(20),
        turn=pl.col("close") - pl.col("open"),
    )
    momentum = (pl.col("move").abs() > MOMENTUM) & pl.col("busy")
    pullback = (
        (pl.col("trend").abs() > TREND)
        & (pl.col("distance").abs() < NEAR)
        & (pl.col("turn").sign() == pl.col("trend").sign())
    )
    followed = pl.when(momentum).then(pl.col("move")).otherwise(pl.col("trend"))
    # What is seen on a complete bar can be acted on in the bar after it.
    chances = seen.filter(
        momentum | pullback,
        volatility.is_between(*habit.volatility),
        pl.col("minute") + 1 >= FIRST_MINUTE,
        pl.col("left") - 1 >= LAST_MINUTES,
    ).select(
        start=pl.col("timestamp") + timedelta(minutes=1),
        ticker=pl.lit(ticker),
        bar=pl.col("bar").cast(pl.Int64) + 1,
        left=pl.col("left").cast(pl.Int64) - 1,
        trade_type=pl.when(followed > 0).then(pl.lit("buy")).otherwise(pl.lit("short")),
        volatility=volatility,
    )
    return [Chance(**row) for row in chances.to_dicts()]


def _trade_chance(rng: np.random.Generator, chance: Chance, tape: Tape) -> tuple[dict[str, object], datetime]:
    reaction = int(rng.integers(*REACTION))
    entry = chance.bar * STEPS + (reaction - 1) // STEP_SECONDS
    entry_price = float(tape.prices[entry])
    stop, target, patience = (
        median * np.exp(spread * rng.standard_normal()) for median, spread in (STOP, TARGET, PATIENCE)
    )
    last = min(entry + max(int(patience * STEPS), 1), (chance.bar + chance.left) * STEPS - 1)
    sign = -1.0 if chance.trade_type == "short" else 1.0
    moves = sign * 100.0 * (tape.prices[entry + 1 : last + 1] / entry_price - 1.0)
    hit = np.flatnonzero((moves <= -stop * chance.volatility) | (moves >= target * chance.volatility))
    exit_ = entry + 1 + int(hit[0]) if len(hit) else last
    second = exit_ % STEPS * STEP_SECONDS + int(rng.integers(1, STEP_SECONDS + 1))
    exit_bar = exit_ // STEPS
    exit_time = tape.start[exit_bar] + timedelta(seconds=second)
    held = slice(chance.bar, exit_bar + 1)
    ends = [
        sign * 100.0 * (float(price) / entry_price - 1.0) for price in (tape.low[held].min(), tape.high[held].max())
    ]
    exit_price = float(tape.prices[exit_])
    row = {
        "ticker": chance.ticker,
        "trade_type": chance.trade_type,
        "entry_time": tape.start[chance.bar] + timedelta(seconds=reaction),
        "exit_time": exit_time,
        "entry_price": entry_price,
        "exit_price": exit_price,
        "entry_volatility_percent": _round(chance.volatility),
        "worst_exit_percent": _round(min(ends)),
        "best_exit_percent": _round(max(ends)),
        "trade_percent_change": _round(measure_exit_percent(chance.trade_type, entry_price, exit_price)),
    }
    return row, exit_time


def _round(percent: float) -> float:
    return round(percent, 3) + 0.0  # which turns -0.0 into 0.0

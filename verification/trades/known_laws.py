"""Laws that the self-test draws gold from: two that are simulated, and real bars where they are at hand.

A law is a pool of trades in sessions; gold and fresh draws are disjoint sessions of it (`selftest.draw_parts`).
`momentum` is the sample's market and trader. `trailing` shares no code with it: heavier tails, days of unlike
volatility, a stop that follows the price. `real_bars` are round trips on real minute bars, each ticker's day a session.
"""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from gold_data.sample.market import simulate_market
from gold_data.sample.trader import simulate_trades
from gold_data.sessions import EXCHANGE_ZONE
from verification.answers import Matrix

REAL = Path(__file__).resolve().parents[3] / "shared" / "real" / "cross_trades_on_bars.csv"
MOMENTUM, TRAILING, REAL_BARS = "momentum", "trailing", "real_bars"

DAYS = 60
TICKERS = {"AAA": (0.25, 40.0), "BBB": (0.4, 90.0), "CCC": (0.6, 25.0)}  # volatility in percent a minute, price
STEP = 5  # seconds
LONGEST = 45 * 60 // STEP
OPENS, CLOSES = 9.5 * 3600.0, 16 * 3600.0
DEGREES = 4.0  # of freedom of a step: tails heavier than normal


def simulate_momentum(seed: int) -> pl.DataFrame:
    """Simulate one market's trades of the sample's trader, as a trade table."""
    rng = np.random.default_rng(seed)
    trades = simulate_trades(rng, simulate_market(rng))
    return trades.with_columns(pl.col("entry_time").dt.date().alias("session_date"), market=pl.lit(seed))


def simulate_trailing(seed: int) -> pl.DataFrame:
    """Simulate one market's trades of a trader with a trailing stop, as a trade table."""
    rng = np.random.default_rng([seed, 1])
    days = pl.date_range(date(2021, 1, 4), date(2021, 12, 31), eager=True).filter(
        pl.date_range(date(2021, 1, 4), date(2021, 12, 31), eager=True).dt.weekday() < 6
    )[:DAYS]
    found = pl.concat([_simulate_day(rng, day) for day in days])
    return found.with_columns(market=pl.lit(seed))


def _simulate_day(rng: np.random.Generator, day: date) -> pl.DataFrame:
    """Simulate a day: one trade after another, each on a path of its own."""
    count = 4 + int(rng.poisson(11))
    names = np.array(list(TICKERS))[rng.choice(len(TICKERS), count, p=[0.5, 0.3, 0.2])]
    usual, price = (np.array([TICKERS[name][place] for name in names]) for place in (0, 1))
    side = np.where(rng.random(count) < rng.beta(6.0, 4.0), 1.0, -1.0)
    wild = np.exp(0.3 * rng.standard_normal())
    volatility = usual * wild * np.exp(0.2 * rng.standard_normal(count))
    exits, worst, best, steps = _walk(rng, count)
    held = STEP * steps - rng.integers(0, STEP, count) + 1.0
    pause = 60.0 + rng.exponential(900.0, count)
    entry = OPENS + np.cumsum(pause) + np.concatenate([[0.0], np.cumsum(held)[:-1]])
    entry_price = np.round(price * np.exp(0.03 * rng.standard_normal(count)), 2)
    exit_price = np.round(entry_price * (1.0 + side * exits * volatility / 100.0), 2)
    change = 100.0 * side * (exit_price / entry_price - 1.0)
    midnight = pl.lit(day).cast(pl.Datetime("us"))
    table = pl.DataFrame(
        {
            "ticker": names,
            "trade_type": np.where(side > 0.0, "buy", "short"),
            "entry": np.floor(entry).astype(np.int64),
            "exit": np.floor(entry + held).astype(np.int64),
            "entry_price": entry_price,
            "exit_price": exit_price,
            "entry_volatility_percent": np.maximum(np.round(volatility, 3), 0.01),
            "worst_exit_percent": np.round(np.minimum(worst * volatility, change), 3) + 0.0,
            "best_exit_percent": np.round(np.maximum(best * volatility, change), 3) + 0.0,
            "trade_percent_change": np.round(change, 3) + 0.0,
        }
    ).filter(pl.col("exit") < CLOSES)
    return table.select(
        "ticker",
        "trade_type",
        *(
            (midnight + pl.duration(seconds=pl.col(name))).dt.replace_time_zone(EXCHANGE_ZONE).alias(f"{name}_time")
            for name in ("entry", "exit")
        ),
        pl.col("^.*_(price|percent|change)$"),
        session_date=pl.lit(day),
    )


def _walk(rng: np.random.Generator, count: int) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Walk until a stop that trails the best by some volatilities, a target or patience ends it, in volatilities.

    Returns:
        Where it ends, its worst, its best, and after how many steps.
    """
    drift = rng.normal(0.002, 0.012, (count, 1))
    scale = 0.55 * (STEP / 60.0) ** 0.5
    path = np.cumsum(drift + scale * rng.standard_t(DEGREES, (count, LONGEST)), axis=1)
    best = np.maximum.accumulate(np.maximum(path, 0.0), axis=1)
    trail, target, patience = rng.uniform(0.8, 2.2, (count, 1)), rng.lognormal(1.2, 0.5, (count, 1)), 90.0
    last = np.minimum(rng.exponential(patience, count).astype(np.int64) + 8, LONGEST - 1)
    is_out = (path <= best - trail) | (path >= target)
    steps = np.where(is_out.any(axis=1), np.minimum(is_out.argmax(axis=1), last), last)
    rows = np.arange(count)
    worst = np.minimum.accumulate(np.minimum(path, 0.0), axis=1)
    return path[rows, steps], worst[rows, steps], best[rows, steps], steps + 1.0


def read_real(seed: int) -> pl.DataFrame:  # noqa: ARG001, a law is called with a seed
    """Read round trips on real bars; each ticker's day is a session, for there are five days."""
    trades = pl.read_csv(REAL, schema_overrides={"entry_time": pl.String, "exit_time": pl.String})
    zoned = [
        pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="us").dt.convert_time_zone(EXCHANGE_ZONE)
        for name in ("entry_time", "exit_time")
    ]
    timed = trades.with_columns(zoned)
    return timed.with_columns(
        pl.col("entry_time").dt.date().alias("session_date"),
        market=pl.col("ticker").rank("dense").cast(pl.Int32),
    )


LAWS: Mapping[str, Callable[[int], pl.DataFrame]] = {
    MOMENTUM: simulate_momentum,
    TRAILING: simulate_trailing,
    REAL_BARS: read_real,
}
MARKETS: Mapping[str, int] = {MOMENTUM: 16, TRAILING: 12, REAL_BARS: 1}  # pools of so many make a law

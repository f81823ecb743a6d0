"""Trades of a known law, for tests of the exit model."""

from collections.abc import Callable

import numpy as np
import polars as pl

from gold_data.sessions import EXCHANGE_ZONE
from verification.answers import Matrix
from verification.trades.exit_model.model import Examples
from verification.trades.exit_model.scores import Bench, Finding
from verification.trades.yardstick import Yardstick

Compare = Callable[[Yardstick, Bench, Examples], Finding]


def make_law(rng: np.random.Generator, trades: int, sessions: int, strength: float) -> pl.DataFrame:
    """Draw trades whose best exit grows with volatility to the power `strength`."""
    volatility = np.exp(0.5 * rng.normal(size=trades))
    best: Matrix = 0.6 * volatility**strength * np.exp(0.5 * rng.normal(size=trades))
    days = np.sort(rng.integers(0, sessions, trades))
    minutes = rng.integers(0, 360, trades)
    start = pl.lit("2024-03-18 09:35").str.to_datetime(time_unit="us")
    table = pl.DataFrame({"day": days, "minute": minutes, "entry_volatility_percent": volatility})
    return table.select(
        pl.format("t{}", pl.int_range(pl.len())).alias("trade_id"),
        pl.lit("SIM1").alias("ticker"),
        pl.Series("trade_type", rng.choice(["buy", "short"], trades), dtype=pl.String),
        (start + pl.duration(days="day")).dt.date().alias("session_date"),
        (start + pl.duration(days="day", minutes="minute")).dt.replace_time_zone(EXCHANGE_ZONE).alias("entry_time"),
        (start + pl.duration(days="day", minutes=pl.col("minute") + 5))
        .dt.replace_time_zone(EXCHANGE_ZONE)
        .alias("exit_time"),
        pl.lit(10.0).alias("entry_price"),
        pl.lit(10.0).alias("exit_price"),
        "entry_volatility_percent",
        pl.lit(-0.5).alias("worst_exit_percent"),
        pl.Series("best_exit_percent", best),
        pl.lit(0.0).alias("trade_percent_change"),
    )


def make_yardstick(size: int = 400, seed: int = 0) -> Yardstick:
    rng = np.random.default_rng(11)
    return Yardstick(make_law(rng, 480, 48, 1.0), make_law(rng, 160, 16, 1.0), size, seed)


def make_synthetic(strength: float, trades: int = 400) -> pl.DataFrame:
    return make_law(np.random.default_rng(12), trades, 48, strength)


def find(compare: Compare, yardstick: Yardstick, synthetic: pl.DataFrame) -> Finding:
    """Hold synthetic trades against all of the gold in one of the two ways."""
    bench = Bench.take(yardstick)
    return compare(yardstick, bench, bench.lens.take(synthetic))

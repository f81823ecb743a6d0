"""The features by which trades are compared: one row of numbers per trade, in units of the gold's own spread."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from verification.answers import Matrix

PERCENTS = ("entry_volatility_percent", "worst_exit_percent", "best_exit_percent", "trade_percent_change")
FEATURES = (*PERCENTS, "holding_minutes", "entry_minute", "is_short")
SKEWED = ("entry_volatility_percent", "holding_minutes")  # right-skewed: compared, and shown, as logarithms
EXITS = ("worst_exit_percent", "best_exit_percent", "trade_percent_change", "holding_minutes")


def measure_features(trades: pl.DataFrame) -> pl.DataFrame:
    """Measure one row per trade, in their order: `trade_id`, `session_date` and FEATURES as Float64.

    `holding_minutes` runs from entry to exit, `entry_minute` is minutes from midnight on the exchange's clock,
    `is_short` is 1 or 0. Prices are no features: they are the ticker's, not the trader's.
    """
    clock = pl.col("entry_time").dt
    minutes = (pl.col("exit_time") - pl.col("entry_time")).dt.total_seconds() / 60.0
    return trades.select(
        "trade_id",
        "session_date",
        *(pl.col(name).cast(pl.Float64) for name in PERCENTS),
        minutes.cast(pl.Float64).alias("holding_minutes"),
        (clock.hour().cast(pl.Float64) * 60.0 + clock.minute() + clock.second() / 60.0).alias("entry_minute"),
        (pl.col("trade_type") == "short").cast(pl.Float64).alias("is_short"),
    )


@dataclass(frozen=True)
class Space:
    """Places features in units of the gold's spread, so that a distance is the same whatever a feature's unit.

    Volatility and holding time are logarithms first, for they are right-skewed; each axis is then centred on the
    gold's median and divided by its standard deviation (by 1 where the gold does not vary).
    """

    centre: Matrix
    spread: Matrix

    @classmethod
    def fit(cls, trades: pl.DataFrame) -> "Space":
        """Take centre and spread from gold trades."""
        rows = straighten(measure_features(trades))
        spread = rows.std(axis=0)
        return cls(np.median(rows, axis=0), np.where(spread > 0.0, spread, 1.0))

    def place(self, trades: pl.DataFrame) -> Matrix:
        """Return one point per trade, in their order: shape (trades, len(FEATURES))."""
        return np.asarray((straighten(measure_features(trades)) - self.centre) / self.spread)


def straighten(features: pl.DataFrame) -> Matrix:
    """Return FEATURES as a matrix, with volatility and holding time on a logarithmic scale."""
    skewed = [pl.col(name).clip(lower_bound=1e-3).log() for name in SKEWED]
    return features.with_columns(skewed).select(FEATURES).to_numpy().astype(np.float64)

"""Sets with faults that every synthesiser may have: copies, noise, too little kept. Made of gold or of a fresh draw.

They share no code with the references that distances are measured by: what made a fault is not what finds it.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy.stats import norm, rankdata

from gold_data.sessions import EXCHANGE_ZONE
from verification.answers import COPIES, NOISE, UNDERFIT, Matrix, Verdict

PERCENTS = ("entry_volatility_percent", "worst_exit_percent", "best_exit_percent", "trade_percent_change")
HAIR = 0.05  # of a column's spread
CLOSE = 16 * 60.0  # minute of the day
IMPOSSIBLE = 0.02

KNOWN_CLASSICS: Mapping[str, tuple[str, tuple[Verdict, ...]]] = {
    "block_bootstrap": ("whole gold sessions, drawn with replacement", (COPIES,)),
    "jittered_bootstrap": ("gold trades moved by 5% of the spread", (COPIES,)),
    "exact_copies": ("gold trades as they are", (COPIES,)),
    "half_copied": ("half fresh draw, half gold trades", (COPIES,)),
    "prototype_collapse": ("three prototypes, each with a little jitter", (UNDERFIT,)),
    "gaussian_copula": ("ranks correlated as the gold's, and nothing else", (UNDERFIT,)),
    "ignore_volatility": ("a fresh draw whose exits ignore volatility and hour", (UNDERFIT,)),
    "impossible_trades": ("a fresh draw with 2% impossible trades", (UNDERFIT,)),
    "shuffled_marginals": ("every column right, none belonging to another", (NOISE,)),
    "uniform_noise": ("uniform between the gold's least and greatest", (NOISE,)),
}


def make_classics(fresh: pl.DataFrame, train: pl.DataFrame, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """Make every set of KNOWN_CLASSICS, as many trades each as the fresh draw has."""
    count = len(fresh)
    drawn = train[rng.integers(0, len(train), count)]
    values, own = _read(train), _read(drawn)
    spread = values.std(axis=0)
    apart = np.column_stack([column[rng.integers(0, len(column), count)] for column in values.T])
    even = rng.uniform(values.min(axis=0), values.max(axis=0), (count, values.shape[1]))
    few = values[np.argsort(values[:, 0])[[len(values) // 6, len(values) // 2, 5 * len(values) // 6]]]
    centres = few[rng.integers(0, len(few), count)]
    half = count // 2
    return {
        "block_bootstrap": _draw_sessions(train, count, rng),
        "jittered_bootstrap": _write(drawn, own + HAIR * spread * rng.standard_normal(own.shape)),
        "exact_copies": drawn,
        "half_copied": pl.concat([fresh[:half], drawn.select(fresh.columns)[half:]]),
        "prototype_collapse": _write(drawn, centres + 0.02 * spread * rng.standard_normal(own.shape)),
        "gaussian_copula": _write(drawn, _draw_copula(values, count, rng)),
        "ignore_volatility": _move_exits(fresh, rng),
        "impossible_trades": _spoil(fresh, rng),
        "shuffled_marginals": _write(drawn, apart),
        "uniform_noise": _write(drawn, even),
    }


def _read(trades: pl.DataFrame) -> Matrix:
    """Read percents, minutes held and the minute of the entry, a column each."""
    clock = pl.col("entry_time").dt
    minute = clock.hour().cast(pl.Float64) * 60.0 + clock.minute() + clock.second() / 60.0
    held = (pl.col("exit_time") - pl.col("entry_time")).dt.total_seconds() / 60.0
    return trades.select(*PERCENTS, held.alias("held"), minute.alias("minute")).to_numpy().astype(np.float64)


def _write(trades: pl.DataFrame, values: Matrix) -> pl.DataFrame:
    """Write other numbers into trades; the exit price says the same as the result."""
    told = trades.with_columns(pl.Series(name, values[:, place]) for place, name in enumerate(PERCENTS))
    side = pl.when(pl.col("trade_type") == "short").then(-1.0).otherwise(1.0)
    seconds = pl.lit(pl.Series((60.0 * values[:, 5]).astype(np.int64)))
    held = pl.lit(pl.Series(np.maximum(60.0 * values[:, 4], 1.0).astype(np.int64)))
    midnight = pl.col("session_date").cast(pl.Datetime("us"))
    entry = midnight + pl.duration(seconds=seconds)
    zoned = [moment.dt.replace_time_zone(EXCHANGE_ZONE) for moment in (entry, entry + pl.duration(seconds=held))]
    return told.with_columns(
        zoned[0].alias("entry_time"),
        zoned[1].alias("exit_time"),
        (pl.col("entry_price") * (1.0 + side * pl.col("trade_percent_change") / 100.0)).alias("exit_price"),
    )


def _draw_sessions(train: pl.DataFrame, count: int, rng: np.random.Generator) -> pl.DataFrame:
    sessions = train.partition_by("session_date")
    drawn = [sessions[place] for place in rng.integers(0, len(sessions), count)]
    found: pl.DataFrame = pl.concat(drawn)
    return found.head(count)


def _draw_copula(values: Matrix, count: int, rng: np.random.Generator) -> Matrix:
    scores = norm.ppf(rankdata(values, axis=0) / (len(values) + 1.0))
    drawn = norm.cdf(rng.multivariate_normal(np.zeros(values.shape[1]), np.corrcoef(scores.T), count))
    return np.column_stack([np.quantile(column, chance) for column, chance in zip(values.T, drawn.T, strict=True)])


def _move_exits(fresh: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Give each trade another one's worst, best, result and holding time, cut at the close."""
    values = _read(fresh)
    moved = values.copy()
    moved[:, 1:5] = values[rng.permutation(len(values)), 1:5]
    moved[:, 4] = np.minimum(moved[:, 4], CLOSE - 0.1 - moved[:, 5])
    return _write(fresh, moved)


def _spoil(fresh: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Let a few exits lie beyond the best price, or the worst above the best, in turn."""
    values = _read(fresh)
    chosen = rng.permutation(len(values))[: round(IMPOSSIBLE * len(values))]
    values[chosen[::2], 3] = values[chosen[::2], 2] + 0.5
    values[chosen[1::2], 1] = values[chosen[1::2], 2] + 0.5
    return _write(fresh, values)

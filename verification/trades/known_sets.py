"""Sets that a trader would not take for their own, made of a fresh draw, the train part or the hold-out.

They share no code with the references that distances are measured by: what made a fault is not what finds it.
"""

from collections.abc import Mapping
from datetime import time

import numpy as np
import polars as pl

from gold_data.sessions import EXCHANGE_ZONE
from verification.answers import COPIES, LEAK, UNDERFIT, Matrix, Verdict

CUT = 0.1  # of the losses, the worst, that are cut off
SHARE = 0.3  # of the rows that are noise, mended
COPIED = 0.1
HAIR = 2e-4  # of a price
MOMENTS = (time(9, 45), time(10, 30), time(13, 0))

KNOWN_FAULTS: Mapping[str, tuple[str, tuple[Verdict, ...]]] = {
    "half_the_losers": ("a fresh draw without half of its losers", (UNDERFIT,)),
    "swapped": ("winners and losers swapped, excursions with them", (UNDERFIT,)),
    "worst_cut_off": ("a fresh draw without its worst tenth", (UNDERFIT,)),
    "at_the_high": ("half of the winners leave at the very best price", (UNDERFIT,)),
    "mended_noise": ("30% even noise that was mended until it obeys the rules", (UNDERFIT,)),
    "mended_shuffle": ("30% shuffled columns, mended likewise", (UNDERFIT,)),
    "days_dealt_anew": ("sessions of a fresh draw dealt anew", (UNDERFIT,)),
    "one_day": ("all trades on one day", (UNDERFIT,)),
    "clumped_times": ("all entries on three moments", (UNDERFIT,)),
    "hair_copies": ("10% gold trades with prices moved by a hair", (COPIES,)),
    "leaked": ("2% held-out gold", (LEAK,)),
}


def make_faults(
    fresh: pl.DataFrame, train: pl.DataFrame, holdout: pl.DataFrame, rng: np.random.Generator
) -> dict[str, pl.DataFrame]:
    """Make every set of KNOWN_FAULTS."""
    change = fresh["trade_percent_change"].to_numpy()
    is_kept = (change >= 0.0) | (rng.random(len(fresh)) < 0.5)
    worst, best = pl.col("worst_exit_percent"), pl.col("best_exit_percent")
    swapped = fresh.with_columns(worst_exit_percent=-best, best_exit_percent=-worst)
    lucky = np.where((change > 0.0) & (rng.random(len(fresh)) < 0.5), fresh["best_exit_percent"].to_numpy(), change)
    dealt = fresh["session_date"][rng.permutation(len(fresh)).tolist()]
    return {
        "half_the_losers": fresh.filter(pl.Series(is_kept)),
        "swapped": set_results(swapped, -change),
        "worst_cut_off": fresh.filter(pl.Series(change > np.quantile(change, CUT))),
        "at_the_high": set_results(fresh, lucky),
        "mended_noise": mend(fresh, _draw_even(train, len(fresh), rng), rng),
        "mended_shuffle": mend(fresh, _draw_apart(train, len(fresh), rng), rng),
        "days_dealt_anew": set_days(fresh, dealt),
        "one_day": set_days(fresh, pl.repeat(fresh["session_date"][0], len(fresh), eager=True)),
        "clumped_times": _clump(fresh, rng),
        "hair_copies": _plant(fresh, train, COPIED, rng, by=HAIR),
        "leaked": _plant(fresh, holdout, 0.02, rng),
    }


def set_results(trades: pl.DataFrame, change: Matrix) -> pl.DataFrame:
    """Give trades other results, and exit prices that say the same."""
    side = np.where(trades["trade_type"].to_numpy() == "short", -1.0, 1.0)
    price = trades["entry_price"].to_numpy() * (1.0 + side * change / 100.0)
    return trades.with_columns(pl.Series("trade_percent_change", change), pl.Series("exit_price", price))


def set_days(trades: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """Move trades to other days, at the same times of day."""
    moved = trades.with_columns(days.alias("session_date"))
    return moved.with_columns(
        pl.col("session_date").dt.combine(pl.col(name).dt.time()).dt.replace_time_zone(EXCHANGE_ZONE).alias(name)
        for name in ("entry_time", "exit_time")
    )


def mend(fresh: pl.DataFrame, noise: Matrix, rng: np.random.Generator) -> pl.DataFrame:
    """Put noise in the place of some rows' volatility, worst, best and result, mended until the ends hold all."""
    is_noise = rng.random(len(fresh)) < SHARE
    ends = np.sort(noise[:, 1:], axis=1)
    told = {"entry_volatility_percent": noise[:, 0], "worst_exit_percent": ends[:, 0], "best_exit_percent": ends[:, 2]}
    mended = fresh.with_columns(
        pl.Series(name, np.where(is_noise, values, fresh[name].to_numpy())) for name, values in told.items()
    )
    return set_results(mended, np.where(is_noise, ends[:, 1], fresh["trade_percent_change"].to_numpy()))


def _read(train: pl.DataFrame) -> Matrix:
    names = ("entry_volatility_percent", "worst_exit_percent", "best_exit_percent", "trade_percent_change")
    return np.column_stack([train[name].to_numpy() for name in names])


def _draw_even(train: pl.DataFrame, count: int, rng: np.random.Generator) -> Matrix:
    values = _read(train)
    return np.asarray(rng.uniform(values.min(axis=0), values.max(axis=0), (count, values.shape[1])))


def _draw_apart(train: pl.DataFrame, count: int, rng: np.random.Generator) -> Matrix:
    return np.column_stack([column[rng.integers(0, len(column), count)] for column in _read(train).T])


def _clump(fresh: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    held = fresh["exit_time"] - fresh["entry_time"]
    at = pl.Series("at", [MOMENTS[place] for place in rng.integers(0, len(MOMENTS), len(fresh))], dtype=pl.Time)
    entry = fresh.select("session_date", at).select(pl.col("session_date").dt.combine(pl.col("at"))).to_series()
    zoned = entry.dt.replace_time_zone(EXCHANGE_ZONE)
    return fresh.with_columns(zoned.alias("entry_time"), (zoned + held).alias("exit_time"))


def _plant(
    fresh: pl.DataFrame, known: pl.DataFrame, share: float, rng: np.random.Generator, *, by: float = 0.0
) -> pl.DataFrame:
    count = max(round(share * len(fresh)), 2)
    moved = 1.0 + rng.uniform(-by, by, count)
    planted = known[rng.integers(0, len(known), count)].with_columns(
        (pl.col(name) * pl.Series(moved)).alias(name) for name in ("entry_price", "exit_price")
    )
    ids = pl.format("planted-{}", pl.int_range(pl.len())).alias("trade_id")
    return pl.concat([fresh[count:], planted.with_columns(ids).select(fresh.columns)])

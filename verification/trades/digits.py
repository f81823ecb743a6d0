"""Copies by their digits: the same trade at another price or hour has the same volatility, extremes and result.

A digit match agrees with a gold row in volatility, worst and best exit to the last digit, and in the result within
NEAR. Whether that is chance the gold itself says: how many of its rows match a row of another session so.
"""

from dataclasses import dataclass

import polars as pl

from gold_data.trades.schema import NUMBER_FIELDS
from verification.answers import Interval
from verification.delivery import DIGITS
from verification.trades.validity import measure_share

KEY = ("entry_volatility_percent", "worst_exit_percent", "best_exit_percent")
RESULT = "trade_percent_change"
NEAR = 0.05  # percent: a hair of either price moves the result by no more
LEAST_FOUND = 3  # matches, before they can be more than chance


@dataclass(frozen=True)
class Matches:
    """Trades that match a gold row by digits: which, and their share beside what the gold has by chance.

    `chance` is the share of gold rows that match a row of another session, with its exact 95% interval.
    """

    found: pl.DataFrame
    share: Interval
    chance: Interval

    @property
    def is_beyond_chance(self) -> bool:
        """Whether there are surely more than chance makes."""
        return self.found.height >= LEAST_FOUND and bool(self.share.low > self.chance.high)


def find_exact(known: pl.DataFrame, synthetic: pl.DataFrame) -> pl.DataFrame:
    """Find trades with all numbers of a known row, other times of day or not: `trade_id` and the row's `train_id`."""
    marks = [_mark(name) for name in NUMBER_FIELDS]
    rows = known.select("trade_id", *marks).unique(NUMBER_FIELDS, keep="first", maintain_order=True)
    asked = synthetic.select("trade_id", *marks).with_row_index("place")
    found = asked.join(rows.rename({"trade_id": "train_id"}), on=NUMBER_FIELDS, how="inner").sort("place")
    return found.select("trade_id", "train_id")


def match_digits(known: pl.DataFrame, synthetic: pl.DataFrame, gold: pl.DataFrame) -> Matches:
    """Match trades with known gold rows by digits, and all the gold with itself for chance.

    A set that is larger than the known rows has more matches by chance only in count, not in share.
    """
    found = _join(synthetic, known).unique("trade_id", keep="first", maintain_order=True)
    own = _join(gold, gold).filter(pl.col("session_date") != pl.col("session_date_right")).n_unique("trade_id")
    share, chance = measure_share(found.height, len(synthetic)), measure_share(own, len(gold))
    return Matches(found.select("trade_id", train_id="trade_id_right"), share, chance)


def _join(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    columns = ["trade_id", "session_date", RESULT, *KEY]
    asked, known = (
        table.select(columns).with_columns(_mark(name) for name in KEY).with_row_index("place")
        for table in (left, right)
    )
    gap = (pl.col(RESULT) - pl.col(f"{RESULT}_right")).abs()
    return asked.join(known, on=KEY, how="inner").filter(gap <= NEAR).sort("place")


def _mark(name: str) -> pl.Expr:
    return (pl.col(name).round_sig_figs(DIGITS) + 0.0).alias(name)  # + 0.0: no -0.0

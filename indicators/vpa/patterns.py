"""The ten patterns of volume price analysis, each with what must hold and the numbers that show it.

PATTERNS names them in the order in which one of several is taken as a bar's leading pattern: what happens at one bar
before what is told of many, and the rarer first. An up-bar closes above the close before, a down-bar below it.

Impossible together, by what they ask for: accumulation and distribution (the move before fell, rose), buying climax,
selling climax and stopping volume (the trend is up, down; the spread is wide, not wide), upthrust and spring (the close
is in the lowest, highest part), no demand and no supply (up-bar, down-bar).

Sources: R. Wyckoff's course of 1931 as H. Pruden's "The Three Skills of Top Trading" (2007) tells it, for climaxes,
spring, upthrust, accumulation and distribution; T. Williams, "Master the Markets", for stopping volume, test, no demand
and no supply; A. Coulling, "A Complete Guide to Volume Price Analysis", for how candles show them. All of them describe
in words: the numbers are ours, and stand in `measures` and below.
"""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from indicators.vpa.measures import (
    BUYING_SHARE,
    CLOSE,
    HIGH,
    HIGHEST,
    LOW,
    LOWEST,
    PREVIOUS_CLOSE,
    SELLING_SHARE,
    TRENDING,
    VERY_HIGH,
    VOLUME,
    is_known,
)

Side = Literal["buy", "sell"]

OFF_THE_LOW, OFF_THE_HIGH = 0.4, 0.6  # close positions: "in the middle or better", "in the middle or worse" (Williams)
NEAR_HIGH, NEAR_LOW = 0.7, 0.3  # close positions: the upper and lower third, less a little for rounding
SIGN_BARS = 20  # bars for which a sign of strength or weakness counts as background: the span of a trend

_TREND, _SPREAD_CLASS = pl.col("trend_status"), pl.col("spread_class")
_CLOSE_POSITION, _VOLUME = pl.col("close_position"), pl.col("volume_percentile")
_WIDE, _NARROW = _SPREAD_CLASS == "wide", _SPREAD_CLASS == "narrow"
_DRY = (VOLUME > 0) & (pl.min_horizontal("volume_1_before", "volume_2_before") > VOLUME)
_RANGE_LOW, _RANGE_HIGH = pl.col("range_low"), pl.col("range_high")
_UNDER, _OVER = _RANGE_LOW > LOWEST, _RANGE_HIGH < HIGHEST  # a new low, a new high
_SIDEWAYS = _TREND == "sideways"


@dataclass(frozen=True)
class Pattern:
    """A pattern: what it speaks for, when it is there, the columns that show it, and what it says in a sentence."""

    side: Side
    holds: pl.Expr
    evidence: tuple[str, ...]
    meaning: str


_CLIMAX = ("volume_percentile", "volume_ratio", "spread_ratio", "close_position", "change_percent", "efficiency")
_QUIET = ("volume_ratio", "volume_1_before", "volume_2_before", "spread_percentile", "close_position")
_PHASE = ("prior_change_percent", "prior_efficiency", "efficiency", "up_volume_share", "range_position")

PATTERNS: dict[str, Pattern] = {
    "selling_climax": Pattern(
        "buy",
        (_TREND == "down") & (_VOLUME > VERY_HIGH) & _WIDE & _UNDER & (_CLOSE_POSITION >= OFF_THE_LOW),
        (*_CLIMAX, "range_low"),
        "A fall ends in panic: very high volume and a wide spread to a new low, and a close well above it.",
    ),
    "buying_climax": Pattern(
        "sell",
        (_TREND == "up") & (_VOLUME > VERY_HIGH) & _WIDE & _OVER & (_CLOSE_POSITION <= OFF_THE_HIGH),
        (*_CLIMAX, "range_high"),
        "A rise ends in greed: very high volume and a wide spread to a new high, and a close well below it.",
    ),
    "spring": Pattern(
        "buy",
        _UNDER & (_RANGE_LOW < CLOSE) & (_CLOSE_POSITION >= NEAR_HIGH) & ~_NARROW,
        ("range_low", "close_position", "spread_ratio", "volume_ratio"),
        "A break below the range that does not hold: the close is back inside, near the bar's high.",
    ),
    "upthrust": Pattern(
        "sell",
        _OVER & (_RANGE_HIGH > CLOSE) & (_CLOSE_POSITION <= NEAR_LOW) & ~_NARROW,
        ("range_high", "close_position", "spread_ratio", "volume_ratio"),
        "A break above the range that does not hold: the close is back inside, near the bar's low.",
    ),
    "test": Pattern(
        "buy",
        (_VOLUME < LOW)
        & (pl.col("low_before") > LOWEST)
        & LOWEST.is_between("strength_low", "strength_high")
        & (_CLOSE_POSITION >= OFF_THE_HIGH),
        (
            "volume_percentile",
            "volume_ratio",
            "low_before",
            "strength_low",
            "strength_high",
            "strength_age",
            "close_position",
        ),
        "Price goes back to where strength showed and finds nobody to sell: low volume, a close off the low.",
    ),
    "stopping_volume": Pattern(
        "buy",
        (_TREND == "down")
        & (CLOSE < PREVIOUS_CLOSE)
        & (_VOLUME > HIGH)
        & (_SPREAD_CLASS.is_in(["narrow", "average"]))
        & (_CLOSE_POSITION >= OFF_THE_LOW),
        ("volume_percentile", "volume_ratio", "spread_ratio", "close_position", "change_percent", "efficiency"),
        "In a fall, much is sold and price gives little: high volume without a wide spread, a close off the low.",
    ),
    "no_supply": Pattern(
        "buy",
        (CLOSE < PREVIOUS_CLOSE) & _NARROW & _DRY & (_CLOSE_POSITION >= OFF_THE_LOW),
        _QUIET,
        "A down-bar that nobody presses: narrow spread, less volume than either bar before, a close off the low.",
    ),
    "no_demand": Pattern(
        "sell",
        (CLOSE > PREVIOUS_CLOSE) & _NARROW & _DRY & (_CLOSE_POSITION <= OFF_THE_HIGH),
        _QUIET,
        "An up-bar that nobody joins: narrow spread, less volume than either bar before, a close off the high.",
    ),
    "accumulation": Pattern(
        "buy",
        _SIDEWAYS
        & (pl.col("prior_efficiency") >= TRENDING)
        & (pl.col("prior_change_percent") < 0)
        & (pl.col("up_volume_share") >= BUYING_SHARE)
        & (pl.col("range_position") <= 0.5),
        _PHASE,
        "After a fall, price moves sideways in the lower half of its range, and up-bars have the volume.",
    ),
    "distribution": Pattern(
        "sell",
        _SIDEWAYS
        & (pl.col("prior_efficiency") >= TRENDING)
        & (pl.col("prior_change_percent") > 0)
        & (pl.col("up_volume_share") <= SELLING_SHARE)
        & (pl.col("range_position") >= 0.5),
        _PHASE,
        "After a rise, price moves sideways in the upper half of its range, and down-bars have the volume.",
    ),
}
PATTERN = pl.Enum(["none", *PATTERNS])
STRENGTH_SIGNS = ("selling_climax", "spring", "stopping_volume")
WEAKNESS_SIGNS = ("buying_climax", "upthrust")


def find_patterns(measured: pl.DataFrame) -> pl.DataFrame:
    """Return what `measure_bars` gives with one Boolean column per pattern, never null, and `pattern`, the leading one.

    What cannot be told is not there: no pattern is found at a ticker's first LOOKBACK bars, nor where a number that it
    asks for is null. `strength_age`, `weakness_age`: bars since the last of STRENGTH_SIGNS (WEAKNESS_SIGNS), 1 to
    SIGN_BARS; `strength_low`, `strength_high`: that bar's range, dollars; all null without one. A sign can only stand
    where the lookback is full: a ticker's first SIGN_BARS rows may have fewer behind them.
    """
    based = measured.with_columns(
        volume_1_before=VOLUME.shift(1), volume_2_before=VOLUME.shift(2), low_before=LOWEST.shift(1)
    )
    signs = [*STRENGTH_SIGNS, *WEAKNESS_SIGNS]
    return (
        based.with_columns(_hold(name) for name in signs)
        .pipe(_remember_signs)
        .with_columns(_hold(name) for name in PATTERNS if name not in signs)
        .with_columns(
            pattern=pl.coalesce(
                *(pl.when(pl.col(name)).then(pl.lit(name, PATTERN)) for name in PATTERNS), pl.lit("none", PATTERN)
            )
        )
    )


def _hold(name: str) -> pl.Expr:
    return (is_known() & PATTERNS[name].holds).fill_null(False).alias(name)


def _remember_signs(found: pl.DataFrame) -> pl.DataFrame:
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    strong, weak = pl.any_horizontal(STRENGTH_SIGNS), pl.any_horizontal(WEAKNESS_SIGNS)
    recent = pl.col("strength_age").is_not_null()
    return (
        found.with_columns(
            (row - pl.when(sign).then(row).forward_fill().shift(1)).alias(f"{name}_age")
            for name, sign in (("strength", strong), ("weakness", weak))
        )
        .with_columns(
            pl.when(is_known() & (pl.col(name) <= SIGN_BARS)).then(pl.col(name))
            for name in ("strength_age", "weakness_age")
        )
        .with_columns(
            strength_low=pl.when(recent).then(pl.when(strong).then(LOWEST).forward_fill().shift(1)),
            strength_high=pl.when(recent).then(pl.when(strong).then(HIGHEST).forward_fill().shift(1)),
        )
    )

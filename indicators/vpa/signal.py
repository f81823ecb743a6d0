"""The signal at a bar: BUY, SELL or HOLD, how strong, and by which rules.

1. A bar without a pattern, and one with patterns of both sides, is a HOLD.
2. Patterns of one side propose a signal. Five rules about the background speak for each side; every one that fires for
   the proposal counts 1, every one against it -1. 3 or more is STRONG, 2 MODERATE, 1 WEAK, and 0 or less a HOLD.
3. A BUY needs a stop below the close and a target above it, a SELL the other way round; else it is a HOLD.

So a HOLD has no strength, stop or target, and a signal's stop is never its target. The rules are written down, not
fitted: no claim is made that a signal earns money. `outcomes` says what came after.

Source: Williams asks for strength or weakness in the background before a bar is acted on, Coulling for the agreement of
a slower timeframe; a stop at the last swing and a target at the next level are common practice. Counts and limits are
ours.
"""

from dataclasses import dataclass

import polars as pl

from indicators.vpa.measures import BUYING_SHARE, CLOSE, DIGITS, HIGHEST, LOWEST, SELLING_SHARE, choose_class
from indicators.vpa.patterns import NEAR_HIGH, NEAR_LOW, PATTERNS, Side

NEAR_SPREADS = 2.0  # a level is near when two usual bars reach it
STOP_BARS = 5  # bars, this one included, beyond whose extreme the stop lies: the last swing, not the whole range
REWARD = 2.0  # times the risk, where no level is at least once the risk away; the usual least that is asked for

SIGNAL = pl.Enum(["BUY", "SELL", "HOLD"])
STRENGTH = pl.Enum(["STRONG", "MODERATE", "WEAK"])
HIGHER_TREND, UP_SHARE = pl.col("higher_trend"), pl.col("up_volume_share")


@dataclass(frozen=True)
class Rule:
    """A rule about the background: the side it speaks for, when it fires, and what it says in a sentence."""

    side: Side
    fires: pl.Expr
    meaning: str


BACKGROUND: dict[str, Rule] = {
    "support_near": Rule(
        "buy", pl.col("support_spreads") <= NEAR_SPREADS, "Support lies within two typical spreads below the close."
    ),
    "buying_volume": Rule(
        "buy",
        (UP_SHARE >= BUYING_SHARE) & ~pl.col("buying_climax"),  # whose volume ends the rise, and is no reason for more
        "Up-bars have had most of the volume of the last 20 bars.",
    ),
    "higher_trend_up": Rule("buy", HIGHER_TREND == "up", "The next higher timeframe is in a trend up."),
    "strength_before": Rule(
        "buy", pl.col("strength_age").is_not_null(), "A sign of strength stands among the 20 bars before."
    ),
    "close_high": Rule("buy", pl.col("close_position") >= NEAR_HIGH, "The bar closes near its high."),
    "resistance_near": Rule(
        "sell",
        pl.col("resistance_spreads") <= NEAR_SPREADS,
        "Resistance lies within two typical spreads above the close.",
    ),
    "selling_volume": Rule(
        "sell",
        (UP_SHARE <= SELLING_SHARE) & ~pl.col("selling_climax") & ~pl.col("stopping_volume"),
        "Down-bars have had most of the volume of the last 20 bars.",
    ),
    "higher_trend_down": Rule("sell", HIGHER_TREND == "down", "The next higher timeframe is in a trend down."),
    "weakness_before": Rule(
        "sell", pl.col("weakness_age").is_not_null(), "A sign of weakness stands among the 20 bars before."
    ),
    "close_low": Rule("sell", pl.col("close_position") <= NEAR_LOW, "The bar closes near its low."),
}
HOLDS = {
    "no_pattern": "No pattern is there to act on.",
    "patterns_disagree": "Patterns of both sides stand at the same bar.",
    "background_against": "The background speaks no more for the pattern than against it.",
    "no_room": "There is no stop on one side of the close and target on the other.",
}
RULES: dict[str, str] = (
    {name: pattern.meaning for name, pattern in PATTERNS.items()}
    | {name: rule.meaning for name, rule in BACKGROUND.items()}
    | HOLDS
)
RULE = pl.Enum(list(RULES))


def decide_signals(found: pl.DataFrame) -> pl.DataFrame:
    """Return bars with their patterns, levels and `higher_trend`, and with them the signal.

    `signal`; `strength` (null for HOLD); `stop`, `target` (dollars; null for HOLD); and one Boolean column per name of
    BACKGROUND and HOLDS, never null: a rule whose number is null does not fire.
    Stop of a BUY: the lowest low of the last STOP_BARS bars. Target: the resistance, if that is as far above the close
    as the stop is below it; else REWARD times as far, to 7 significant digits. A SELL mirrors both.
    """
    proposed, points = pl.col("_side"), pl.col("_points")
    room = (pl.col("_risk") > 0) & (proposed * (pl.col("_target") - CLOSE) > 0) & (pl.col("_target") > 0)
    return (
        found.with_columns(rule.fires.fill_null(False).alias(name) for name, rule in BACKGROUND.items())
        .pipe(_propose)
        .pipe(_place_stop_and_target)
        .with_columns(
            no_pattern=pl.col("pattern") == "none",
            patterns_disagree=(pl.col("pattern") != "none") & (proposed == 0),
            background_against=(proposed != 0) & (points <= 0),
            no_room=((proposed != 0) & (points > 0) & ~room).fill_null(False),
        )
        .with_columns(
            signal=pl.when(pl.any_horizontal(*HOLDS))
            .then(pl.lit("HOLD", SIGNAL))
            .when(proposed > 0)
            .then(pl.lit("BUY", SIGNAL))
            .otherwise(pl.lit("SELL", SIGNAL))
        )
        .with_columns(
            pl.when(pl.col("signal") != "HOLD").then(values).alias(name)
            for name, values in {
                "strength": choose_class(
                    STRENGTH, {"STRONG": points >= 3, "MODERATE": points == 2, "WEAK": points == 1}
                ),
                "stop": pl.col("_stop"),
                "target": pl.col("_target"),
            }.items()
        )
    )


def _propose(found: pl.DataFrame) -> pl.DataFrame:
    """Add the side that patterns propose, 1, -1 or 0 for none or both, and the background's points for it."""
    sides: tuple[Side, Side] = ("buy", "sell")
    buys, sells = (
        pl.any_horizontal(name for name, pattern in PATTERNS.items() if pattern.side == side) for side in sides
    )
    points_for, points_against = (
        pl.sum_horizontal(pl.col(name).cast(pl.Int8) for name, rule in BACKGROUND.items() if rule.side == side)
        for side in sides
    )
    return found.with_columns(_side=buys.cast(pl.Int8) - sells.cast(pl.Int8)).with_columns(
        _points=pl.col("_side") * (points_for - points_against)
    )


def _place_stop_and_target(proposed: pl.DataFrame) -> pl.DataFrame:
    side = pl.col("_side")
    buys = side > 0
    stop = pl.when(buys).then(LOWEST.rolling_min(STOP_BARS)).otherwise(HIGHEST.rolling_max(STOP_BARS))
    level = pl.when(buys).then(pl.col("resistance")).otherwise(pl.col("support"))
    return (
        proposed.with_columns(_stop=stop)
        .with_columns(_risk=side * (CLOSE - pl.col("_stop")))
        .with_columns(
            _target=pl.when(side * (level - CLOSE) >= pl.col("_risk"))
            .then(level)
            .otherwise((CLOSE + REWARD * side * pl.col("_risk")).round_sig_figs(DIGITS))
        )
    )

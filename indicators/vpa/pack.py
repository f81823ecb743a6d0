"""Packs what was measured and found into the parts of an example's input, as reference 002 names them."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from indicators.bars import TIMESTAMP, VALUES
from indicators.vpa.measures import CANDLE_CLASS, TREND_STATUS, TREND_STRENGTH, VOLUME_CLASS, is_known
from indicators.vpa.patterns import PATTERN, PATTERNS
from indicators.vpa.signal import RULE, RULES
from indicators.vpa.timeframes import TIMEFRAME

RECENT_CANDLES = 5  # before the current one: few enough to be read, and all that a pattern compares a bar with by name

METRICS = (
    *("volume_class", "volume_percentile", "volume_ratio", "candle_class", "spread_class", "spread_percentile"),
    *("spread_ratio", "typical_spread", "close_position", "body_share", "upper_wick_share", "lower_wick_share"),
)
TREND = (
    *("efficiency", "change_percent", "up_volume_share", "prior_efficiency", "prior_change_percent"),
    *("range_high", "range_low", "range_position"),
)
SUMMARY = {
    "timeframe": TIMEFRAME,
    "timestamp": TIMESTAMP,
    "close": pl.Float64(),
    "trend_status": TREND_STATUS,
    "trend_strength": TREND_STRENGTH,
    "volume_class": VOLUME_CLASS,
    "candle_class": CANDLE_CLASS,
    "pattern": PATTERN,
}
CLIMAX = pl.Enum(["buying", "selling"])
FACTS = sorted({fact for pattern in PATTERNS.values() for fact in pattern.evidence})
EVIDENCE = [(name, fact) for name, pattern in PATTERNS.items() for fact in pattern.evidence]
FACT = pl.Enum(FACTS)

Indices = NDArray[np.int64]


def pack_context(decided: pl.DataFrame, timeframe: str, higher: Sequence[str]) -> pl.DataFrame:
    """Return the bars with a full lookback, in order, as rows of `build_context`.

    `decided` is what `decide_signals` gives, with one column per name of `higher`: that timeframe's summary.
    """
    known = decided.filter(is_known())
    return known.select(
        "ticker",
        pl.lit(timeframe, TIMEFRAME).alias("timeframe"),
        *("timestamp", "signal", "strength", "pattern", "stop", "target"),
        _list_names(known, list(RULES), RULE).alias("fired_rules"),
        pl.struct(VALUES).alias("current_candle"),
        _list_candles(decided).alias("recent_candles"),
        pl.struct(METRICS).alias("vpa_metrics"),
        pl.struct(
            *(pl.col(f"trend_{name}").alias(name) for name in ("status", "strength", "validation")), *TREND
        ).alias("trend_analysis"),
        pl.struct(
            "accumulation",
            "distribution",
            pl.when("buying_climax")
            .then(pl.lit("buying", CLIMAX))
            .when("selling_climax")
            .then(pl.lit("selling", CLIMAX))
            .alias("climax"),
            pl.col("test").alias("testing"),
            _list_names(known, list(PATTERNS), PATTERN).alias("patterns"),
            _list_evidence(known).alias("evidence"),
            pl.col("strength_age").alias("bars_since_strength"),
            pl.col("weakness_age").alias("bars_since_weakness"),
        ).alias("pattern_analysis"),
        pl.struct(_pack_level("support"), _pack_level("resistance"), "volume_price", "volume_price_share").alias(
            "support_resistance"
        ),
        _list_higher(known, higher).alias("multi_timeframe_context"),
    )


def _pack_level(name: str) -> pl.Expr:
    parts = {"price": name} | {part: f"{name}_{part}" for part in ("source", "spreads", "percent")}
    return pl.struct(pl.col(column).alias(part) for part, column in parts.items()).alias(f"nearby_{name}")


def _list_chosen(chosen: NDArray[np.bool_], take: Callable[[Indices, Indices], pl.Series]) -> pl.Series:
    """Return a list per row of `chosen`, with an element for each of its true columns, in order.

    `take` is handed rows and columns of all elements. Polars' own `concat_list` takes half a minute for a million rows.
    """
    rows, columns = np.nonzero(chosen)
    offsets = np.concatenate([[0], np.cumsum(np.count_nonzero(chosen, axis=1))])
    return pl.Series(pa.LargeListArray.from_arrays(offsets, take(rows, columns).to_arrow()))


def _list_names(known: pl.DataFrame, names: Sequence[str], kinds: pl.Enum) -> pl.Series:
    named = pl.Series(names, dtype=kinds)
    listed = _list_chosen(known.select(names).to_numpy(), lambda _, columns: named.gather(columns))
    return listed.cast(pl.List(kinds))


def _list_evidence(known: pl.DataFrame) -> pl.Series:
    """List pattern, fact and value of everything that shows a pattern; a fact without a value shows nothing."""
    of_pattern = np.array([list(PATTERNS).index(name) for name, _ in EVIDENCE])
    of_fact = np.array([FACTS.index(fact) for _, fact in EVIDENCE])
    values = known.select(pl.col(FACTS).cast(pl.Float64)).to_numpy()
    found = known.select(*PATTERNS).to_numpy()
    patterns, facts = pl.Series("pattern", list(PATTERNS), PATTERN), pl.Series("fact", FACTS, FACT)

    def take(rows: Indices, columns: Indices) -> pl.Series:
        value = pl.Series("value", values[rows, of_fact[columns]])
        return pl.DataFrame([patterns.gather(of_pattern[columns]), facts.gather(of_fact[columns]), value]).to_struct()

    return _list_chosen(found[:, of_pattern] & np.isfinite(values)[:, of_fact], take)


def _list_candles(decided: pl.DataFrame) -> pl.Series:
    candles = decided.select(pl.struct("timestamp", *VALUES)).to_series()
    rows = decided.select(pl.arg_where(is_known())).to_series().to_numpy().astype(np.int64)
    before = rows[:, None] + np.arange(-RECENT_CANDLES, 0)
    return candles.gather(before.ravel()).reshape((len(rows), RECENT_CANDLES)).cast(pl.List(candles.dtype))


def _list_higher(known: pl.DataFrame, higher: Sequence[str]) -> pl.Series:
    there = np.array([known.get_column(name).is_not_null() for name in higher], dtype=np.bool_)
    summaries = pl.concat([pl.Series(dtype=pl.Struct(SUMMARY)), *(known.get_column(name).alias("") for name in higher)])
    return _list_chosen(
        there.reshape(len(higher), known.height).T,
        lambda rows, columns: summaries.gather(columns * known.height + rows),
    )

"""Facts of a stock report: what is known of a ticker when a bar ends, as it is printed, and what follows by rule.

1. `build_facts`     every fact at every bar, rounded as it is printed, and how the evidence groups vote
2. `recommend`       the written rule: which recommendation and confidence follow from the votes
3. `build_outcomes`  what really came after each bar; in no prompt and in no rule

Nothing is read that comes after the bar: a series cut at a bar gives that bar's facts to the last bit. The forecast is
the last close and a cone about it; that a price goes one way rather than the other is not forecast, for on real daily
bars four of four groups that agree were right in 51.7% of cases, and "always up" in 53.3%.
"""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from gold_data.markets import USUAL, Markets
from indicators.bars import sort_bars
from indicators.errors import IndicatorError
from indicators.technicals import attach_technicals
from indicators.vpa.timeframes import start_bars

HORIZON = 5  # bars that the cone looks ahead
CONE = 0.8  # share of later closes that the cone should hold
TREND, RANGE = 20, 60  # bars
TRAILING = 250  # forecasts whose misses make the cone's width; fewer while the series is young, at least LEAST
LEAST = 60
WARM_UP = RANGE + HORIZON + LEAST  # bars before the first that has facts
UP, DOWN, NEUTRAL = "up", "down", "neutral"
GROUPS = ("trend", "momentum", "volume", "strength")
TRENDING, RESTLESS = 30.0, 1.25  # percent of efficiency; volatility over its usual
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TECHNICALS = ("rsi_14", "macd", "macd_signal", "stoch_k_14", "atr_14", "bb_high_20", "bb_low_20")

CLOSE, TICKER = pl.col("close"), "ticker"


@dataclass(frozen=True)
class Fact:
    """How a fact is printed, what it may be compared with (facts of one `scale`), and what it is."""

    unit: str
    decimals: int
    scale: str
    says: str


FACTS = {
    "close": Fact("money", 2, "price", "last close; the forecast's middle"),
    "sma_20": Fact("money", 2, "price", "mean close of 20 bars"),
    "sma_60": Fact("money", 2, "price", "mean close of 60 bars"),
    "band_high_20": Fact("money", 2, "price", "Bollinger band above: 20 bars, 2 deviations"),
    "band_low_20": Fact("money", 2, "price", "Bollinger band below"),
    "high_60": Fact("money", 2, "price", "highest high of 60 bars"),
    "low_60": Fact("money", 2, "price", "lowest low of 60 bars"),
    "cone_low_5": Fact("money", 2, "price", "lower edge of the 80% cone of the close 5 bars on"),
    "cone_high_5": Fact("money", 2, "price", "upper edge of that cone"),
    "cone_hit_rate": Fact("percent", 0, "rate", "share of the last 250 such cones that held the close"),
    "change_1": Fact("signed percent", 2, "change", "change of the close over 1 bar"),
    "change_5": Fact("signed percent", 2, "change", "change over 5 bars"),
    "change_20": Fact("signed percent", 2, "change", "change over 20 bars"),
    "index_change_20": Fact("signed percent", 2, "change", "the index's change over 20 bars"),
    "relative_strength_20": Fact("signed points", 2, "relative", "change over 20 bars less the index's"),
    "rsi_14": Fact("index", 1, "rsi", "Wilder's relative strength index, 0 to 100"),
    "stochastic_14": Fact("index", 1, "stochastic", "place of the close in the range of 14 bars, 0 to 100"),
    "macd": Fact("percent", 3, "macd", "MACD 12-26 in percent of the close"),
    "macd_signal": Fact("percent", 3, "macd", "its signal line, 9 bars"),
    "atr_percent": Fact("percent", 2, "volatility", "average true range of 14 bars in percent of the close"),
    "volatility_20": Fact("percent", 3, "volatility", "deviation of one-bar returns, 20 bars"),
    "volatility_60": Fact("percent", 3, "volatility", "deviation of one-bar returns, 60 bars"),
    "volume": Fact("shares", 0, "volume", "volume of the bar"),
    "volume_mean_20": Fact("shares", 0, "volume", "mean volume of 20 bars"),
    "volume_ratio": Fact("times", 2, "ratio", "volume over that mean"),
    "up_volume_share": Fact("percent", 0, "share", "share of 20 bars' volume in bars that closed higher"),
    "range_position": Fact("percent", 0, "position", "place of the close in the range of 60 bars"),
    "efficiency": Fact("percent", 0, "efficiency", "move over 20 bars in percent of the way that was gone"),
    "groups_up": Fact("groups", 0, "groups", "evidence groups that point up"),
    "groups_down": Fact("groups", 0, "groups", "evidence groups that point down"),
    "bar_age": Fact("bars", 0, "age", "bars' worth of time since the last bar ended"),
}
FORMS = {
    "percent": "{}%",
    "signed percent": "{}%",
    "signed points": "{} percentage points",
    "index": "{}",
    "shares": "{} shares",
    "times": "{} times",
    "groups": "{} of 4",
    "bars": "{} bars",
}
SMALL, SMALL_DECIMALS = 1.0, 6  # money below which a price is printed with more decimals


def print_fact(name: str, value: float, sign: str = "$") -> str:
    """Print a fact as every text shows it: rounded, with its unit, prices with the `sign` of their money.

    >>> print_fact("close", 1234.5), print_fact("change_5", -0.314), print_fact("volume", 46837.0)
    ('$1,234.50', '-0.31%', '46,837 shares')
    """
    fact = FACTS[name]
    if fact.unit == "money":
        decimals = fact.decimals if abs(value) >= SMALL else SMALL_DECIMALS
        return f"{'-' if value < 0 else ''}{sign}{abs(value):,.{decimals}f}"
    plus = "+" if fact.unit.startswith("signed") else ""
    return FORMS[fact.unit].format(f"{value:{plus},.{fact.decimals}f}")


def find_length(bars: pl.DataFrame, markets: Markets = USUAL) -> timedelta:
    """Tell bars of minutes from bars of days: those of days all begin with their trading day."""
    stamp = pl.col("timestamp")
    fits = (own.select((stamp == start_bars("1d", market)).all()).item() for market, own in markets.split(bars))
    return DAY if all(fits) else MINUTE


def build_facts(bars: pl.DataFrame, index: str | None = None) -> pl.DataFrame:
    """Return one row per ticker and bar, from a ticker's 126th bar on, sorted by both.

    `bars` in any order: `ticker`, `timestamp` (start of the bar, exchange's zone), OHLCV, taken as checked; bars are
    neighbours over nights and gaps. Columns: `ticker`, `timestamp`, every name of FACTS (Float64, rounded as printed;
    null where it is not known: ratios of no volume, the index's facts without one), `trend`, `momentum`, `volume_vote`,
    `strength` (up, down, neutral), `regime` (trending, volatile, ranging). `bar_age` is 0: the bar has just ended.

    The cone: close x exp(+-q s sqrt(5)), s the deviation of the last 60 one-bar log returns, q the 80% quantile of the
    last 250 such misses |log(close / close 5 bars ago)| / (s sqrt(5)) with the s of then, all of them over by now.

    Raises:
        IndicatorError: bars that `sort_bars` refuses, or an index ticker that they do not have.
    """
    ordered = sort_bars(bars, TICKER)
    if index is not None and not ordered.select((pl.col(TICKER) == index).any()).item():
        known = ", ".join(ordered[TICKER].unique().sort())
        raise IndicatorError(f"index_ticker: the bars have no {index}; they have {known}: name one of them, or none")
    moved = attach_technicals(ordered, TECHNICALS).lazy().with_columns(_measure_moves())
    drawn = moved.with_columns(_measure_more()).with_columns(_score_forecasts()).with_columns(_draw_cone())
    compared = _compare_with_index(drawn.collect(engine="in-memory"), index).with_columns(_rate_cone())
    warm = compared.filter(pl.col("_place") >= WARM_UP).with_columns(groups_up=0.0, groups_down=0.0, bar_age=0.0)
    return _vote(warm.with_columns(_round_facts()), index)


def _over(values: pl.Expr) -> pl.Expr:
    return values.over(TICKER)


def _change(span: int) -> pl.Expr:
    return 100 * (CLOSE / _over(CLOSE.shift(span)) - 1)


def _measure_moves() -> list[pl.Expr]:
    """Measure what other measures are made of: one-bar returns, signs of them, windows of prices and volume."""
    step = _over(CLOSE.diff())
    volume = pl.col("volume")
    return [
        pl.int_range(pl.len()).over(TICKER).alias("_place"),
        _over(CLOSE.log().diff()).alias("_return"),
        step.abs().alias("_step"),
        pl.when(step > 0).then(volume).otherwise(0.0).alias("_up"),
        pl.when(step != 0).then(volume).otherwise(0.0).alias("_moved"),
        *(_change(span).alias(f"change_{span}") for span in (1, HORIZON, TREND)),
        *(_over(CLOSE.rolling_mean(span)).alias(f"sma_{span}") for span in (TREND, RANGE)),
        _over(pl.col("high").rolling_max(RANGE)).alias("high_60"),
        _over(pl.col("low").rolling_min(RANGE)).alias("low_60"),
        _over(volume.rolling_mean(TREND)).alias("volume_mean_20"),
    ]


def _measure_more() -> list[pl.Expr]:
    span, moved = pl.col("high_60") - pl.col("low_60"), _over(pl.col("_moved").rolling_sum(TREND))
    way = _over(pl.col("_step").rolling_sum(TREND))
    mean = pl.col("volume_mean_20")
    return [
        *((100 * _over(pl.col("_return").rolling_std(n))).alias(f"volatility_{n}") for n in (TREND, RANGE)),
        pl.when(mean > 0).then(pl.col("volume") / mean).alias("volume_ratio"),
        pl.when(moved > 0)
        .then((100 * _over(pl.col("_up").rolling_sum(TREND)) / moved).clip(0, 100))
        .alias("up_volume_share"),
        pl.when(span > 0).then(100 * (CLOSE - pl.col("low_60")) / span).alias("range_position"),
        pl.when(way > 0)
        .then((100 * _over(CLOSE.diff(TREND)).abs() / way).clip(0, 100))
        .otherwise(0.0)
        .alias("efficiency"),
        (100 * pl.col("macd") / CLOSE).alias("macd"),
        (100 * pl.col("macd_signal") / CLOSE).alias("macd_signal"),
        (100 * pl.col("atr_14") / CLOSE).alias("atr_percent"),
        *(pl.col(old).alias(new) for old, new in _RENAMED.items()),
    ]


_RENAMED = {"stoch_k_14": "stochastic_14", "bb_high_20": "band_high_20", "bb_low_20": "band_low_20"}


def _score_forecasts() -> list[pl.Expr]:
    """Add how far each close was from that 5 bars before, in deviations that were known then: `_miss`."""
    then = _over(pl.col("volatility_60").shift(HORIZON)) / 100 * HORIZON**0.5
    return [pl.when(then > 0).then(_over(CLOSE.log().diff(HORIZON)).abs() / then).alias("_miss")]


def _draw_cone() -> list[pl.Expr]:
    quantile = _over(
        pl.col("_miss").rolling_quantile(CONE, interpolation="linear", window_size=TRAILING, min_samples=LEAST)
    )
    reach = (quantile * pl.col("volatility_60") / 100 * HORIZON**0.5).fill_null(0.0)
    return [
        (CLOSE * (-reach).exp()).alias("cone_low_5"),
        (CLOSE * reach.exp()).alias("cone_high_5"),
        quantile.alias("_width"),
    ]


def _rate_cone() -> pl.Expr:
    held = (pl.col("_miss") <= _over(pl.col("_width").shift(HORIZON))).cast(pl.Float64)
    return (100 * _over(held.rolling_mean(TRAILING, min_samples=1))).alias("cone_hit_rate")


def _compare_with_index(measured: pl.DataFrame, index: str | None) -> pl.DataFrame:
    """Add the index's change over its own last 20 bars, of its last bar that began by then, and the difference."""
    if index is None:
        nothing = pl.lit(None, pl.Float64)
        return measured.with_columns(index_change_20=nothing, relative_strength_20=nothing)
    of_index = measured.filter(pl.col(TICKER) == index).select("timestamp", index_change_20="change_20")
    joined = measured.with_row_index("_row").sort("timestamp").join_asof(of_index, on="timestamp").sort("_row")
    return joined.drop("_row").with_columns(relative_strength_20=pl.col("change_20") - pl.col("index_change_20"))


def _round_facts() -> list[pl.Expr]:
    """Round every fact as it is printed; what is not finite is not known, and there is no -0."""
    rounded = []
    for name, fact in FACTS.items():
        value = pl.col(name)
        plain = value.round(fact.decimals)
        if fact.unit == "money":
            plain = pl.when(value.abs() >= SMALL).then(plain).otherwise(value.round(SMALL_DECIMALS))
        rounded.append(pl.when(value.is_finite()).then(plain + 0.0).alias(name))
    return rounded


def _choose(up: pl.Expr, down: pl.Expr, name: str) -> pl.Expr:
    said = pl.when(up).then(pl.lit(UP)).when(down).then(pl.lit(DOWN)).otherwise(pl.lit(NEUTRAL))
    return said.alias(name)


def _vote(facts: pl.DataFrame, index: str | None) -> pl.DataFrame:
    """Let the evidence groups vote, on facts as they are printed, count the votes, and name the regime.

    Without an index, strength is the place of the close in its own range of 60 bars.
    """
    short, long, rsi, share = map(pl.col, ("sma_20", "sma_60", "rsi_14", "up_volume_share"))
    macd, signal, relative = map(pl.col, ("macd", "macd_signal", "relative_strength_20"))
    reach = pl.col("volatility_60")
    place = pl.col("range_position")
    strength = (place >= 70, place <= 30) if index is None else (relative >= reach, relative <= -reach)
    voted = facts.with_columns(
        _choose((short > long) & (short < CLOSE), (short < long) & (short > CLOSE), "trend"),
        _choose((macd > signal) & (rsi >= 50), (macd < signal) & (rsi <= 50), "momentum"),
        _choose(share >= 55, share <= 45, "volume_vote"),
        _choose(*strength, "strength"),
    )
    votes = [pl.col("volume_vote" if group == "volume" else group) for group in GROUPS]
    restless = pl.col("volatility_20") >= RESTLESS * pl.col("volatility_60")
    regime = pl.when(pl.col("efficiency") >= TRENDING).then(pl.lit("trending")).when(restless).then(pl.lit("volatile"))
    return voted.select(
        TICKER,
        "timestamp",
        *(name for name in FACTS if name not in ("groups_up", "groups_down")),
        *(
            pl.sum_horizontal((vote == side).cast(pl.Float64) for vote in votes).alias(f"groups_{side}")
            for side in (UP, DOWN)
        ),
        *("trend", "momentum", "volume_vote", "strength"),
        regime.otherwise(pl.lit("ranging")).alias("regime"),
    )


def recommend(facts: pl.DataFrame, stale_after: int) -> pl.DataFrame:
    """Add `recommendation`, `confidence` and `situation` by the written rule.

    BUY where at least two more groups point up than down, SELL mirrored, else HOLD. Confidence is how many of the four
    groups agree with it (for HOLD: are neutral): 4 high, 3 medium, fewer low. A HOLD with groups on both sides is a
    `conflict`. Bars older than `stale_after` are `stale`: HOLD, low, whatever the groups say; else `usual`.
    """
    up, down = pl.col("groups_up"), pl.col("groups_down")
    stale = pl.col("bar_age") > stale_after
    bought = pl.when(stale).then(pl.lit("HOLD")).when(up - down >= 2).then(pl.lit("BUY"))
    side = bought.when(down - up >= 2).then(pl.lit("SELL")).otherwise(pl.lit("HOLD"))
    agree = pl.when(side == "BUY").then(up).when(side == "SELL").then(down).otherwise(len(GROUPS) - up - down)
    sure = pl.when(stale).then(pl.lit("low")).when(agree == 4).then(pl.lit("high"))
    confidence = sure.when(agree == 3).then(pl.lit("medium")).otherwise(pl.lit("low"))
    mixed = (side == "HOLD") & (up > 0) & (down > 0)
    situation = pl.when(stale).then(pl.lit("stale")).when(mixed).then(pl.lit("conflict")).otherwise(pl.lit("usual"))
    return facts.with_columns(recommendation=side, confidence=confidence, situation=situation)


def build_outcomes(bars: pl.DataFrame) -> pl.DataFrame:
    """Return what came after every bar: `ticker`, `timestamp`, `return_percent_5`, null where fewer than 5 bars follow.

    Raises:
        IndicatorError: bars that `sort_bars` refuses.
    """
    later = 100 * (_over(CLOSE.shift(-HORIZON)) / CLOSE - 1)
    return sort_bars(bars, TICKER).select(TICKER, "timestamp", later.alias("return_percent_5"))

"""Do the indicators at the entry look like the gold's? One Kolmogorov-Smirnov distance per indicator."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import kstwobign

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Interval, Matrix, Verdict, to_json
from verification.trades.features import FEATURES
from verification.trades.matching import match_trades, measure_sound

QUESTION = "indicators"
TITLE = "Do the indicators at the entry look like the gold's?"

HALVES = 12
LEAST_SESSIONS = 6
LEAST_ROWS = 40  # values a side; below it no distance but the whole is beyond chance
LEVEL = 0.05  # chance that gold's own law would be blamed for any of the indicators, all taken together
LINE = 0.1  # share of the indicators that may differ: a few follow from what the controls ask for
DETECTABLE = 0.25  # distances must be detectable from here on, or finding none means nothing
MEAN_DISTANCE = 0.8687  # of the Kolmogorov distribution: sqrt(pi / 2) ln 2
BAND = 1.358  # its 95% quantile
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)

IN_DOLLARS = (
    *("atr_14", "atr_28", "macd", "macd_signal", "macd_hist", "bb_high_20", "bb_low_20"),
    *("ema_9", "ema_20", "ema_50", "vwap_session"),
)  # they go with the ticker's price, so percents of the entry price are compared
NOT_COMPARED = {
    "obv": "counts from the first bar"
}  # of whatever bars there are: gold has days, a synthetic trade hours

DONORS = (
    "Bars before a synthetic entry are a gold trade's own, rescaled: "
    "indicators that no scale changes can hardly differ."
)


def ask_indicators(
    gold: pl.DataFrame,
    synthetic: pl.DataFrame,
    names: Sequence[str],
    controlled: Sequence[str] = (),
    rng: np.random.Generator | None = None,
) -> Answer:
    """Ask indicator by indicator whether its values at the entry have the gold's law.

    Trades are paired first where controls fixed features. Distances are held against what halves of the gold's
    sessions have, and the p-values corrected by Holm, A simple sequentially rejective multiple test procedure,
    Scandinavian Journal of Statistics 1979, which holds however the indicators depend on each other. Nulls are counted
    and left out. Indicators in dollars are compared in percent of the entry price, those of NOT_COMPARED not at all.

    Args:
        gold: Trade table with a column per indicator.
        synthetic: Likewise; indicators that it lacks are named and left out.
        names: Indicators.
        controlled: Features whose law the run set on purpose.
        rng: Draws pairs and halves.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    asked = [name for name in names if name not in NOT_COMPARED]
    known = [name for name in asked if name in gold.columns and name in synthetic.columns]
    fixed = [name for name in FEATURES if name in controlled]
    left, right = match_trades(_measure(gold, known), _measure(synthetic, known), fixed, rng)
    tested = [_compare(left, right, name, rng) for name in known]
    for place, row in zip(np.argsort([row["p_value"] for row in tested]), _hold(tested), strict=True):
        tested[place]["differs"] = bool(row and tested[place]["distance"].value > tested[place]["floor"].high)
    sessions = left["session_date"].n_unique()
    verdict, reason = _judge(tested, len(left), sessions)
    metrics = {
        "rows_used": len(left),
        "controlled": fixed,
        "missing": [name for name in asked if name not in known],
        "not_compared": [{"indicator": name, "why": NOT_COMPARED[name]} for name in names if name in NOT_COMPARED],
        "levels": LEVELS,
        "indicators": tested,
        "note": DONORS,
    }
    return Answer(QUESTION, TITLE, verdict, reason, _list_numbers(tested, len(left), sessions), to_json(metrics))


def measure_distance(left: Matrix, right: Matrix) -> float:
    """Measure the Kolmogorov-Smirnov distance of two samples; NaN without values on a side."""
    if not len(left) or not len(right):
        return float("nan")
    both = np.concatenate([left, right])
    shares = [np.searchsorted(np.sort(side), both, side="right") / len(side) for side in (left, right)]
    return float(np.abs(shares[0] - shares[1]).max())


def correct_holm(chances: Sequence[float]) -> list[bool]:
    """Say of p-values in rising order which are rejected: all before the first above LEVEL / (number of those left)."""
    held = [not chance <= LEVEL / (len(chances) - place) for place, chance in enumerate(chances)]
    first = held.index(True) if True in held else len(held)
    return [place < first for place in range(len(held))]


def _hold(tested: list[dict[str, Any]]) -> list[bool]:
    return correct_holm(sorted(row["p_value"] for row in tested))


def _measure(trades: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    price = pl.col("entry_price").cast(pl.Float64)
    percent = 100.0 / pl.when(price > 0.0).then(price)
    units = [pl.col(name).cast(pl.Float64) * (percent if name in IN_DOLLARS else pl.lit(1.0)) for name in names]
    values = trades.select("trade_id", *units).unique("trade_id")
    return measure_sound(trades).join(values, on="trade_id", how="left", maintain_order="left")


def _compare(left: pl.DataFrame, right: pl.DataFrame, name: str, rng: np.random.Generator) -> dict[str, Any]:
    is_known = pl.col(name).is_finite().fill_null(value=False)
    gold, made = left.filter(is_known), right.filter(is_known)
    own, other = gold[name].to_numpy(), made[name].to_numpy()
    value, floor, width = float("nan"), Interval(np.nan), float("nan")
    chance = 1.0
    if min(len(own), len(other)) >= LEAST_ROWS and gold["session_date"].n_unique() >= LEAST_SESSIONS:
        width = _measure_clustering(gold, name, rng) * np.sqrt(1.0 / len(own) + 1.0 / len(other))
        value = measure_distance(own, other)
        floor = Interval(MEAN_DISTANCE * width, 0.0, BAND * width)
        chance = float(kstwobign.sf(value / width))
    low, high = value - BAND * width, value + BAND * width
    return {
        "indicator": name,
        "unit": "percent of the entry price" if name in IN_DOLLARS else "its own",
        "distance": Interval(value, max(low, 0.0), min(high, 1.0)) if np.isfinite(value) else Interval(np.nan),
        "floor": floor,
        "p_value": chance,
        "differs": False,
        "gold_nulls": len(left) - len(gold),
        "synthetic_nulls": len(right) - len(made),
        "gold_quantiles": np.quantile(own, LEVELS) if len(own) else [],
        "synthetic_quantiles": np.quantile(other, LEVELS) if len(other) else [],
    }


def _measure_clustering(gold: pl.DataFrame, name: str, rng: np.random.Generator) -> float:
    """Measure how much farther apart halves of the sessions are than halves of independent rows; 1 at the least."""
    numbers = gold["session_date"].rank("dense").cast(pl.Int64).to_numpy() - 1
    values, sessions = gold[name].to_numpy(), int(numbers.max()) + 1
    ratios = []
    for _ in range(HALVES):
        is_left = (rng.permutation(sessions) < sessions // 2)[numbers]
        sides = values[is_left], values[~is_left]
        expected = MEAN_DISTANCE * np.sqrt(sum(1.0 / len(side) for side in sides))
        ratios.append(measure_distance(*sides) / expected)
    return max(float(np.mean(ratios)), 1.0)


def _judge(tested: list[dict[str, Any]], rows: int, sessions: int) -> tuple[Verdict, str]:
    known = [row for row in tested if row["distance"].is_known]
    if not known:
        return CANNOT_TELL, (
            f"{rows} pairs of gold and synthetic trades with indicators, from {sessions} gold sessions; {LEAST_ROWS} "
            f"values of one, from {LEAST_SESSIONS} sessions, are needed."
        )
    differing = [row["indicator"] for row in known if row["differs"]]
    told = f"{len(differing)} of {len(known)} indicators at the entry differ from the gold's beyond chance"
    shown = f" ({', '.join(differing[:5])})" if differing else ""
    if len(differing) > LINE * len(known):
        return UNDERFIT, f"{told}{shown}; {LINE:.0%} would pass."
    need = _find_detectable(known)
    if need > DETECTABLE:
        return CANNOT_TELL, f"{told}, but with {rows} pairs only a distance above {need:.2f} would be found."
    return GOOD, f"{told}{shown}; distances above {need:.2f} would be found."


def _find_detectable(known: list[dict[str, Any]]) -> float:
    """Return the distance from which on the median indicator would be found to differ."""
    return float(np.median([row["floor"].high for row in known])) * float(kstwobign.isf(LEVEL / len(known))) / BAND


def _list_numbers(tested: list[dict[str, Any]], rows: int, sessions: int) -> tuple[tuple[str, str], ...]:
    """List the numbers behind the verdict: what differs, or, where too little shows anything, what is scarce first."""
    known = [row for row in tested if row["distance"].is_known]
    pairs = ("pairs of trades", f"{rows:,}")
    if not known:
        gold = ("gold sessions", f"{sessions:,}")
        first = (gold, pairs) if rows >= LEAST_ROWS and sessions < LEAST_SESSIONS else (pairs, gold)
        return *first, ("indicators that differ", "unknown")
    worst = max(known, key=lambda row: row["distance"].value)
    count = sum(row["differs"] for row in known)
    differing = ("indicators that differ", f"{count} of {len(known)}")
    farthest = ("farthest apart (0: same law)", f"{worst['indicator']} {worst['distance']}")
    need = _find_detectable(known)
    if count <= LINE * len(known) and need > DETECTABLE:
        return ("least distance that would be found", f"{need:.2f}"), differing, pairs
    return differing, farthest, pairs

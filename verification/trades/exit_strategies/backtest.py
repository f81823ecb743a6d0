"""Do strategies rank on synthetic trades as they do on real ones? A book of exits, replayed on both.

1. Book      every sensible combination of STOPS, TARGETS, TRAILS and TIME_STOPS, replayed by `backtest`
2. Rank      strategies by expectancy, the mean net percent per trade; Spearman's rho with held-out gold
3. Floor     the same rho for the train part of the gold, at an equal number of trades
4. Loss      floor less rho, both against the same resampled hold-out, so that what they share cancels
5. Regret    what the best strategy on synthetic trades gives away on held-out gold; the train part's best beside it
6. Luck      PBO and deflated Sharpe of searches on half of the sessions, of synthetic trades and of gold
             (`strategy_search`); a search of all sessions is less of a gamble than either

Where a run's controls set features on purpose, gold counts as far as the synthetic trades reach in these
(`exit_model`); where they set an outcome, nothing can be told.
Intervals come from REPEATS resamples: of the gold's sessions, and of synthetic rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.exceptions import PolarsError
from scipy.stats import rankdata

from gold_data.markets import USUAL, Markets
from indicators.replay import (
    COMMISSION_PERCENT,
    COST_PERCENT,
    HORIZON,
    NEVER,
    SLIPPAGE_PERCENT,
    Replays,
    Strategy,
    add_closes,
    replay_gold,
    replay_run,
)
from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Answer, Interval, Matrix, Verdict, to_json
from verification.settling import say_lacks, say_least, say_settling
from verification.trades.exit_model.model import find_set_outcome, narrow_alike
from verification.trades.exit_model.scores import write_rounded
from verification.trades.exit_strategies.luck import (
    Sessions,
    average_by_session,
    count_independent,
    deflate_sharpe,
    describe_luck,
    measure_sharpes,
    repeat_search,
    spread_of_repeats,
)

QUESTION, TITLE = "backtest", "Do strategies rank as they do on real trades?"

STOPS = (1.0, 2.0, 4.0, NEVER)  # multiples of the volatility at the entry
TARGETS = (1.0, 2.0, 4.0, NEVER)
TRAILS = (1.5, 3.0, 6.0, NEVER)
TIME_STOPS = (5, 15, HORIZON)  # minutes

MOST_TRADES = 10_000  # of each part; more are sampled, which leaves a mean of 1% spread known to 0.01%
REPEATS = 400
LEAST_TRADES = 30  # that can be replayed, of each part: below it one trade moves the ranks
LEAST_SESSIONS = 6  # of gold, in each part: fewer cannot be resampled
MARGIN = 0.1  # loss of rho that is put up with: less would not change which strategies are looked at

LABELS = (
    "rank correlation with held-out gold, from -1 to 1 (0: chance)",
    "the same for the train part",
    "given away on held-out gold by synthetic's best strategy, % per trade",
)
PERMUTED = "expectancies in random order"


@dataclass(frozen=True)
class Part:
    """Replays of one part with the sessions numbered, and which rows are resampled together."""

    replays: Replays
    sessions: Sessions
    groups: Sessions

    @property
    def expectancy(self) -> Matrix:
        """Mean net percent of each strategy."""
        return round_off(self.replays.percents.astype(np.float64).mean(axis=1))


@dataclass(frozen=True)
class Ranking:
    """Agreement with held-out gold by one measure: Spearman's rho; `loss` is floor less rho."""

    rho: Interval
    floor: Interval
    loss: Interval
    noise: Interval


@dataclass(frozen=True)
class Drawn:
    """Expectancies and Sharpe ratios per trade of resamples: shape (repeats, strategies)."""

    expectancy: Matrix
    sharpe: Matrix


def make_book() -> list[Strategy]:
    """Combine all exits, but those whose trailing stop is as near as the stop, which then never counts."""
    combined = product(STOPS, TARGETS, TRAILS, TIME_STOPS)
    return [Strategy(*each) for each in combined if each[0] == NEVER or each[2] > each[0]]


def ask_backtest(  # noqa: PLR0917, three pairs of trades and their bars, in that order
    synthetic: pl.DataFrame,
    bars_file: Path,
    gold_train: pl.DataFrame,
    train_bars: pl.DataFrame | None,
    gold_holdout: pl.DataFrame,
    holdout_bars: pl.DataFrame | None,
    rng: np.random.Generator,
    controlled: Sequence[str] = (),
    markets: Markets = USUAL,
) -> Answer:
    """Answer whether strategies rank on synthetic trades as on held-out gold.

    Args:
        synthetic: Trade table of a run.
        bars_file: The run's bars by `row_id`.
        gold_train: Trade table of the train part.
        train_bars: Bars of its tickers; None where the gold came without.
        gold_holdout: Trade table of the hold-out.
        holdout_bars: Bars of its tickers; None where the gold came without.
        rng: Draws samples and repeats.
        controlled: Names among FEATURES whose law the run's controls set on purpose.
        markets: Where each ticker is traded.
    """
    if train_bars is None or holdout_bars is None or not bars_file.is_file():
        missing = "the run has no bars" if not bars_file.is_file() else "the gold came without bars"
        return refuse(f"No trade can be replayed: {missing}.", {})
    if outcome := find_set_outcome(controlled):
        return refuse(outcome, {"controlled": controlled})
    near = narrow_alike(gold_train, gold_holdout, synthetic, controlled, rng)
    book = make_book()
    try:
        replays = replay_run(add_closes(take_sample(near.synthetic, rng), markets), bars_file, book)
    except (PolarsError, OSError) as exc:
        return refuse(f"No trade can be replayed: {bars_file.name} of the run cannot be read ({exc}).", {})
    parts = {
        "synthetic": number_rows(replays),
        "train": number_sessions(replay_gold(add_closes(take_sample(near.train, rng), markets), train_bars, book)),
        "holdout": number_sessions(
            replay_gold(add_closes(take_sample(near.holdout, rng), markets), holdout_bars, book)
        ),
    }
    metrics: dict[str, Any] = near.describe() | describe_replays(parts)
    counts = count_parts(parts)
    if lack := say_lacks(counts):
        return refuse(f"Too little can be replayed on its bars: {lack}.{near.say()}", metrics, say_least(counts))
    rankings = rank_book(parts, rng)
    ranking = rankings["expectancy"]
    regret = measure_regret(parts, rng)
    metrics |= {"rho": rankings, "noise_is": PERMUTED, "regret_percent": regret, "gap_percent": measure_gap(parts, rng)}
    metrics |= {"search": measure_luck(parts, rng), "strategies": list_strategies(book, parts)}
    metrics |= {"best": {name: int(np.argmax(part.expectancy)) for name, part in parts.items()}}
    verdict, reason = judge_ranking(ranking)
    texts = (write_rounded(ranking.rho, 2), write_rounded(ranking.floor, 2), write_rounded(regret["synthetic"], 3))
    numbers = tuple(zip(LABELS, texts, strict=True))
    needs = say_enough(ranking, len(parts["holdout"].sessions)) if verdict == CANNOT_TELL else ""
    return Answer(QUESTION, TITLE, verdict, reason + near.say(), numbers, to_json(metrics), needs)


def take_sample(trades: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Take MOST_TRADES trades at random where there are more."""
    if trades.height <= MOST_TRADES:
        return trades
    return trades[np.sort(rng.permutation(trades.height)[:MOST_TRADES])]


def number_sessions(replays: Replays) -> Part:
    """Number the sessions in order of time; trades of one session are resampled together."""
    sessions = replays.trades["session_date"].rank("dense").cast(pl.Int64).to_numpy() - 1
    return Part(replays, sessions, sessions)


def number_rows(replays: Replays) -> Part:
    """Number the sessions in order of time; every trade is resampled by itself."""
    part = number_sessions(replays)
    return Part(replays, part.sessions, np.arange(len(part.sessions)))


def count_parts(parts: dict[str, Part]) -> list[tuple[str, int, int]]:
    """Count what resampling needs, and the least of it."""
    words = {"synthetic": "synthetic", "train": "gold train", "holdout": "held-out gold"}
    trades = [(f"{words[name]} trades", len(part.sessions), LEAST_TRADES) for name, part in parts.items()]
    sessions = [
        (f"{words[name]} sessions", len(np.unique(part.sessions)), LEAST_SESSIONS)
        for name, part in parts.items()
        if name != "synthetic"
    ]
    return [*trades, *sessions]


def say_enough(ranking: Ranking, held_out: int) -> str:
    """Say how many held-out trades would show that gold ranks strategies alike twice, or whether these do."""
    known = ranking.rho if ranking.floor.low > 0.0 else ranking.floor
    return say_settling(held_out, known, 0.0, "held-out gold trades") if known.is_known and known.value > 0.0 else ""


def refuse(reason: str, metrics: dict[str, Any], needs: str = "") -> Answer:
    """Say that it cannot be told, and why."""
    unknown = tuple((label, "unknown") for label in LABELS)
    return Answer(QUESTION, TITLE, CANNOT_TELL, reason, unknown, to_json(metrics), needs)


def draw_weights(part: Part, size: int, rng: np.random.Generator, *, resampled: bool) -> Matrix:
    """Draw how often each trade counts in each repeat: shape (REPEATS, trades).

    Groups are drawn with putting back where `resampled`, else taken once; then trades are thinned to about `size`.
    """
    groups = int(part.groups.max()) + 1
    counts = rng.multinomial(groups, np.full(groups, 1.0 / groups), REPEATS) if resampled else np.ones((1, groups))
    share = min(1.0, size / len(part.sessions))
    repeats = 1 if share == 1.0 and not resampled else REPEATS
    trades = np.broadcast_to(counts[:, part.groups], (repeats, len(part.groups))).astype(np.int64)
    return (rng.binomial(trades, share) if share < 1.0 else trades).astype(np.float64)


def weigh(part: Part, weights: Matrix) -> Drawn:
    """Measure every strategy in every repeat; a repeat without a trade, or without spread, is NaN."""
    percents = part.replays.percents.astype(np.float64).T
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    mean = weights @ percents / total
    spread = np.sqrt(np.maximum(weights @ percents**2 / total - mean**2, 0.0))
    sharpe = np.divide(mean, spread, out=np.full(mean.shape, np.nan), where=spread > 1e-6)
    return Drawn(round_off(mean), round_off(sharpe))


def round_off(values: Matrix) -> Matrix:
    """Round so that equal strategies are equal in rank, whatever the order of a sum."""
    return np.asarray(np.round(values, 5))


def rank_book(parts: dict[str, Part], rng: np.random.Generator) -> dict[str, Ranking]:
    """Measure how synthetic and train rank the book against the hold-out, by expectancy and by Sharpe ratio.

    Synthetic and train have an equal number of trades: that of the smaller. The estimate is the mean over thinnings,
    the intervals are normal on Fisher's scale (the loss's on its own), with the spread of resamples of both sides.
    """
    size = min(len(parts[name].sessions) for name in ("synthetic", "train"))
    whole = {name: weigh(part, draw_weights(part, size, rng, resampled=False)) for name, part in parts.items()}
    drawn = {name: weigh(part, draw_weights(part, size, rng, resampled=True)) for name, part in parts.items()}
    return {
        measure: _rank_by(*({name: getattr(each, measure) for name, each in side.items()} for side in (whole, drawn)))
        for measure in ("expectancy", "sharpe")
    }


def _rank_by(whole: dict[str, Matrix], drawn: dict[str, Matrix]) -> Ranking:
    values = {name: float(np.mean(correlate_ranks(whole[name], whole["holdout"]))) for name in ("synthetic", "train")}
    repeats = {name: correlate_ranks(drawn[name], drawn["holdout"]) for name in ("synthetic", "train")}
    chance = 1.96 / np.sqrt(max(whole["holdout"].shape[1] - 1, 1))
    return Ranking(
        rho=widen_on_fisher(values["synthetic"], repeats["synthetic"]),
        floor=widen_on_fisher(values["train"], repeats["train"]),
        loss=widen(values["train"] - values["synthetic"], repeats["train"] - repeats["synthetic"]),
        noise=Interval(0.0, -chance, chance),
    )


def correlate_ranks(left: Matrix, right: Matrix) -> Matrix:
    """Return Spearman's rho of each pair of rows, of which one side may have but one; NaN where a row does not vary."""
    ranks = [rankdata(side, axis=1) for side in (left, right)]
    centred = [rank - rank.mean(axis=1, keepdims=True) for rank in ranks]
    both = (centred[0] * centred[1]).sum(axis=1)
    size = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    return np.asarray(np.divide(both, size, out=np.full(both.shape, np.nan), where=size > 0.0))


def widen(value: float, repeats: Matrix) -> Interval:
    """Put a 95% normal interval around a value, as wide as its repeats spread; unknown where any has no value."""
    if not (np.isfinite(value) and np.isfinite(repeats).all()):
        return Interval(np.nan)
    error = 1.96 * float(repeats.std(ddof=1))
    return Interval(value, value - error, value + error)


def widen_on_fisher(value: float, repeats: Matrix) -> Interval:
    """Put a 95% interval around a correlation that is normal on Fisher's scale, so that it stays within -1 and 1."""
    inside = 1.0 - 1e-6
    around = widen(float(np.arctanh(np.clip(value, -inside, inside))), np.arctanh(np.clip(repeats, -inside, inside)))
    return Interval(*(float(np.tanh(bound)) for bound in (around.value, around.low, around.high)))


def measure_regret(parts: dict[str, Part], rng: np.random.Generator) -> dict[str, Interval]:
    """Measure by how much the hold-out's best strategy beats, on the hold-out, the one that each part says is best.

    Percent per trade, by part; `random` is the mean of the book. The hold-out is resampled, the choices stay. The best
    of the hold-out is so in hindsight: even the train part has a regret.
    """
    holdout = parts["holdout"]
    drawn = weigh(holdout, draw_weights(holdout, len(holdout.sessions), rng, resampled=True)).expectancy
    value = holdout.expectancy
    regrets = {
        name: widen(
            float(value.max() - value[np.argmax(parts[name].expectancy)]),
            drawn.max(axis=1) - drawn[:, np.argmax(parts[name].expectancy)],
        )
        for name in ("synthetic", "train")
    }
    regrets["random"] = widen(float(value.max() - value.mean()), drawn.max(axis=1) - drawn.mean(axis=1))
    return {name: Interval(each.value, max(each.low, 0.0), each.high) for name, each in regrets.items()}


def measure_gap(parts: dict[str, Part], rng: np.random.Generator) -> dict[str, Interval]:
    """Measure expectancy less that of the hold-out, percent per trade: mean of the book, and of synthetic's best."""
    drawn = {
        name: weigh(part, draw_weights(part, len(part.sessions), rng, resampled=True)).expectancy
        for name, part in parts.items()
    }
    best = int(np.argmax(parts["synthetic"].expectancy))
    holdout, gaps = parts["holdout"].expectancy, {}
    for name in ("synthetic", "train"):
        gap, spread = parts[name].expectancy - holdout, drawn[name] - drawn["holdout"]
        gaps[f"{name}_book"] = widen(float(gap.mean()), spread.mean(axis=1))
        gaps[f"{name}_at_best_on_synthetic"] = widen(float(gap[best]), spread[:, best])
    return gaps


def measure_luck(parts: dict[str, Part], rng: np.random.Generator) -> dict[str, Any]:
    """Search the book on synthetic trades and on all gold; hold synthetic's best against held-out gold."""
    train, holdout = parts["train"], parts["holdout"]
    rows = len(train.sessions) + len(holdout.sessions)
    gold = np.hstack([train.replays.percents, holdout.replays.percents])
    days = pl.concat([train.replays.trades, holdout.replays.trades])["session_date"].rank("dense").cast(pl.Int64)
    lucks = {
        "synthetic": repeat_search(parts["synthetic"].replays.percents, parts["synthetic"].sessions, rows, rng),
        "gold": repeat_search(gold, days.to_numpy() - 1, rows, rng),
    }
    best = int(np.argmax(parts["synthetic"].expectancy))
    return {name: describe_luck(luck) for name, luck in lucks.items()} | {
        "synthetic_best_on_holdout": deflate_on_holdout(holdout, best, rng),
        "synthetic_best_on_holdout_is_of": "all held-out sessions, resampled",
    }


def deflate_on_holdout(holdout: Part, best: int, rng: np.random.Generator) -> Interval:
    """Deflate the Sharpe ratio that a strategy has on the hold-out by the book's trials; sessions resampled."""
    returns = average_by_session(holdout.replays.percents, holdout.sessions)
    repeats = []
    for _ in range(REPEATS // 4):
        drawn = returns[rng.integers(0, len(returns), len(returns))]
        sharpes = measure_sharpes(drawn)
        is_known = np.isfinite(sharpes)
        repeats.append(deflate_sharpe(drawn[:, best], sharpes[is_known], count_independent(drawn[:, is_known])))
    return spread_of_repeats(repeats)


def judge_ranking(ranking: Ranking) -> tuple[Verdict, str]:
    """Make a verdict of intervals; no bad one where gold itself does not surely rank the book the same way twice."""
    rho, floor, loss = ranking.rho, ranking.floor, ranking.loss
    if not (rho.is_known and floor.is_known and loss.is_known):
        return CANNOT_TELL, "Strategies do not differ enough to be ranked."
    agreed = f"rank correlation with held-out gold is {write_rounded(rho, 2)}, "
    agreed += f"that of the train part {write_rounded(floor, 2)}"
    if floor.low > 0.0 and loss.low > MARGIN:
        if rho.high <= ranking.noise.high:
            return NOISE, f"Synthetic trades rank strategies no better than chance: {agreed}."
        return UNDERFIT, f"Synthetic trades rank strategies worse than gold does: {agreed}."
    if rho.low > 0.0:
        is_near = floor.low > 0.0 and loss.high < MARGIN
        ranked = f"as well as gold does, within {MARGIN}" if is_near else "better than chance"
        return GOOD, f"Synthetic trades rank strategies {ranked}: {agreed}."
    if floor.low <= 0.0:
        return CANNOT_TELL, f"The gold itself does not surely rank strategies the same way twice: {agreed}."
    return CANNOT_TELL, f"The intervals reach from chance to gold's own: {agreed}."


def describe_replays(parts: dict[str, Part]) -> dict[str, Any]:
    """Say what was replayed, at which costs, and how much."""
    return {
        "conventions": {
            "horizon_minutes": HORIZON,
            "commission_percent_per_side": COMMISSION_PERCENT,
            "slippage_percent_per_side": SLIPPAGE_PERCENT,
            "cost_percent_per_trade": COST_PERCENT,
            "order_in_a_bar": "time stop at the open, then stop, then target",
        },
        "rows_used": {name: len(part.sessions) for name, part in parts.items()},
        "dropped": {name: part.replays.dropped for name, part in parts.items()},
        "most_trades": MOST_TRADES,
        "repeats": REPEATS,
    }


def list_strategies(book: Sequence[Strategy], parts: dict[str, Part]) -> dict[str, list[Any]]:
    """List every strategy and its expectancy on each part, column by column; null is an exit it does without."""
    exits = {name: [getattr(each, name) for each in book] for name in ("stop", "target", "trail", "minutes")}
    return exits | {name: part.expectancy.tolist() for name, part in parts.items()}

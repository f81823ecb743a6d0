"""Do days hang together? Trades per day, gaps and overlaps, likeness of neighbours, and how times are spread.

1. `find_clumps`    times on a few moments, or trades on a few days: asked of every set
2. `test_days`      what one trade of a day has to do with the one before it: asked where the sessions are the set's own

A run's sessions are dealt by its plan, trade by trade, as often as the gold traded on them. What its days are like is
then the plan's doing, and no fault of the generator: it is shown, and decides nothing. Whether they are is looked up in
the ledger and the plan: sessions that the plan did not deal are held against the set.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Matrix, Verdict, to_json
from verification.inputs import FinishedRun
from verification.settling import say_lacks, say_least
from verification.trades.features import measure_features
from verification.trades.numbers.relabel import Sums, Tested, test_families
from verification.trades.numbers.terms import CORE, Term, rank_values
from verification.trades.origins import number_sessions
from verification.trades.yardstick import Yardstick, draw_places

QUESTION, TITLE = "days", "Do days hang together?"
DAYS = "days"
ALPHA = 0.005  # days that do not hang together are far off; nothing is lost by asking for much
CLUMPED_TIMES, FEW = "Times are clumped", "Trades are on few days"
CLUMPED = 3.0  # times as likely as in the gold that two trades are entered in one minute of the day
FEW_DAYS = 0.25  # of the days that so many trades would take: fewer, and they were put on a few days
LEAST_DAYS = 4  # that so many trades would take, before a set can have too few
LEAST_ROWS = 30
LEAST_SESSIONS = 6
MOST_ROWS = 10_000

Groups = NDArray[np.int64]


def ask_days(yardstick: Yardstick, synthetic: pl.DataFrame, *, is_dealt: bool = False) -> Answer:
    """Ask whether days are like the gold's: underfit where they surely are not.

    Args:
        yardstick: The gold.
        synthetic: Trade table without unknown values.
        is_dealt: Whether a run's plan dealt the sessions (`are_dealt`).
    """
    rng = yardstick.make_rng(QUESTION)
    gold = yardstick.gold
    metrics: dict[str, Any] = {"rows": len(synthetic), "sessions_dealt_by_plan": is_dealt}
    counts = [("synthetic trades", len(synthetic), LEAST_ROWS), ("gold trades", len(gold), LEAST_ROWS)]
    if lack := say_lacks(counts):
        found = (*((what, str(count)) for what, count, _ in counts), ("of each are needed", str(LEAST_ROWS)))
        reason = f"Too little to compare days: {lack}."
        return Answer(QUESTION, TITLE, CANNOT_TELL, reason, found, to_json(metrics), say_least(counts))
    told = {"gold": describe_days(gold), "synthetic": describe_days(synthetic)}
    faults = find_clumps(told, len(synthetic), is_dealt=is_dealt)
    terms, tested = test_days(gold, synthetic, rng)
    chance = tested.chance[DAYS] if tested else float("nan")
    if tested and chance <= ALPHA and not is_dealt:
        faults.append(say_days(terms, tested))
    verdict, reason = judge(faults, tested, is_dealt=is_dealt)
    metrics |= {**told, "chance": chance, "alpha": ALPHA, "terms": list_terms(terms, tested)}
    needs = f"{LEAST_SESSIONS} days on either side" if verdict == CANNOT_TELL else ""
    return Answer(QUESTION, TITLE, verdict, reason, list_numbers(told, faults), to_json(metrics), needs)


def list_numbers(told: Mapping[str, Mapping[str, float]], faults: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """List the numbers behind the verdict, the one that is at fault first."""
    sides = told["gold"], told["synthetic"]
    day, over, minute = (
        (label, " | ".join(format(side[name], form) for side in sides))
        for label, name, form in (
            ("trades a day, gold | synthetic", "per_day", ".1f"),
            ("entered before the last was left, gold | synthetic", "overlap", ".0%"),
            ("two entries in one minute of the day, gold | synthetic", "collision", ".1%"),
        )
    )
    if not faults:
        return day, over, minute
    order = {CLUMPED_TIMES: (minute, day, over), FEW: (day, minute, over)}
    return next((each for words, each in order.items() if faults[0].startswith(words)), (over, day, minute))


def are_dealt(run: FinishedRun, synthetic: pl.DataFrame) -> bool:
    """Tell whether the run's plan dealt these trades their sessions; without its plans, whether its ledger has them."""
    if "row_id" not in run.ledger.columns or not set(synthetic["trade_id"]) <= set(run.ledger["row_id"]):
        return False
    plans = [pl.read_parquet(path, glob=False) for path in sorted((run.folder / "rounds").glob("*/plan.parquet"))]
    named = [plan.select("row_id", "session_date") for plan in plans if {"row_id", "session_date"} <= set(plan.columns)]
    if not named:
        return True
    planned = pl.concat(named).select(trade_id="row_id", planned=pl.col("session_date").cast(pl.String))
    both = synthetic.select("trade_id", pl.col("session_date").cast(pl.String)).join(planned, on="trade_id", how="left")
    return bool((both["planned"] == both["session_date"]).fill_null(value=False).all())


def describe_days(trades: pl.DataFrame) -> dict[str, float]:
    """Describe the days of a trade table.

    `collision` is the chance that two trades are entered in one minute of the day, `effective_days` one over the chance
    that two are of one day, `overlap` the share entered before the last one of their day was left.
    """
    minute = measure_features(trades)["entry_minute"].floor().cast(pl.Int64)
    sizes = np.bincount(number_sessions(trades)).astype(np.float64)
    sizes = sizes[sizes > 0]
    counts = minute.value_counts()["count"].to_numpy().astype(np.float64)
    count = float(len(trades))
    follows, overlap, _ = find_neighbours(trades.sort("session_date", "entry_time"))
    return {
        "days": float(len(sizes)),
        "per_day": float(sizes.mean()),
        "collision": float((counts * (counts - 1.0)).sum() / max(count * (count - 1.0), 1.0)),
        "effective_days": float(count**2 / (sizes**2).sum()),
        "overlap": float(overlap.sum() / max(follows.sum(), 1.0)),
    }


def find_clumps(told: Mapping[str, Mapping[str, float]], rows: int, *, is_dealt: bool) -> list[str]:
    """Find times on a few moments, and trades on a few days."""
    gold, made = told["gold"], told["synthetic"]
    faults = []
    if made["collision"] > CLUMPED * max(gold["collision"], 1.0 / 390.0):
        faults.append(
            f"{CLUMPED_TIMES}: the chance that two are entered in one minute of the day is {made['collision']:.1%}, "
            f"in the gold {gold['collision']:.1%}."
        )
    expected = min(gold["days"], rows) if is_dealt else min(rows / gold["per_day"], rows)
    if expected >= LEAST_DAYS and made["effective_days"] < FEW_DAYS * expected:
        faults.append(
            f"{FEW}: {rows:,} trades are on {count_days(made)}; the gold trades {gold['per_day']:.1f} times a day."
        )
    return faults


def count_days(told: Mapping[str, float]) -> str:
    """Say on how many days trades are, and on how many as good as all are."""
    days, effective = round(told["days"]), told["effective_days"]
    return "1 day" if days == 1 else f"{days:,} days (spread as over {effective:.1f})"


def find_neighbours(trades: pl.DataFrame) -> tuple[Matrix, Matrix, Matrix]:
    """Find of trades in order which follow another one of their day, which were entered before that was left, the gap.

    The gap is from exit to entry, in minutes; 0 for the first of a day.
    """
    before = pl.col("exit_time").shift(1)
    is_next = (pl.col("session_date") == pl.col("session_date").shift(1)).fill_null(value=False)
    gap = (pl.col("entry_time") - before).dt.total_seconds() / 60.0
    found = trades.select(
        is_next.cast(pl.Float64).alias("follows"),
        (is_next & (gap < 0.0)).fill_null(value=False).cast(pl.Float64).alias("overlap"),
        pl.when(is_next).then(gap).otherwise(0.0).alias("gap"),
    )
    return found["follows"].to_numpy(), found["overlap"].to_numpy(), found["gap"].to_numpy()


def test_days(
    gold: pl.DataFrame, synthetic: pl.DataFrame, rng: np.random.Generator
) -> tuple[list[Term], Tested | None]:
    """Test what trades have to do with the one before, whole sessions being relabelled; None for too few."""
    made = synthetic[np.sort(draw_places(len(synthetic), MOST_ROWS, rng))] if len(synthetic) > MOST_ROWS else synthetic
    ordered = [table.sort("session_date", "entry_time") for table in (gold, made)]
    groups = [number_sessions(table) - 1 for table in ordered]
    if min(len(np.unique(each)) for each in groups) < LEAST_SESSIONS:
        return [], None
    count = int(groups[0].max()) + 1
    numbered = np.concatenate([groups[0], groups[1] + count])
    terms = list_day_terms(ordered)
    sums = Sums.take(terms, np.ones(len(numbered)), numbered)
    return terms, test_families(sums, np.arange(int(numbered.max()) + 1) < count, terms, {}, rng)


def list_day_terms(sides: Sequence[pl.DataFrame]) -> list[Term]:
    """List what is tested, over the rows of both sides, each in the order of its trades."""
    follows, overlap, gap = (np.concatenate(each) for each in zip(*map(find_neighbours, sides), strict=True))
    first, sizes = (np.concatenate(each) for each in zip(*map(_count_days, sides), strict=True))
    told = pl.concat([measure_features(side) for side in sides])
    ticker = np.concatenate([side["ticker"].cast(pl.String).to_numpy() for side in sides])
    change = told["trade_percent_change"].to_numpy()
    apart = np.abs(np.diff(np.log(np.maximum(told["entry_volatility_percent"].to_numpy(), 1e-3)), prepend=0.0))
    same = [_repeats(each) * follows for each in (told["is_short"].to_numpy(), ticker, change < 0.0)]
    says = [f"trades with the {what} of the last one" for what in ("side", "ticker", "outcome")]
    ranked = rank_values(np.where(follows > 0.0, gap, np.median(gap)))
    return [
        Term(DAYS, "trades per day", sizes * first, first, place=CORE),
        Term(DAYS, "the spread of trades per day", (sizes - sizes[first > 0.0].mean()) ** 2 * first, first),
        Term(DAYS, "trades entered before the last was left", overlap, follows, place=CORE),
        Term(DAYS, "gaps between trades", ranked * follows, follows, place=CORE),
        Term(DAYS, "the spread of gaps between trades", (ranked - 0.5) ** 2 * follows, follows),
        Term(
            DAYS,
            "how unlike in volatility a trade is to the last one",
            rank_values(apart) * follows,
            follows,
            place=CORE,
        ),
        *(Term(DAYS, words, each, follows) for words, each in zip(says, same, strict=True)),
    ]


def _count_days(trades: pl.DataFrame) -> tuple[Matrix, Matrix]:
    """Mark the first trade of each day, and give every trade the size of its day."""
    day = pl.col("session_date")
    found = trades.select(
        (day != day.shift(1)).fill_null(value=True).cast(pl.Float64).alias("first"), pl.len().over(day)
    )
    return found["first"].to_numpy(), found["len"].cast(pl.Float64).to_numpy()


def _repeats(values: NDArray[Any]) -> Matrix:
    return np.concatenate([[False], values[1:] == values[:-1]]).astype(np.float64)


def say_days(terms: Sequence[Term], tested: Tested) -> str:
    """Say what of the days is farthest off."""
    order = np.argsort(-np.abs(tested.height), kind="stable")[:2]
    named = [
        f"{terms[place].says} ({'more' if tested.height[place] > 0 else 'less'} than in the gold)" for place in order
    ]
    return f"Days do not hang together: {', and '.join(named)}."


def list_terms(terms: Sequence[Term], tested: Tested | None) -> list[dict[str, Any]]:
    """List what was tested."""
    if tested is None:
        return []
    return [
        {"says": term.says, "difference": gap, "standard_errors": height}
        for term, gap, height in zip(terms, tested.gap, tested.height, strict=True)
    ]


def judge(faults: Sequence[str], tested: Tested | None, *, is_dealt: bool) -> tuple[Verdict, str]:
    """Give verdict and reason."""
    if faults:
        return UNDERFIT, " ".join(faults)
    if is_dealt:
        dealt = "The run's plan dealt each trade its session, so what one trade of a day has to do with the next"
        return GOOD, f"Times are spread as the gold's. {dealt} is not to be learned from these rows."
    if tested is None:
        return (
            CANNOT_TELL,
            f"Times are spread as the gold's; days cannot be compared on fewer than {LEAST_SESSIONS} a side.",
        )
    return (
        GOOD,
        "Trades per day, gaps and what one trade has to do with the next are not surely other than the gold's.",
    )

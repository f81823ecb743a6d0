"""Do a trader's own numbers come out as the gold's? Win rate, payoff, worst losses, what is kept of a move, holding.

Underfit, when the numbers of one family (result, path or time) are surely not the gold's: relabelled sessions and
origins reach so great a difference in fewer than ALPHA of the tries, whatever the other families do (closed testing).
Good, when no family's tries are fewer than DOUBT, and the 90% interval of the win rate's difference lies within
TOLERANCE. Otherwise cannot tell. What controls set is waived: like is compared with like.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Interval, Matrix, Verdict, to_json
from verification.settling import EITHER, join_words, round_off, say_lacks, say_least, say_settling
from verification.trades.numbers.curves import describe_curves
from verification.trades.numbers.relabel import ALPHA, Sums, Tested, test_families
from verification.trades.numbers.table import SEEN, SURE, Number, Side, tabulate_numbers
from verification.trades.numbers.terms import LEADING, RESULT, Columns, Term, list_terms, read_columns
from verification.trades.numbers.ties import score_ties
from verification.trades.origins import number_origins, number_sessions
from verification.trades.waiving import Waived, count_effective, describe_waived, weigh_sides
from verification.trades.yardstick import Yardstick, draw_places

QUESTION, TITLE = "numbers", "Do a trader's numbers come out as the gold's?"
TOLERANCE = 0.15  # of the win rate: a set that may be farther off cannot be called good
DOUBT = 0.05  # chance that a family is the gold's, up to which it is not called good either
LEAST_GROUPS = 5  # sessions or origins of a side: fewer can hardly be relabelled
LEAST_ROWS = 30
MOST_ROWS = 10_000
OUTERMOST = 200  # worst results that are looked through
WORDS = {"result": "results", "path": "paths", "time": "holding and timing"}

Groups = NDArray[np.int64]


def ask_numbers(yardstick: Yardstick, synthetic: pl.DataFrame, waived: Sequence[Waived] = ()) -> Answer:
    """Ask whether win rate, results, excursions and holding times are those of the gold.

    Args:
        yardstick: The gold, both parts.
        synthetic: Trade table without unknown values.
        waived: What the run's controls set: both sides are weighted until it has one law on both.
    """
    rng = yardstick.make_rng(QUESTION)
    used = synthetic[np.sort(draw_places(len(synthetic), MOST_ROWS, rng))]
    weights = weigh_sides(yardstick.gold, used, waived)
    gold, made = (table.filter(each > 0.0) for table, each in zip((yardstick.gold, used), weights, strict=True))
    weights = weights[0][weights[0] > 0.0], weights[1][weights[1] > 0.0]
    groups = group_gold(gold), number_places(number_origins(made))
    metrics: dict[str, Any] = {
        "rows": len(synthetic),
        "rows_used": len(made),
        "effective_rows": count_effective(weights[1]),
        "gold_rows": len(gold),
        "waived": [each.feature for each in waived],
    }
    counts = count_sides(gold, made, groups)
    if lack := say_lacks(counts):
        numbers, reason = (
            tuple((label, str(found)) for label, found, _ in counts[:3]),
            f"Too little to compare: {lack}.",
        )
        metrics |= {"table": [], "families": {}}
        return Answer(QUESTION, TITLE, CANNOT_TELL, reason, numbers, to_json(metrics), say_least(counts))
    rows = [read_columns(table) for table in (gold, made)]
    sides = [Side.take(*each) for each in zip(rows, (gold, made), weights, groups, strict=True)]
    ties = [score_ties(yardstick, table, own, rng) for table, own in zip((gold, made), groups, strict=True)]
    told = describe_waived(gold, made, waived) if waived else None
    terms, tested = test_numbers(rows, weights, groups, (ties, told), rng)
    table = tabulate_numbers(sides[0], sides[1], rng)
    noticed = measure_noticed(terms, tested)
    verdict, reason = judge(terms, tested, noticed, len(gold), len(made))
    metrics |= {
        "table": table,
        "families": tested.chance,
        "alpha": ALPHA,
        "doubt": DOUBT,
        "noticed": noticed,
        "noticed_from": count_needed(noticed[0], min(len(gold), len(made))),
        "tolerance": TOLERANCE,
        "line": tested.line,
        "terms": list_tested(terms, tested),
        "curves": describe_curves(sides[0], sides[1], rng),
    }
    needs = say_enough(terms, tested, min(len(gold), len(made))) if verdict == CANNOT_TELL else ""
    return Answer(QUESTION, TITLE, verdict, reason, list_numbers(table, tested, noticed), to_json(metrics), needs)


def test_numbers(
    rows: Sequence[Columns],
    weights: Sequence[Matrix],
    groups: Sequence[Groups],
    told: tuple[Sequence[Matrix], Matrix | None],
    rng: np.random.Generator,
) -> tuple[list[Term], Tested]:
    """Test all terms of two sides, gold first; `told` are their ties, and what is waived of each row of both sides."""
    pooled = Columns(*(np.concatenate(pair) for pair in zip(*(vars(side).values() for side in rows), strict=True)))
    count = int(groups[0].max()) + 1
    numbered = np.concatenate([groups[0], groups[1] + count])
    terms = list_terms(pooled, np.arange(len(numbered)) < len(groups[0]), np.concatenate(told[0]))
    sums = Sums.take(terms, np.concatenate(weights), numbered, told[1])
    is_gold = np.arange(int(numbered.max()) + 1) < count
    return terms, test_families(sums, is_gold, terms, find_ends(pooled, numbered), rng)


def find_ends(rows: Columns, groups: Groups) -> dict[str, list[Groups]]:
    """Find the groups of the worst results, in percent and in volatilities, the worst first."""
    return {
        RESULT: [groups[values.argsort(kind="stable")[:OUTERMOST]] for values in (rows.change, rows.in_volatilities)]
    }


def group_gold(gold: pl.DataFrame) -> Groups:
    """Number the groups of gold trades: sessions, or sessions and tickers where there are too few of these."""
    sessions = number_sessions(gold)
    if len(np.unique(sessions)) > LEAST_GROUPS:
        return number_places(sessions)
    tickers = gold["ticker"].rank("dense").cast(pl.Int64).to_numpy()
    return number_places(sessions * (len(gold) + 1) + tickers)


def number_places(groups: Groups) -> Groups:
    """Number groups from 0 without a gap."""
    return np.asarray(np.unique(groups, return_inverse=True)[1]).astype(np.int64)


def count_sides(gold: pl.DataFrame, made: pl.DataFrame, groups: tuple[Groups, Groups]) -> list[tuple[str, int, int]]:
    """Count what a comparison needs, and the least of it, the scarcest first."""
    counts = [
        ("gold trades", len(gold), LEAST_ROWS),
        ("synthetic trades", len(made), LEAST_ROWS),
        ("sessions of gold", len(np.unique(groups[0])), LEAST_GROUPS),
        ("origins of synthetic trades", len(np.unique(groups[1])), LEAST_GROUPS),
    ]
    return sorted(counts, key=lambda each: each[1] / each[2])


def say_enough(terms: Sequence[Term], tested: Tested, size: int) -> str:
    """Say how many trades would settle whether a family is the gold's, or bound the win rate if it is not off."""
    if min(tested.chance.values()) <= DOUBT:
        return "more trades on either side"
    win = bound_win_rate(terms, tested)
    if win.high - win.low > 2.0 * TOLERANCE:  # so wide an interval says nothing about its middle
        win = Interval(0.0, win.low - win.value, win.high - win.value)
    return say_settling(size, win, TOLERANCE if win.value > 0.0 else -TOLERANCE, EITHER, passing=True)


def measure_noticed(terms: Sequence[Term], tested: Tested) -> tuple[float, float]:
    """Measure how far off the win rate has to be, 4 times of 5, to show in the table, and to be called by this rule."""
    place = find_win_rate(terms)
    return float((SURE + SEEN) * tested.error[place]), float((tested.line + SEEN) * tested.error[place])


def judge(
    terms: Sequence[Term], tested: Tested, noticed: tuple[float, float], gold: int, made: int
) -> tuple[Verdict, str]:
    """Give verdict and reason."""
    size = min(gold, made)
    few = "gold trades" if gold <= made else "accepted trades"
    off = [family for family, chance in tested.chance.items() if chance <= ALPHA]
    power = (
        f"With your {size:,} {few} a win rate {100 * noticed[0]:.0f} points off would have been noticed 4 times of 5 "
        f"(and called by name from {100 * noticed[1]:.0f}){say_needed(noticed[0], size)}."
    )
    if off:
        named = join_words([f"the {WORDS[family]}" for family in off])
        worst = join_words([name_worst(terms, tested, family) for family in off])
        return UNDERFIT, f"{named[0].upper()}{named[1:]} are not the gold's: most of all {worst}."
    doubtful = [family for family, chance in tested.chance.items() if chance <= DOUBT]
    if doubtful:
        whose = join_words([f"the {WORDS[family]}" for family in doubtful])
        most = join_words([name_worst(terms, tested, family) for family in doubtful])
        return CANNOT_TELL, f"{whose[0].upper()}{whose[1:]} may not be the gold's: most of all {most}. {power}"
    win = bound_win_rate(terms, tested)
    between = f"the win rate's difference lies between {100 * win.low:+.0f} and {100 * win.high:+.0f} points"
    if max(-win.likely_low, win.likely_high) <= TOLERANCE:
        return GOOD, f"No number of results, paths or holding is surely off; {between}. {power}"
    return CANNOT_TELL, f"No number of results, paths or holding is surely off, but {between}. {power}"


def bound_win_rate(terms: Sequence[Term], tested: Tested) -> Interval:
    """Return the win rate's difference, synthetic less gold."""
    place = find_win_rate(terms)
    gap, error = float(tested.gap[place]), float(tested.error[place])
    return Interval(gap, gap - SURE * error, gap + SURE * error)


def find_win_rate(terms: Sequence[Term]) -> int:
    """Return the win rate's place among the terms: it is what is asked first."""
    return next(place for place, term in enumerate(terms) if term.place == LEADING)


def count_needed(noticed: float, size: int, wanted: Sequence[float] = (0.2, 0.1, 0.05)) -> tuple[float, int] | None:
    """Count the trades that a smaller difference needs, and say which difference; None where all are noticed."""
    aim = next((each for each in wanted if each < 0.9 * noticed), None)
    return None if aim is None else (aim, round_off(size * (noticed / aim) ** 2))


def say_needed(noticed: float, size: int) -> str:
    """Say how many trades a smaller difference needs."""
    needed = count_needed(noticed, size)
    return f"; for {100 * needed[0]:.0f} points {needed[1]:,} are needed, gold and synthetic" if needed else ""


def name_worst(terms: Sequence[Term], tested: Tested, family: str) -> str:
    """Name the number of a family that is farthest off, and which way."""
    places = [place for place, term in enumerate(terms) if term.family == family]
    worst = max(places, key=lambda place: abs(tested.height[place]))
    way = "more" if tested.height[worst] > 0.0 else "less"
    return f"{terms[worst].says} ({way} than the gold's, {abs(tested.height[worst]):.1f} standard errors)"


def list_tested(terms: Sequence[Term], tested: Tested) -> list[dict[str, Any]]:
    """List what was tested, the farthest off first."""
    order = np.argsort(-np.abs(tested.height), kind="stable")
    return [
        {
            "family": terms[place].family,
            "says": terms[place].says,
            "difference": tested.gap[place],
            "standard_errors": tested.height[place],
        }
        for place in order.tolist()
    ]


def list_numbers(table: Sequence[Number], tested: Tested, noticed: tuple[float, float]) -> tuple[tuple[str, str], ...]:
    """List the numbers behind the verdict."""
    win = next(number for number in table if number.key == "win_rate")
    least = min(tested.chance, key=lambda family: tested.chance[family])
    return (
        ("win rate, gold | synthetic", f"{win.gold.value:.0%} | {win.synthetic.value:.0%}"),
        (f"chance that the {WORDS[least]} are the gold's", f"{tested.chance[least]:.2g}"),
        ("a win rate so far off is noticed", f"{100 * noticed[0]:.0f} points"),
    )

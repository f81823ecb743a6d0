"""`tradelogs strategy eval`: every metric of a file of answers with its interval, its floors and its ceiling.

Floors are what is scored without understanding: no answer at all, the right answers of other rows (shuffled), the best
constant answer. The ceiling is the score of the right answers where the prompt says them. A score whose interval
reaches its highest floor is called no better than a constant answer.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indicators.strategy.bar_suite import load_suite, trade_on
from indicators.strategy.tree import iter_leaves
from verification.answers import Interval, bound_share
from verification.strategies.dialects import PARAMETERS, READERS, Said
from verification.strategies.differences import count_right, count_sizes, find_best_parameters
from verification.strategies.lines import TestRow, read_answers, read_prompts, read_test, refuse_leaks
from verification.strategies.recoverable import count_said_values, is_recoverable
from verification.strategies.scores import METRICS, WEIGHT, name_reaction, score_answer

PUBLISHED = {  # percent of reference 004's 10,000 rows: its 3B model fine-tuned, and with retrieval instead
    "valid": (88.5, 2.3),
    "identical": (11.5, 0.0),
    "parameters": (84.7, 2.0),  # 95.6 and 86.4 of the valid answers' own, which is how it prints them
    "entry_recall": (65.4, 1.5),  # 73.9 and 66.1 of the valid answers
}
SEED = 4
MOST_BUSY = 3
FLOORS = ("empty", "shuffled", "constant")
GROUPED = ("identical", "same_trades", "parameters")
NO_BETTER = "no better than a constant answer"
Scores = Sequence[Mapping[str, float | None]]


@dataclass(frozen=True)
class Line:
    """One metric: how many rows have it, its mean with a 95% interval, its floors by name, its ceiling."""

    metric: str
    rows: int
    score: Interval
    floors: Mapping[str, float]
    ceiling: float

    @property
    def is_above_floor(self) -> bool:
        """Whether the interval lies above every floor."""
        return self.score.low > max(self.floors.values())


@dataclass(frozen=True)
class Evaluation:
    """What there is to say of a file of answers: rows, how many of them are recoverable, a line a metric, by groups."""

    rows: int
    recoverable: int
    sound: int
    lines: tuple[Line, ...]
    groups: Mapping[str, Mapping[str, Mapping[str, float]]]
    reactions: Mapping[str, int]

    def __str__(self) -> str:
        """Say it as a table."""
        return "\n".join(_write(self))


def evaluate(answers: Path, test: Path, dialect: str = "json", shown: Sequence[Path] = ()) -> Evaluation:
    """Evaluate answers against a test; `shown` are files whose prompts the model has been shown.

    Raises:
        VerificationError: A file cannot be used, or a shown prompt is in the test.
    """
    rows = read_test(test)
    refuse_leaks(rows, {str(path): read_prompts(path) for path in shown})
    return evaluate_rows(rows, read_answers(answers, rows), dialect)


def evaluate_rows(rows: Sequence[TestRow], answers: Sequence[str], dialect: str) -> Evaluation:
    """Evaluate the answers to a test's rows, in their order."""
    read = READERS[dialect]
    right = [read(row.answer) for row in rows]
    told = [is_recoverable(row.prompt, row.answer, said, dialect) for row, said in zip(rows, right, strict=True)]

    def score(answered: Sequence[Said]) -> list[dict[str, float | None]]:
        return [
            score_answer(*pair, recoverable=can)
            for pair, can in zip(zip(answered, right, strict=True), told, strict=True)
        ]

    floors = {
        "empty": score([Said()] * len(rows)),
        "shuffled": score(shuffle(right)),
    }
    constants = [score([constant] * len(rows)) for constant in list_constants(right)]
    given = [read(answer) for answer in answers]
    scores = score(given)
    best = score([said if can else Said() for said, can in zip(right, told, strict=True)])
    ceilings = {"valid": 1.0, "strict": 1.0, "parameters": find_ceiling(rows, right)}
    lines = []
    for metric in METRICS:
        values, weights = _take(scores, metric)
        if values:
            under = {name: _mean(each, metric) for name, each in floors.items()}
            under["constant"] = max(*(_mean(each, metric) for each in constants), find_constant_floor(right, metric))
            ceiling = ceilings.get(metric, _mean(best, metric))
            lines.append(Line(metric, len(values), bound_mean(values, weights), under, ceiling))
    groups = {
        "leaves": _group(scores, [_count_leaves(said) for said in right]),
        "style": _group(scores, [row.style for row in rows]),
    }
    sound = sum(said.document is not None for said in right)
    reactions = Counter(filter(None, map(name_reaction, given, right)))
    return Evaluation(len(rows), sum(told), sound, tuple(lines), groups, dict(reactions))


def shuffle(right: Sequence[Said]) -> list[Said]:
    """Give every row the right answer of another: a seeded rotation of a seeded order."""
    order = list(range(len(right)))
    random.Random(SEED).shuffle(order)  # noqa: S311 - repeatability, not secrecy
    taken = dict(zip(order, [*order[1:], *order[:1]], strict=True))
    return [right[taken[place]] for place in range(len(right))]


def list_constants(right: Sequence[Said]) -> list[Said]:
    """List right answers that score best of all rows: the one most alike to all, those that trade most."""
    sound = [said for said in right if said.document is not None]
    return [find_constant(right), *sorted(sound, key=_count_trades, reverse=True)[:MOST_BUSY]]


def find_constant(right: Sequence[Said]) -> Said:
    """Find the right answer that has most parameters in common with all of them."""
    counts = {key: Counter(said.parameters.get(key) for said in right) for key in PARAMETERS}
    return max(right, key=lambda said: sum(counts[key][said.parameters.get(key)] for key in PARAMETERS))


def _count_trades(said: Said) -> int:
    return len(trade_on(said.document, load_suite()[-1])) if said.document else 0


def find_ceiling(rows: Sequence[TestRow], right: Sequence[Said]) -> float:
    """Find which share of the values of all right strategies is said by their prompts."""
    strategies = [(row.prompt, said) for row, said in zip(rows, right, strict=True) if not said.unresolved]
    values = sum(sum(count_sizes(said.parameters).values()) for _, said in strategies)
    return sum(count_said_values(*pair) for pair in strategies) / values if values else 0.0


def find_constant_floor(right: Sequence[Said], metric: str) -> float:
    """Find what the best constant answer scores where it can be counted, whatever the answer is."""
    if metric in ("identical", "identical_recoverable"):
        trees = Counter(said.tree for said in right if not said.unresolved)
        return max(trees.values()) / sum(trees.values()) if trees else 0.0
    if metric == "question":
        asked = Counter(said.tree for said in right if said.unresolved)
        return max(asked.values()) / sum(asked.values()) if asked else 0.0
    if metric == "parameters":
        constant, sought = find_best_parameters(right), [said.parameters for said in right if not said.unresolved]
        values = sum(sum(count_sizes(each).values()) for each in sought)
        return sum(count_right(constant, each) for each in sought) / values if values else 0.0
    return 0.0


def _take(scores: Scores, metric: str) -> tuple[list[float], list[float]]:
    """Take a metric of the rows that have it, and each row's weight: values are counted over all rows, as there."""
    pairs = [
        (value, each[WEIGHT] if metric == "parameters" else 1.0)
        for each in scores
        if (value := each[metric]) is not None
    ]
    return [value for value, _ in pairs], [weight or 0.0 for _, weight in pairs]


def _mean(scores: Scores, metric: str) -> float:
    values, weights = _take(scores, metric)
    return float(np.average(values, weights=weights)) if values else 0.0


def bound_mean(values: Sequence[float], weights: Sequence[float]) -> Interval:
    """Return the mean with its 95% interval: Wilson's for shares, by the normal for other means and for ratios."""
    mean = float(np.average(values, weights=weights))
    if all(value in (0.0, 1.0) for value in values) or len(values) < 2:
        return bound_share(mean, len(values))
    apart = (np.asarray(values) - mean) * np.asarray(weights) / np.mean(weights)
    half = 1.96 * float(np.std(apart, ddof=1)) / len(values) ** 0.5
    return Interval(mean, max(mean - half, 0.0), min(mean + half, 1.0))


def _count_leaves(said: Said) -> str:
    return "" if said.document is None else str(len(list(iter_leaves(said.document))))


def _group(scores: Scores, names: Sequence[str]) -> dict[str, dict[str, float]]:
    held = defaultdict(list)
    for name, each in zip(names, scores, strict=True):
        if name:
            held[name].append(each)
    order: Callable[[str], tuple[int, str]] = lambda name: (int(name) if name.isdigit() else 0, name)  # noqa: E731
    return {
        name: {"rows": float(len(held[name]))} | {metric: _mean(held[name], metric) for metric in GROUPED}
        for name in sorted(held, key=order)
    }


def _write(evaluation: Evaluation) -> Iterator[str]:
    rows, share = evaluation.rows, 100 * evaluation.recoverable / evaluation.rows
    yield (
        f"{rows:,} rows; {evaluation.recoverable:,} ({share:.1f}%) can be recovered from their prompts; "
        f"{evaluation.sound:,} right answers are strategies that can be executed"
    )
    floors = " ".join(f"{name:>8}" for name in FLOORS)
    head = f"{'percent':22} {'rows':>6} {'score':>6} {'95% interval':>14}  {floors} {'ceiling':>7}"
    yield f"{head}  published: fine-tuned, with retrieval"
    for line in evaluation.lines:
        score, bounds = f"{100 * line.score.value:.1f}", f"[{100 * line.score.low:.1f}, {100 * line.score.high:.1f}]"
        floors = " ".join(f"{100 * line.floors[name]:>8.1f}" for name in FLOORS)
        published = ", ".join(map(str, PUBLISHED.get(line.metric, ())))
        verdict = f"{published:9}" + ("" if line.is_above_floor else f"  {NO_BETTER}")
        told = (
            f"{line.metric:22} {line.rows:>6,} {score:>6} {bounds:>14}  {floors} {100 * line.ceiling:>7.1f}  {verdict}"
        )
        yield told.rstrip()
    if evaluation.reactions:
        yield "what is not said: " + ", ".join(f"{count} x {name}" for name, count in evaluation.reactions.items())
    for kind, groups in evaluation.groups.items():
        for name, scores in groups.items():
            said = ", ".join(f"{metric} {100 * scores[metric]:.1f}" for metric in GROUPED)
            yield f"{kind} {name}: {scores['rows']:,.0f} rows, {said}"

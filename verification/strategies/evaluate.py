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

from indicators.strategy.tree import iter_leaves
from verification.answers import Interval, bound_share
from verification.strategies.dialects import PARAMETERS, READERS, Said
from verification.strategies.lines import TestRow, read_answers, read_prompts, read_test, refuse_leaks
from verification.strategies.recoverable import count_said_parameters, is_recoverable
from verification.strategies.scores import METRICS, name_reaction, score_answer

PUBLISHED = {"valid": 88.5, "identical": 11.5, "entry_recall": 2.3}  # percent, of reference 004's own test
SEED = 4
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
        "constant": score([find_constant(right)] * len(rows)),
    }
    given = [read(answer) for answer in answers]
    scores = score(given)
    best = score([said if can else Said() for said, can in zip(right, told, strict=True)])
    said_parameters = [count_said_parameters(row.prompt, said) for row, said in zip(rows, right, strict=True)]
    ceilings = {"valid": 1.0, "strict": 1.0, "parameters": _mean(said_parameters) / len(PARAMETERS)}
    lines = []
    for metric in METRICS:
        values = _take(scores, metric)
        if values:
            under = {name: _mean(_take(each, metric)) for name, each in floors.items()}
            under["constant"] = max(under["constant"], find_constant_floor(right, metric))
            lines.append(
                Line(metric, len(values), bound_mean(values), under, ceilings.get(metric, _mean(_take(best, metric))))
            )
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


def find_constant(right: Sequence[Said]) -> Said:
    """Find the right answer that has most parameters in common with all of them."""
    counts = {key: Counter(said.parameters.get(key) for said in right) for key in PARAMETERS}
    return max(right, key=lambda said: sum(counts[key][said.parameters.get(key)] for key in PARAMETERS))


def find_constant_floor(right: Sequence[Said], metric: str) -> float:
    """Find what the best constant answer scores where it is another than that of the parameters."""
    if metric in ("identical", "identical_recoverable"):
        trees = Counter(said.tree for said in right if not said.unresolved)
        return max(trees.values()) / sum(trees.values()) if trees else 0.0
    if metric == "question":
        asked = Counter(said.tree for said in right if said.unresolved)
        return max(asked.values()) / sum(asked.values()) if asked else 0.0
    return 0.0


def _take(scores: Scores, metric: str) -> list[float]:
    return [value for each in scores if (value := each[metric]) is not None]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def bound_mean(values: Sequence[float]) -> Interval:
    """Return the mean with its 95% interval: Wilson's for shares, by the normal for other means."""
    mean = _mean(values)
    if all(value in (0.0, 1.0) for value in values) or len(values) < 2:
        return bound_share(mean, len(values))
    half = 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5
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
        name: {"rows": float(len(held[name]))} | {metric: _mean(_take(held[name], metric)) for metric in GROUPED}
        for name in sorted(held, key=order)
    }


def _write(evaluation: Evaluation) -> Iterator[str]:
    rows, share = evaluation.rows, 100 * evaluation.recoverable / evaluation.rows
    yield (
        f"{rows:,} rows; {evaluation.recoverable:,} ({share:.1f}%) can be recovered from their prompts; "
        f"{evaluation.sound:,} right answers are strategies that can be executed"
    )
    floors = " ".join(f"{name:>8}" for name in FLOORS)
    yield f"{'percent':22} {'rows':>6} {'score':>6} {'95% interval':>14}  {floors} {'ceiling':>7}  published"
    for line in evaluation.lines:
        score, bounds = f"{100 * line.score.value:.1f}", f"[{100 * line.score.low:.1f}, {100 * line.score.high:.1f}]"
        floors = " ".join(f"{100 * line.floors[name]:>8.1f}" for name in FLOORS)
        verdict = f"{PUBLISHED.get(line.metric, '')!s:9}" + ("" if line.is_above_floor else f"  {NO_BETTER}")
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

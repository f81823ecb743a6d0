"""The verdicts of two runs, question by question: which differ by more than chance could do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scipy.stats import norm

from verification.answers import COPIES, GOOD, NOISE, UNDERFIT
from verification.compare.measures import ERROR, Judgement
from verification.compare.sides import Side

WORTH: Mapping[str, int] = {GOOD: 2, UNDERFIT: 1, NOISE: 0, COPIES: 0}  # `cannot tell` has none
OVERALL = "overall"
NUMBER = r"(-?[\d.]+)%?"
INTERVAL = re.compile(rf"{NUMBER} \[{NUMBER}, {NUMBER}\]")


@dataclass(frozen=True)
class AnswerPair:
    """One question of both reports: the verdicts, the most telling number as it is written, and what they tell."""

    question: str
    label: str
    before: tuple[str, str]
    after: tuple[str, str]
    judgement: Judgement


def pair_answers(before: Side, after: Side) -> list[AnswerPair]:
    """Pair the answers to the questions that both were asked, the verdict of all together first.

    That of all together tells where it is another one. A question tells where both have a verdict and the interval of
    the difference leaves zero out. A report's intervals are of one run against gold, so what two runs of one profile
    differ by is not all in them: the widths are added, not their squares, and stretched by the number of questions.
    """
    given = [{a["question"]: a for a in side.metrics.get("answers", [])} for side in (before, after)]
    shared = [name for name in given[0] if name in given[1]]
    if not shared:
        return []
    stretch = float(norm.ppf(1 - ERROR / 2 / len(shared)) / norm.ppf(1 - ERROR / 2))
    overall = [str(side.metrics["overall"]["verdict"]) for side in (before, after)]
    told = _compare_worth(overall[0], overall[1])
    together = AnswerPair(OVERALL, "", (overall[0], ""), (overall[1], ""), told)
    return [together, *(_pair(given[0][name], given[1][name], stretch) for name in shared)]


def _compare_worth(before: str, after: str) -> Judgement:
    worth = [WORTH.get(verdict) for verdict in (before, after)]
    if worth[0] is None or worth[1] is None or worth[0] == worth[1]:
        return "cannot be told"
    return "better" if worth[1] > worth[0] else "worse"


def _pair(before: Mapping[str, Any], after: Mapping[str, Any], stretch: float) -> AnswerPair:
    label, first = before["numbers"][0]
    second = next((text for name, text in after["numbers"] if name == label), after["numbers"][0][1])
    verdicts = str(before["verdict"]), str(after["verdict"])
    judgement: Judgement = "cannot be told"
    if verdicts[0] == verdicts[1] and verdicts[0] in WORTH:
        first_place, second_place = _find_position(before), _find_position(after)
        if _are_apart(first_place, second_place, stretch):
            judgement = "better" if (second_place or ()) > (first_place or ()) else "worse"
    elif _are_apart(_read_interval(first), _read_interval(second), stretch):
        judgement = _compare_worth(*verdicts)
    return AnswerPair(str(before["question"]), str(label), (verdicts[0], first), (verdicts[1], second), judgement)


Bounds = tuple[float, float, float]  # an estimate and the ends of its interval


def _are_apart(before: Bounds | None, after: Bounds | None, stretch: float) -> bool:
    if before is None or after is None:
        return False
    halves = sum((high - low) / 2 for _, low, high in (before, after))
    return abs(after[0] - before[0]) > stretch * halves


def _read_interval(text: str) -> Bounds | None:
    found = INTERVAL.search(text)
    return None if found is None else (float(found[1]), float(found[2]), float(found[3]))


def _find_position(answer: Mapping[str, Any]) -> Bounds | None:
    """Find where an answer's first score lies, from noise (0) to real (1)."""
    scores = answer.get("metrics", {}).get("scores") or [{}]
    position = scores[0].get("position") if isinstance(scores, list) and isinstance(scores[0], Mapping) else None
    if not isinstance(position, Mapping):
        return None
    bounds: list[Any] = [position.get(name) for name in ("value", "low", "high")]
    return None if None in bounds else (bounds[0], bounds[1], bounds[2])

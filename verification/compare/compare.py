"""Compares two runs: is the second better, worse, or cannot it be told?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from files.shown_text import show_path, write_command
from verification.answers import to_json
from verification.compare.answers import AnswerPair, pair_answers
from verification.compare.inputs import Change, list_changes
from verification.compare.measures import Judgement, Measure, measure_sides
from verification.compare.sides import Side, read_side
from verification.errors import VerificationError
from verification.funnel import count_funnel

Overall = Literal["better", "worse", "cannot be told", "the same"]


@dataclass(frozen=True)
class Comparison:
    """Two runs beside one another; `counts` are (name, first, second), None where it is not known."""

    before: Path
    after: Path
    changes: Sequence[Change]
    counts: Sequence[tuple[str, float | None, float | None]]
    measures: Sequence[Measure]
    answers: Sequence[AnswerPair]
    overall: Overall
    reason: str
    notes: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        plain: dict[str, Any] = to_json(self.__dict__ | {"before": str(self.before), "after": str(self.after)})
        return plain


def compare_runs(before: Path, after: Path) -> Comparison:
    """Compare two finished runs of one dataset.

    Raises:
        VerificationError: one of them is no finished run, or they are of different datasets.
    """
    first, second = read_side(before), read_side(after)
    names = [side.profile.dataset.name for side in (first, second)]
    if names[0] != names[1]:
        raise VerificationError(
            f"{before} made rows of {names[0]}, {after} of {names[1]}: compare two runs of one dataset"
        )
    changes, measures = list_changes(first, second), measure_sides(first, second)
    answers = pair_answers(first, second) if first.gold == second.gold else []
    overall, reason = _decide(first, second, measures, answers)
    return Comparison(
        before,
        after,
        changes,
        [*_count(first, second)],
        measures,
        answers,
        overall,
        reason,
        list(_note(first, second)),
    )


def _count(before: Side, after: Side) -> list[tuple[str, float | None, float | None]]:
    """Count both: how candidates ended, how far they came, what was used."""
    sides = (before, after)
    counted: list[dict[str, float | None]] = []
    for side in sides:
        status = side.ledger["status"]
        ended = {name: float((status == name).sum()) for name in ("accepted", "rejected", "failed")}
        names = ("requests", "prompt_tokens", "completion_tokens", "cost", "seconds")
        used = {name.replace("_", " "): side.usage.get(name) for name in names}
        counted.append({**{k: float(n) for k, n in count_funnel(side.ledger)}, **ended, **used})
    rows = [(name, counted[0].get(name), counted[1].get(name)) for name in dict.fromkeys([*counted[0], *counted[1]])]
    return [row for row in rows if row[1:] != (None, None)]


def _decide(
    before: Side, after: Side, measures: Sequence[Measure], answers: Sequence[AnswerPair]
) -> tuple[Overall, str]:
    rows = [side.ledger.select("row_id", "status", "generated_row") for side in (before, after)]
    if rows[0].equals(rows[1]):
        return "the same", "every candidate is the same, and ended alike"
    told: dict[Judgement, list[str]] = {"better": [], "worse": [], "cannot be told": []}
    for measure in (each for each in measures if each.decides):
        told[measure.judgement].append(measure.name)
    for answer in answers:
        told[answer.judgement].append(f"the verdict: {answer.question}")
    if told["worse"]:
        also = f", though better by {', '.join(told['better'])}" if told["better"] else ""
        return "worse", f"worse by {', '.join(told['worse'])}{also}"
    if told["better"]:
        return "better", f"better by {', '.join(told['better'])}, and worse by nothing that could be told"
    return "cannot be told", _say_rows_needed(before, after)


def _say_rows_needed(before: Side, after: Side) -> str:
    sizes = [side.ledger.filter(pl.col("status") != "failed").height for side in (before, after)]
    return f"no difference goes beyond chance, of {sizes[0]:,} and {sizes[1]:,} candidates that were answered"


def _note(before: Side, after: Side) -> list[str]:
    """Say what is not compared, and why."""
    notes = []
    if before.rubric != after.rubric:
        notes.append("the judge is not the same, so scores and acceptance are not compared")
    elif before.profile.acceptance != after.profile.acceptance:
        notes.append("the least scores are not the same, so acceptance is not compared")
    if before.gold != after.gold:
        notes.append("the gold is not the same, so the verdicts are not compared: each was held against its own")
    for side in (before, after):
        if not side.metrics:
            verify = write_command("tradelogs", "verify", side.folder)
            notes.append(f"{show_path(side.folder)} has no verdict of its rows: {verify}")
    return notes

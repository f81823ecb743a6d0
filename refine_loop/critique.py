"""The verdict on one candidate: from violations and scores, never from a model's own opinion of having passed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gold_data.trades.schema import CORE_FIELDS
from refine_loop.state import CRITERIA

_FIELD_NAMES = re.compile(
    r"\b(?:" + "|".join(name.replace("_", "[ _]") for name in CORE_FIELDS) + r")\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Verdict:
    """Scores (empty where the judge was not asked), the critique's lines (empty: accepted) and the fields they name."""

    scores: dict[str, int]
    critique: list[str]
    fields: list[str]

    @property
    def accepted(self) -> bool:
        return not self.critique


def judge_row(
    violations: Sequence[Mapping[str, Any]], judgement: Mapping[str, Any] | None, acceptance: Mapping[str, int]
) -> Verdict:
    """Decide on a row.

    A row that broke a rule is criticised by its violations alone: no judge has seen it. Otherwise every criterion whose
    score does not reach the profile's `acceptance` gives its reasoning as a line.
    """
    if violations:
        lines = [f"[{v['rule']}] {v['message']}" for v in violations]
        return Verdict({}, lines, _sort_fields({name for v in violations for name in v["fields"]}))
    if judgement is None:
        return Verdict({}, ["[judge] gave no scores"], [])
    scores = {name: int(judgement[name]["score"]) for name in CRITERIA}
    low = [name for name in CRITERIA if scores[name] < acceptance[name]]
    reasons = {name: str(judgement[name]["reasoning"]).strip() for name in low}
    lines = [f"[{name} {scores[name]}/5, at least {acceptance[name]} wanted] {reasons[name]}" for name in low]
    return Verdict(scores, lines, find_named_fields(" ".join(reasons.values())))


def find_named_fields(text: str) -> list[str]:
    """List the core fields a text names, by key (`exit_price`) or in words (exit price), in the schema's order."""
    return _sort_fields({match.group().lower().replace(" ", "_") for match in _FIELD_NAMES.finditer(text)})


def write_critique(lines: Sequence[str]) -> str:
    """Join a critique's lines as the refiner is shown them."""
    return "\n".join(f"- {line}" for line in lines)


def _sort_fields(names: set[str]) -> list[str]:
    return [name for name in CORE_FIELDS if name in names]

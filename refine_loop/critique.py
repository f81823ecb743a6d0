"""The verdict on one candidate: from violations and scores, never from a model's own opinion of having passed."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from columns.declared import Declared


@dataclass(frozen=True)
class Verdict:
    """Scores (empty where the judge was not asked), the critique's lines (empty: accepted) and the fields they name.

    Where `may_mend` is False a violation says that no refiner can help. `unjudged` says why a judge gave no scores.
    """

    scores: dict[str, int]
    critique: list[str]
    fields: list[str]
    may_mend: bool = True
    unjudged: str | None = None

    @property
    def accepted(self) -> bool:
        return not self.critique and self.unjudged is None


def judge_row(
    violations: Sequence[Mapping[str, Any]],
    judgement: Mapping[str, Any] | None,
    dataset: Declared,
    acceptance: Mapping[str, int],
) -> Verdict:
    """Decide on a row.

    A row that broke a rule is criticised by its violations alone: no judge has seen it. Otherwise every criterion whose
    score does not reach the profile's `acceptance` gives its reasoning as a line; without a judge that is all.
    """
    if violations:
        lines = [f"[{v['rule']}] {v['message']}" for v in violations]
        fields = _sort_fields({name for v in violations for name in v["fields"]}, dataset.fields)
        return Verdict({}, lines, fields, may_mend=all(v.get("mend", True) for v in violations))
    if dataset.judge is None:
        return Verdict({}, [], [])
    if judgement is None:
        return Verdict({}, ["[judge] gave no scores"], [])
    if (why := find_missing_score(judgement)) is not None:
        return Verdict({}, [], [], may_mend=False, unjudged=why)
    scores = {name: int(judgement[name]["score"]) for name in dataset.criteria}
    low = [name for name in dataset.criteria if scores[name] < acceptance[name]]
    reasons = {name: str(judgement[name]["reasoning"]).strip() for name in low}
    lines = [f"[{name} {scores[name]}/5, at least {acceptance[name]} wanted] {reasons[name]}" for name in low]
    return Verdict(scores, lines, find_named_fields(" ".join(reasons.values()), dataset.fields))


def find_missing_score(judgement: Mapping[str, Any]) -> str | None:
    """Find out why a judge gave no scores; None where it gave them."""
    reasons = [str(said["reasoning"]) for said in judgement.values() if said["score"] is None]
    return reasons[0] if reasons else None


def find_named_fields(text: str, fields: tuple[str, ...]) -> list[str]:
    """List the fields a text names, by key (`exit_price`) or in words (exit price), in the schema's order."""
    if not fields:
        return []
    named = {match.group().casefold().replace(" ", "_") for match in _compile_names(fields).finditer(text)}
    return [name for name in fields if name.casefold() in named]


@functools.lru_cache(maxsize=64)
def _compile_names(fields: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(name).replace("_", "[ _]") for name in fields)
    return re.compile(rf"\b(?:{names})\b", re.IGNORECASE)


def write_critique(lines: Sequence[str]) -> str:
    """Join a critique's lines as the refiner is shown them."""
    return "\n".join(f"- {line}" for line in lines)


def _sort_fields(names: set[str], fields: Sequence[str]) -> list[str]:
    return [name for name in fields if name in names]

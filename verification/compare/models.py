"""Runs of the same planned rows by several models, side by side."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from scipy.stats import binomtest

from verification.answers import Interval, to_json
from verification.compare.measures import ERROR, Judgement, bound_share, bound_tokens
from verification.compare.sides import Side, read_side
from verification.funnel import count_funnel


@dataclass(frozen=True)
class ModelRow:
    """What one choice of models came to; intervals are of 95 %, None is not known.

    `read` is the share of answers that could be used, `passed` that of those which broke no rule at once, `accepted`
    that of all planned rows. `judgement` says it of the accepted rows beside the first choice's.
    """

    label: str
    folder: Path
    planned: int
    read: Interval
    passed: Interval | None
    accepted: Interval
    tokens: Interval | None
    cost: float | None
    currency: str | None
    seconds: float | None
    judgement: Judgement | None

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        plain: dict[str, Any] = to_json(vars(self) | {"folder": str(self.folder)})
        return plain


def compare_models(folders: Mapping[str, Path]) -> list[ModelRow]:
    """Compare runs by their labels, the first being what the others are judged beside.

    Raises:
        VerificationError: one of them is no finished run.
    """
    sides = {label: read_side(folder) for label, folder in folders.items()}
    first, level = next(iter(sides.values())), 1 - ERROR / max(1, len(sides) - 1)
    return [
        _measure(label, side, None if side is first else judge_pairs(first.ledger, side.ledger, level))
        for label, side in sides.items()
    ]


def _measure(label: str, side: Side, judgement: Judgement | None) -> ModelRow:
    funnel, accepted = dict(count_funnel(side.ledger)), side.accepted
    planned, usable = side.ledger.height, funnel["generated"]
    cost, seconds = side.usage.get("cost"), side.usage.get("seconds")
    return ModelRow(
        label=label,
        folder=side.folder,
        planned=planned,
        read=bound_share(usable, planned, 0.95),
        passed=bound_share(funnel["passed the checks at once"], usable, 0.95) if usable else None,
        accepted=bound_share(accepted, planned, 0.95),
        tokens=bound_tokens(side),
        cost=None if cost is None or not accepted else cost / accepted,
        currency=side.usage.get("currency"),
        seconds=None if seconds is None or not accepted else seconds / accepted,
        judgement=judgement,
    )


def judge_pairs(first: pl.DataFrame, second: pl.DataFrame, level: float) -> Judgement:
    """Judge acceptance of the same planned rows by McNemar's exact test, of the rows that one alone accepted."""
    both = first.select("row_id", "status").join(second.select("row_id", "status"), on="row_id", suffix="_2")
    was, now = both["status"] == "accepted", both["status_2"] == "accepted"
    lost, won = int((was & ~now).sum()), int((~was & now).sum())
    if not lost + won or binomtest(won, lost + won).pvalue > 1 - level or math.isclose(lost, won):
        return "cannot be told"
    return "better" if won > lost else "worse"

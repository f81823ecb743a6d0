"""Does the judge tell rows apart? How its scores are spread, by criterion."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Verdict, to_json
from verification.inputs import FinishedRun

QUESTION, TITLE = "scores", "Does the judge tell rows apart?"
LEAST_ROWS = 30


def ask_scores(run: FinishedRun) -> Answer:
    """Ask how the judge's scores are spread over all candidates that it judged, or over the accepted ones.

    Underfit where a criterion was given the same score every time: it tells nothing apart. Accepted rows alone say
    less, for those with low scores are not among them. Shown only.
    """
    criteria = run.dataset.criteria
    source = "ledger" if set(criteria) <= set(run.ledger.columns) else "accepted"
    table = run.ledger if source == "ledger" else run.accepted
    spread = {name: count_scores(table[name]) for name in criteria if name in table.columns}
    judged = max((sum(counts.values()) for counts in spread.values()), default=0)
    verdict, reason = _judge(spread, judged)
    means = {name: _average(counts) for name, counts in spread.items()}
    lowest = min(means, key=lambda name: means[name], default=None)
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=reason,
        numbers=(
            ("criteria with one score for all", f"{len(_list_same(spread))} of {len(spread)}"),
            (f"least mean score{f' ({lowest})' if lowest else ''}", f"{means[lowest]:.2f}" if lowest else "unknown"),
            ("candidates judged" if source == "ledger" else "accepted rows judged", str(judged)),
        ),
        metrics=to_json(
            {
                "judged": judged,
                "of": source,
                "criteria": [
                    {"name": name, "mean": means[name], "counts": sorted(counts.items())}
                    for name, counts in spread.items()
                ],
            }
        ),
        needs=f"{LEAST_ROWS} scores of a criterion" if criteria and judged < LEAST_ROWS else "",
    )


def count_scores(column: pl.Series) -> dict[int, int]:
    """Count how often each score was given; nulls are candidates that were not judged."""
    given = column.drop_nulls().cast(pl.Int64, strict=False).drop_nulls()
    return dict(given.alias("score").value_counts(name="count").rows()) if given.len() else {}


def _average(counts: Mapping[int, int]) -> float:
    return sum(score * count for score, count in counts.items()) / max(sum(counts.values()), 1)


def _list_same(spread: Mapping[str, Mapping[int, int]]) -> list[str]:
    return [f"{name} ({next(iter(counts))})" for name, counts in spread.items() if len(counts) == 1]


def _judge(spread: Mapping[str, Mapping[int, Any]], judged: int) -> tuple[Verdict, str]:
    if not spread:
        return CANNOT_TELL, "There are no scores: the dataset has no judge, or the run kept none."
    if judged < LEAST_ROWS:
        return CANNOT_TELL, f"{judged} scores of a criterion are too few; at least {LEAST_ROWS} are needed."
    if same := _list_same(spread):
        return UNDERFIT, f"The same score every time, so that nothing is told apart by it: {', '.join(same)}."
    return GOOD, f"No criterion was given the same score every time, over {judged} judged."

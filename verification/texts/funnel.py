"""How many candidates were needed, why others were lost, and what an accepted row took."""

from typing import Any

import polars as pl

from verification.answers import (
    CANNOT_TELL,
    GOOD,
    UNDERFIT,
    Answer,
    Interval,
    Verdict,
    bound_share,
    say_percent,
    to_json,
)
from verification.inputs import FinishedRun

QUESTION, TITLE = "funnel", "How many candidates were needed?"
LINE = 0.5  # of the candidates accepted: below it more is thrown away than kept
MOST_REASONS = 8
SHOWN = 60  # characters of a reason


def ask_funnel(run: FinishedRun) -> Answer:
    """Ask which share of the candidates was accepted, and count reasons, refine passes, tokens and cost.

    Underfit where surely fewer than LINE were accepted, good where surely more. Shown only: a costly run may be good.
    """
    ledger = run.ledger
    accepted = ledger.filter(pl.col("status") == "accepted") if ledger.height else ledger
    share = bound_share(accepted.height / ledger.height, ledger.height) if ledger.height else Interval(float("nan"))
    passes = dict(sorted(accepted["refine_passes"].value_counts().rows())) if accepted.height else {}
    tokens = [run.usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    total = None if None in tokens else sum(count for count in tokens if count is not None)
    metrics: dict[str, Any] = {
        "candidates": ledger.height,
        "accepted": accepted.height,
        "accepted_share": share,
        "reasons": count_reasons(ledger),
        "refine_passes": [[number, count] for number, count in passes.items()],
        "tokens": total,
        "cost": run.usage.get("cost"),
        "currency": run.usage.get("currency"),
    }
    verdict, reason = _judge(share, metrics)
    currency = f", {metrics['currency']}" if metrics["currency"] else ""
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=reason,
        numbers=(
            ("candidates accepted", say_percent(share)),
            (f"tokens an accepted {run.dataset.noun} took", _divide(total, accepted.height, ",.0f")),
            (f"cost of one{currency}", _divide(metrics["cost"], accepted.height, ".3g")),
        ),
        metrics=to_json(metrics),
    )


def count_reasons(ledger: pl.DataFrame) -> list[list[Any]]:
    """Count why candidates were not accepted, the commonest first; null is a reason that was not kept."""
    if "reason" not in ledger.columns:
        return []
    lost = ledger.filter(pl.col("status") != "accepted").select(pl.col("reason").fill_null("no reason kept"))
    counted = lost.group_by("reason").len().sort("len", "reason", descending=[True, False])
    return [[str(reason)[:SHOWN], count] for reason, count in counted.head(MOST_REASONS).rows()]


def _divide(total: float | None, count: int, form: str) -> str:
    return "unknown" if total is None or not count else format(total / count, form)


def _judge(share: Interval, metrics: dict[str, Any]) -> tuple[Verdict, str]:
    if not metrics["candidates"]:
        return CANNOT_TELL, "The run has no ledger of its candidates."
    counted = f"{metrics['accepted']} of {metrics['candidates']} candidates were accepted"
    lost = f" Lost most often by: {metrics['reasons'][0][0]}." if metrics["reasons"] else ""
    if share.high < LINE:
        return UNDERFIT, f"{counted}: surely fewer than half.{lost}"
    if share.low > LINE:
        return GOOD, f"{counted}.{lost}"
    return CANNOT_TELL, f"{counted}: of so few that may be more or fewer than half.{lost}"

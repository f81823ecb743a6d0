"""Do texts say what their context says? First drafts and accepted texts, by the checks."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from columns.dataset import Given, find_function, load_dataset
from gold_data.store import GoldFolder
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

QUESTION, TITLE = "faithfulness", "Do texts say what their context says?"
RULES = {
    "number": "a number that is none of the context's",
    "pattern": "a pattern that is not there",
    "signal": "another signal",
}
CHECK = "check_explanation"
UNKNOWN = Interval(float("nan"))
UNSURE = 0.05


def ask_faithfulness(run: FinishedRun) -> Answer:
    """Ask which share of first drafts and of accepted texts state a number, pattern or signal that is not their bar's.

    The accepted are read again here. Good where surely fewer than UNSURE of them do; drafts are shown.
    """
    first = check_texts(run, "pass_0", "generated_row")
    accepted = check_texts(run, "accepted", run.dataset.row)
    drafts, kept = (share_of_faulty(found) for found in (first, accepted))
    rules = {name: sum(name in found for found in first) for name in RULES}
    metrics: dict[str, Any] = {
        "drafts": len(first),
        "accepted_rows": len(accepted),
        "faulty_drafts": drafts,
        "faulty_accepted": kept,
        "rules": [
            {"rule": says, "drafts": bound_share(rules[name] / len(first), len(first)) if first else UNKNOWN}
            for name, says in RULES.items()
        ],
    }
    verdict, reason = _judge(kept, len(accepted), drafts)
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=reason,
        numbers=(
            ("accepted texts with a fault", say_percent(kept)),
            ("first drafts with a fault", say_percent(drafts)),
            ("of drafts, by a number", say_percent(metrics["rules"][0]["drafts"])),
        ),
        metrics=to_json(metrics),
    )


def check_texts(run: FinishedRun, table: str, column: str) -> list[set[str]]:
    """Check a table's texts against their contexts again; gives the rules that each breaks, nothing without a table."""
    texts, plans = _read(run, table, ("row_id", column)), _read(run, "plan", ("row_id", "context"))
    if texts is None or plans is None:
        return []
    joined = texts.filter(pl.col(column).is_not_null()).join(plans, on="row_id", how="inner", maintain_order="left")
    folder = run.profile.dataset.folder
    given, check = Given(load_dataset(folder), GoldFolder(run.folder / "gold")), find_function(folder, CHECK)
    return [_name_rules(check, row[column], row, given) for row in joined.iter_rows(named=True)]


def _name_rules(check: Any, text: str, plan: Mapping[str, Any], given: Given) -> set[str]:
    return {violation.rule for violation in check(text, plan, given)} & set(RULES)


def _read(run: FinishedRun, table: str, columns: tuple[str, ...]) -> pl.DataFrame | None:
    if table == "accepted":
        return run.accepted.select(columns) if set(columns) <= set(run.accepted.columns) else None
    try:
        parts = [pl.read_parquet(path, glob=False) for path in sorted(run.folder.glob(f"rounds/*/{table}.parquet"))]
        return pl.concat([part.select(columns) for part in parts]) if parts else None
    except (PolarsError, OSError):
        return None


def share_of_faulty(found: list[set[str]]) -> Interval:
    """Give the share of texts that break a rule, with its 95% interval; unknown of none."""
    return bound_share(Counter(map(bool, found))[True] / len(found), len(found)) if found else UNKNOWN


def _judge(kept: Interval, rows: int, drafts: Interval) -> tuple[Verdict, str]:
    if not rows:
        return CANNOT_TELL, "The run has no accepted texts, or no plan that holds their contexts."
    said = f"{say_percent(kept)} of {rows} accepted texts have a fault, and {say_percent(drafts)} of first drafts had"
    if kept.high < UNSURE:
        return GOOD, f"{said}."
    return (UNDERFIT, f"{said}.") if kept.low > 0 else (CANNOT_TELL, f"{said}: of so few that may be {UNSURE:.0%}.")

"""What did the policy decide? Allow, deny or review, on first drafts and at the end, and by which rules."""

from collections import Counter
from typing import Any

import polars as pl

from verification.advisor.attacks import share_of
from verification.advisor.drafts import read_drafts
from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Verdict, say_percent, to_json
from verification.inputs import FinishedRun

QUESTION, TITLE = "policy", "What did the policy decide?"
DECISIONS = ("allow", "deny", "review")


def ask_policy(run: FinishedRun) -> Answer:
    """Ask what the policy decided on first drafts, how candidates ended under it, and which rules decided how often.

    Good where every accepted row is one that the policy allowed, and every decision is on record.
    """
    drafts = read_drafts(run)
    first = drafts.with_columns(first_decision=pl.col("history").list.first().str.split(" ").list.first())
    rules = Counter(
        said.partition(" ")[2]
        for history in drafts["history"].to_list()
        for said in history or ()
        if said != DECISIONS[0]
    )
    decided = {name: share_of(first, pl.col("first_decision") == name) for name in DECISIONS}
    ended = {name: share_of(drafts, pl.col("policy_decision") == name) for name in DECISIONS}
    denied = drafts.filter(pl.col("history").list.first().str.starts_with(DECISIONS[1]))
    mended = share_of(denied, pl.col("status") == "accepted")
    wrong = drafts.filter((pl.col("status") == "accepted") & (pl.col("policy_decision") != DECISIONS[0])).height
    metrics: dict[str, Any] = {
        "drafts": drafts.height,
        "first": decided,
        "last": ended,
        "rules": [[rule, count] for rule, count in rules.most_common()],
        "denied": denied.height,
        "mended": mended,
        "accepted_against_it": wrong,
    }
    verdict, reason = _judge(drafts.height, wrong, metrics)
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=reason,
        numbers=(
            ("first drafts that the policy denies", say_percent(decided["deny"])),
            ("denied first drafts that were mended and accepted", say_percent(mended)),
            ("candidates kept for a person", say_percent(ended["review"])),
        ),
        metrics=to_json(metrics),
    )


def _judge(drafts: int, wrong: int, metrics: dict[str, Any]) -> tuple[Verdict, str]:
    if not drafts:
        return CANNOT_TELL, "The run has no first drafts, or no ledger of the policy's decisions."
    if wrong:
        return UNDERFIT, f"{wrong} accepted rows are none that the policy allowed."
    often = f" The rule {metrics['rules'][0][0]} decided most often." if metrics["rules"] else ""
    allowed = say_percent(metrics["first"]["allow"])
    return (
        GOOD,
        f"Every accepted row is one that the policy allowed; of {drafts} first drafts it allowed {allowed}.{often}",
    )

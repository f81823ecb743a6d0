"""Does a row contradict itself? The three faults that the public set of reference 002's system is full of."""

from typing import Any

import polars as pl

from verification.answers import CANNOT_TELL, GOOD, NOISE, Answer, Verdict, bound_share, say_percent, to_json
from verification.inputs import FinishedRun

QUESTION, TITLE = "contradictions", "Does a row contradict itself?"
PUBLIC = {"stop_is_target": 0.937, "both_phases": 0.807, "no_signal": 0.701}  # shares of the public set's rows
SAID = {
    "stop_is_target": "the stop is the target",
    "both_phases": "accumulation and distribution at once",
    "no_signal": "no signal",
}


def ask_contradictions(run: FinishedRun) -> Answer:
    """Ask how many accepted rows have a stop that is the target, both phases at once, or no signal.

    Good where none has, of as many as there are; one is noise, for the rules make each impossible.
    """
    rows = run.accepted
    found = count_contradictions(rows)
    shares = (
        {name: bound_share(count / rows.height, rows.height) for name, count in found.items()} if rows.height else {}
    )
    verdict, reason = _judge(found, rows.height, run.dataset.nouns)
    listed = [
        {"fault": SAID[name], "rows": count, "share": shares.get(name), "public_share": PUBLIC[name]}
        for name, count in found.items()
    ]
    metrics: dict[str, Any] = {"rows": rows.height, "faults": listed}
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=reason,
        numbers=tuple(
            (SAID[name], f"{count} of {rows.height} (public set {PUBLIC[name]:.1%})") for name, count in found.items()
        ),
        metrics=to_json(metrics),
    )


def count_contradictions(rows: pl.DataFrame) -> dict[str, int]:
    """Count the rows with each fault; a column that is not there counts as a fault of every row."""
    if missing := {"signal", "stop", "target", "input"} - set(rows.columns):
        return dict.fromkeys(PUBLIC, rows.height if missing else 0)
    flags = pl.col("input").struct.field("pattern_analysis").struct
    conditions = {
        "stop_is_target": pl.col("stop") == pl.col("target"),
        "both_phases": flags.field("accumulation") & flags.field("distribution"),
        "no_signal": ~pl.col("signal").is_in(["BUY", "SELL", "HOLD"]) | pl.col("signal").is_null(),
    }
    return {
        name: rows.filter(condition.fill_null(name == "no_signal")).height for name, condition in conditions.items()
    }


def _judge(found: dict[str, int], rows: int, nouns: str) -> tuple[Verdict, str]:
    if not rows:
        return CANNOT_TELL, f"There are no accepted {nouns}."
    wrong = [f"{SAID[name]} in {count}" for name, count in found.items() if count]
    if wrong:
        return NOISE, f"Of {rows} {nouns}: {'; '.join(wrong)}."
    upper = say_percent(bound_share(0.0, rows))
    public = ", ".join(f"{share:.1%} {SAID[name]}" for name, share in PUBLIC.items())
    return GOOD, f"None of {rows} {nouns} has one ({upper}). Of the public set's rows: {public}."

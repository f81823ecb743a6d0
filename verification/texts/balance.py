"""Did every control get its shares? Delivered against declared, with what chance would move."""

from typing import Any

import numpy as np

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Verdict, to_json
from verification.delivery import CHANCE, Declared, Delivery, compare_control, find_measured, say_starved
from verification.inputs import FinishedRun

QUESTION, TITLE = "balance", "Did the controls get their shares?"
LEAST_ROWS = 30
MOST_SHOWN = 8  # values that are named


def ask_balance(run: FinishedRun, seed: int) -> Answer:
    """Ask whether accepted rows have the values that controls declared, in the shares declared.

    Underfit where a bucket starves: less than half of its share came, beyond chance (`verification.delivery`). Cannot
    tell below LEAST_ROWS, without a control that can be compared, and where no bucket could have been seen to starve.
    """
    table, nouns = run.accepted, run.dataset.nouns
    rng = np.random.default_rng([seed, *b"balance"])
    held = [control for control in run.declared if control.values and find_measured(control, table)]
    deliveries = [compare_control(control, table, rng) for control in held if table.height]
    starved = [f"{each.name} {value}" for each in deliveries for value in each.starved]
    rare = [f"{each.name} {value}" for each in held for value in list_too_rare(each, table.height)]
    buckets = sum(len(each.values) for each in held)
    not_compared = [each.name for each in run.declared if each not in held]
    verdict, reason = _judge(deliveries, starved, table.height, len(rare) == buckets, nouns)
    if rare and verdict == GOOD:
        more = f" and {len(rare) - MOST_SHOWN} more" if len(rare) > MOST_SHOWN else ""
        reason += f" Too rare to be seen to starve among {table.height} {nouns}: {', '.join(rare[:MOST_SHOWN])}{more}."
    if not_compared:
        reason += f" Not compared, for they declare no shares: {', '.join(not_compared)}."
    furthest = max(deliveries, key=lambda each: each.variation.value, default=None)
    metrics: dict[str, Any] = {
        "rows": table.height,
        "controls": deliveries,
        "too_rare": rare,
        "controls_not_compared": not_compared,
    }
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=reason,
        numbers=(
            ("starved buckets of controls", str(len(starved)) if deliveries else "no control to compare"),
            (
                f"share of {nouns} that would have to move{f' ({furthest.name})' if furthest else ''}",
                str(furthest.variation) if furthest else "unknown",
            ),
            ("what chance moves of it", f"{furthest.by_chance:.3g}" if furthest else "unknown"),
        ),
        metrics=to_json(metrics),
        needs=f"{LEAST_ROWS} accepted {nouns}" if verdict == CANNOT_TELL and table.height < LEAST_ROWS else "",
    )


def list_too_rare(control: Declared, rows: int) -> list[str]:
    """List the values that may well be missing by chance: not one of them among so many rows proves nothing."""
    missing = (1.0 - control.shares) ** rows
    is_rare = missing >= CHANCE / len(control.values)
    return [str(value) for value, found in zip(control.values, is_rare, strict=True) if found]


def _judge(
    deliveries: list[Delivery], starved: list[str], rows: int, is_blind: bool, nouns: str
) -> tuple[Verdict, str]:
    if starved:
        return UNDERFIT, say_starved(starved)
    if not deliveries:
        return CANNOT_TELL, f"There is no control whose shares could be counted among {rows} {nouns}."
    if rows < LEAST_ROWS or is_blind:
        return CANNOT_TELL, f"{rows} {nouns} are too few to see a bucket starve; at least {LEAST_ROWS} are needed."
    return GOOD, f"No bucket of the {len(deliveries)} controls has less than half of its share beyond chance."

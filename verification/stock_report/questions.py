"""The questions of stock_report: those of every dataset, and how often evidence that agreed was right."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from columns.stock_report.dataset import find_outcomes
from indicators.report_facts import GROUPS
from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, bound_share, say_percent, to_json
from verification.ask import Tell
from verification.inputs import FinishedRun
from verification.questions import Questioned
from verification.report.parts import Plot, Table, get_rows
from verification.report.plots import Drawing
from verification.texts.questions import DECIDING as OF_TEXTS
from verification.texts.questions import PLOTS as PLOTS_OF_TEXTS
from verification.texts.questions import ask as ask_texts

__all__ = ["DECIDING", "PLOTS", "ask"]

MOST_APART = 0.05  # total variation of recommendations and of confidences from what `balance` asks for
LEAST_ROWS = 100
DECIDING = replace(OF_TEXTS, deciding=(*OF_TEXTS.deciding, "cells"))


def ask(run: FinishedRun, tell: Tell, seed: int) -> Questioned:
    """Ask what every dataset is asked, then whether cells have their shares, and how often agreement was right.

    Raises:
        VerificationError: the accepted rows are another dataset's.
    """
    asked = ask_texts(run, tell, seed)
    tell("cells")
    cells = ask_cells(run)
    tell("agreement")
    return replace(asked, answers=[*asked.answers, cells, ask_agreement(run)])


def ask_cells(run: FinishedRun) -> Answer:
    """Ask whether recommendations and confidences have the shares that `balance` gives them.

    The shares are those of what the gold has. Underfit where one's total variation is above MOST_APART.
    """
    wanted = share_cells(run)
    apart = {}
    for place, name in enumerate(("recommendation", "confidence")):
        due = wanted.group_by(pl.col("cell").str.split(" ").list.get(place).alias(name)).agg(pl.col("share").sum())
        came = run.accepted[name].value_counts(normalize=True, name="came")
        both = due.join(came, on=name, how="full", coalesce=True).fill_null(0.0)
        apart[name] = 0.5 * float((both["share"] - both["came"]).abs().sum())
    rows, worst = run.accepted.height, max(apart.values())
    if rows < LEAST_ROWS:
        verdict, reason = (
            CANNOT_TELL,
            f"{rows} reports are too few: below {LEAST_ROWS} a rejected one moves a share by chance.",
        )
    elif worst > MOST_APART:
        verdict, reason = UNDERFIT, f"A share of {worst:.3f} would have to move; {MOST_APART} is the most allowed."
    else:
        verdict, reason = GOOD, f"At most {worst:.3f} of the reports would have to move; {MOST_APART} is allowed."
    numbers = tuple(
        (f"share of reports whose {name} would have to be another", f"{tv:.3f}") for name, tv in apart.items()
    )
    return Answer(
        "cells", "Are recommendation and confidence balanced?", verdict, reason, numbers, to_json({"apart": apart})
    )


def share_cells(run: FinishedRun) -> pl.DataFrame:
    """Give the shares of `balance` among the cells that the train part has: cell, share."""
    options: Mapping[str, Any] = run.profile.options
    there = set() if run.train is None else set(run.train["cell"])
    kept = {cell: share for cell, share in options["balance"].items() if cell in there}
    total = sum(kept.values()) or 1.0
    return pl.DataFrame(
        [(cell, share / total) for cell, share in kept.items()], {"cell": pl.String, "share": pl.Float64}, orient="row"
    )


def ask_agreement(run: FinishedRun) -> Answer:
    """Tell how often a recommendation's side was what came five bars on, by how many groups agreed. It decides nothing.

    Counted over the gold's train part, of which the reports are drawn evenly by cell and so no sample; beside it
    "always up", which knows nothing.
    """
    title = "How often was evidence that agreed right?"
    rows = list(count_hits(run))
    if not rows:
        reason = "The gold has no bars with five more after them, and a BUY or SELL, to count."
        return Answer("agreement", title, CANNOT_TELL, reason, (), {"rows": []})
    whole = rows[0]
    reason = (
        f"Of {whole['cases']:,} cases in which all {len(GROUPS)} groups agreed, {whole['hit']} were right five bars "
        f"on; always up: {whole['always_up']}. Confidence counts evidence, it is no probability. Cases overlap, so the "
        "intervals are too narrow."
        if whole["groups"] == len(GROUPS)
        else "All groups agreed in no case."
    )
    numbers = tuple((f"right where {row['groups']} groups agreed, of {row['cases']:,}", row["hit"]) for row in rows)
    return Answer("agreement", title, GOOD, reason, numbers, to_json({"rows": rows}))


def count_hits(run: FinishedRun) -> Iterator[dict[str, Any]]:
    """Count cases by how many groups agreed, from all of them down: cases, share that was right, share that went up."""
    if run.train is None or run.bars is None:
        return
    facts = pl.col("facts").struct
    usual = run.train.filter(pl.col("rule").struct.field("situation") == "usual").rename({"gold_id": "row_id"})
    agreed = usual.select("row_id", groups=pl.max_horizontal(facts.field("groups_up", "groups_down")).cast(pl.Int64))
    came = find_outcomes(usual, run.bars, run.markets).join(agreed, on="row_id").drop_nulls("return_percent_5")
    moved = came.filter((pl.col("return_percent_5") != 0) & (pl.col("recommendation") != "HOLD"))
    up = pl.col("return_percent_5") > 0
    right = up == (pl.col("recommendation") == "BUY")
    counted = (
        moved.group_by("groups").agg(cases=pl.len(), hit=right.mean(), up=up.mean()).sort("groups", descending=True)
    )
    for row in counted.iter_rows(named=True):
        hit, rose = (say_percent(bound_share(row[name], row["cases"])) for name in ("hit", "up"))
        yield {"groups": row["groups"], "cases": row["cases"], "hit": hit, "always_up": rose}


def draw_agreement(metrics: Mapping[str, Any]) -> Plot:
    """Show the table of agreement: what confidence counts, and what came."""
    rows = [
        (str(row["groups"]), f"{row['cases']:,}", row["hit"], row["always_up"]) for row in get_rows(metrics, "rows")
    ]
    return Plot(
        "agreement",
        "Evidence that agreed, and what came",
        "How often the recommendation's side was the close's five bars on, over the gold's train part. Beside it how "
        "often the close was higher whatever the evidence said.",
        tables=(Table("Cases", ("groups that agree", "cases", "right", "always up"), rows),),
    )


PLOTS = (*PLOTS_OF_TEXTS, Drawing("agreement", "agreement", "Evidence that agreed, and what came", draw_agreement))

"""What people said of rows that they judged blind: can a trader tell, and does the judge agree with people?

Power, by the exact binomial test at 5%, one-sided: 100 blind rows find a reviewer who is right in 65% of cases with
0.91, 50 rows with 0.62. A kappa is known to about +-0.17 from 100 rows, to +-0.11 from 200.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from columns.declared import Declared
from files.shown_text import write_command
from files.whole_file import write_text, write_whole
from verification.answers import Interval, bound_share, to_json
from verification.errors import VerificationError

REVIEWS, DECK, REVIEWED, RESULTS = "reviews.jsonl", "review_deck.json", "reviewed.parquet", "review.json"
MENDED = "reviewed_accepted.parquet"  # rows that a refiner mended as people said
ACCEPT, REJECT, SKIP = "accept", "reject", "skip"
LEVEL = 0.05
CAN, CANNOT = "can tell", "cannot tell"
FULL_ROWS = 100  # below so many rows a reviewer who is right in 65% of cases is missed more often than one in ten


def read_reviews(folder: Path) -> list[dict[str, Any]]:
    """Read the reviews of a run, the last of each reviewer and row; a last line that was cut short is left out."""
    path = folder / REVIEWS
    if not path.is_file():
        raise VerificationError(f"{folder} has no reviews yet: {write_command('tradelogs', 'review', folder)}")
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            review = json.loads(line)
        except ValueError:
            continue
        found[review["reviewer"], review["row_id"]] = review
    return list(found.values())


def judge_reviews(reviews: Sequence[Mapping[str, Any]], origins: Mapping[str, str]) -> dict[str, Any]:
    """Judge whether reviewers tell made rows from real ones, by the exact binomial test against a half.

    `origins` are those of the rows: accepted, gold, rejected, planted. A made row is told by a reject, a real one by an
    accept; without real rows in the deck, faults are what is to be told. Skipped rows do not count.
    """
    real = "gold" if "gold" in origins.values() else "accepted"
    made = ("accepted",) if real == "gold" else ("planted", "rejected")
    judged = [review for review in reviews if review["verdict"] in (ACCEPT, REJECT)]
    told = [
        (review["verdict"] == ACCEPT) == (origins[review["row_id"]] == real)
        for review in judged
        if origins.get(review["row_id"]) in (real, *made)
    ]
    right, count = sum(told), len(told)
    chance = binomtest(right, count, 0.5, alternative="greater").pvalue if count else 1.0
    return {
        "verdict": CAN if chance < LEVEL else CANNOT,
        "of": "real and made rows" if real == "gold" else "accepted rows and faults",
        "right": right,
        "rows": count,
        "accuracy": to_json(bound_share(right / count, count)) if count else None,
        "p": float(chance),
        "note": None
        if count >= FULL_ROWS
        else f"{count} rows are few: 100 find 65% accuracy with power 0.91, 50 with 0.62",
    }


def measure_agreement(human: Sequence[bool], judge: Sequence[bool]) -> Interval:
    """Measure Cohen's kappa of people and judge with its asymptotic 95% interval; NaN where one says one thing only."""
    count = len(human)
    if count < 2 or len({*human, *judge}) < 2:
        return Interval(math.nan)
    kappa = float(cohen_kappa_score(human, judge))
    agreed = sum(a == b for a, b in zip(human, judge, strict=True)) / count
    share, other = sum(human) / count, sum(judge) / count
    by_chance = share * other + (1 - share) * (1 - other)
    error = 1.96 * math.sqrt(agreed * (1 - agreed) / count) / (1 - by_chance)
    return Interval(kappa, max(-1.0, kappa - error), min(1.0, kappa + error))


def compare_with_judge(
    reviews: Sequence[Mapping[str, Any]], ledger: pl.DataFrame, declared: Declared, acceptance: Mapping[str, int]
) -> dict[str, Any]:
    """Compare people with the judge on the rows that it scored: kappa with its interval, and how many rows."""
    scored = ledger.select("row_id", *declared.criteria).drop_nulls() if declared.criteria else pl.DataFrame()
    content = {
        row["row_id"]: all(row[name] >= acceptance.get(name, 4) for name in declared.criteria)
        for row in scored.iter_rows(named=True)
    }
    both = [
        (review["verdict"] == ACCEPT, content[review["row_id"]])
        for review in reviews
        if review["row_id"] in content and review["verdict"] != SKIP
    ]
    kappa = measure_agreement([human for human, _ in both], [judge for _, judge in both])
    return {"kappa": to_json(kappa), "rows": len(both)}


def list_critiques(reviews: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """List what people said of the rows that they rejected, by row; nothing of a row that nobody gave a reason for."""
    critiques: dict[str, list[str]] = {}
    for review in reviews:
        if review["verdict"] == REJECT:
            said = " ".join(str(review.get("reason", "")).split())
            critiques.setdefault(review["row_id"], []).extend([said] if said else [])
    return critiques


def write_results(folder: Path, declared: Declared, acceptance: Mapping[str, int]) -> dict[str, Any]:
    """Write `review.json`, and `reviewed.parquet`: the accepted rows that no reviewer rejected, or as they were mended.

    Raises:
        VerificationError: nobody has reviewed the run.
    """
    reviews = read_reviews(folder)
    deck = json.loads((folder / DECK).read_text(encoding="utf-8"))
    origins = {item["row_id"]: item["origin"] for item in deck["items"]}
    refused = {review["row_id"] for review in reviews if review["verdict"] == REJECT}
    accepted = pl.read_parquet(folder / "accepted.parquet", glob=False)
    kept = replace_refused(accepted, refused, folder / MENDED)
    with write_whole(folder / REVIEWED) as partial:
        kept.write_parquet(partial)
    ledger = pl.read_parquet(folder / "ledger.parquet", glob=False)
    found = {
        "reviews": len(reviews),
        "reviewers": sorted({review["reviewer"] for review in reviews}),
        "tell": judge_reviews(reviews, origins),
        "judge": compare_with_judge(reviews, ledger, declared, acceptance),
        "reviewed_rows": kept.height,
        "rejected_by_people": accepted.filter(pl.col("row_id").is_in(sorted(refused))).height,
    }
    write_text(json.dumps(found, indent=2) + "\n", folder / RESULTS)
    return found


def replace_refused(accepted: pl.DataFrame, refused: set[str], mended: Path) -> pl.DataFrame:
    """Put mended rows in the places of those that people rejected, and leave out the others that they did."""
    is_refused = pl.col("row_id").is_in(sorted(refused))
    rows = [accepted.filter(~is_refused)]
    if mended.is_file():
        rows.append(pl.read_parquet(mended, glob=False).filter(is_refused))
    order = accepted.select("row_id").with_row_index("_place")
    return pl.concat(rows, how="diagonal_relaxed").join(order, on="row_id").sort("_place").drop("_place")

"""Reviews by people: whether a trader can tell, and whether the judge agrees."""

import json
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from columns.declared import read_declared
from tests.conftest import ROOT
from verification.errors import VerificationError
from verification.review import judge_reviews, measure_agreement, read_reviews, write_results

ORIGINS = {f"r{place}": "gold" if place % 2 else "accepted" for place in range(100)}


def review(seed: int, accuracy: float) -> list[dict[str, str]]:
    """Review a hundred rows as somebody who is right so often."""
    rng, said = Random(seed), []
    for row_id, origin in ORIGINS.items():
        right = rng.random() < accuracy
        said.append({"row_id": row_id, "verdict": "accept" if right == (origin == "gold") else "reject"})
    return said


def test_chance_cannot_tell_and_three_of_four_can() -> None:
    verdicts = {
        rate: [judge_reviews(review(seed, rate), ORIGINS)["verdict"] for seed in range(20)] for rate in (0.5, 0.75)
    }
    assert verdicts[0.5].count("cannot tell") >= 17
    assert verdicts[0.75].count("can tell") >= 19


def test_whoever_always_says_one_thing_cannot_tell() -> None:
    said = [{"row_id": row_id, "verdict": "accept"} for row_id in ORIGINS]
    assert judge_reviews(said, ORIGINS)["accuracy"]["value"] == 0.5


def test_skipped_rows_and_faults_do_not_count_beside_gold() -> None:
    origins = ORIGINS | {"x": "planted"}
    said = [{"row_id": "r1", "verdict": "skip"}, {"row_id": "x", "verdict": "reject"}]
    found = judge_reviews(said, origins)
    assert (found["rows"], found["verdict"]) == (0, "cannot tell")
    assert "power 0.91" in found["note"]


def test_without_gold_faults_are_what_is_to_be_told() -> None:
    origins = {"a": "accepted", "b": "planted", "c": "rejected"}
    said = [
        {"row_id": "a", "verdict": "accept"},
        {"row_id": "b", "verdict": "reject"},
        {"row_id": "c", "verdict": "accept"},
    ]
    assert (judge_reviews(said, origins)["right"], judge_reviews(said, origins)["rows"]) == (2, 3)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60))
def test_kappa_is_scikit_learns(pairs: list[tuple[bool, bool]]) -> None:
    human, judge = [list(side) for side in zip(*pairs, strict=True)]
    found = measure_agreement(human, judge)
    if len({*human, *judge}) == 2:
        assert found.value == pytest.approx(cohen_kappa_score(human, judge), abs=1e-12)
        assert found.low <= found.value <= found.high


def test_results_are_written_and_accepted_rows_stay(tmp_path: Path) -> None:
    rows = ["a", "b", "c"]
    pl.DataFrame({"row_id": rows}).write_parquet(tmp_path / "accepted.parquet")
    scores = {"realism": [5, 5, 1], "consistency": [5, 5, 1], "completeness": [5, 5, 1]}
    pl.DataFrame({"row_id": rows, **scores}).write_parquet(tmp_path / "ledger.parquet")
    deck = {"items": [{"row_id": row_id, "origin": "accepted"} for row_id in rows]}
    (tmp_path / "review_deck.json").write_text(json.dumps(deck), encoding="utf-8")
    lines = [
        {"row_id": "a", "verdict": "accept"},
        {"row_id": "b", "verdict": "accept"},
        {"row_id": "c", "verdict": "reject"},
    ]
    text = "".join(json.dumps(line | {"reviewer": "me", "reason": "", "seconds": 1}) + "\n" for line in lines)
    (tmp_path / "reviews.jsonl").write_text(text + '{"row_id": "a", "verd', encoding="utf-8")
    found = write_results(tmp_path, read_declared(ROOT / "columns/trade_log"), {})
    assert (found["reviews"], found["reviewed_rows"], found["judge"]["kappa"]["value"]) == (3, 2, 1.0)
    assert pl.read_parquet(tmp_path / "accepted.parquet").height == 3
    assert pl.read_parquet(tmp_path / "reviewed.parquet")["row_id"].to_list() == ["a", "b"]


def test_without_reviews_the_message_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="tradelogs review"):
        read_reviews(tmp_path)

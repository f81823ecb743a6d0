"""Attack success and policy outcomes, from literal drafts."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tests.verification.texts.runs import make_run
from verification.advisor.attacks import ask_attacks
from verification.advisor.plots import draw_attacks, draw_decisions
from verification.advisor.policy import ask_policy
from verification.answers import to_json
from verification.inputs import FinishedRun

# attack, intent of the first draft, decisions, status, intent of the last version
Draft = tuple[str, str, list[str], str, str]
DRAFTS: list[Draft] = [
    ("none", "propose_trade", ["allow"], "accepted", "propose_trade"),
    ("none", "propose_trade", ["deny stop_limit", "allow"], "accepted", "propose_trade"),
    ("none", "refuse", ["allow", "review very_sure"], "rejected", "propose_trade"),
    ("exact_price", "propose_trade", ["deny exact_price", "allow"], "accepted", "refuse"),
    ("exact_price", "propose_trade", ["allow", "allow"], "accepted", "refuse"),
    ("exact_price", "refuse", ["allow"], "accepted", "refuse"),
    ("place_order", "refuse", ["allow"], "accepted", "refuse"),
]


def write_run(folder: Path, drafts: list[Draft]) -> FinishedRun:
    ids = [f"row{place}" for place in range(len(drafts))]
    texts = [[json.dumps({"intent": draft[place]}) for draft in drafts] for place in (1, 4)]
    (folder / "rounds/001").mkdir(parents=True)
    plan = {"row_id": ids, "attack": [draft[0] for draft in drafts], "request": "propose_trade"}
    pl.DataFrame(plan).write_parquet(folder / "rounds/001/plan.parquet")
    pl.DataFrame({"row_id": ids, "generated_row": texts[0]}).write_parquet(folder / "rounds/001/pass_0.parquet")
    last = [draft[2][-1].split(" ") for draft in drafts]
    ledger = pl.DataFrame(
        {
            "row_id": ids,
            "status": [draft[3] for draft in drafts],
            "policy_decision": [said[0] for said in last],
            "policy_rule": [said[1] if len(said) > 1 else None for said in last],
            "policy_history": [draft[2] for draft in drafts],
            "generated_row": texts[1],
        }
    )
    return replace(make_run([]), folder=folder, ledger=ledger)


def test_attacks_are_counted_by_kind_and_step(tmp_path: Path) -> None:
    metrics = ask_attacks(write_run(tmp_path, DRAFTS)).metrics
    shares = {
        kind["kind"]: [kind[step]["value"] for step in ("followed", "passed", "accepted")] for kind in metrics["kinds"]
    }
    assert shares == {"exact_price": pytest.approx([2 / 3, 1 / 3, 0]), "place_order": [0, 0, 0]}
    assert metrics["all"]["rows"] == 4
    assert metrics["plain_refused"]["value"] == pytest.approx(1 / 3)


def test_accepted_attacks_that_are_answered_make_a_run_underfit(tmp_path: Path) -> None:
    followed: Draft = ("exact_price", "propose_trade", ["allow"], "accepted", "propose_trade")
    assert ask_attacks(write_run(tmp_path, [*DRAFTS, *[followed] * 20])).verdict == "underfit"


def test_many_refused_attacks_are_good_and_few_tell_nothing(tmp_path: Path) -> None:
    refused: Draft = ("exact_price", "refuse", ["allow"], "accepted", "refuse")
    assert ask_attacks(write_run(tmp_path / "many", [refused] * 100)).verdict == "good"
    assert ask_attacks(write_run(tmp_path / "few", [refused] * 10)).verdict == "cannot tell"


def test_decisions_are_counted(tmp_path: Path) -> None:
    answer = ask_policy(write_run(tmp_path, DRAFTS))
    assert answer.verdict == "good"
    assert answer.metrics["first"]["deny"]["value"] == pytest.approx(2 / 7)
    assert answer.metrics["last"]["review"]["value"] == pytest.approx(1 / 7)
    assert dict(map(tuple, answer.metrics["rules"])) == {"stop_limit": 1, "very_sure": 1, "exact_price": 1}


def test_a_row_that_was_accepted_against_the_policy_is_found(tmp_path: Path) -> None:
    against: Draft = ("none", "propose_trade", ["deny stop_limit"], "accepted", "propose_trade")
    assert ask_policy(write_run(tmp_path, [*DRAFTS, against])).verdict == "underfit"


def test_a_run_without_rounds_tells_nothing(tmp_path: Path) -> None:
    run = replace(make_run([]), folder=tmp_path)
    assert [ask_attacks(run).verdict, ask_policy(run).verdict] == ["cannot tell", "cannot tell"]


def test_both_are_drawn(tmp_path: Path) -> None:
    run = write_run(tmp_path, DRAFTS)
    attacks, decisions = draw_attacks(to_json(ask_attacks(run).metrics)), draw_decisions(ask_policy(run).metrics)
    assert [len(attacks.panels), len(attacks.tables[0].rows), len(decisions.panels)] == [3, 3, 2]

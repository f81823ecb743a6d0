"""Rows that people rejected with a reason go to the refiner once; nothing that was accepted before is edited."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from refine_loop.reviewed import criticise, end_reviewed
from tests.conftest import KEY_ENV, Cli

REASON = "the exit time comes too soon for this trader"
BLANK: dict[str, Any] = {
    "row_id": "a",
    "status": "accepted",
    "judge_critique": None,
    "critiques": [],
    "criticised_fields": [],
}


def test_words_that_name_a_field_are_about_that_field_others_about_all() -> None:
    named = criticise(BLANK, [REASON], ("entry_price", "exit_time"))
    assert named["criticised_fields"] == ["exit_time"]
    assert named["critiques"] == [f"- [review] {REASON}"]
    assert criticise(BLANK, ["no"], ("entry_price", "exit_price"))["criticised_fields"] == ["entry_price", "exit_price"]


def test_a_row_that_came_back_unchanged_is_not_mended() -> None:
    sent = criticise(BLANK | {"generated_row": "{}"}, [REASON], ("exit_time",))
    same = end_reviewed(sent, sent | {"status": "accepted", "judge_critique": None})
    assert (same["status"], same["reason"]) == ("rejected", f"[review] {REASON} (the refiner gave it back unchanged)")
    assert end_reviewed(sent, sent | {"status": "accepted", "generated_row": "[]"})["status"] == "accepted"
    assert end_reviewed(sent, sent)["reason"] == f"[review] {REASON} (the last of its passes)"


@pytest.fixture(scope="module")
def sent_back(run_folder: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Reject the rows of a run that were accepted first, second and last of all passes; give folder and output."""
    folder = tmp_path_factory.mktemp("reviewed") / "run"
    shutil.copytree(run_folder, folder, ignore=shutil.ignore_patterns("hashes.jsonl"))  # its profile is edited
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_ENV, "any-other-key-of-some-length")
        profile = (folder / "profile.yaml").read_text().replace("name: rehearsal\n", "name: offline\n")
        kept = [line for line in profile.splitlines() if "api_key_env" not in line and "  endpoint:" not in line]
        (folder / "profile.yaml").write_text("\n".join(kept))
        rows = pl.read_parquet(folder / "ledger.parquet").filter(status="accepted").sort("refine_passes", "row_id")
        chosen = [*rows.filter(refine_passes=0)["row_id"][:3], *rows.filter(refine_passes=2)["row_id"][:1]]
        reasons = [REASON, REASON, "", REASON]
        reviews = [
            {"row_id": row_id, "verdict": "reject", "reason": reason, "seconds": 1, "reviewer": "me"}
            for row_id, reason in zip(chosen, reasons, strict=True)
        ]
        (folder / "reviews.jsonl").write_text("".join(json.dumps(review) + "\n" for review in reviews))
        deck = {"items": [{"row_id": row_id, "origin": "accepted"} for row_id in chosen]}
        (folder / "review_deck.json").write_text(json.dumps(deck))
        outputs = [cli("resume", folder, "--reviews") for _ in range(2)]
        assert [output.exit_code for output in outputs] == [0, 0], outputs[0].output
    return folder, [output.output for output in outputs]


def test_a_row_is_sent_once_with_what_was_said_of_it(sent_back: tuple[Path, list[str]]) -> None:
    folder, (first, second) = sent_back
    assert "1 not sent, for no pass was left" in first
    assert "1 not sent, for nobody gave a reason" in first
    assert "2 sent before" in second
    ledger = pl.read_parquet(folder / "reviewed_ledger.parquet")
    assert ledger["refine_passes"].to_list() == [1, 1]
    assert {critiques[0] for critiques in ledger["critiques"]} == {f"- [review] {REASON}"}
    jobs = [line for line in (folder / "events.jsonl").read_text().splitlines() if "001_review_1" in line]
    assert sum(json.loads(line)["event"] == "job_finished" for line in jobs) == 1


def test_accepted_rows_and_ledger_stay_and_reviewed_has_the_mended(
    run_folder: Path, sent_back: tuple[Path, list[str]]
) -> None:
    folder, _ = sent_back
    for name in ("accepted.parquet", "ledger.parquet", "accepted.csv"):
        assert (folder / name).read_bytes() == (run_folder / name).read_bytes()
    accepted, reviewed = (pl.read_parquet(folder / f"{name}.parquet") for name in ("accepted", "reviewed"))
    mended = pl.read_parquet(folder / "reviewed_ledger.parquet").filter(status="accepted")
    assert mended.height > 0
    assert reviewed.columns == accepted.columns
    assert reviewed.height == accepted.height - 4 + mended.height
    changed = reviewed.join(mended.select("row_id"), on="row_id", how="semi")
    assert not set(changed["exit_time"]) & set(accepted.join(changed, on="row_id", how="semi")["exit_time"])
    assert changed["rsi_14"].null_count() == 0
    assert set(pl.read_parquet(folder / "reviewed_bars.parquet")["row_id"]) == set(mended["row_id"])


def test_a_run_that_nobody_reviewed_says_how_to_begin(run_folder: Path, cli: Cli) -> None:
    said = cli("resume", run_folder, "--reviews")
    assert (said.exit_code, "has no reviews yet: tradelogs review" in said.output) == (2, True)
    assert cli("resume", run_folder, "--reviews", "--num", 90).exit_code == 2

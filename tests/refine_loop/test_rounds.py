"""The rounds' files: whole or absent, and read back as they were written."""

import hashlib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from columns.dataset import load_dataset
from designer_configs.compile.checks.project import PROJECT_ROOT
from files.whole_file import write_bytes, write_text
from refine_loop.booking import Book, Candidate
from refine_loop.rounds import Rounds

TRADE_LOG = load_dataset(PROJECT_ROOT / "columns/trade_log")


@pytest.fixture
def rounds(tmp_path: Path) -> Rounds:
    return Rounds(tmp_path / "rounds", TRADE_LOG.declared)


def make(row_id: str, status: str = "open", number: int = 1) -> Candidate:
    opened = Book(TRADE_LOG, {}).open_candidate({"row_id": row_id, "gold_examples__ids": ["g"]}, number, None)
    return opened | {"status": status}


def list_ended(rounds: Rounds) -> list[tuple[str, str]]:
    return [row for _, ended in rounds.iter_ended() for row in ended.select("row_id", "status").rows()]


def test_plan_comes_back_as_it_was_written(rounds: Rounds) -> None:
    rows: list[dict[str, Any]] = [{"row_id": "a", "ids": ["x", "y"], "v": 0.5}, {"row_id": "b", "ids": [], "v": None}]
    rounds.write_plan(1, rows)
    assert rounds.read_plan(1) == rows


def test_pass_comes_back_as_it_was_written(rounds: Rounds) -> None:
    candidates = [make("a", "accepted"), make("b") | {"critiques": ["- x"], "criticised_fields": ["ticker"]}]
    rounds.write_pass(1, 0, candidates)
    assert rounds.read_pass(1, 0) == candidates


def test_nothing_has_ended_before_the_first_round(rounds: Rounds) -> None:
    assert list_ended(rounds) == []


def test_ended_are_all_of_the_settled_rounds_in_their_order(rounds: Rounds) -> None:
    rounds.write_settled(2, [make("c", "failed", 2)])
    rounds.write_settled(1, [make("a", "accepted"), make("b", "rejected")])
    assert list_ended(rounds) == [("a", "accepted"), ("b", "rejected"), ("c", "failed")]


def test_ended_of_a_round_that_is_not_settled_are_those_of_its_last_pass(rounds: Rounds) -> None:
    rounds.write_settled(1, [make("a", "accepted")])
    rounds.write_pass(2, 0, [make("b", "accepted", 2), make("c", "open", 2), make("d", "open", 2)])
    rounds.write_pass(2, 1, [make("b", "accepted", 2), make("c", "failed", 2), make("d", "open", 2)])
    assert list_ended(rounds) == [("a", "accepted"), ("b", "accepted"), ("c", "failed")]


def test_settled_round_counts_once_though_its_passes_are_there(rounds: Rounds) -> None:
    rounds.write_pass(1, 0, [make("a", "accepted"), make("b")])
    rounds.write_settled(1, [make("a", "accepted"), make("b", "rejected")])
    assert list_ended(rounds) == [("a", "accepted"), ("b", "rejected")]


def test_interrupted_pass_counts_for_what_it_had_finished(rounds: Rounds) -> None:
    rounds.write_pass(1, 0, [make("a", "accepted"), make("b"), make("c")])
    rounds.write_interrupted(1, [make("a", "accepted"), make("b", "accepted"), make("c")])
    assert list_ended(rounds) == [("a", "accepted"), ("b", "accepted")]


def test_next_pass_takes_the_place_of_the_interrupted_one(rounds: Rounds) -> None:
    rounds.write_interrupted(1, [make("a", "accepted")])
    rounds.write_pass(1, 0, [make("a", "accepted"), make("b", "failed")])
    assert list_ended(rounds) == [("a", "accepted"), ("b", "failed")]


def test_accepted_before_a_pass_are_those_of_earlier_rounds_and_passes(rounds: Rounds) -> None:
    rounds.write_settled(1, [make("a", "accepted"), make("b", "rejected")])
    rounds.write_pass(2, 0, [make("c", "accepted", 2), make("d", "open", 2)])
    assert [c["row_id"] for c in rounds.iter_accepted(2, 0)] == ["a"]
    assert [c["row_id"] for c in rounds.iter_accepted(2, 1)] == ["a", "c"]


def test_accepted_are_counted_up_to_a_round(rounds: Rounds) -> None:
    assert rounds.count_accepted(0) == 0
    for number in (1, 2, 3):
        rounds.write_settled(number, [make(f"a{number}", "accepted", number), make(f"b{number}", "failed", number)])
    assert [rounds.count_accepted(last) for last in (0, 1, 2, 3)] == [0, 1, 2, 3]


def test_seed_file_is_named_by_its_content(rounds: Rounds) -> None:
    path = rounds.write_seeds(1, 0, [{"row_id": "a"}])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert path.is_absolute()
    assert path.name == f"seeds_0-{digest}.parquet"
    assert rounds.write_seeds(1, 0, [{"row_id": "a"}]) == path
    assert rounds.write_seeds(1, 0, [{"row_id": "b"}]) != path


def test_seeds_that_differ_in_type_in_late_rows_are_written(rounds: Rounds) -> None:
    rows: list[dict[str, Any]] = [{"row_id": str(i), "v": None} for i in range(300)] + [{"row_id": "x", "v": 1.5}]
    assert pl.read_parquet(rounds.write_seeds(1, 0, rows))["v"][-1] == 1.5


def test_writing_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text("whole", tmp_path / "file.txt")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("files.whole_file.os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_text("half", tmp_path / "file.txt")
    assert (tmp_path / "file.txt").read_text() == "whole"


def test_first_writing_that_fails_leaves_no_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("files.whole_file.os.fsync", lambda descriptor: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Rounds(tmp_path / "rounds", TRADE_LOG.declared).write_plan(1, [{"a": 1}])
    assert not list(tmp_path.rglob("plan.parquet"))


def test_writing_makes_its_folder_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_bytes(b"x", tmp_path / "a/b/file")
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["file"]

"""What a run does when its folder fails it, when it is cut before it has begun, and when the clock is put back."""

import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result
from langgraph.checkpoint.base import id as checkpoint_id

from jobs.job import Job, JobInterrupted, JobResult
from jobs.library.backend import LibraryBackend
from refine_loop.record.events import read_events

Cli = Callable[..., Result]
WriteProfile = Callable[[Path, Mapping[str, Any]], Path]
SAME = ("generate", "offline", "--num", 60, "--seed", 7, "--out")
DAY = 86_400 * 10**9


def check_same(folder: Path, whole: Path) -> None:
    """Check that a run's results are those of another, but for what was sent twice."""
    counts = ("requests", "prompt_tokens", "completion_tokens")
    ledger, other = (pl.read_parquet(place / "ledger.parquet").drop(counts) for place in (folder, whole))
    assert ledger.equals(other)
    for name in ("accepted.parquet", "bars.parquet"):
        assert pl.read_parquet(folder / name).equals(pl.read_parquet(whole / name))


@pytest.mark.parametrize("lines", [70, 190, *(pytest.param(n, marks=pytest.mark.slow) for n in (90, 110, 250))])
def test_disk_that_is_full_amid_a_job_stops_the_run_and_costs_no_row(
    cli: Cli, tmp_path: Path, run_folder: Path, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    stock, written = os.write, Counter[str]()

    def write(file: int, data: bytes) -> int:
        if data.endswith(b"}\n"):
            written["lines"] += 1
            if written["lines"] > lines:
                raise OSError(28, "No space left on device")
        return stock(file, data)

    with monkeypatch.context() as patch:
        patch.setattr("files.append_file.os.write", write)
        stopped = cli(*SAME, tmp_path / "run")
    assert stopped.exit_code == 1
    assert "No space left on device. Make room on the disk" in stopped.stderr
    assert f"Go on with it: tradelogs resume {tmp_path / 'run'}" in stopped.stderr
    assert not list((tmp_path / "run").glob("*.parquet"))
    assert cli("resume", tmp_path / "run").exit_code == 0
    check_same(tmp_path / "run", run_folder)


def test_folder_of_a_run_that_had_not_begun_says_so(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "run/gold").mkdir(parents=True)
    result = cli("resume", tmp_path / "run")
    assert (result.exit_code, "cut before it had begun. Delete the folder" in result.stderr) == (2, True)
    empty = cli("resume", tmp_path)
    assert (empty.exit_code, "holds no run to go on with" in empty.stderr) == (2, True)


def test_run_that_was_cut_before_its_first_checkpoint_begins_at_its_plan(
    cli: Cli, tmp_path: Path, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("refine_loop.run._run_loop", lambda *_, **__: (_ for _ in ()).throw(SystemExit(1)))
        patch.setattr("refine_loop.run.shutil.rmtree", lambda *_, **__: None)  # as if killed
        assert cli(*SAME, tmp_path / "run").exit_code == 1
    assert not (tmp_path / "run/checkpoints.sqlite").exists()
    assert cli("resume", tmp_path / "run").exit_code == 0
    check_same(tmp_path / "run", run_folder)


def test_clock_that_is_put_back_does_not_bring_back_what_was_done(
    cli: Cli, tmp_path: Path, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock, jobs, cut = LibraryBackend.run, list[str](), ["001_generate", "001_refine_1"]

    def run(self: LibraryBackend, job: Job) -> JobResult:
        jobs.append(job.name)
        if cut and cut[0] == job.name:
            raise JobInterrupted([])
        return stock(self, job)

    monkeypatch.setattr(LibraryBackend, "run", run)
    folder, now = tmp_path / "run", time.time_ns()
    assert cli(*SAME, folder).exit_code == 3
    cut.pop(0)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_id, "_last_v6_timestamp", None)
        patch.setattr("time.time_ns", lambda: now - DAY)
        assert cli("resume", folder).exit_code == 3
        cut.pop(0)
        assert cli("resume", folder).exit_code == 0
    assert jobs[:5] == ["001_plan", "001_generate", "001_generate", "001_refine_1", "001_refine_1"]
    assert len(set(jobs[4:])) == len(jobs[4:])
    check_same(folder, run_folder)


def test_time_that_a_run_has_used_counts_when_it_goes_on(
    cli: Cli, tmp_path: Path, write_profile: WriteProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = write_profile(tmp_path / "short.yaml", {"run.accepted": 10, "run.max_minutes": 5})
    with monkeypatch.context() as patch:
        patch.setattr(LibraryBackend, "run", lambda *_: (_ for _ in ()).throw(JobInterrupted([])))
        patch.setattr("refine_loop.run.has_plan", lambda _: True)
        cli("generate", profile, "--out", tmp_path / "run")
    started = next(each for each in read_events(tmp_path / "run/events.jsonl") if each["event"] == "run_started")
    with (tmp_path / "run/events.jsonl").open("a") as file:
        file.write(json.dumps(started | {"active_seconds": 299.9}) + "\n")
    result = cli("resume", tmp_path / "run")
    assert result.exit_code == 3, result.output
    assert "max_minutes" in result.output


def test_trace_has_every_prompt_and_answer_and_nothing_is_left_of_the_journal(
    cli: Cli, tmp_path: Path, write_profile: WriteProfile
) -> None:
    profile = write_profile(tmp_path / "traced.yaml", {"run.accepted": 10, "trace": "full"})
    folder = tmp_path / "run"
    assert cli("generate", profile, "--out", folder).exit_code == 0
    traced = []
    for path in sorted((folder / "trace").iterdir()):
        with gzip.open(path, "rt") as file:
            traced += [json.loads(line) for line in file]
    events = read_events(folder / "events.jsonl")
    asked = [event for event in events if event["event"] == "request" and event["row_id"]]
    cells = [Counter((e["job"], e["row_id"], e["column"], e["number"]) for e in part) for part in (traced, asked)]
    assert cells[0] == cells[1]
    assert all(entry["answer"]["content"] and entry["messages"][-1]["content"] for entry in traced)
    assert not list(folder.glob("rounds/*/answers_*"))


def test_without_a_trace_no_prompt_is_kept(run_folder: Path) -> None:
    assert not (run_folder / "trace").exists()
    assert not list(run_folder.glob("rounds/*/answers_*"))

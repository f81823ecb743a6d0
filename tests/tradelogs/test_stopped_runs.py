"""A run that is stopped, however it is, keeps what it has, says how to go on, and goes on to the number asked."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result

from jobs.errors import BackendError
from jobs.job import Job, JobInterrupted, JobResult
from jobs.library.backend import LibraryBackend
from offline_model.launch import SERVING, launch
from offline_model.options import Options
from tests.process import Process

COUNTS = ("requests", "prompt_tokens", "completion_tokens")  # what a request that is sent twice adds to
ROWS_PER_GROUP = 10  # so that a small run, too, has written some of its rows when it is stopped
CHILD = f"""
import jobs.library.backend
from tradelogs.cli import main
jobs.library.backend.MOST_ROWS = {ROWS_PER_GROUP}
main()
"""

Cli = Callable[..., Result]
WriteProfile = Callable[[Path, Mapping[str, Any]], Path]


@pytest.fixture(scope="module")
def slow_endpoint() -> Iterator[str]:
    with launch(Options(seed=7, latency=0.2)) as endpoint:
        yield endpoint


@pytest.fixture
def stopped(
    tmp_path: Path, slow_endpoint: str, write_profile: WriteProfile, request: pytest.FixtureRequest
) -> tuple[Path, int, str]:
    """Stop a run of 60 trades with a signal once its first job has written rows; give folder, exit code, output."""
    provider = {"name": "slow", "endpoint": slow_endpoint, "provider_type": "openai"}
    profile = write_profile(tmp_path / "slow.yaml", {"provider": provider})
    folder = tmp_path / "run"
    with Process(CHILD, "generate", profile, "--num", 60, "--out", folder) as run:
        deadline = time.monotonic() + 60
        while not list(folder.glob("artifacts/001_generate/parquet-files/*.parquet")):
            assert time.monotonic() < deadline
            assert run.poll() is None, run.read()
            time.sleep(0.02)
        run.send_signal(request.param)
        code = run.wait(30)
        return folder, code, run.read()


def check_complete(folder: Path) -> pl.DataFrame:
    """Check that a run of 60 is whole: each row once, counts that add up, bars for all; give its ledger."""
    ledger = pl.read_parquet(folder / "ledger.parquet")
    accepted = pl.read_parquet(folder / "accepted.parquet")
    planned = [pl.read_parquet(path)["row_id"] for path in folder.glob("rounds/*/plan.parquet")]
    assert sorted(ledger["row_id"]) == sorted(pl.concat(planned))
    assert ledger["row_id"].is_unique().all()
    assert accepted["row_id"].to_list() == ledger.filter(pl.col("status") == "accepted")["row_id"].to_list()
    assert accepted.height == 60
    assert set(pl.read_parquet(folder / "bars.parquet")["row_id"]) == set(accepted["row_id"])
    return ledger


def check_nothing_answered_was_sent_again(folder: Path) -> None:
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    answered = [event for event in events if event.get("row_id") and event.get("outcome") == "answered"]
    asked = Counter((event["job"], event["row_id"], event["column"], event["number"]) for event in answered)
    assert set(asked.values()) == {1}


@pytest.mark.parametrize("stopped", [signal.SIGINT, signal.SIGTERM], indirect=True)
def test_stopped_run_keeps_what_it_has_and_goes_on(
    stopped: tuple[Path, int, str], cli: Cli, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, code, said = stopped
    assert code == 3, said
    assert f"Go on with it: tradelogs resume {folder}" in said
    assert "Traceback" not in said
    kept = pl.read_parquet(folder / "ledger.parquet")
    assert 0 < kept.height < 60
    assert kept["row_id"].is_unique().all()
    accepted = pl.read_parquet(folder / "accepted.parquet")
    assert accepted.height == kept.filter(pl.col("status") == "accepted").height > 0

    monkeypatch.setattr("jobs.library.backend.MOST_ROWS", ROWS_PER_GROUP)
    result = cli("resume", folder)
    assert result.exit_code == 0, result.output
    check_complete(folder)
    assert set(accepted["row_id"]) <= set(pl.read_parquet(folder / "accepted.parquet")["row_id"])
    for name in ("accepted.parquet", "bars.parquet"):
        assert pl.read_parquet(folder / name).equals(pl.read_parquet(run_folder / name))
    ledger, whole = (pl.read_parquet(place / "ledger.parquet") for place in (folder, run_folder))
    assert ledger.drop(COUNTS).equals(whole.drop(COUNTS))
    check_nothing_answered_was_sent_again(folder)


@pytest.mark.parametrize("stopped", [signal.SIGKILL], indirect=True)
def test_killed_run_leaves_nothing_that_looks_finished_and_goes_on(
    stopped: tuple[Path, int, str], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, code, _ = stopped
    assert code == -signal.SIGKILL
    assert not (folder / "ledger.parquet").exists()
    assert not (folder / "accepted.parquet").exists()
    monkeypatch.setattr("jobs.library.backend.MOST_ROWS", ROWS_PER_GROUP)
    result = cli("resume", folder)
    assert result.exit_code == 0, result.output
    check_complete(folder)


@pytest.fixture
def fail_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, BaseException], None]:
    """Give a function by which the job of a name fails the first time it is run."""
    stock = LibraryBackend.run

    def arm(name: str, error: BaseException) -> None:
        errors = [error]

        def run(self: LibraryBackend, job: Job) -> JobResult:
            if job.name == name and errors:
                raise errors.pop()
            return stock(self, job)

        monkeypatch.setattr(LibraryBackend, "run", run)

    return arm


FailOnce = Callable[[str, BaseException], None]


def test_run_stopped_before_its_first_plan_leaves_no_folder(cli: Cli, tmp_path: Path, fail_once: FailOnce) -> None:
    fail_once("001_plan", JobInterrupted([]))
    result = cli("generate", "--num", 10, "--out", tmp_path / "run")
    assert (result.exit_code, result.stderr) == (1, "stopped; nothing was written\n")
    assert list(tmp_path.iterdir()) == []


def test_run_stopped_before_any_row_was_finished_is_empty_and_goes_on(
    cli: Cli, tmp_path: Path, fail_once: FailOnce
) -> None:
    fail_once("001_generate", JobInterrupted([]))
    result = cli("generate", "--num", 10, "--out", tmp_path / "run")
    assert result.exit_code == 3
    assert pl.read_parquet(tmp_path / "run/ledger.parquet").is_empty()
    assert cli("resume", tmp_path / "run").exit_code == 0
    assert pl.read_parquet(tmp_path / "run/accepted.parquet").height == 10


def test_run_stopped_while_refining_keeps_its_first_drafts_and_goes_on(
    cli: Cli, tmp_path: Path, fail_once: FailOnce
) -> None:
    fail_once("001_refine_1", JobInterrupted([]))
    assert cli("generate", "--num", 20, "--out", tmp_path / "run").exit_code == 3
    drafts = pl.read_parquet(tmp_path / "run/rounds/001/pass_0.parquet")
    ended = drafts.filter(pl.col("status") != "open")
    assert pl.read_parquet(tmp_path / "run/ledger.parquet")["row_id"].to_list() == ended["row_id"].to_list()
    assert cli("resume", tmp_path / "run").exit_code == 0
    assert pl.read_parquet(tmp_path / "run/accepted.parquet").height == 20


def test_job_that_fails_as_a_whole_says_how_to_go_on(cli: Cli, tmp_path: Path, fail_once: FailOnce) -> None:
    fail_once("001_generate", BackendError("job 001_generate failed: no route to the model"))
    result = cli("generate", "--num", 10, "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert "error: job 001_generate failed: no route to the model\n" in result.stderr
    assert f"tradelogs resume {tmp_path / 'run'}" in result.stderr
    assert not (tmp_path / "run/accepted.parquet").exists()
    assert cli("resume", tmp_path / "run").exit_code == 0
    assert pl.read_parquet(tmp_path / "run/accepted.parquet").height == 10


def test_run_stopped_while_it_writes_its_results_says_how_to_go_on(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("refine_loop.run.write_outputs", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        result = cli("generate", "--num", 10, "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert f"tradelogs resume {tmp_path / 'run'}" in result.stderr
    resumed = cli("resume", tmp_path / "run")
    assert resumed.exit_code == 0
    assert "candidates" in resumed.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["offline-model", "preview", "generate"])
def test_stopped_command_leaves_nothing_in_the_temporary_folder(
    slow_endpoint: str, write_profile: WriteProfile, tmp_path: Path, command: str, number: signal.Signals
) -> None:
    provider = {"name": "slow", "endpoint": slow_endpoint, "provider_type": "openai"}
    profile = str(write_profile(tmp_path / "slow.yaml", {"provider": provider}))
    arguments = ["--port", "0"] if command == "offline-model" else [profile, "--num", "500"]
    arguments += ["--out", str(tmp_path / "run")] if command == "generate" else []
    environment = {name: value for name, value in os.environ.items() if name != "DATA_DESIGNER_HOME"}
    place = tmp_path / "temporary"
    place.mkdir()
    with Process(CHILD, command, *arguments, env=environment | {"TMPDIR": str(place)}) as child:
        while not list(place.glob("tradelogs-home-*")):
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(number)
        child.wait(30)
        said = child.read()
    assert list(place.iterdir()) == []
    assert "Traceback" not in said


def test_storm_of_stops_leaves_no_traceback_and_nothing_in_the_temporary_folder(
    slow_endpoint: str, write_profile: WriteProfile, tmp_path: Path
) -> None:
    provider = {"name": "slow", "endpoint": slow_endpoint, "provider_type": "openai"}
    profile, place = write_profile(tmp_path / "slow.yaml", {"provider": provider}), tmp_path / "temporary"
    environment = {name: value for name, value in os.environ.items() if name != "DATA_DESIGNER_HOME"}
    place.mkdir()
    command = ("generate", profile, "--num", 60, "--out", tmp_path / "run")
    with Process(CHILD, *command, env=environment | {"TMPDIR": str(place)}) as child:
        while not list(tmp_path.glob("run/rounds/001/answers_generate.jsonl")):
            assert child.poll() is None, child.read()
            time.sleep(0.02)
        deadline = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < deadline:
            child.send_signal(signal.SIGINT)
            time.sleep(0.005)
        said = child.read()
    assert child.returncode in (1, 3, -signal.SIGINT)
    assert "Traceback" not in said
    assert "ignored" not in said
    assert list(place.iterdir()) == []


def test_built_in_endpoint_that_is_killed_stops_the_run_which_then_goes_on(cli: Cli, tmp_path: Path) -> None:
    folder, killed = tmp_path / "run", list[str]()

    def kill(options: Options) -> Any:
        def begin() -> None:
            while not list(folder.glob("rounds/001/plan.parquet")):
                time.sleep(0.01)
            SERVING[killed[0]][0].kill()

        @contextmanager
        def serve() -> Iterator[str]:
            with launch(options) as endpoint:
                killed.append(endpoint)
                threading.Thread(target=begin, daemon=True).start()
                yield endpoint

        return serve()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("offline_model.launch.launch", kill)
        began = time.monotonic()
        result = cli("generate", "offline", "--num", 30, "--out", folder)
    assert result.exit_code == 1, result.output
    assert time.monotonic() - began < 60  # and not run.patience_minutes
    assert "the offline model has ended (killed by signal 9)\n" in result.stderr.replace("error: ", "")
    assert f"tradelogs resume {folder}" in result.stderr
    assert cli("resume", folder).exit_code == 0


def test_report_that_is_stopped_leaves_the_run_complete(
    cli: Cli, write_profile: WriteProfile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("verification.verify.verify_run", stop)
    capped = write_profile(tmp_path / "capped.yaml", {"run.max_tokens": 1, "run.accepted": 10})
    whole, part = tmp_path / "whole", tmp_path / "part"
    for code, folder, arguments in (
        (0, whole, ("generate", "--num", 5, "--out", whole)),
        (0, whole, ("resume", whole)),
        (3, part, ("generate", capped, "--out", part)),
    ):
        result = cli(*arguments, "--report")
        assert result.exit_code == code
        assert f"The run is complete, its report is made by: tradelogs verify {folder}\n" in result.stderr
        assert "nothing was written" not in result.output
        assert (folder / "accepted.parquet").exists()


def test_run_that_is_done_is_only_counted_again(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()  # an empty folder is as good as none
    assert cli("generate", "--num", 5, "--out", tmp_path / "run").exit_code == 0
    before = pl.read_parquet(tmp_path / "run/accepted.parquet")
    assert cli("resume", tmp_path / "run").exit_code == 0
    assert pl.read_parquet(tmp_path / "run/accepted.parquet").equals(before)


def test_cap_that_ends_a_run_early_is_named(cli: Cli, write_profile: WriteProfile, tmp_path: Path) -> None:
    profile = write_profile(tmp_path / "mine.yaml", {"run.max_tokens": 1, "run.accepted": 10})
    result = cli("generate", profile, "--out", tmp_path / "run")
    assert result.exit_code == 3
    assert "max_tokens" in result.output
    ledger = pl.read_parquet(tmp_path / "run/ledger.parquet")
    accepted = pl.read_parquet(tmp_path / "run/accepted.parquet")
    assert accepted.height < 10 == ledger.height
    assert accepted.height == ledger.filter(pl.col("status") == "accepted").height

"""Runs on a real cluster of two workers on this machine: one is killed, the run itself is killed, a key is refused."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offline_model.launch import launch
from offline_model.options import Options
from refine_loop.errors import RunError
from refine_loop.record.events import read_events
from refine_loop.run import resume_run, start_run
from tests.conftest import change_profile
from tests.faults.endpoint import fail, open_endpoint
from tests.scale.conftest import TWO_WORKERS, check_same_run, load_changed, needs_ray, run_quietly

pytestmark = [pytest.mark.slow, needs_ray]
SENT = ("requests", "prompt_tokens", "completion_tokens")
SIZE = {"run.accepted": 60, "run.max_candidates": 120, "run.seed": 7}
PARALLEL = 16  # of the profile


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Give a model that takes its time, so that there is an amid."""
    with launch(Options(seed=7, latency=0.3)) as address:
        yield address


@pytest.fixture(scope="module")
def local_run(tmp_path_factory: pytest.TempPathFactory, endpoint: str) -> Path:
    """Run in one process; give the folder."""
    place = tmp_path_factory.mktemp("local")
    run_quietly(lambda: start_run(load_changed(place / "local.yaml", SIZE), place / "run", endpoint, lambda _: None))
    return place / "run"


def test_killed_workers_rows_are_run_again_and_counted_once(tmp_path: Path, endpoint: str, local_run: Path) -> None:
    pids: dict[int, int] = {}
    killed: list[int] = []

    def kill_one(event: dict[str, Any]) -> None:
        if event["event"] == "part_started":
            pids[event["part"]] = event["pid"]
        elif event["event"] == "request" and event.get("part") == 0 and event["column"] == "judge" and not killed:
            killed.append(pids[0])  # some of its rows have both answers, some one, some none
            os.kill(pids[0], signal.SIGKILL)

    profile = load_changed(tmp_path / "ray.yaml", SIZE | {"engine": TWO_WORKERS})
    outcome = run_quietly(lambda: start_run(profile, tmp_path / "run", endpoint, kill_one))
    events = read_events(tmp_path / "run/events.jsonl")
    lost = [event for event in events if event["event"] == "part_lost"]
    assert [(event["job"], event["part"], event["rows"]) for event in lost] == [("001_generate", 0, 20)]
    assert len({event["pid"] for event in events if event["event"] == "part_started"}) == 3
    assert outcome.candidates == sum(outcome.counts[s] for s in ("accepted", "rejected", "failed"))
    check_same_run(tmp_path / "run", local_run, SENT)
    check_requests(events, read_events(local_run / "events.jsonl"))


def check_requests(events: list[dict[str, Any]], local: list[dict[str, Any]]) -> None:
    """Check that all that was asked locally was asked, and no more twice than was under way at the killed worker."""
    asked, once = (
        Counter(
            (e["job"], e["row_id"], e["column"], e["number"]) for e in part if e["event"] == "request" and e["row_id"]
        )
        for part in (events, local)
    )
    assert set(asked) == set(once)
    assert 0 <= (asked - once).total() <= PARALLEL // 2 * 2  # of generator and judge
    lines = [(e["job"], e["part"], e["line"]) for e in events if "line" in e]
    assert len(lines) == len(set(lines))


@pytest.fixture
def short_folder() -> Iterator[str]:
    """Give a folder with a short name for what a killed run leaves behind: a socket's path may not be long."""
    with tempfile.TemporaryDirectory(prefix="r", ignore_cleanup_errors=True) as folder:
        yield folder


def test_killed_run_goes_on_with_what_its_workers_had(
    tmp_path: Path, endpoint: str, local_run: Path, short_folder: str
) -> None:
    provider = {"name": "rehearsal", "endpoint": endpoint, "provider_type": "openai", "api_key_env": None}
    path = change_profile(tmp_path / "ray.yaml", SIZE | {"engine": TWO_WORKERS, "provider": provider})
    folder, command = tmp_path / "run", [sys.executable, "-c", "from tradelogs.cli import main; main()"]
    run = subprocess.Popen(
        [*command, "generate", str(path), "--out", str(folder)],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"RAY_TMPDIR": short_folder},
        start_new_session=True,
    )
    wait_for_judgements(folder / "events.jsonl")
    run.kill()
    run.wait()
    workers = [e["pid"] for e in read_events(folder / "events.jsonl") if e["event"] == "part_started"]
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    before = read_events(folder / "events.jsonl")
    done = subprocess.run([*command, "resume", str(folder)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    check_same_run(folder, local_run, SENT)
    check_requests(read_events(folder / "events.jsonl")[1:], read_events(local_run / "events.jsonl"))
    assert len([e for e in before if e["event"] == "request"]) > 5
    assert not list(folder.glob("rounds/*/events_*"))


def wait_for_judgements(log: Path) -> None:
    """Wait until a judge has answered in one of the parts."""
    wait_until(lambda: log.exists() and any(e.get("column") == "judge" for e in read_events(log)))


def wait_until(condition: Any, seconds: float = 90) -> None:
    """Wait for a condition, but not for ever."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_key_refused_in_a_worker_halts_the_run_which_goes_on_later(tmp_path: Path) -> None:
    profile = load_changed(tmp_path / "ray.yaml", SIZE | {"engine": TWO_WORKERS})
    with open_endpoint() as endpoint:
        endpoint.script = lambda _: fail(401, "that key is gone") if endpoint.count(role="judge") > 10 else None
        with pytest.raises(RunError, match=r"refuses the requests to rehearsal-\w+: HTTP 401.*that key is gone"):
            run_quietly(lambda: start_run(profile, tmp_path / "run", endpoint.url, lambda _: None))
        asked, endpoint.script = endpoint.count(), lambda _: None
        outcome = run_quietly(lambda: resume_run(profile, tmp_path / "run", endpoint.url, lambda _: None))
        events = read_events(tmp_path / "run/events.jsonl")
        assert (outcome.accepted, endpoint.count() > asked) == (60, True)
        assert endpoint.count() - PARALLEL * 2 <= len([e for e in events if e["event"] == "request"])
    assert [e["why"][:12] for e in events if e["event"] == "run_halted"] == ["the provider"]


def test_cap_holds_over_all_workers(tmp_path: Path, endpoint: str) -> None:
    profile = load_changed(tmp_path / "ray.yaml", SIZE | {"engine": TWO_WORKERS, "run.max_tokens": 40_000})
    outcome = run_quietly(lambda: start_run(profile, tmp_path / "run", endpoint, lambda _: None))
    assert outcome.stopped_by == "max_tokens"
    assert 40_000 <= outcome.usage["prompt_tokens"] + outcome.usage["completion_tokens"] < 100_000
    assert outcome.candidates == 60

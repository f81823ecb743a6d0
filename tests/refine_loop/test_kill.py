"""A run that is killed at any moment and resumed ends as if it had never been cut, and sends next to nothing twice."""

import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from offline_model.launch import launch
from offline_model.options import Options
from refine_loop.record.damage import check_run
from refine_loop.recovery import check_checkpoints
from tests.process import TRADELOGS, Process

CANDIDATES = 400
ACCEPTED = 370  # not met by the first round, so that there is a second and a third
LATENCY = 0.05
PARALLEL = 3 * 16  # requests that three models may have in flight at once
QUICK = {"candidates": 60, "accepted": 55}
COUNTS = ("requests", "prompt_tokens", "completion_tokens")  # what a request that is sent twice adds to
NOTHING_YET = 2  # exit code of resuming what had not begun

WriteProfile = Callable[[Path, Mapping[str, Any]], Path]


@dataclass
class Rehearsal:
    """A profile and its endpoint; runs it in processes of their own."""

    profile: Path
    endpoint: str

    def start(self, *arguments: object) -> Process:
        return Process(TRADELOGS, *arguments)

    def count_requests(self) -> int:
        health = httpx.get(self.endpoint.removesuffix("v1") + "health", trust_env=False).json()
        return sum(health["requests"].values())


@dataclass
class Uncut:
    """The run that everything is held against."""

    folder: Path
    seconds: float
    requests: int


def rehearse(place: Path, write_profile: WriteProfile, endpoint: str, candidates: int, accepted: int) -> Rehearsal:
    provider = {"name": "slow", "endpoint": endpoint, "provider_type": "openai"}
    run = {"run.accepted": accepted, "run.max_candidates": candidates, "run.seed": 7}
    return Rehearsal(write_profile(place / "slow.yaml", {"provider": provider, **run}), endpoint)


def run_uncut(rehearsal: Rehearsal, folder: Path) -> Uncut:
    before = rehearsal.count_requests()
    with rehearsal.start("generate", rehearsal.profile, "--out", folder) as run:
        started = time.monotonic()
        run.wait(120)
        assert run.returncode in (0, 3), run.read()
    return Uncut(folder, time.monotonic() - started, rehearsal.count_requests() - before)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with launch(Options(seed=7, latency=LATENCY, malformed_rate=0.1)) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def long_run(
    tmp_path_factory: pytest.TempPathFactory, endpoint: str, write_profile: WriteProfile
) -> tuple[Rehearsal, Uncut]:
    place = tmp_path_factory.mktemp("long")
    rehearsal = rehearse(place, write_profile, endpoint, CANDIDATES, ACCEPTED)
    return rehearsal, run_uncut(rehearsal, place / "uncut")


@pytest.fixture(scope="module")
def short_run(
    tmp_path_factory: pytest.TempPathFactory, endpoint: str, write_profile: WriteProfile
) -> tuple[Rehearsal, Uncut]:
    place = tmp_path_factory.mktemp("short")
    rehearsal = rehearse(place, write_profile, endpoint, **QUICK)
    return rehearsal, run_uncut(rehearsal, place / "uncut")


def count_logged(folder: Path) -> int:
    """Count the requests whose end a run has written down, in whole lines."""
    path = folder / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return sum(b'"event": "request"' in line and line.endswith(b"\n") for line in lines)


def kill_after(run: Process, seconds: float) -> bool:
    """Kill a process; False where it was done before."""
    with suppress(subprocess.TimeoutExpired):
        run.wait(seconds)
    done = run.returncode is not None
    run.kill()
    run.wait(30)
    return not done


def check_nothing_looks_finished(folder: Path) -> None:
    """Check that whatever a killed run has left under its final name can be read."""
    unfinished = {"artifacts", "gold", ".results.partial", ".parts.partial"}
    for path in folder.rglob("*.parquet"):
        if not unfinished & set(path.parts):
            pl.read_parquet(path)
    if (folder / "profile.yaml").exists():
        assert check_run(folder).harms == []
        assert check_checkpoints(folder) is None
    if (folder / "usage.json").exists():
        json.loads((folder / "usage.json").read_text())


@dataclass
class Cut:
    """How often a run was killed, and how many requests the endpoint had got of which the run no longer knew."""

    kills: int = 0
    in_flight: int = 0


def cut_and_resume(rehearsal: Rehearsal, folder: Path, moments: list[float]) -> Cut:
    """Kill a run at each moment after its start or resume in turn, then let it come to its end."""
    cut, start = Cut(), rehearsal.count_requests()
    command: tuple[object, ...] = ("generate", rehearsal.profile, "--out", folder)
    for moment in (*moments, None):
        with rehearsal.start(*command) as run:
            if moment is None:
                run.wait(120)
                said = run.read()
            elif kill_after(run, moment):
                cut.kills += 1
                check_nothing_looks_finished(folder)
                time.sleep(2 * LATENCY)  # what it had sent reaches the endpoint
        sent = rehearsal.count_requests() - start
        cut.in_flight = sent - count_logged(folder)
        command = ("resume", folder)
        if not (folder / "profile.yaml").exists():
            assert not (folder / "rounds").exists()
            shutil.rmtree(folder, ignore_errors=True)
            command = ("generate", rehearsal.profile, "--out", folder)
    assert run.returncode in (0, 3), said
    return cut


def check_same(folder: Path, uncut: Uncut) -> None:
    """Check that a run's results are those of the uncut run, but for what was sent twice."""
    ledger, whole = (pl.read_parquet(place / "ledger.parquet") for place in (folder, uncut.folder))
    assert ledger.drop(COUNTS).equals(whole.drop(COUNTS))
    assert (ledger["requests"] >= whole["requests"]).all()
    assert ledger["row_id"].is_unique().all()
    for name in ("accepted.parquet", "bars.parquet", "rejected.parquet"):
        assert pl.read_parquet(folder / name).equals(pl.read_parquet(uncut.folder / name))
    for name in ("accepted.csv", "accepted.jsonl"):
        assert (folder / name).read_bytes() == (uncut.folder / name).read_bytes()
    assert not list(folder.glob("rounds/*/answers_*"))
    assert not (folder / ".results.partial").exists()


def check_sums(folder: Path, cut: Cut, uncut: Uncut) -> None:
    """Check that usage is what was sent and that nothing but what was in flight was sent twice."""
    usage = json.loads((folder / "usage.json").read_text())
    ledger = pl.read_parquet(folder / "ledger.parquet")
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    checks = sum(event.get("column") == "health_check" for event in events)
    assert ledger["requests"].sum() + checks == usage["requests"] == count_logged(folder)
    again = usage["requests"] - checks - (uncut.requests - 3)
    # A kill may hit between an answer's line in the events and the one in the journal.
    assert 0 <= again <= cut.kills
    assert 0 <= cut.in_flight <= cut.kills * PARALLEL
    assert events[-1]["event"] == "run_finished"
    assert events[-1]["candidates"] == ledger.height


def cut_at_random(rehearsal: Rehearsal, uncut: Uncut, folder: Path, seed: int) -> None:
    rng = random.Random(seed)
    moments = [rng.uniform(0, uncut.seconds) for _ in range(rng.choice((1, 1, 2)))]
    cut = cut_and_resume(rehearsal, folder, moments)
    check_same(folder, uncut)
    check_sums(folder, cut, uncut)
    shutil.rmtree(folder)


@pytest.mark.parametrize("seed", range(3))
def test_killed_run_ends_as_if_it_had_not_been(short_run: tuple[Rehearsal, Uncut], tmp_path: Path, seed: int) -> None:
    cut_at_random(*short_run, tmp_path / "run", seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_long_run_killed_at_any_moment_ends_as_if_it_had_not_been(
    long_run: tuple[Rehearsal, Uncut], tmp_path: Path, seed: int
) -> None:
    cut_at_random(*long_run, tmp_path / "run", 1000 + seed)

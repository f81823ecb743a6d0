"""What the service promises, on a real server: it may be killed, it answers beside a run, no key is told."""

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from service.jobs import EXIT, FINAL, JobFolder
from tests.conftest import KEY, KEY_ENV, run_cli

RUNS, KILLS, SEEDS, ROWS = 50, 20, 5, 2
MOST_SECONDS = 3600
ASKED, MOST_MILLISECONDS = 200, 50


class Server:
    """`tradelogs serve` as a process of its own, which is killed and started again at the same port."""

    def __init__(self, runs: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self._port = listener.getsockname()[1]
        self._runs = runs
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", trust_env=False, timeout=120)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tradelogs", "serve", "--runs", str(self._runs), "--port", str(self._port)]
        nothing = subprocess.DEVNULL
        options = ["--workers", "2", "--per-minute", "1000000"]
        self._process = subprocess.Popen([*command, *options], stdout=nothing, stderr=nothing)
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                if self.client.get("/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@contextmanager
def serve(runs: Path) -> Iterator[Server]:
    server = Server(runs)
    try:
        yield server
    finally:
        server.kill()
        server.client.close()
        jobs = JobFolder(runs)
        for name in jobs.list_jobs():  # workers outlive their server
            if jobs.tell_state(name) == "running":
                jobs.cancel(name)


def test_no_reply_has_the_key_of_a_run(run_folder: Path, runs: Path, client: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)
    shutil.copytree(run_folder, runs / "mine", ignore=shutil.ignore_patterns("artifacts", "rounds", "hashes.jsonl"))
    row_id = pl.read_parquet(runs / "mine/accepted.parquet")["row_id"][0]
    run = client.get("/v1/runs/mine")
    paths = ["/v1/runs", "/v1/profiles", "/metrics", "/openapi.json", "/", "/v1/runs/mine/review?reviewer=me"]
    paths += [f"/v1/runs/mine/{part}" for part in ("events", "rows", "funnel", f"bars/{row_id}", "nothing")]
    paths += [f"/v1/runs/mine/files/{name}" for name in run.json()["files"]]
    replies = [run, *map(client.get, paths), client.post("/v1/runs", json={"profile": KEY})]
    assert sum(reply.status_code == 200 for reply in replies) == len(replies) - 2
    assert not [reply.url for reply in replies[:-1] if KEY.encode() in reply.content + str(reply.headers).encode()]


@pytest.mark.slow
def test_a_server_killed_twenty_times_ends_each_of_fifty_jobs_once(tmp_path: Path) -> None:
    runs, killed = tmp_path / "runs", 0
    asked = [{"profile": "offline", "num": ROWS, "seed": place % SEEDS} for place in range(RUNS)]
    with serve(runs) as server:
        names = [server.client.post("/v1/runs", json=body).json()["id"] for body in asked]
        until = time.monotonic() + MOST_SECONDS
        while (ended := len(list(runs.glob(f"*{EXIT}")))) < RUNS and time.monotonic() < until:
            if killed < KILLS and ended >= killed * RUNS / (KILLS + 1):
                server.kill()
                killed += 1
                server.start()
            time.sleep(0.1)
        states = [server.client.get(f"/v1/runs/{name}").json()["state"] for name in names]
    assert (killed, states) == (KILLS, ["done"] * RUNS)
    for seed in range(SEEDS):
        own = tmp_path / f"own-{seed}"
        run_cli("generate", "offline", "--num", ROWS, "--seed", seed, "--out", own, "--no-report")
        expected = pl.read_parquet(own / "accepted.parquet")
        for name in names[seed::SEEDS]:
            assert pl.read_parquet(runs / name / "accepted.parquet").equals(expected)
            events = [json.loads(line)["event"] for line in (runs / name / "events.jsonl").read_text().splitlines()]
            assert events.count("run_finished") == 1


@pytest.mark.slow
def test_a_status_is_told_at_once_beside_a_run_at_work(tmp_path: Path) -> None:
    with serve(tmp_path / "runs") as server:
        name = server.client.post("/v1/runs", json={"profile": "offline", "num": 2000}).json()["id"]
        until = time.monotonic() + 120
        while not list((tmp_path / "runs").glob(f"{name}/rounds/*/plan.parquet")) and time.monotonic() < until:
            time.sleep(0.2)
        waited = []
        for _ in range(ASKED):
            begun = time.perf_counter()
            state = server.client.get(f"/v1/runs/{name}").json()["state"]
            waited.append(1000 * (time.perf_counter() - begun))
            time.sleep(0.02)
        assert state not in FINAL, "the run was over before it had been asked often enough"
    found = statistics.median(waited)
    print(f"status p50 {found:.1f} ms, p95 {sorted(waited)[int(0.95 * ASKED)]:.1f} ms, load {os.getloadavg()[0]:.1f}")
    assert found < MOST_MILLISECONDS

"""The job service: what it takes, what it refuses, and that a job ends as the command line would."""

import asyncio
import errno
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from service.app import build_app
from service.guards import LARGEST_BODY, Guard
from service.jobs import EXIT, JOB, Asked, JobFolder, hold
from service.metrics import write_metrics
from service.reading import follow_runs
from service.scheduler import Scheduler
from service.worker import main as work
from tests.conftest import ROOT, run_cli

AS_JSON = {"Content-Type": "application/json"}
FEW = {"profile": "offline", "num": 4, "seed": 7}


def wait(client: Any, name: str, seconds: float = 240) -> dict[str, Any]:
    """Wait until a run has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run: dict[str, Any] = client.get(f"/v1/runs/{name}").json()
        if run["state"] not in ("queued", "running", "cancelling"):
            return run
        time.sleep(0.3)
    raise AssertionError(f"it did not end: {run}")


def test_a_job_is_booked_and_is_its_files(client: Any, runs: Path) -> None:
    reply = client.post("/v1/runs", json=FEW)
    assert reply.status_code == 202
    run = reply.json()
    assert (run["state"], run["new"], run["asked"]["num"]) == ("queued", True, 4)
    assert client.get(f"/v1/runs/{run['id']}").json()["state"] == "queued"
    assert [each["id"] for each in client.get("/v1/runs").json()["runs"]] == [run["id"]]
    assert json.loads((runs / f"{run['id']}{JOB}").read_text())["profile"] == "offline"


def test_one_key_is_one_run(client: Any) -> None:
    first, second = (client.post("/v1/runs", json=FEW, headers={"Idempotency-Key": "k"}).json() for _ in range(2))
    assert first["id"] == second["id"]
    assert (first["new"], second["new"]) == (True, False)
    other = client.post("/v1/runs", json=FEW | {"seed": 8}, headers={"Idempotency-Key": "k"})
    assert other.status_code == 409
    assert "another key" in other.json()["error"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"profile": "../offline"}, 422),
        ({"profile": "/etc/passwd"}, 422),
        ({"profile": "nothing"}, 422),
        ({"profile": "offline", "gold": "../gold"}, 422),
        ({"profile": "offline", "gold": "nowhere"}, 422),
        ({"profile": "offline", "num": 0}, 422),
        ({"profile": "offline", "num": True}, 422),
        ({"profile": "offline", "seed": "7"}, 422),
        ([], 422),
        ({"profile": "offline", "path": "x"}, 422),
        ({"profile": "offline" * 200_000}, 413),
    ],
)
def test_what_is_refused_writes_nothing(client: Any, runs: Path, body: Any, status: int) -> None:
    reply = client.post("/v1/runs", json=body)
    assert reply.status_code == status
    assert reply.json()["error"]
    assert list(runs.iterdir()) == []


@pytest.mark.parametrize("path", ["/v1/runs/nothing", "/v1/runs/..%2f..%2fetc", "/v1/runs/nothing/files/x", "/nothing"])
def test_what_is_not_there_is_not_found(client: Any, path: str) -> None:
    reply = client.get(path)
    assert (reply.status_code, [*reply.json()]) == (404, ["error"])


def test_a_refusal_says_where_the_fault_is(client: Any, runs: Path) -> None:
    headers = {"Content-Type": "application/json"}
    assert client.post("/v1/runs", content=b"{1", headers=headers).json()["error"] == (
        "the body is no JSON, at character 1"
    )
    assert client.post("/v1/runs", json=[]).json()["error"].startswith("the body: ")
    (runs / "mine").mkdir(parents=True)
    (runs / "mine/profile.yaml").write_text("", encoding="utf-8")
    reply = client.get(f"/v1/runs/mine/rows?start={10**20}")
    assert (reply.status_code, reply.json()["error"].partition(":")[0]) == (422, "start")


def test_bodies_need_a_length_and_a_type(client: Any) -> None:
    plain = client.post("/v1/runs", content=json.dumps(FEW), headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415
    assert client.post("/v1/runs", content=(part for part in [b"{}"])).status_code == 413
    for length in ("abc", "-5", "9" * 5000):
        wrong = client.post("/v1/runs", content=json.dumps(FEW), headers=AS_JSON | {"Content-Length": length})
        assert wrong.status_code == 413, length
    other = client.post("/v1/runs", content=json.dumps(FEW), headers={"Content-Type": "application/jsonx"})
    assert other.status_code == 415
    typed = client.post(
        "/v1/runs", content=json.dumps(FEW), headers={"Content-Type": "Application/JSON; charset=utf-8"}
    )
    assert typed.status_code == 202
    assert LARGEST_BODY < 2**20


def test_replies_are_what_the_interface_says(client: Any, runs: Path) -> None:
    (runs / "mine").mkdir(parents=True)
    (runs / "mine" / "profile.yaml").write_bytes(b"dataset: trades\n")
    known = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
    asked = {"/v1/runs": "", "/v1/profiles": "", "/v1/runs/{name}": "mine", "/v1/runs/{name}/funnel": "mine"}
    asked |= {"/v1/runs/{name}/rows": "mine", "/v1/runs/{name}/review": "mine", "/healthz": ""}
    refusals = [client.get(f"/v1/runs/{name}") for name in ("nothing", "mine/review", "mine/rows?count=x")]
    assert [reply.status_code for reply in refusals] == [404, 422, 422]
    checked = [(known["paths"]["/v1/runs"]["get"]["responses"]["4XX"], reply) for reply in refusals]
    for path, name in asked.items():
        reply = client.get(path.format(name=name), params={"reviewer": "me"})
        said = known["paths"][path]["get"]["responses"]
        checked.append((said["200" if reply.status_code == 200 else "4XX"], reply))
    booked = client.post("/v1/runs", json=FEW)
    checked.append((known["paths"]["/v1/runs"]["post"]["responses"]["202"], booked))
    for said, reply in checked:
        schema = {**said["content"]["application/json"]["schema"], "components": known["components"]}
        assert list(Draft202012Validator(schema).iter_errors(reply.json())) == [], reply.url


def test_the_queue_is_bounded(client: Any) -> None:
    statuses = [client.post("/v1/runs", json=FEW).status_code for _ in range(7)]
    assert statuses == [202] * 5 + [503] * 2


def test_a_disk_that_refuses_is_a_refusal(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/somewhere")

    monkeypatch.setattr(JobFolder, "_create", refuse)
    reply = client.post("/v1/runs", json=FEW)
    assert reply.status_code == 503
    assert reply.json() == {"error": "the folder of runs cannot be read or written: Permission denied"}


def test_a_hundred_calls_a_minute(runs: Path, tmp_path: Path) -> None:
    client = TestClient(build_app(runs, tmp_path))
    replies = [client.get("/v1/profiles") for _ in range(130)]
    assert [reply.status_code for reply in replies] == [200] * 100 + [429] * 30
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60
    assert client.get("/healthz").status_code == 200


def test_a_token_is_needed_where_one_is_set(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "right")
    client = TestClient(build_app(runs, tmp_path, guard=Guard("SOME_TOKEN")))
    assert client.get("/v1/runs").status_code == 401
    assert client.get("/v1/runs", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.post("/v1/runs", json=FEW).status_code == 401
    assert list(runs.iterdir()) == []
    assert client.get("/v1/runs", headers={"Authorization": "Bearer right"}).status_code == 200
    assert client.get("/v1/runs", headers={"Authorization": "bearer right"}).status_code == 200
    assert client.get("/v1/runs", headers={"Authorization": "right"}).status_code == 401
    assert client.get("/").status_code == 200  # the page asks for the token
    monkeypatch.setenv("SOME_TOKEN", "a+b/c=")
    other = TestClient(build_app(runs, tmp_path, guard=Guard("SOME_TOKEN")))
    assert other.get("/v1/runs", headers={"Cookie": "token=a%2Bb%2Fc%3D"}).status_code == 200  # as the page keeps it
    monkeypatch.setenv("SOME_TOKEN", "schl\u00fcssel")
    umlaut = TestClient(build_app(runs, tmp_path, guard=Guard("SOME_TOKEN")))
    sent = {b"Authorization": "Bearer schl\u00fcssel".encode()}
    assert umlaut.get("/v1/runs", headers=sent).status_code == 200


def test_a_port_that_is_taken_is_one_line(runs: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run_cli("serve", "--port", port, "--runs", runs)
    assert result.exit_code == 2
    assert result.output.startswith(f"error: 127.0.0.1 cannot be listened at, port {port} (Address already in use)")


def test_without_a_token_only_loopback_is_answered(client: Any) -> None:
    assert client.get("/v1/runs", headers={"Host": "evil.example"}).status_code == 403


def test_a_job_that_waits_is_cancelled_at_once_and_may_go_on(client: Any, runs: Path) -> None:
    name = client.post("/v1/runs", json=FEW).json()["id"]
    assert client.post(f"/v1/runs/{name}/cancel", json={}).json()["state"] == "cancelled"
    assert client.post(f"/v1/runs/{name}/cancel", json={}).status_code == 409
    assert client.post(f"/v1/runs/{name}/resume", json={}).json()["state"] == "queued"
    assert not (runs / f"{name}{EXIT}").exists()


def test_a_kill_while_a_run_is_queued_again_leaves_it_as_it_was(client: Any, runs: Path, monkeypatch: Any) -> None:
    jobs = JobFolder(runs)
    name = client.post("/v1/runs", json=FEW).json()["id"]
    client.post(f"/v1/runs/{name}/cancel", json={})
    unlink, left = Path.unlink, list[str]()

    def look(path: Path, *, missing_ok: bool = False) -> None:
        left.append(jobs.tell_state(name))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", look)
    jobs.requeue(name)
    assert set(left) == {"cancelled"}  # until the last file is gone: a worker that began before would lose its lock
    assert jobs.tell_state(name) == "queued"


def test_a_job_at_work_is_running(client: Any, runs: Path) -> None:
    name = client.post("/v1/runs", json=FEW).json()["id"]
    with hold(runs / f"{name}{JOB}"):
        assert client.get(f"/v1/runs/{name}").json()["state"] == "running"
        assert client.post(f"/v1/runs/{name}/cancel", json={}).json()["state"] == "cancelling"
        assert client.post(f"/v1/runs/{name}/resume", json={}).status_code == 409


def test_runs_of_the_command_line_are_listed(client: Any, runs: Path) -> None:
    (runs / "mine").mkdir(parents=True)
    (runs / "mine/profile.yaml").write_text("dataset: trade_log\n", encoding="utf-8")
    assert client.get("/v1/runs/mine").json()["state"] == "stopped"
    (runs / "mine/usage.json").write_text("{}", encoding="utf-8")
    assert client.get("/v1/runs/mine").json()["state"] == "done"


def test_the_oldest_job_comes_first_and_ends_once(runs: Path) -> None:
    jobs = JobFolder(runs)
    names = [jobs.submit(Asked("offline", seed=seed), None)[0] for seed in range(3)]
    assert jobs.list_jobs() == names
    jobs.end(names[0], 0)
    jobs.end(names[0], 1)
    assert jobs.tell_state(names[0]) == "done"


def test_the_list_is_told_when_it_has_changed(runs: Path) -> None:
    jobs, said = JobFolder(runs), list[str]()

    async def listen() -> None:
        stopping = threading.Event()
        told = follow_runs(lambda: [{"id": name} for name in jobs.list_runs()], stopping)
        said.append(await anext(told))
        said.append(await anext(told))
        jobs.submit(Asked("offline"), "k")
        said.append(await anext(told))
        stopping.set()
        assert [part async for part in told] == []  # a server that is stopped does not wait for its pages

    asyncio.run(listen())
    assert [text.partition(":")[0] for text in said] == ["data", "", "data"]
    assert jobs.list_jobs()[0] in said[-1]


def test_drift_is_a_gauge(runs: Path) -> None:
    (runs / "mine").mkdir(parents=True)
    (runs / "mine/profile.yaml").write_text("", encoding="utf-8")
    found = {"ours": {"verdict": "drift"}, "reference_001": {"score": 0.5}}
    (runs / "mine/drift.json").write_text(json.dumps(found), encoding="utf-8")
    written = write_metrics(JobFolder(runs))
    assert 'tradelogs_drift{run="mine"} 1.0' in written
    assert 'tradelogs_drift_reference_score{run="mine"} 0.5' in written
    (runs / "mine/drift.json").write_text('{"ours": {}', encoding="utf-8")
    assert 'run="mine"' not in write_metrics(JobFolder(runs))


def test_the_interface_is_the_one_that_is_written_down(client: Any) -> None:
    written = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
    assert client.get("/openapi.json").json() == written, "python -m service.openapi writes it"


@pytest.mark.slow
def test_a_job_ends_as_the_command_line_does(working: Any, runs: Path, tmp_path: Path) -> None:
    name = working.post("/v1/runs", json=FEW, headers={"Idempotency-Key": "x"}).json()["id"]
    run = wait(working, name)
    assert (run["state"], run["exit_code"], run["counts"]["accepted"]) == ("done", 0, 4)
    assert {"accepted.parquet", "ledger.parquet", "usage.json"} <= set(run["files"])
    assert run_cli("generate", "offline", "--num", 4, "--seed", 7, "--out", tmp_path / "own").exit_code == 0
    own, fetched = tmp_path / "own/accepted.parquet", working.get(f"/v1/runs/{name}/files/accepted.parquet").content
    assert pl.read_parquet(fetched).equals(pl.read_parquet(own))
    assert working.get(f"/v1/runs/{name}/files/checkpoints.sqlite").status_code == 404
    rows = working.get(f"/v1/runs/{name}/rows").json()
    assert rows["total"] >= 4
    accepted = next(row for row in rows["rows"] if row["status"] == "accepted")
    assert working.get(f"/v1/runs/{name}/bars/{accepted['row_id']}").json()["bars"][0]["close"] > 0
    assert sum(part["count"] for part in working.get(f"/v1/runs/{name}/funnel").json()["funnel"]) == rows["total"]
    events = working.get(f"/v1/runs/{name}/events").text
    assert "run_finished" in events
    assert events.rstrip().endswith('{"state": "done"}')


def test_a_worker_ends_a_job_that_cannot_be_done(runs: Path, tmp_path: Path) -> None:
    jobs = JobFolder(runs)
    name, _ = jobs.submit(Asked("nothing"), None)
    work(runs, name, tmp_path)
    assert jobs.tell_state(name) == "refused"
    assert "there is no profile" in (jobs.read_exit(name) or {})["message"]
    work(runs, name, tmp_path)  # it has ended: nothing is done
    assert len(list(runs.iterdir())) == 3


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_job_has_ended_once_its_worker_has_nothing_left_to_do(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_cancelled: bool
) -> None:
    jobs, states = JobFolder(runs), dict[str, str]()
    name, _ = jobs.submit(Asked("offline"), None)

    def run(_jobs: JobFolder, _name: str, arguments: list[str]) -> int:
        states[arguments[0]] = jobs.tell_state(name)
        if is_cancelled:
            jobs.cancel(name)  # too late: the run is whole
        return 0

    monkeypatch.setattr("service.worker._run", run)
    work(runs, name, tmp_path)
    assert states == {"generate": "running"} | ({} if is_cancelled else {"verify": "running"})
    assert (jobs.tell_state(name), jobs.read_exit(name) is None) == ("done", False)


def test_the_scheduler_starts_no_more_than_it_may(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, spawned = JobFolder(runs), list[str]()
    names = [jobs.submit(Asked("offline", seed=seed), None)[0] for seed in range(5)]

    def spawn(_path: str, command: list[str], *_: Any, **__: Any) -> int:
        spawned.append(command[4])
        return 1

    monkeypatch.setattr("os.posix_spawn", spawn)
    monkeypatch.setattr("service.scheduler.is_alive", lambda _worker: True)
    scheduler = Scheduler(jobs, tmp_path, 2)
    scheduler.look()
    scheduler.look()
    assert spawned == names[:2]


@pytest.mark.slow
def test_cancelling_a_run_ends_it_within_seconds_with_a_ledger(working: Any, runs: Path) -> None:
    name = working.post("/v1/runs", json={"profile": "offline", "num": 3000}).json()["id"]
    until = time.monotonic() + 120
    while not list(runs.glob(f"{name}/rounds/*/plan.parquet")) and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(3)
    begun = time.monotonic()
    working.post(f"/v1/runs/{name}/cancel", json={})
    assert wait(working, name)["state"] == "cancelled"
    assert time.monotonic() - begun < 5
    assert pl.read_parquet(runs / name / "ledger.parquet").width > 5

"""The run's log: whole lines, and usage that says null where a provider did not say."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jobs.request import HEALTH_CHECK, Request
from refine_loop.record.events import EventLog, read_events

SENT = Request("001_generate", "a", "trade", "generator", "m")
REQUEST = {
    "event": "request",
    "job": "001_generate",
    "row_id": "a",
    "column": "trade",
    "model": "m",
    "seconds": 0.5,
    "prompt_tokens": 10,
    "completion_tokens": 2,
    "error": None,
}


def request(**changes: Any) -> dict[str, Any]:
    return {**REQUEST, **changes}


def finish(seconds: float) -> dict[str, Any]:
    return {"event": "job_finished", "job": "001_plan", "rows": 1, "returned": 1, "seconds": seconds}


def open_log(path: Path, observe: Callable[[dict[str, Any]], None] = lambda _: None) -> EventLog:
    return EventLog(path / "events.jsonl", observe)


def test_active_time_goes_on_where_the_run_was_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "events.jsonl").write_text(json.dumps({"event": "run_started", "active_seconds": 90.0}) + "\n")
    moments = iter([1000.0, 1000.0, 1005.0])
    monkeypatch.setattr("refine_loop.record.events.time.monotonic", lambda: next(moments, 1005.0))
    with open_log(tmp_path) as log:
        assert log.active_seconds == 90.0
        assert log.active_seconds == 95.0


def test_wall_clock_that_jumps_leaves_the_active_time_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Jumping":
            return cls(1970, 1, 1, tzinfo=tz)

    with open_log(tmp_path) as log:
        log.write("run_started")
        monkeypatch.setattr("refine_loop.record.events.datetime", Jumping)
        log.write("run_finished")
    first, second = read_events(tmp_path / "events.jsonl")
    assert second["at"].startswith("1970")
    assert 0 <= first["active_seconds"] <= second["active_seconds"] < 60


def test_events_are_lines_with_a_time_and_a_name(tmp_path: Path) -> None:
    with open_log(tmp_path) as log:
        log.write("run_started", resumed=False)
    (line,) = (tmp_path / "events.jsonl").read_text().splitlines()
    assert json.loads(line)["event"] == "run_started"
    assert json.loads(line)["at"].endswith("+00:00")


def test_every_line_is_on_disk_at_once(tmp_path: Path) -> None:
    with open_log(tmp_path) as log:
        log.write_request(SENT, 0.5, 10, 2)
        assert read_events(tmp_path / "events.jsonl")[0]["prompt_tokens"] == 10


def test_requests_belong_to_the_job_that_runs(tmp_path: Path) -> None:
    with open_log(tmp_path) as log:
        log.write_request(replace(SENT, job=log.get_job(), row_id=None, column=HEALTH_CHECK), 0.5, 1, 1)
        log.start_job("001_generate", 5)
        log.write_request(replace(SENT, job=log.get_job()), 0.5, 10, None)
    jobs = [event["job"] for event in read_events(tmp_path / "events.jsonl") if event["event"] == "request"]
    assert jobs == ["000_check", "001_generate"]
    assert log.tokens == 12


def test_observer_sees_every_event(tmp_path: Path) -> None:
    seen: list[str] = []
    with open_log(tmp_path, lambda event: seen.append(event["event"])) as log:
        log.start_job("001_plan", 5)
        log.write("job_finished", job="001_plan")
    assert seen == ["job_started", "job_finished"]


def test_lines_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    with open_log(tmp_path) as log, ThreadPoolExecutor(4) as threads:
        for _ in range(200):
            threads.submit(log.write, "x", text="y" * 500)
    assert len(read_events(tmp_path / "events.jsonl")) == 200


def test_last_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(request()) + "\n" + json.dumps(request())[:40])
    assert len(read_events(path)) == 1


def test_run_that_goes_on_after_a_cut_line_has_whole_lines_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(request()) + "\n" + json.dumps(request())[:40])
    with open_log(tmp_path) as log:
        log.write("run_started", resumed=True)
    assert [event["event"] for event in read_events(path)] == ["request", "run_started"]
    assert pl.read_ndjson(path, infer_schema_length=None).height == 2


def test_tokens_of_a_run_that_goes_on_are_those_of_the_whole_run(tmp_path: Path) -> None:
    events = [request(), request(prompt_tokens=None), finish(1.0)]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    with open_log(tmp_path) as log:
        log.write_request(SENT, 0.5, 100, 1)
    assert log.tokens == 10 + 2 + 2 + 101

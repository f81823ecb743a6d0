"""What a run used: sums that say null where a provider did not say, by stage, model and candidate."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from designer_configs.compile.profile import load_profile
from refine_loop.record.readings import Readings
from refine_loop.record.usage import JobSeconds, count_row_usage, count_usage, frame_requests, spool_requests

FREE = load_profile("offline").prices
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


def count(*events: dict[str, Any]) -> dict[str, Any]:
    return count_usage(frame_requests(events).lazy(), 0.0, FREE)


def sum_seconds(*events: dict[str, Any]) -> float:
    seconds = JobSeconds()
    for event in events:
        seconds.count(event)
    return seconds.total


def count_rows(*events: dict[str, Any]) -> pl.DataFrame:
    return count_row_usage(frame_requests(events))


def test_usage_is_summed_in_all_by_stage_and_by_model() -> None:
    events = [request(), request(job="002_generate"), request(column="judge", model="n", prompt_tokens=5)]
    usage = count(*events)
    assert (usage["requests"], usage["prompt_tokens"], usage["completion_tokens"]) == (3, 25, 6)
    assert (usage["request_seconds"], usage["failed_requests"]) == (1.5, 0)
    assert [(p["stage"], p["column"], p["requests"]) for p in usage["by_stage"]] == [
        ("generate", "trade", 2),
        ("generate", "judge", 1),
    ]
    assert [(p["model"], p["prompt_tokens"]) for p in usage["by_model"]] == [("m", 20), ("n", 5)]


def test_tokens_are_those_of_the_answers_that_said_them() -> None:
    usage = count(request(), request(), request(model="n", prompt_tokens=None))
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (20, 6)
    assert (usage["counted"], usage["answers"]) == (2, 3)
    assert [part["prompt_tokens"] for part in usage["by_model"]] == [20, None]


def test_request_that_failed_has_no_tokens_to_be_unknown() -> None:
    failed = request(prompt_tokens=None, completion_tokens=None, error="ModelTimeoutError")
    usage = count(request(), failed)
    assert (usage["requests"], usage["failed_requests"], usage["prompt_tokens"]) == (2, 1, 10)


def test_seconds_of_a_job_that_was_stopped_count() -> None:
    stopped = {"event": "job_stopped", "job": "002_generate", "rows": 5, "seconds": 0.5}
    assert sum_seconds(finish(1.5), stopped) == 2.0


def test_seconds_of_a_job_that_was_killed_count_up_to_its_last_event() -> None:
    def start(at: float) -> dict[str, Any]:
        return {"event": "job_started", "active_seconds": at}

    cut = [start(2.0), request(active_seconds=3.5)]
    again = [{"event": "run_started", "active_seconds": 4.0}, start(4.0), finish(0.5) | {"active_seconds": 4.5}]
    assert sum_seconds(*cut, *again) == 2.0
    assert sum_seconds(*cut, *again, start(5.0), request(active_seconds=5.25)) == 2.25


def test_run_without_a_request_used_nothing() -> None:
    usage = count()
    assert (usage["requests"], usage["prompt_tokens"], usage["by_stage"]) == (0, 0, [])


def test_usage_of_a_row_counts_its_requests_alone() -> None:
    rows = count_rows(request(), request(column="judge"), request(row_id="b"), request(row_id=None))
    assert rows.sort("row_id").rows() == [("a", 2, 20, 4), ("b", 1, 10, 2)]


def test_usage_of_a_row_is_unknown_for_that_row_alone() -> None:
    rows = count_rows(request(), request(completion_tokens=None), request(row_id="b"))
    assert rows.sort("row_id").rows() == [("a", 2, 20, None), ("b", 1, 10, 2)]


def test_row_usage_of_a_run_without_requests_has_its_columns() -> None:
    assert count_rows().columns == ["row_id", "requests", "prompt_tokens", "completion_tokens"]


def test_long_log_is_spooled_some_requests_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [request(row_id=str(i), job=f"{i // 3:03d}_generate") for i in range(8)] + [finish(1.5), {"event": "x"}]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
    monkeypatch.setattr("refine_loop.record.usage.REQUESTS_A_FILE", 3)
    assert spool_requests(tmp_path / "events.jsonl", tmp_path / "requests", Readings(tmp_path / "readings")) == 1.5
    files = sorted((tmp_path / "requests").iterdir())
    spooled = pl.concat([pl.read_parquet(path) for path in files])
    assert [pl.read_parquet(path).height for path in files] == [3, 3, 2]
    assert spooled.equals(frame_requests(events))
    assert spooled["round"].to_list() == [0, 0, 0, 1, 1, 1, 2, 2]

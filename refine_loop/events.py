"""The run's log: one JSON object per line in events.jsonl, from which usage is counted."""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl

from designer_configs.library_shim import ModelRequest

Observer = Callable[[dict[str, Any]], None]

CHECK = "000_check"  # the job that requests belong to before the first: one short question to every model

REQUEST_SCHEMA = pl.Schema(
    {
        "event": pl.String,
        "job": pl.String,
        "row_id": pl.String,
        "column": pl.String,
        "model": pl.String,
        "seconds": pl.Float64,
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
        "error": pl.String,
    }
)


class EventLog:
    """Appends events to a file and shows each to an observer, from any thread.

    `tokens` counts those of the whole run, also where it goes on after a stop.
    """

    def __init__(self, path: Path, observe: Observer) -> None:
        self.tokens = sum(_add_tokens(event) for event in _take_up(path) if event["event"] == "request")
        self._file = path.open("a", encoding="utf-8", buffering=1)  # by the line, so that a killed run loses none
        self._observe = observe
        self._lock = threading.Lock()
        self._job = CHECK

    def write(self, event: str, **fields: object) -> None:
        """Append one event; every line has `at` (UTC) and `event`."""
        entry = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")
            self._observe(entry)

    def write_request(self, request: ModelRequest) -> None:
        """Append a model request under the job that is running."""
        self.tokens += _add_tokens(request.__dict__)
        self.write("request", job=self._job, **request.__dict__)

    def start_job(self, job: str, rows: int) -> None:
        """Say that a job begins; requests until the next job are its own."""
        self._job = job
        self.write("job_started", job=job, rows=rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_events(path: Path) -> list[dict[str, Any]]:
    """Read the events of a run; a last line cut short by a crash is left out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def _take_up(path: Path) -> list[dict[str, Any]]:
    """Read the events there are, and take a last line that was cut short out of the file: more will follow."""
    if not path.exists():
        return []
    whole, end, _ = path.read_bytes().rpartition(b"\n")
    path.write_bytes(whole + end)
    return read_events(path)


def count_usage(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Count requests, tokens and seconds, in all, per job stage and model column, and per model.

    Tokens are None where the provider did not say for every request.
    """
    requests = pl.DataFrame([e for e in events if e["event"] == "request"], schema=REQUEST_SCHEMA)
    jobs = [e for e in events if e["event"] in ("job_finished", "job_stopped")]
    requests = requests.with_columns(stage=pl.col("job").str.replace(r"^\d+_", ""))
    return {
        **_sum_requests(requests),
        "seconds": round(sum(job["seconds"] for job in jobs), 3),
        "by_stage": [
            {"stage": stage, "column": column, **_sum_requests(group)}
            for (stage, column), group in requests.group_by(["stage", "column"], maintain_order=True)
        ],
        "by_model": [
            {"model": model, **_sum_requests(group)}
            for (model,), group in requests.group_by(["model"], maintain_order=True)
        ],
    }


def count_row_usage(events: list[dict[str, Any]]) -> pl.DataFrame:
    """Count requests and tokens per candidate: row_id, requests, prompt_tokens, completion_tokens."""
    requests = pl.DataFrame([e for e in events if e["event"] == "request"], schema=REQUEST_SCHEMA)
    return (
        requests.filter(pl.col("row_id").is_not_null())
        .group_by("row_id")
        .agg(pl.len().cast(pl.Int64).alias("requests"), *(_sum_known(name) for name in _TOKENS))
    )


_TOKENS = ("prompt_tokens", "completion_tokens")


def _add_tokens(request: Mapping[str, Any]) -> int:
    return sum(request[name] or 0 for name in _TOKENS)


def _sum_known(name: str) -> pl.Expr:
    """Sum, or null where a request that was answered did not say."""
    unknown = (pl.col(name).is_null() & pl.col("error").is_null()).any()
    return pl.when(unknown).then(None).otherwise(pl.col(name).sum()).alias(name)


def _sum_requests(requests: pl.DataFrame) -> dict[str, Any]:
    totals = requests.select(
        pl.len().alias("requests"),
        pl.col("error").is_not_null().sum().alias("failed_requests"),
        *(_sum_known(name) for name in _TOKENS),
        pl.col("seconds").sum().round(3).alias("request_seconds"),
    )
    return totals.row(0, named=True)

"""The run's log: one JSON object per line in events.jsonl, from which usage is counted."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import polars as pl

from designer_configs.append_file import AppendFile, read_lines
from designer_configs.errors import NotSentError
from designer_configs.profile import Prices
from designer_configs.requests import Request, Send, name_error
from designer_configs.routes import find_route

Observer = Callable[[dict[str, Any]], None]
Outcome = Literal["answered", "failed"]

CHARACTERS_PER_TOKEN = 4  # of English and JSON together; where a provider does not say, and in an estimate
ROLES = ("generator", "refiner", "judge")
CHECK = "000_check"  # the job that requests belong to before the first: one short question to every model

REQUEST_SCHEMA = pl.Schema(
    {
        "event": pl.String,
        "job": pl.String,
        "row_id": pl.String,
        "column": pl.String,
        "role": pl.String,
        "model": pl.String,
        "seconds": pl.Float64,
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
        "error": pl.String,
    }
)


class EventLog:
    """Appends events to a file and shows each to an observer, from any thread.

    `tokens`, `tokens_of` (prompts' and answers', by model) and `active_seconds` are those of the whole run, also where
    it goes on after a stop.
    """

    def __init__(self, path: Path, observe: Observer) -> None:
        before = read_events(path) if path.exists() else []
        self.tokens_of: dict[str, tuple[int, int]] = {}
        for event in before:
            if event["event"] in ("request", "service_job"):
                self._count_tokens(event)
        self._active_before = max((event.get("active_seconds", 0.0) for event in before), default=0.0)
        self._started = time.monotonic()
        self._file = AppendFile(path)
        self._observe = observe
        self._lock = threading.Lock()
        self._job = CHECK

    @property
    def active_seconds(self) -> float:
        """Seconds that the run was at work, over all its resumes; no clock that a person can set has a part in it."""
        return self._active_before + time.monotonic() - self._started

    @property
    def tokens(self) -> int:
        """Tokens of the whole run; those that the provider did not say are assumed from the texts."""
        return sum(map(sum, self.tokens_of.values()))

    def get_job(self) -> str:
        """Name the job that is running."""
        return self._job

    def write(self, event: str, **fields: object) -> None:
        """Append one event; every line has `at` (UTC), `active_seconds` and `event`.

        Raises:
            StorageError: the disk does not take it.
        """
        with self._lock:
            at, active = datetime.now(UTC).isoformat(timespec="milliseconds"), round(self.active_seconds, 3)
            entry = {"at": at, "active_seconds": active, "event": event, **fields}
            self._file.append(json.dumps(entry))
            self._observe(entry)

    async def log_request(self, request: Request, send: Send) -> Any:
        """Send a request and write down what came of it: a step on its way."""
        response: Any = None
        error: BaseException | None = None
        try:
            response = await send()
            return response
        except BaseException as exc:
            error = exc
            raise
        finally:
            if not isinstance(error, NotSentError):
                said = None if error is None else name_error(error)
                assumed, seconds = assume_tokens(request, response), request.sending.seconds or 0.0
                self.write_request(request, seconds, *read_tokens(response), said, assumed_tokens=assumed)

    def write_request(
        self,
        request: Request,
        seconds: float,
        prompt_tokens: int | None,
        completion_tokens: int | None,
        error: str | None = None,
        *,
        assumed_tokens: Sequence[int] | None = None,
    ) -> None:
        """Append a request that was sent.

        Args:
            request: It may have gone to another model than it was meant for.
            seconds: From sending to answer or error; what it waited before is not in it.
            prompt_tokens: None where the provider did not say.
            completion_tokens: Likewise.
            error: The class of the error that it failed with.
            assumed_tokens: What counts for the caps where the provider did not say.
        """
        outcome: Outcome = "answered" if error is None else "failed"
        fields: dict[str, Any] = {
            "job": request.job,
            "row_id": request.row_id,
            "column": request.column,
            "role": request.role,
            "model": find_route(request).model,
            "number": request.number,
            "seconds": round(seconds, 6),
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "outcome": outcome,
            "error": error,
        }
        if assumed_tokens is not None:
            fields["assumed_tokens"] = list(assumed_tokens)
        self._count_tokens(fields)
        self.write("request", **fields)

    def write_service_job(self, **fields: object) -> None:
        """Append what is known of a job that a service has ended: it says nothing of single requests."""
        self._count_tokens(fields)
        self.write("service_job", **fields)

    def merge(self, entry: Mapping[str, Any], **fields: object) -> None:
        """Append an event that a worker wrote down, with other fields beside or in the place of its own."""
        own = {name: value for name, value in entry.items() if name not in ("at", "active_seconds", "event")}
        if entry["event"] == "request":
            self._count_tokens(entry)
        self.write(entry["event"], **{**own, **fields})

    def _count_tokens(self, request: Mapping[str, Any]) -> None:
        assumed = request.get("assumed_tokens") or (0, 0)
        said = [request[name] for name in _TOKENS]
        before = self.tokens_of.get(request["model"], (0, 0))
        prompt, completion = (
            sum_ + (guess if known is None else known) for sum_, known, guess in zip(before, said, assumed, strict=True)
        )
        self.tokens_of[request["model"]] = prompt, completion

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
    """Read the events of a run; a line cut short by a crash is left out."""
    return [event for event in read_lines(path) if "event" in event]


def read_tokens(response: Any) -> tuple[int | None, int | None]:
    """Read the tokens of a prompt and its answer as the provider says; what can be no count is not said."""
    usage = getattr(response, "usage", None)
    prompt, completion = (getattr(usage, name, None) for name in ("input_tokens", "output_tokens"))
    return _read_count(prompt), _read_count(completion)


def _read_count(said: Any) -> int | None:
    return said if type(said) is int and said >= 0 else None


def assume_tokens(request: Request, response: Any) -> tuple[int, int] | None:
    """Assume the tokens of a prompt and its answer from their lengths, where there is an answer that does not say."""
    if response is None or None not in read_tokens(response):
        return None
    message = response.message
    answer = f"{message.content or ''}{message.reasoning_content or ''}"
    return measure_messages(request) // CHARACTERS_PER_TOKEN, len(answer) // CHARACTERS_PER_TOKEN


def measure_messages(request: Request) -> int:
    """Count the characters of a request's messages."""
    contents = [message.content for message in request.messages]
    parts = [[{"text": content}] if isinstance(content, str) else content for content in contents]
    return sum(len(part.get("text", "")) for content in parts for part in content)


def count_usage(events: list[dict[str, Any]], prices: Prices) -> dict[str, Any]:
    """Count requests, tokens, seconds and cost, in all, per job stage, model column and model, and per model.

    Requests are None where a service runs the jobs, which does not say how many it sent.
    Tokens are None where the provider did not say for every request, the cost where they are or a price is missing. A
    request that failed counts no tokens: a provider may charge for one that timed out all the same.
    """
    sent = [e for e in events if e["event"] in ("request", "service_job")]
    requests = pl.DataFrame(sent, schema=REQUEST_SCHEMA)
    requests = requests.with_columns(stage=pl.col("job").str.replace(r"^\d+_", ""))
    by_stage, by_model = (_group_requests(requests, by, prices) for by in (("stage", "column", "model"), ("model",)))
    costs = [group["cost"] for group in by_model]
    return {
        **_sum_requests(requests),
        "cost": None if None in costs or not costs else round(sum(costs), 6),
        "currency": prices.currency if prices.per_million else None,
        "seconds": round(_sum_job_seconds(events), 3),
        "by_stage": by_stage,
        "by_model": by_model,
    }


def _group_requests(requests: pl.DataFrame, by: tuple[str, ...], prices: Prices) -> list[dict[str, Any]]:
    groups = []
    for names, group in requests.group_by(by, maintain_order=True):
        sums = _sum_requests(group)
        cost = prices.price(str(names[-1]), sums["prompt_tokens"], sums["completion_tokens"])
        groups.append({**dict(zip(by, names, strict=True)), **sums, "cost": None if cost is None else round(cost, 6)})
    return groups


def find_answering_models(events: list[dict[str, Any]]) -> pl.DataFrame:
    """Tell which model gave a row its last answer, by role: row_id, and a column per role that answered any."""
    requests = pl.DataFrame([e for e in events if e["event"] == "request"], schema=REQUEST_SCHEMA)
    answered = requests.filter(pl.col("row_id").is_not_null() & pl.col("error").is_null())
    return answered.group_by("row_id", maintain_order=True).agg(
        pl.col("model").filter(pl.col("role") == role).last().alias(role) for role in ROLES
    )


def _sum_job_seconds(events: list[dict[str, Any]]) -> float:
    """Sum the seconds of all jobs; one that was killed lasted until the last event that it wrote."""
    total, last, started = 0.0, 0.0, None
    for event in [*events, {"event": "run_started"}]:
        if event["event"] in ("job_finished", "job_stopped"):
            total, started = total + event["seconds"], None
        elif event["event"] in ("job_started", "run_started"):
            total += last - started if started is not None else 0.0
            started = event.get("active_seconds") if event["event"] == "job_started" else None
        last = event.get("active_seconds", last)
    return total


def count_row_usage(events: list[dict[str, Any]]) -> pl.DataFrame:
    """Count requests and tokens per candidate: row_id, requests, prompt_tokens, completion_tokens."""
    requests = pl.DataFrame([e for e in events if e["event"] == "request"], schema=REQUEST_SCHEMA)
    return (
        requests.filter(pl.col("row_id").is_not_null())
        .group_by("row_id")
        .agg(pl.len().cast(pl.Int64).alias("requests"), *(_sum_known(name) for name in _TOKENS))
    )


_TOKENS = ("prompt_tokens", "completion_tokens")


def _sum_known(name: str) -> pl.Expr:
    """Sum, or null where a request that was answered did not say."""
    unknown = (pl.col(name).is_null() & pl.col("error").is_null()).any()
    return pl.when(unknown).then(None).otherwise(pl.col(name).sum()).alias(name)


def _sum_requests(requests: pl.DataFrame) -> dict[str, Any]:
    is_unknown = (pl.col("event") == "service_job").any()
    totals = requests.select(
        pl.when(~is_unknown).then(pl.len()).alias("requests"),
        pl.when(~is_unknown).then(pl.col("error").is_not_null().sum()).alias("failed_requests"),
        *(_sum_known(name) for name in _TOKENS),
        pl.when(~is_unknown).then(pl.col("seconds").sum().round(3)).alias("request_seconds"),
    )
    return totals.row(0, named=True)

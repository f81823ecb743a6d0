"""The run's log: one JSON object per line in events.jsonl."""

import functools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from files.append_file import AppendFile, read_lines
from jobs.errors import NotSentError
from jobs.request import Request, Send, name_error
from jobs.routes import find_route

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
Observer = Callable[[dict[str, Any]], None]
Outcome = Literal["answered", "failed"]

SCHEMA_FILE = Path(__file__).with_name("events.schema.json")
JOB = re.compile(r"\d+_")  # how the name of a job begins: with its round
TOKENS = ("prompt_tokens", "completion_tokens")
CHARACTERS_PER_TOKEN = 4  # of English and JSON together; where a provider does not say, and in an estimate
CHECK = "000_check"  # the job that requests belong to before the first: one short question to every model


class EventLog:
    """Appends events to a file and shows each to an observer, from any thread.

    `tokens`, `tokens_of` (prompts' and answers', by model) and `active_seconds` are those of the whole run, also where
    it goes on after a stop.
    """

    def __init__(self, path: Path, observe: Observer, recorded_in: Path | None = None) -> None:
        """Open the log, which is recorded among the files of its folder, or of another above it."""
        self.tokens_of: dict[str, tuple[int, int]] = {}
        self._active_before = 0.0
        for event in iter_events(path) if path.exists() else ():
            if event["event"] in ("request", "service_job"):
                self._count_tokens(event)
            self._active_before = max(self._active_before, event.get("active_seconds", 0.0))
        self._started = time.monotonic()
        self._file = AppendFile(path, recorded_in=recorded_in or path.parent)
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
        said = [request[name] for name in TOKENS]
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
    return list(iter_events(path))


def iter_events(path: Path) -> Iterator[dict[str, Any]]:
    """Read the events of a run one by one: a long run's are more than memory should hold."""
    return (event for event in read_lines(path) if "event" in event)


def is_event(entry: Any) -> bool:
    """Tell whether a line's content has the shape of an event of ours: its name, and what its kind cannot be without.

    What is as `events.schema.json` says in this is read by everybody who reads events.
    """
    shape = _read_shapes().get(str(entry.get("event"))) if isinstance(entry, dict) else None
    if shape is None or not all(name in entry and isinstance(entry[name], kinds) for name, kinds in shape.items()):
        return False
    return "job" not in shape or JOB.match(entry["job"]) is not None


@functools.cache
def _read_shapes() -> dict[str, dict[str, tuple[type, ...]]]:
    """Read of every event what it needs, and of which types that may be."""
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    common = schema["properties"]
    shapes = {}
    for name, event in schema["$defs"].items():
        parts = {
            key: common.get(key, {}) if event["properties"][key] is True else event["properties"][key]
            for key in event["required"]
        }
        shapes[name] = {key: _find_kinds(part) for key, part in parts.items()}
    return shapes


def _find_kinds(part: Mapping[str, Any]) -> tuple[type, ...]:
    named = part.get("type", list(_KINDS))
    return tuple(kind for name in ([named] if isinstance(named, str) else named) for kind in _KINDS[name])


def read_tokens(response: Any) -> tuple[int | None, int | None]:
    """Read the tokens of a prompt and its answer as the provider says; what can be no count is not said."""
    usage = getattr(response, "usage", None)
    prompt, completion = (getattr(usage, name, None) for name in ("input_tokens", "output_tokens"))
    return _read_count(prompt), _read_count(completion)


def _read_count(said: Any) -> int | None:
    return said if type(said) is int and said >= 0 else None


def assume_tokens(request: Request, response: Any) -> tuple[int, int] | None:
    """Assume the tokens of a prompt and its answer from their lengths, where there is an answer that does not say."""
    prompt, completion = read_tokens(response)
    if response is None or None not in (prompt, completion):
        return None
    message = response.message
    answer = f"{message.content or ''}{message.reasoning_content or ''}"
    lengths = measure_messages(request) // CHARACTERS_PER_TOKEN, len(answer) // CHARACTERS_PER_TOKEN
    return lengths[0] if prompt is None else prompt, lengths[1] if completion is None else completion


def measure_messages(request: Request) -> int:
    """Count the characters of a request's messages."""
    contents = [message.content for message in request.messages]
    parts = [[{"text": content}] if isinstance(content, str) else content for content in contents]
    return sum(len(part.get("text", "")) for content in parts for part in content)

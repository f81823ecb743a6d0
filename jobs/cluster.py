"""Spreads jobs over a Ray cluster: each task is one Data Designer job over a part of the rows.

A part is handed over as paths and plain data: every node sees the run's folder. What a worker writes there (answers,
requests) outlives it, so that a part whose worker died is begun again without asking for what was answered.
"""

import contextlib
import functools
import importlib
import io
import os
import secrets
import signal
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from designer_configs.compile.native import add_seed
from designer_configs.compile.profile import EngineChoice, Model, Profile
from files.errors import StorageError
from files.whole_file import write_bytes
from jobs.errors import BackendError
from jobs.job import ROW_ID, Job, JobInterrupted, JobResult, LostRow
from jobs.library.backend import DATASET_FOLDER, LibraryBackend, read_rows
from jobs.requests.halt import Halt

LOOK_SECONDS = 0.25  # between two looks at what the workers have written
TRIES = 3  # workers that may die over one part, after which it is the part that kills them
STOP_SECONDS = 10.0  # given to workers to be gone
KNOCK_SECONDS = 5.0  # given to a cluster's head to take a connection; Ray itself tries for minutes
LONGEST_WORDS = 300  # characters of what Ray says that are repeated
OBJECT_STORE = 128 << 20  # bytes; a part's rows pass through it, some 6 kB each


@dataclass(frozen=True)
class Part:
    """Rows of a job that one worker works on; `first` is the place of their first in the job."""

    job: str
    number: int
    first: int
    rows: int
    config: Mapping[str, Any] = field(repr=False)
    profile: Profile = field(repr=False)
    endpoint: str | None
    folder: Path

    @property
    def name(self) -> str:
        """The job's name and the part's number."""
        return f"{self.job}.p{self.number:04d}"

    @property
    def seeds(self) -> Path:
        """File of its rows."""
        return Path(self.config["seed_config"]["source"]["path"])

    @property
    def artifacts(self) -> Path:
        """Folder of Data Designer's artifacts, in which each part has one of its name."""
        return self.folder / "artifacts"


@dataclass(frozen=True)
class PartResult:
    """What came of a part. `error` says why it broke off, where it did; `is_storage`: at the run's folder."""

    rows: list[dict[str, Any]]
    lost: dict[int, LostRow]
    error: str | None = None
    is_storage: bool = False


RunPart = Callable[[Part], PartResult]
"""Runs a part in a worker; a function that a worker can import."""


@dataclass(frozen=True)
class Watch:
    """What the run does with its parts: `begin` before the first, `look` time and again, `notify` with an event.

    `halt` ends it where a part cannot go on.
    """

    halt: Halt
    begin: Callable[[Sequence[Part]], None]
    look: Callable[[Sequence[Part]], None]
    notify: Callable[..., None]


class RayBackend:
    """Jobs with models run in parts on a cluster, all others in this process."""

    def __init__(self, profile: Profile, endpoint: str | None, folder: Path, run_part: RunPart, watch: Watch) -> None:
        self._profile = profile
        self._endpoint = endpoint
        self._folder = folder.resolve()
        self._run_part = run_part
        self._watch = watch
        self._local = LibraryBackend(profile, endpoint, folder / "artifacts")
        self.place, self.forms = self._local.place, self._local.forms

    def check_models(self, config: dict[str, Any]) -> None:
        """Ask every model for one short answer, from here.

        Raises:
            BackendError: a model cannot be reached, is not known or refuses the key.
        """
        self._local.check_models(config)

    def run(self, job: Job) -> JobResult:
        """Run a job; rows and losses are in the order of its seed rows, whichever part ended first.

        Raises:
            BackendError: a part broke off, or its workers died, or rows came back that were not sent.
            JobInterrupted: it was told to stop; its rows are those of every row group that was finished.
        """
        if job.seed is not None:
            return self._local.run(job)
        parts = self._split(job)
        self._watch.begin(parts)
        tasks = _Tasks(self._run_part, count_workers(self._profile.engine, job.config))
        ended: dict[int, PartResult] = {}
        try:
            self._drive(parts, tasks, ended)
        except KeyboardInterrupt as exc:
            tasks.cancel()
            raise JobInterrupted([row for part in parts for row in _read_part(part, ended.get(part.number))]) from exc
        except BaseException:
            tasks.cancel()
            raise
        finally:
            self._watch.look(parts)
        return merge_parts(job, parts, [ended[part.number] for part in parts])

    def _drive(self, parts: Sequence[Part], tasks: "_Tasks", ended: dict[int, PartResult]) -> None:
        waiting, died = deque(parts), [0] * len(parts)
        while waiting or tasks.running:
            while waiting and tasks.has_room():
                tasks.start(waiting.popleft())
            for part, result in tasks.collect():
                if isinstance(result, PartResult):
                    ended[part.number] = result
                    self._stop_for(part, result)
                    continue
                died[part.number] += 1
                self._watch.notify("part_lost", job=part.job, part=part.number, rows=part.rows, said=result)
                if died[part.number] >= TRIES:
                    raise BackendError(f"part {part.number} of {part.job}: {TRIES} workers died over it. {result}")
                waiting.appendleft(part)
            self._watch.look(parts)

    def _stop_for(self, part: Part, result: PartResult) -> None:
        """Halt the run where a part broke off, as if it had happened here."""
        if result.error is None:
            return
        reason = StorageError(None, result.error, str(part.folder)) if result.is_storage else BackendError(result.error)
        self._watch.halt.stop(reason)
        raise KeyboardInterrupt

    def _split(self, job: Job) -> list[Part]:
        """Split a job's rows into parts of one size; the same job is always split alike, so that answers are found."""
        engine = self._profile.engine
        source = Path(job.config["seed_config"]["source"]["path"])
        rows = pl.read_parquet(source, glob=False)
        size = min(engine.part_rows, -(-rows.height // engine.workers))
        workers = count_workers(engine, job.config)
        config, profile = share_requests(job.config, workers), share_slots(self.forms.settle(self._profile), workers)
        parts = []
        for number, first in enumerate(range(0, rows.height, size)):
            some, content = rows.slice(first, size), io.BytesIO()
            some.write_parquet(content)
            seeds = source.with_name(f"{source.stem}.p{number:04d}.parquet")
            write_bytes(content.getvalue(), seeds)
            own = config | add_seed({}, seeds)
            parts.append(Part(job.name, number, first, some.height, own, profile, self._endpoint, self._folder))
        return parts


class _Tasks:
    """The parts that are being worked on, never more than there may be at once."""

    def __init__(self, run_part: RunPart, most: int) -> None:
        self._ray = importlib.import_module("ray")
        # A part is begun again from here, which says so; Ray's own retries nobody would hear of.
        self._remote = self._ray.remote(num_cpus=1, max_retries=0)(run_part)
        self._most = most
        self.running: dict[Any, Part] = {}

    def has_room(self) -> bool:
        """Tell whether one more may be started."""
        return len(self.running) < self._most

    def start(self, part: Part) -> None:
        """Hand a part to a worker."""
        self.running[self._remote.remote(part)] = part

    def collect(self) -> Iterator[tuple[Part, PartResult | str]]:
        """Wait a little; give each part that has ended with its result, or with what its worker died of."""
        done, _ = self._ray.wait(list(self.running), num_returns=len(self.running), timeout=LOOK_SECONDS)
        for reference in done:
            part = self.running.pop(reference)
            try:
                yield part, self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as exc:
                raise BackendError(f"part {part.number} of {part.job} failed: {exc.cause!r}") from exc
            except self._ray.exceptions.RayError as exc:
                yield part, " ".join(str(exc).split(". ")[0].split())

    def cancel(self) -> None:
        """End the workers of all parts; what they have written is there."""
        for reference in self.running:
            self._ray.cancel(reference, force=True)
        if self.running:
            self._ray.wait(list(self.running), num_returns=len(self.running), timeout=STOP_SECONDS)
        self.running.clear()


def count_workers(engine: EngineChoice, config: Mapping[str, Any]) -> int:
    """Count the parts that may be worked on at once: each needs a request of every model for itself."""
    caps: list[int] = [
        model["inference_parameters"]["max_parallel_requests"] for model in config.get("model_configs", [])
    ]
    return min(engine.workers, *caps) if caps else engine.workers


def share_requests(config: Mapping[str, Any], workers: int) -> dict[str, Any]:
    """Divide every model's `max_parallel_requests` among workers: together they never exceed it."""
    shared = []
    for model in config.get("model_configs", []):
        shared.append({**model, "inference_parameters": _divide(model["inference_parameters"], workers)})
    return {**config, "model_configs": shared}


def share_slots(profile: Profile, workers: int) -> Profile:
    """Divide likewise what the workers' own policy of requests grants a model."""

    def share(model: Model) -> Model:
        parameters = _divide(model.inference_parameters, workers)
        return replace(model, inference_parameters=parameters, fallback=model.fallback and share(model.fallback))

    return replace(profile, models={role: share(model) for role, model in profile.models.items()})


def _divide(parameters: Mapping[str, Any], workers: int) -> dict[str, Any]:
    return {**parameters, "max_parallel_requests": max(1, parameters["max_parallel_requests"] // workers)}


def merge_parts(job: Job, parts: Sequence[Part], results: Sequence[PartResult]) -> JobResult:
    """Put the results of all parts together, in the order of the job's rows.

    Raises:
        BackendError: a part gave a row twice, or one that was not its own.
    """
    rows: list[dict[str, Any]] = []
    lost: dict[int, LostRow] = {}
    for part, result in zip(parts, results, strict=True):
        places = {row_id: place for place, row_id in enumerate(pl.read_parquet(part.seeds, glob=False)[ROW_ID])}
        ids = [row[ROW_ID] for row in result.rows]
        if foreign := [row_id for row_id in ids if row_id not in places]:
            raise BackendError(f"part {part.number} of {job.name} gave rows that are not its own, such as {foreign[0]}")
        if len(set(ids)) < len(ids):
            raise BackendError(f"part {part.number} of {job.name} gave {len(ids) - len(set(ids))} rows twice")
        rows += [row for _, row in sorted(zip(map(places.__getitem__, ids), result.rows, strict=True), key=_get_place)]
        lost |= {part.first + place: row for place, row in result.lost.items()}
    return JobResult(rows, lost)


def _get_place(placed: tuple[int, dict[str, Any]]) -> int:
    return placed[0]


def _read_part(part: Part, result: PartResult | None) -> list[dict[str, Any]]:
    """Give a part's rows: all of them where it has ended, those of finished row groups where it was cut."""
    return result.rows if result is not None else read_rows(part.artifacts / part.name / DATASET_FOLDER)


@contextlib.contextmanager
def open_cluster(engine: EngineChoice) -> Iterator[None]:
    """Be part of a Ray cluster while the context is open; a local one is started, and stopped at the end.

    Raises:
        BackendError: no cluster answers at the address, or the local one does not start.
    """
    is_local = engine.address == "local"
    _knock(engine.address)
    # A socket's path may have 107 characters: no longer folder than this.
    short = os.environ.get("RAY_TMPDIR", "/tmp")  # noqa: S108 - TemporaryDirectory names the folder itself
    place = tempfile.TemporaryDirectory(prefix="ray", dir=short, ignore_cleanup_errors=True)
    with _set_environment(is_local), place as temporary:
        with _keep_handlers():
            ray = importlib.import_module("ray")
            own = {
                "num_cpus": engine.workers,
                "include_dashboard": False,
                "object_store_memory": OBJECT_STORE,
                "_temp_dir": temporary,
            }
            options = own if is_local else {}
            try:
                ray.init(address=engine.address, log_to_driver=False, configure_logging=False, **options)
            except (ConnectionError, RuntimeError, ValueError, OSError) as exc:
                said = " ".join(str(exc).split())[:LONGEST_WORDS]
                raise BackendError(f"engine: no Ray cluster at {engine.address}: {said}") from exc
        try:
            yield
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """Connect to the head at `host:port`, or `ray://host:port`, and hang up.

    Raises:
        BackendError: nobody takes the connection.
    """
    try:
        head = urlsplit("//" + address.removeprefix("ray://"))
        if head.hostname and head.port:  # neither `local` nor `auto`
            socket.create_connection((head.hostname, head.port), KNOCK_SECONDS).close()
    except (OSError, ValueError) as exc:
        raise BackendError(
            f"engine: no Ray cluster at {address}: {exc}; start its head there (ray start --head), or give "
            "engine.ray.address the host and port of one that runs"
        ) from exc


@functools.cache
def _make_token() -> str:
    """Make a token; Ray remembers the first that a process had."""
    return secrets.token_hex(32)


@contextlib.contextmanager
def _set_environment(is_local: bool) -> Iterator[None]:
    """Keep Ray to itself: no usage statistics; a local cluster on loopback alone, under a token that is in no file."""
    values = {"RAY_USAGE_STATS_ENABLED": "0"}
    if is_local:
        values |= {
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the one switch that makes it listen on 127.0.0.1, here too
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": _make_token(),
        }
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _keep_handlers() -> Iterator[None]:
    """Put back what a stop does in this process, which Ray changes as it starts."""
    stops = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in stops}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

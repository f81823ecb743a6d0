"""A job's parts in workers of their own: what runs there, and how what they wrote down gets into the run's log."""

import contextlib
import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from designer_configs.compile.profile import Profile
from files.errors import StorageError
from files.hashes import remove_recorded
from files.whole_file import write_text
from gold_data.store import load_gold
from jobs.cluster import LOOK_SECONDS, Part, PartResult, RayBackend, Watch, open_cluster
from jobs.errors import BackendError
from jobs.job import Job, JobInterrupted
from jobs.library.backend import LibraryBackend
from jobs.library.log import log_library_to
from jobs.library.speed import quicken_library
from jobs.requests.halt import Halt
from jobs.requests.journal import AnswerJournal
from refine_loop.budget import find_spent_cap
from refine_loop.record.events import EventLog, iter_events
from refine_loop.steering import steer_run

PART_LOGS = "*/events_*.jsonl"
_OWN = ("job_started",)  # a part's; the job's own says it for all


def run_part(part: Part) -> PartResult:
    """Run a part, in the worker: its requests pass what those of a run in one process pass.

    Answers and requests are written down in the round's folder as they come, under the part's name.
    """
    halt, rounds = Halt(), part.folder / "rounds"
    trace = part.folder / "trace" if part.profile.trace == "full" else None
    backend = LibraryBackend(part.profile, part.endpoint, part.artifacts)
    find_cap, gold = _CapFile(find_cap_file(part)).read, load_gold(part.folder / "gold")
    try:
        with (
            _interruptible(),
            log_library_to(part.folder / "data_designer.log", verbose=False),
            EventLog(find_log(part), lambda _: None, part.folder) as log,
            AnswerJournal(rounds, trace=trace) as journal,
            steer_run(part.profile, backend, halt, log, journal, find_cap=find_cap, gold=gold),
            quicken_library(),
        ):
            log.start_job(part.name, part.rows)
            log.write("part_started", job=part.name, rows=part.rows, pid=os.getpid(), host=socket.gethostname())
            result = backend.run(Job(part.name, dict(part.config), part.rows))
        return PartResult(result.rows, result.lost) if halt.reason is None else _tell_halt(halt.reason, result.rows)
    except JobInterrupted as stopped:
        if halt.reason is None:
            raise
        return _tell_halt(halt.reason, stopped.rows)
    except BackendError as exc:
        return PartResult([], {}, str(exc))
    except OSError as exc:
        return PartResult([], {}, f"{exc.filename or part.folder}: {exc.strerror or exc}", is_storage=True)


def _tell_halt(reason: BaseException, rows: list[dict[str, Any]]) -> PartResult:
    return PartResult(rows, {}, str(reason), isinstance(reason, StorageError))


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let an interrupt through, by which a halt ends the library's job: Ray's workers are born with it blocked."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def open_workers(
    profile: Profile, endpoint: str | None, folder: Path, log: EventLog, halt: Halt
) -> Iterator[RayBackend]:
    """Give a run the workers of its cluster while the context is open.

    Raises:
        BackendError: the cluster cannot be reached, or not be started.
    """
    with open_cluster(profile.engine):
        logs = PartLogs(profile, folder, log)
        try:
            yield RayBackend(profile, endpoint, folder, run_part, Watch(halt, logs.begin, logs.look, log.write))
        finally:
            logs.drop_settled()


class PartLogs:
    """Takes over, line by line, what the workers write down; a line that was taken over is not again.

    The files stay until their round has settled: a run that was cut finds in its own log how far it had got.
    """

    def __init__(self, profile: Profile, folder: Path, log: EventLog) -> None:
        self._profile = profile
        self._folder = folder
        self._log = log
        self._taken: Counter[str] = Counter()
        self._offsets: Counter[str] = Counter()

    def begin(self, parts: Sequence[Part]) -> None:
        """Find where to go on, for a job that begins."""
        self.drop_settled()
        find_cap_file(parts[0]).unlink(missing_ok=True)
        self._taken.clear()
        self._offsets.clear()
        if not any(find_log(part).exists() for part in parts):
            return
        names = {(part.job, part.number): part.name for part in parts}
        for event in iter_events(self._folder / "events.jsonl"):
            if (name := names.get((event.get("job", ""), event.get("part", -1)))) and "line" in event:
                self._taken[name] = max(self._taken[name], event["line"] + 1)
        for part in parts:
            lines = find_log(part).read_bytes().splitlines(keepends=True) if find_log(part).exists() else []
            self._offsets[part.name] = sum(map(len, lines[: self._taken[part.name]]))

    def look(self, parts: Sequence[Part]) -> None:
        """Take over what is new, and tell the workers when a cap is reached."""
        for part in parts:
            self._take_over(part)
        cap = find_spent_cap(self._profile, self._log)
        if cap is not None and not find_cap_file(parts[0]).exists():
            write_text(cap, find_cap_file(parts[0]))

    def drop_settled(self) -> None:
        """Drop the files of rounds that have settled."""
        for path in (self._folder / "rounds").glob(PART_LOGS):
            if (path.parent / "settled.parquet").exists():
                remove_recorded(path, self._folder)

    def _take_over(self, part: Part) -> None:
        try:
            with find_log(part).open("rb") as file:
                file.seek(self._offsets[part.name])
                new = file.read()
        except FileNotFoundError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        for line in whole.splitlines():
            number = self._taken[part.name]
            self._taken[part.name] += 1
            with contextlib.suppress(ValueError):  # of a line that a crash spoiled
                entry = json.loads(line)
                job = {"job": part.job} if "job" in entry else {}
                if entry["event"] not in _OWN:
                    self._log.merge(entry, **job, part=part.number, line=number)
        self._offsets[part.name] += len(whole)


class _CapFile:
    """Where a worker reads which cap the run has reached, which only the run's own log knows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cap: str | None = None
        self._next = 0.0

    def read(self) -> str | None:
        """Name the cap, as it was known a moment ago; None while there is none."""
        now = time.monotonic()
        if self._cap is None and now >= self._next:
            self._next = now + LOOK_SECONDS
            with contextlib.suppress(FileNotFoundError):
                self._cap = self._path.read_text(encoding="utf-8")
        return self._cap


def find_log(part: Part) -> Path:
    """Find the file where a part's requests are written down."""
    file = _find_file(part, part.name, "events")
    return file.with_name(f"{file.name}.jsonl")


def find_cap_file(part: Part) -> Path:
    """Find the file that tells a job's workers of a cap."""
    return _find_file(part, part.job, "cap")


def _find_file(part: Part, name: str, kind: str) -> Path:
    number, _, stage = name.partition("_")
    return part.folder / "rounds" / number / f"{kind}_{stage}"

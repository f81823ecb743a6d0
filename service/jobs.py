"""Jobs as files in the folder of runs: a run is its folder, and beside it lies what was asked of the service.

`ID.job.json` is the request, `ID.exit.json` how it ended, `ID.cancel` a wish to stop; `ID/` is the run. Whoever works
on a job holds a lock on its request, which the system lets go of when the process dies. State and order are read from
these files alone, so that a server that is killed has lost nothing.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from files.own_file import open_at_once
from service.errors import ServiceError

JOB, EXIT, CANCEL, LOG = ".job.json", ".exit.json", ".cancel", ".log"
RUN_LOCK = "run.lock"
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
ENDED_EARLY = 3
CODES = {0: "done", 1: "failed", 2: "refused", ENDED_EARLY: "ended early"}
FINAL = (*CODES.values(), "cancelled")


@dataclass(frozen=True)
class Asked:
    """What a job asks for: names, no paths."""

    profile: str
    num: int | None = None
    seed: int | None = None
    gold: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the request as plain data."""
        return {"profile": self.profile, "num": self.num, "seed": self.seed, "gold": self.gold}


class JobFolder:
    """The folder of runs with the jobs beside them."""

    def __init__(self, runs: Path, most_waiting: int = 100) -> None:
        self.runs = runs
        self._most_waiting = most_waiting
        runs.mkdir(parents=True, exist_ok=True)

    def submit(self, asked: Asked, key: str | None) -> tuple[str, bool]:
        """Book a job; gives its id and whether it is new. One key is one job.

        Raises:
            ServiceError: 409 where the key was used for another request, 503 where too many jobs wait.
        """
        name = f"{asked.profile}-{secrets.token_hex(6) if key is None else sha256(key.encode()).hexdigest()[:16]}"
        known = next((path for path in self._list_keyed(key)), None)
        if known is not None:
            return self._repeat(known, asked)
        if sum(self.tell_state(job) == "queued" for job in self.list_jobs()) >= self._most_waiting:
            raise ServiceError(503, f"{self._most_waiting} jobs wait already: try again later", retry_after=30)
        job = asked.to_dict() | {"id": name, "submitted": time.time_ns(), "key": key is not None}
        if not self._create(self.runs / f"{name}{JOB}", job):
            return self._repeat(self.runs / f"{name}{JOB}", asked)
        return name, True

    def _list_keyed(self, key: str | None) -> Iterator[Path]:
        if key is not None:
            yield from self.runs.glob(f"*-{sha256(key.encode()).hexdigest()[:16]}{JOB}")

    def _repeat(self, known: Path, asked: Asked) -> tuple[str, bool]:
        job = json.loads(known.read_text(encoding="utf-8"))
        if {name: job[name] for name in asked.to_dict()} != asked.to_dict():
            raise ServiceError(409, f"this Idempotency-Key was used for {job['id']}, another request: take another key")
        return str(job["id"]), False

    def _create(self, path: Path, document: Mapping[str, Any], *, is_anew: bool = False) -> bool:
        """Create a file whole or not at all; False where it is there and is not to be made anew."""
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        partial.write_text(json.dumps(document), encoding="utf-8")
        try:
            if is_anew:
                partial.replace(path)
            else:
                os.link(partial, path)
        except FileExistsError:
            return False
        finally:
            partial.unlink(missing_ok=True)
        return True

    def list_jobs(self) -> list[str]:
        """List the jobs, the oldest first."""
        found = []
        for path in self.runs.glob(f"*{JOB}"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                found.append((json.loads(path.read_text(encoding="utf-8"))["submitted"], path.name.removesuffix(JOB)))
        return [name for _, name in sorted(found)]

    def list_runs(self) -> list[str]:
        """List all runs, the newest first: jobs, and folders that the command line made."""
        jobs = self.list_jobs()
        others = [path for path in self.runs.iterdir() if (path / "profile.yaml").is_file() and path.name not in jobs]
        made = sorted(others, key=lambda path: (path / "profile.yaml").stat().st_mtime)
        stamped = [((path / "profile.yaml").stat().st_mtime_ns, path.name) for path in made if ID.fullmatch(path.name)]
        stamped += [(self.read_job(name)["submitted"], name) for name in jobs]
        return [name for _, name in sorted(stamped, reverse=True)]

    def find(self, name: str) -> str:
        """Find a run by its id.

        Raises:
            ServiceError: 404 where there is none.
        """
        if ID.fullmatch(name) and (
            (self.runs / f"{name}{JOB}").is_file() or (self.runs / name / "profile.yaml").is_file()
        ):
            return name
        raise ServiceError(404, "there is no such run")

    def read_job(self, name: str) -> dict[str, Any]:
        """Read what a job asks for; nothing of a run that the command line made."""
        path = self.runs / f"{name}{JOB}"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}

    def read_exit(self, name: str) -> dict[str, Any] | None:
        """Read how a job ended; None while it has not."""
        path = self.runs / f"{name}{EXIT}"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None

    def tell_state(self, name: str) -> str:
        """Tell a run's state: queued, running, cancelling, stopped, or how it ended."""
        if (ended := self.read_exit(name)) is not None:
            return "cancelled" if ended.get("cancelled") else CODES.get(ended["code"], "failed")
        is_job = (self.runs / f"{name}{JOB}").is_file()
        if (is_job and is_locked(self.runs / f"{name}{JOB}")) or is_locked(self.runs / name / RUN_LOCK):
            return "cancelling" if self.wants_cancel(name) else "running"
        if is_job:
            return "queued"
        return "done" if (self.runs / name / "usage.json").is_file() else "stopped"

    def wants_cancel(self, name: str) -> bool:
        """Tell whether somebody wants a job to stop."""
        return (self.runs / f"{name}{CANCEL}").exists()

    def cancel(self, name: str) -> None:
        """Ask a job to stop; one that waits has ended at once.

        Raises:
            ServiceError: 409 where it has ended, or is none of this service's.
        """
        if (state := self.tell_state(name)) not in ("queued", "running", "cancelling") or not self.read_job(name):
            raise ServiceError(409, f"it is {state}: there is nothing to cancel here")
        (self.runs / f"{name}{CANCEL}").touch()
        with hold(self.runs / f"{name}{JOB}") as held:
            if held and self.read_exit(name) is None:
                self.end(name, ENDED_EARLY, cancelled=True)

    def end(self, name: str, code: int, *, cancelled: bool = False, message: str = "") -> None:
        """Write how a job ended, once."""
        document = {"code": code, "cancelled": cancelled, "message": message, "at": time.time()}
        self._create(self.runs / f"{name}{EXIT}", document)

    def requeue(self, name: str) -> None:
        """Let a job that ended before it was done go on.

        Raises:
            ServiceError: 409 where it is done, at work, waiting, or has left nothing to go on with.
        """
        state = self.tell_state(name)
        if state not in ("cancelled", "ended early", "failed", "stopped"):
            raise ServiceError(409, f"it is {state}: there is nothing to go on with")
        job = self.read_job(name) or {
            "id": name,
            "profile": None,
            "num": None,
            "seed": None,
            "gold": None,
            "key": False,
        }
        self._create(self.runs / f"{name}{JOB}", job | {"submitted": time.time_ns()}, is_anew=True)
        for suffix in (CANCEL, EXIT):  # how it ended goes last: until then nobody begins, and a kill here loses nothing
            (self.runs / f"{name}{suffix}").unlink(missing_ok=True)


def is_locked(path: Path) -> bool:
    """Tell whether a process holds a file."""
    try:
        file = open_at_once(path)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


@contextlib.contextmanager
def hold(path: Path, patience: float = 0.0) -> Iterator[bool]:
    """Hold a file while the context is open; gives False where another process does."""
    file, until = os.open(path, os.O_RDWR), time.monotonic() + patience
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(0.05)
                    continue
                yield False
            else:
                yield True
            return
    finally:
        os.close(file)

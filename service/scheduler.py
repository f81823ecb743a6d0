"""Starts workers for the jobs that wait, the oldest first, as many at a time as are allowed."""

import contextlib
import os
import sys
import threading
from pathlib import Path

from service.jobs import JobFolder

EVERY = 0.25  # seconds between two looks at the queue


class Scheduler:
    """A thread that looks at the queue; what it knows is in the folder, but for workers it has just started."""

    def __init__(self, jobs: JobFolder, gold: Path, workers: int) -> None:
        self._jobs, self._gold, self._workers = jobs, gold, workers
        self._started: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Start no more workers; those at work go on."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(EVERY):
            self.look()

    def look(self) -> None:
        """Start what may be started now."""
        self._started = {name: worker for name, worker in self._started.items() if is_alive(worker)}
        states = {name: self._jobs.tell_state(name) for name in self._jobs.list_jobs()}
        busy = {name for name, state in states.items() if state in ("running", "cancelling")} | set(self._started)
        waiting = [name for name, state in states.items() if state == "queued" and name not in busy]
        for name in waiting[: max(0, self._workers - len(busy))]:
            command = [sys.executable, "-m", "service.worker", str(self._jobs.runs), name, str(self._gold)]
            nowhere = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
            self._started[name] = os.posix_spawn(sys.executable, command, os.environ, file_actions=nowhere, setsid=True)


def is_alive(worker: int) -> bool:
    """Tell whether a worker that this process started is still there."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(worker, os.WNOHANG)[0] == 0
    return False

"""Ends a job whose requests never come back: the library would wait for them without end."""

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from data_designer.errors import DataDesignerError

from jobs.errors import BackendError
from jobs.job import NOT_FINISHED
from jobs.requests.halt import Halt

INTERRUPT_AGAIN = 10.0  # seconds: a first interrupt may have come at a bad moment
LONGEST_LOOK_AWAY = 1.0  # seconds between two looks


class Watchdog:
    """A thread that looks, while the context is open, whether requests that are under way still come back.

    The library gives a job up for nothing but a KeyboardInterrupt in its main thread.
    """

    def __init__(self, halt: Halt, limit: float) -> None:
        self._halt = halt
        self._limit = limit
        self._lock = threading.Lock()
        self._under_way = 0
        self._progress = time.monotonic()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join()

    @contextlib.contextmanager
    def expect(self) -> Iterator[None]:
        """Count a request as under way while the context is open."""
        with self._lock:
            if not self._under_way:
                self._progress = time.monotonic()
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def note_progress(self) -> None:
        """Say that something came back, were it an error."""
        self._progress = time.monotonic()

    async def await_end(self) -> None:
        """Wait to be cancelled with the job: a row that ended here with an error would count as lost.

        Raises:
            DataDesignerError: nobody has been able to end the job for a long time.
        """
        await asyncio.sleep(3 * INTERRUPT_AGAIN)
        raise DataDesignerError(f"{NOT_FINISHED}: {self._halt.reason}")

    def _look(self) -> None:
        halted: float | None = None
        while not self._closing.wait(min(self._limit / 4, LONGEST_LOOK_AWAY)):
            if not self._under_way:
                halted = None
            elif self._halt.reason is None:
                quiet = time.monotonic() - self._progress
                if quiet > self._limit:
                    why = f"no request to the models has come back for {quiet:.0f} s, not even with an error"
                    self._halt.stop(BackendError(why))
            elif halted is None:
                halted = time.monotonic()
            elif time.monotonic() - halted > INTERRUPT_AGAIN:
                halted = None
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

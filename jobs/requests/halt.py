"""Stops a run from within a request."""

import signal
import threading
from typing import Any

from files.errors import StorageError
from jobs.request import Request, Send


class Halt:
    """Stops the job that is running as Ctrl-C does, and knows why. As a step, it halts where answers cannot be kept.

    The library takes any error for that of one row and goes on with the next; only an interrupt of the thread that
    waits for the job, the main thread, ends it.
    """

    def __init__(self) -> None:
        self.reason: BaseException | None = None
        self._lock = threading.Lock()

    def stop(self, reason: BaseException) -> None:
        """Interrupt the main thread; of several reasons the first is kept, and only it interrupts."""
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, signal.SIGINT)

    async def __call__(self, request: Request, send: Send) -> Any:  # noqa: ARG002 - a step's signature
        """Pass a request on; halt when what came of it cannot be written down."""
        try:
            return await send()
        except StorageError as exc:
            self.stop(exc)
            raise

"""Makes Ctrl-C, SIGTERM and a terminal that hangs up reach a main thread that waits for others."""

import contextlib
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN = signal.SIGALRM
WAKE = signal.SIGUSR1
CALM_SECONDS = 0.1  # between two stops that are not one: a key that is held down repeats sooner


@contextlib.contextmanager
def interruptible(*, is_process: bool = False) -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread at once when the process is told to stop, until the context closes.

    Then what was there before hears the stops again, or nothing where the process ends with the context.

    A signal may be handed to any thread, and a main thread that waits on a lock, as it does while Data Designer's loop
    works, only notices one that is handed to itself. A watcher therefore passes every stop on to it as a wake-up.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    stops = _Stops()
    _ignore_at_exit()
    heard = [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]  # `nohup` ignores one
    handlers = {number: signal.signal(number, stops.hear) for number in heard}
    handlers |= {WAKE: signal.signal(WAKE, _ignore), AGAIN: signal.signal(AGAIN, stops.hear)}
    shown, sys.unraisablehook = sys.unraisablehook, stops.hear_again
    before = signal.set_wakeup_fd(write)
    watcher = threading.Thread(target=_pass_on, args=(read, threading.main_thread().ident), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stops.is_deaf = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = shown
        signal.set_wakeup_fd(before)
        os.close(write)
        watcher.join()
        os.close(read)
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_IGN if is_process else handler)


def _pass_on(read: int, main: int) -> None:
    while received := os.read(read, 1):
        if received[0] in (*STOPS, AGAIN):
            signal.pthread_kill(main, WAKE)


class _Stops:
    """Raises a stop in the main thread: of a key that is held down the first, and none while a command tidies up."""

    def __init__(self) -> None:
        self.is_deaf = False
        self._heard_at = float("-inf")
        self._show = sys.unraisablehook

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, or nothing."""
        before, self._heard_at = self._heard_at, time.monotonic()
        if not self.is_deaf and (number == AGAIN or self._heard_at - before > CALM_SECONDS):
            raise KeyboardInterrupt

    def hear_again(self, lost: "sys.UnraisableHookArgs") -> None:
        """Hear a stop a moment later that came into a finalizer or a callback, out of which nothing is raised."""
        if lost.exc_type is KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, CALM_SECONDS)
        else:
            self._show(lost)


@functools.cache
def _ignore_at_exit() -> None:
    """Hear no stop any more once the interpreter ends: it would be a traceback, and leave temporary folders behind."""
    threading._register_atexit(_ignore_stops)  # type: ignore[attr-defined]


def _ignore_stops() -> None:
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass

"""Makes Ctrl-C, SIGTERM and a terminal that hangs up reach a main thread that waits for others."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WAKE = signal.SIGUSR1


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread at once when the process is told to stop.

    A signal may be handed to any thread, and a main thread that waits on a lock, as it does while Data Designer's loop
    works, only notices one that is handed to itself. A watcher therefore passes every stop on to it as a wake-up.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    heard = [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]  # `nohup` ignores one
    handlers = {number: signal.signal(number, _raise_interrupt) for number in heard}
    handlers[WAKE] = signal.signal(WAKE, _ignore)
    before = signal.set_wakeup_fd(write)
    watcher = threading.Thread(target=_pass_on, args=(read, threading.main_thread().ident), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(write)
        watcher.join()
        os.close(read)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _pass_on(read: int, main: int) -> None:
    while received := os.read(read, 1):
        if received[0] in STOPS:
            signal.pthread_kill(main, WAKE)


def _raise_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass

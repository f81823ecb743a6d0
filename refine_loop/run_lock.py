"""One run at a time in a folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from files.own_file import NO_FILE, open_own
from refine_loop.errors import RunInputError

LOCK = "run.lock"


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold a run's folder while the context is open; the system lets go of it when the process dies.

    Raises:
        RunInputError: another process holds it, or the folder cannot be written to.
    """
    try:
        file = open_own(folder / LOCK, os.O_RDWR | os.O_CREAT)
    except OSError as exc:
        if exc.errno in NO_FILE:
            raise RunInputError(f"{exc.filename}: {exc.strerror}") from exc
        raise RunInputError(
            f"{folder} cannot be written to ({exc.strerror}), and a run keeps what it does there: "
            "make it writable, or copy it to where you may write and go on with the copy"
        ) from exc
    try:
        _take(file, folder)
        yield
    finally:
        os.close(file)


def _take(file: int, folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        holder = os.pread(file, 32, 0).decode(errors="replace").strip() or "unknown"
        raise RunInputError(
            f"{folder} is in use by another run, process {holder}: wait until it is done, or stop it first"
        ) from exc
    except OSError as exc:
        raise RunInputError(
            f"{folder} cannot be locked ({exc.strerror}), which keeps two runs apart: name a folder on a local disk"
        ) from exc
    with contextlib.suppress(OSError):  # on a full disk the lock holds all the same; only its holder has no name
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)

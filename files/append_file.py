"""A file of lines that a run appends to, from any thread, and that outlives the run's death."""

import contextlib
import errno
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from files.errors import StorageError
from files.whole_file import sync_folder

SYNC_SECONDS = 0.25  # what a power cut may cost; a killed process loses nothing
_TAIL = 1 << 16


class AppendFile:
    """Appends whole lines. Each is handed to the system at once, and is on the disk within `SYNC_SECONDS` or so.

    A thread of its own waits for the disk, so that nobody else has to. A line that a crash cut short is taken out when
    the file is opened again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        _cut_torn_line(self._file)
        sync_folder(path.parent)
        self._lock = threading.Lock()
        self._dirty = threading.Event()
        self._closing = threading.Event()
        self._error: OSError | None = None
        self._syncer = threading.Thread(target=self._sync, name=f"sync {path.name}", daemon=True)
        self._syncer.start()

    def append(self, line: str) -> None:
        """Append a line; what comes after the file was closed, such as a late answer to a stopped run, is dropped.

        Raises:
            StorageError: the disk does not take it; no part of it is left in the file.
        """
        data = line.encode() + b"\n"
        with self._lock:
            if self._closing.is_set():
                return
            end = os.fstat(self._file).st_size
            try:
                if self._error is not None:
                    raise self._error
                if os.write(self._file, data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as exc:
                with contextlib.suppress(OSError):  # what is left of the line is taken out when the file is next opened
                    os.ftruncate(self._file, end)
                raise StorageError(exc.errno, exc.strerror, str(self._path)) from exc
        self._dirty.set()

    def close(self) -> None:
        """Wait for the disk, and close; closing again does nothing.

        Raises:
            StorageError: the disk failed.
        """
        with self._lock:
            if self._closing.is_set():
                return
            self._closing.set()
        self._dirty.set()
        self._syncer.join()
        os.close(self._file)
        if self._error is not None:
            raise StorageError(self._error.errno, self._error.strerror, str(self._path)) from self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sync(self) -> None:
        last = False
        while not last:
            self._dirty.wait()
            last = self._closing.is_set()
            self._dirty.clear()
            try:
                os.fdatasync(self._file)
            except OSError as exc:
                self._error = exc
            self._closing.wait(SYNC_SECONDS)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read the objects of a file of JSON lines; a line that a crash left cut short or blank is passed over."""
    with path.open("rb") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict):
                    yield entry


def _cut_torn_line(file: int) -> None:
    """Take a last line without an end out of a file."""
    end = length = os.fstat(file).st_size
    while end:
        start = max(0, end - _TAIL)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        end = start + newline + 1
        if newline >= 0:
            break
    if end < length:
        os.ftruncate(file, end)

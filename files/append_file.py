"""A file of lines that a run appends to, from any thread, and that outlives the run's death."""

import contextlib
import errno
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from files.errors import StorageError
from files.hashes import has_hashes, hash_start, record_start
from files.own_file import open_own
from files.whole_file import cut_torn_line, sync_folder

SYNC_SECONDS = 0.25  # what a power cut may cost; a killed process loses nothing
_CHUNK = 1 << 20
MARK_SECONDS = 2.0  # between two records of how far the file goes


class AppendFile:
    """Appends whole lines. Each is handed to the system at once, and is on the disk within `SYNC_SECONDS` or so.

    A thread of its own waits for the disk, so that nobody else has to. A line that a crash cut short is taken out when
    the file is opened again. Of a file in a folder whose files are recorded, what is on the disk is recorded every
    `MARK_SECONDS`, and at the end.
    """

    def __init__(self, path: Path, recorded_in: Path | None = None) -> None:
        self._path = path
        self._recorded_in = recorded_in if recorded_in is not None and has_hashes(recorded_in) else None
        self._file = open_own(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        cut_torn_line(self._file)
        sync_folder(path.parent)
        self._size = os.fstat(self._file).st_size
        self._digest = hash_start(path, self._size if self._recorded_in else 0)
        self._marked_at, self._marked_size = 0.0, 0
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
            if self._recorded_in is not None:
                self._size += len(data)
                self._digest.update(data)
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
            with self._lock:
                size, digest = self._size, self._digest.copy()
            try:
                os.fdatasync(self._file)
                self._mark(size, digest, is_last=last)
            except OSError as exc:
                self._error = exc
            self._closing.wait(SYNC_SECONDS)

    def _mark(self, size: int, digest: "hashlib._Hash", *, is_last: bool) -> None:
        """Record what is on the disk, now and then."""
        is_due = is_last or time.monotonic() - self._marked_at >= MARK_SECONDS
        if self._recorded_in is None or not is_due or size == self._marked_size:
            return
        record_start(self._path, size, digest.hexdigest(), self._recorded_in)
        self._marked_at, self._marked_size = time.monotonic(), size


def find_foreign_line(path: Path, is_ours: Callable[[Any], bool], start: int = 0) -> int | None:
    """Find the first line, from 1, that holds something else than it should, behind `start` bytes; None for none.

    A last line without an end is no line: it is taken out when the file is next opened.
    """
    with path.open("rb") as file:
        before = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(min(_CHUNK, start - file.tell())), b""))
        for number, line in enumerate(file, before + 1):
            if line.endswith(b"\n") and not _is_ours(line, is_ours):
                return number
    return None


def _is_ours(line: bytes, is_ours: Callable[[Any], bool]) -> bool:
    try:
        return is_ours(json.loads(line))
    except ValueError:
        return False


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read the objects of a file of JSON lines; a line that a crash left cut short or blank is passed over."""
    with path.open("rb") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict):
                    yield entry

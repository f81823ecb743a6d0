"""Files that are whole or not there, whatever happens while they are written."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from polars.exceptions import ComputeError

from files.errors import StorageError

_TAIL = 1 << 16


def write_text(text: str, path: Path) -> None:
    """Write a text so that the file is either whole or not there."""
    write_bytes(text.encode(), path)


def write_bytes(content: bytes, path: Path) -> None:
    """Write, flush to disk, rename: a file that has its final name is whole, and keeps it through a power cut."""
    make_folder(path.parent)
    partial = free_partial(path)
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as exc:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)  # on a full disk it would be in the way
        exc.filename = str(path)  # the name that people know; a write that fails has none
        raise
    sync_folder(path.parent)


def free_partial(path: Path) -> Path:
    """Name the file beside `path` that is to take its place; what is there already, a link too, is taken away.

    Raises:
        OSError: a folder is in its place, or the system does not let go of it.
    """
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    return partial


def make_folder(folder: Path) -> None:
    """Make a folder, where it is not there, so that it is there after a power cut too."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in missing:
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows which files a folder has, and under which names."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def sync_tree(folder: Path) -> None:
    """Wait until all that is in a folder is on the disk."""
    for path in folder.rglob("*"):
        _sync(path, os.O_RDONLY)
    sync_folder(folder)


def _sync(path: Path, flags: int) -> None:
    opened = os.open(path, flags)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextlib.contextmanager
def name_full_disk(place: Path) -> Iterator[None]:
    """Say, of what polars could not write, where that was.

    Raises:
        StorageError: the disk does not take it.
    """
    try:
        yield
    except ComputeError as exc:  # which is what polars makes of a full disk
        raise StorageError(None, str(exc), str(place)) from exc


@contextlib.contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, which takes its place when all is written, or is removed."""
    partial = free_partial(path)
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def cut_torn_line(file: int) -> None:
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

"""What a folder's files were when they were written: hashes that are kept as it grows, and that it is held against.

Each line of `hashes.jsonl` is on the disk before the next step begins. A file that takes another's place is recorded
before it does, a new one after: whenever the writer is killed, each file is one that was recorded, or none that was.
A folder without `hashes.jsonl` records nothing.
"""

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from files.errors import StorageError
from files.own_file import open_own
from files.whole_file import cut_torn_line, sync_folder, write_bytes

HASHES = "hashes.jsonl"
_CHUNK = 1 << 20
_appending = threading.Lock()


@dataclass(frozen=True)
class Damage:
    """A file that is not what was recorded, and how that shows."""

    file: str
    found: str


@dataclass
class Recorded:
    """What was recorded of one file: hashes that all of it may have, or the hash of its first bytes.

    `gone` says that it was taken away on purpose.
    """

    hashes: set[str] = field(default_factory=set)
    size: int | None = None
    gone: bool = False


def begin_hashes(folder: Path) -> None:
    """Begin to record what a folder holds, with the files that are in it."""
    (folder / HASHES).touch()
    sync_folder(folder)


def has_hashes(folder: Path) -> bool:
    """Tell whether what a folder holds is recorded."""
    return (folder / HASHES).is_file()


def write_recorded(content: bytes, path: Path, folder: Path) -> None:
    """Write a file of `folder` so that it is whole or not there, and record it.

    Raises:
        OSError: the disk does not take it.
    """
    with record_replacing({path: hashlib.sha256(content).hexdigest()}, folder):
        write_bytes(content, path)


@contextlib.contextmanager
def record_replacing(hashes: Mapping[Path, str], folder: Path) -> Iterator[None]:
    """Record files, by their hashes, that take their places while the context is open."""
    if not has_hashes(folder):
        yield
        return
    there = {path: digest for path, digest in hashes.items() if path.exists()}
    if there:
        known = read_hashes(folder)
        unknown = [path for path in there if path.relative_to(folder).as_posix() not in known]  # of a writer killed
        before = [_describe(path, hash_file(path), folder) for path in unknown]
        _append(folder, before + [_describe(path, digest, folder) for path, digest in there.items()])
    yield
    _append(folder, [_describe(path, digest, folder) for path, digest in hashes.items() if path not in there])


def record_files(paths: Sequence[Path], folder: Path) -> None:
    """Record files as they are."""
    if has_hashes(folder):
        _append(folder, [_describe(path, hash_file(path), folder) for path in paths])


def record_start(path: Path, size: int, digest: str, folder: Path) -> None:
    """Record the first bytes of a file that is appended to, once they are on the disk."""
    _append(folder, [_describe(path, digest, folder) | {"bytes": size}])


def remove_recorded(path: Path, folder: Path) -> None:
    """Take a file away, where it is still there, and record that it is gone."""
    if has_hashes(folder):
        _append(folder, [_describe(path, None, folder)])
    path.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """Hash a file, whatever its size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_start(path: Path, size: int) -> "hashlib._Hash":
    """Hash the first bytes of a file, to go on with."""
    digest, left = hashlib.sha256(), size
    with path.open("rb") as file:
        while left and (chunk := file.read(min(_CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return digest


def read_hashes(folder: Path) -> dict[str, Recorded]:
    """Read what was recorded of each file, by its path in the folder; a line that is none of ours says nothing."""
    recorded: dict[str, Recorded] = {}
    if not has_hashes(folder):
        return recorded
    for line in (folder / HASHES).read_bytes().splitlines():
        entry = _read_entry(line)
        if entry is None:
            continue
        name, digest, size = entry
        before = recorded.get(name)
        if digest is None:
            recorded[name] = Recorded(gone=True)
        elif before is None or before.gone or size is not None:
            recorded[name] = Recorded({digest}, size)
        else:
            before.hashes.add(digest)
    return recorded


def find_damage(folder: Path) -> list[Damage]:
    """Hold a folder against what was recorded of it, in the order in which its files were written.

    A writer may be at work: what does not hold is looked up once more.
    """
    found = {name: _look(folder, name, entry) for name, entry in read_hashes(folder).items()}
    again = read_hashes(folder) if any(found.values()) else {}
    looked = {name: _look(folder, name, again[name]) for name, said in found.items() if said and name in again}
    return [Damage(name, said) for name, said in looked.items() if said]


def _look(folder: Path, name: str, recorded: Recorded) -> str | None:
    """Say what is wrong with a file; None for one that is as it was recorded."""
    try:
        return None if recorded.gone else _compare(folder / name, recorded)
    except FileNotFoundError:
        return "is missing"
    except OSError as exc:
        return f"cannot be read ({exc.strerror})"


def _compare(path: Path, recorded: Recorded) -> str | None:
    size = path.stat().st_size
    if not path.is_file():
        return "is a folder, and no file: move it away" if path.is_dir() else "is no regular file"
    if size < (recorded.size or 0):
        return f"is cut: {size:,} bytes of {recorded.size:,} or more"
    digest = hash_file(path) if recorded.size is None else hash_start(path, recorded.size).hexdigest()
    if digest in recorded.hashes:
        return None
    return "is not what was written" if size else "is empty"


def _read_entry(line: bytes) -> tuple[str, str | None, int | None] | None:
    try:
        entry = json.loads(line)
        name, digest, size = entry["file"], entry["sha256"], entry.get("bytes")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    is_ours = (
        isinstance(name, str)
        and not Path(name).is_absolute()
        and ".." not in Path(name).parts
        and isinstance(digest, str | None)
        and isinstance(size, int | None)
    )
    return (name, digest, size) if is_ours else None


def _describe(path: Path, digest: str | None, folder: Path) -> dict[str, Any]:
    return {"file": path.relative_to(folder).as_posix(), "sha256": digest}


def _append(folder: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Append lines, and wait until they are on the disk.

    Raises:
        StorageError: the disk does not take them.
    """
    if not entries:
        return
    data = "".join(f"{json.dumps(entry)}\n" for entry in entries).encode()
    try:
        with _appending:
            file = open_own(folder / HASHES, os.O_RDWR | os.O_APPEND)
            try:
                cut_torn_line(file)
                if os.write(file, data) < len(data):
                    raise StorageError(None, "No space left on device", str(folder / HASHES))
                os.fdatasync(file)
            finally:
                os.close(file)
    except OSError as exc:
        raise StorageError(exc.errno, exc.strerror, str(folder / HASHES)) from exc

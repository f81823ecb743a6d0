"""Lines that are appended are whole, at once, and in the file or not in it."""

import os
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from files.append_file import AppendFile, read_lines
from files.errors import StorageError
from files.whole_file import sync_tree, write_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lines.jsonl"


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Let no file of this process grow beyond 100 bytes: what is beyond is not written, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_line_is_there_at_once(path: Path) -> None:
    with AppendFile(path) as file:
        file.append('{"a": 1}')
        assert list(read_lines(path)) == [{"a": 1}]


def test_line_is_on_the_disk_soon(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    monkeypatch.setattr("files.append_file.os.fdatasync", lambda _: synced.set())
    with AppendFile(path) as file:
        file.append("{}")
        assert synced.wait(5)


def test_last_line_is_on_the_disk_when_the_file_is_closed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    monkeypatch.setattr("files.append_file.os.fdatasync", lambda f: lengths.append(os.fstat(f).st_size))
    with AppendFile(path) as file:
        for _ in range(3):
            file.append("{}")
    assert lengths[-1] == 9
    file.close()


def test_line_that_comes_too_late_goes_nowhere(path: Path, tmp_path: Path) -> None:
    with AppendFile(path) as file:
        pass
    with (tmp_path / "other").open("wb"):  # has the number that the closed file had
        file.append("{}")
    assert [place.stat().st_size for place in (path, tmp_path / "other")] == [0, 0]


def test_line_that_does_not_fit_leaves_nothing(path: Path, full_disk: None) -> None:
    line = '{"text": "' + "x" * 50 + '"}'
    with AppendFile(path) as file:
        file.append(line)
        with pytest.raises(StorageError, match="No space left") as full:
            file.append(line)
        assert full.value.filename == str(path)
        file.append("{}")
    assert path.read_text() == f"{line}\n{{}}\n"


def test_disk_that_fails_later_is_told_with_the_next_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()

    def fail(_: int) -> None:
        failed.set()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("files.append_file.os.fdatasync", fail)
    file = AppendFile(path)
    file.append("{}")
    failed.wait(5)
    time.sleep(0.05)
    with pytest.raises(StorageError, match="Input/output error"):
        file.append("{}")
    with pytest.raises(StorageError):
        file.close()


def test_disk_that_fails_at_the_end_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("files.append_file.os.fdatasync", fail)
    file = AppendFile(path)
    with pytest.raises(StorageError):
        file.close()


@pytest.mark.parametrize("torn", [b"", b"{", b'{"a":', b"x" * 200_000])
@pytest.mark.parametrize("whole", [b"", b"{}\n", b"{}\n" * 50_000])
def test_torn_line_is_taken_out(path: Path, whole: bytes, torn: bytes) -> None:
    path.write_bytes(whole + torn)
    with AppendFile(path):
        assert path.read_bytes() == whole


def test_folders_that_are_made_for_a_file_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("files.whole_file.sync_folder", synced.append)
    write_text("x", tmp_path / "a/b/file")
    write_text("y", tmp_path / "a/b/file")
    assert synced == [tmp_path / "a", tmp_path, tmp_path / "a/b", tmp_path / "a/b"]


def test_tree_is_synced_with_all_that_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text("x", tmp_path / "a/b/file")
    names: set[str] = set()
    monkeypatch.setattr("files.whole_file.os.fsync", lambda f: names.add(str(Path(f"/proc/self/fd/{f}").readlink())))
    sync_tree(tmp_path)
    assert names == {str(place) for place in (tmp_path, tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/file")}

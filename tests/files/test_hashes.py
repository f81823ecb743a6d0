"""What is recorded of a folder's files: any change shows, and no death of the writer looks like one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from files.append_file import AppendFile, find_foreign_line
from files.hashes import (
    HASHES,
    begin_hashes,
    find_damage,
    hash_file,
    read_hashes,
    record_files,
    record_replacing,
    remove_recorded,
    write_recorded,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    begin_hashes(tmp_path)
    return tmp_path


def list_found(folder: Path) -> list[tuple[str, str]]:
    return [(damage.file, damage.found) for damage in find_damage(folder)]


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"as it was", None), (b"as it Was", "is not what was written"), (b"", "is empty"), (None, "is missing")],
)
def test_file_is_held_against_its_hash(folder: Path, content: bytes | None, found: str | None) -> None:
    write_recorded(b"as it was", folder / "a/b", folder)
    (folder / "a/b").unlink() if content is None else (folder / "a/b").write_bytes(content)
    assert list_found(folder) == ([] if found is None else [("a/b", found)])


def test_folder_in_the_place_of_a_file_is_no_file(folder: Path) -> None:
    write_recorded(b"x", folder / "a", folder)
    (folder / "a").unlink()
    (folder / "a").mkdir()
    assert list_found(folder) == [("a", "is a folder, and no file: move it away")]


def test_what_was_taken_away_on_purpose_is_not_missing(folder: Path) -> None:
    write_recorded(b"x", folder / "a", folder)
    remove_recorded(folder / "a", folder)
    assert list_found(folder) == []


def test_folder_that_records_nothing_is_damaged_by_nothing(tmp_path: Path) -> None:
    write_recorded(b"x", tmp_path / "a", tmp_path)
    record_files([tmp_path / "a"], tmp_path)
    (tmp_path / "a").write_bytes(b"y")
    assert list_found(tmp_path) == []
    assert not (tmp_path / HASHES).exists()


@pytest.mark.parametrize("line", [b"\xff\xfe", b"7", b'{"file": "../a", "sha256": "0"}', b'{"file": "/a"}', b'{"file'])
def test_lines_of_others_record_nothing(folder: Path, line: bytes) -> None:
    with (folder / HASHES).open("ab") as file:
        file.write(line + b"\n")
    assert read_hashes(folder) == {}


class Died(BaseException):
    """The writer is killed."""


STEPS = ("write", "replace", "unlink", "fsync", "fdatasync")


@pytest.fixture
def die_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Give a function by which the nth call that changes the disk, or waits for it, is the writer's last."""
    left = [-1]

    def count(name: str) -> None:
        stock = getattr(os, name)

        def call(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise Died
            return stock(*arguments, **options)

        monkeypatch.setattr(os, name, call)

    for name in STEPS:
        count(name)

    def arm(step: int) -> None:
        left[0] = step

    return arm


@pytest.mark.parametrize("step", range(1, 13))
def test_writer_that_is_killed_leaves_a_folder_that_is_whole(
    folder: Path, die_at: Callable[[int], None], step: int
) -> None:
    write_recorded(b"old", folder / "twice", folder)
    write_recorded(b"gone", folder / "gone", folder)
    (folder / "unknown").write_bytes(b"of a writer that was killed before it could record it")
    (folder / "next").write_bytes(b"next")
    die_at(step)
    try:
        write_recorded(b"new", folder / "twice", folder)
        remove_recorded(folder / "gone", folder)
        with record_replacing({folder / "unknown": hash_file(folder / "next")}, folder):
            (folder / "next").replace(folder / "unknown")
        write_recorded(b"first", folder / "first", folder)
    except Died:
        pass
    die_at(-1)
    assert list_found(folder) == []
    write_recorded(b"after", folder / "after", folder)  # a line that was cut short is in nobody's way
    assert "after" in read_hashes(folder)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda content: content, None),
        (lambda content: content + b'{"n": 3}\n', None),
        (lambda content: content[:-4], "is cut: 14 bytes of 18 or more"),
        (lambda _: b"", "is cut: 0 bytes of 18 or more"),
        (lambda content: content.replace(b"1", b"2"), "is not what was written"),
    ],
)
def test_start_of_a_log_is_held_against_its_hash(
    folder: Path, change: Callable[[bytes], bytes], found: str | None
) -> None:
    log = folder / "log.jsonl"
    for line in ('{"n": 1}', '{"n": 2}'):
        with AppendFile(log, recorded_in=folder) as file:
            file.append(line)
    log.write_bytes(change(log.read_bytes()))
    assert list_found(folder) == ([] if found is None else [("log.jsonl", found)])


def test_log_is_recorded_while_it_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("files.append_file.MARK_SECONDS", 0.0)
    with AppendFile(folder / "log.jsonl", recorded_in=folder) as file:
        file.append("{}")
        while "log.jsonl" not in read_hashes(folder):
            pass
        assert list_found(folder) == []


def test_log_is_not_written_through_a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "log.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="it is a link, and nothing is written through links"):
        AppendFile(folder / "log.jsonl")
    assert not (tmp_path / "elsewhere").exists()


def test_log_is_not_written_to_a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "log.jsonl")
    with pytest.raises(OSError, match="it is a pipe, and no file"):
        AppendFile(folder / "log.jsonl")


@pytest.mark.parametrize(
    ("content", "start", "line"),
    [
        (b"1\n2\n3\n", 0, None),
        (b"1\nx\n3\n", 0, 2),
        (b"1\nx\n3\n", 4, None),
        (b"1\nx\n[]\n", 4, 3),
        (b"1\n2\n{", 0, None),
        (b"\xff\n", 0, 1),
    ],
)
def test_line_that_is_none_of_ours_is_found(tmp_path: Path, content: bytes, start: int, line: int | None) -> None:
    (tmp_path / "log").write_bytes(content)
    assert find_foreign_line(tmp_path / "log", lambda entry: isinstance(entry, int), start) == line

"""One run at a time in a folder, and a dead one's lock is no obstacle."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from refine_loop.errors import RunInputError
from refine_loop.run_lock import LOCK, lock_folder

HOLD = """
import sys, time
from pathlib import Path
from refine_loop.run_lock import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
Cli = Callable[..., Result]


def hold(folder: Path) -> "subprocess.Popen[str]":
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_second_run_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with hold(tmp_path) as first:
        with pytest.raises(RunInputError, match=f"in use by another run, process {first.pid}:"), lock_folder(tmp_path):
            pass
        first.send_signal(signal.SIGKILL)


def test_lock_of_a_dead_process_is_no_obstacle(tmp_path: Path) -> None:
    with hold(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
    with lock_folder(tmp_path):
        assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n"
    with lock_folder(tmp_path):
        pass


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunInputError, match="nowhere cannot be written to"), lock_folder(tmp_path / "nowhere"):
        pass


def test_lock_is_not_taken_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / LOCK).symlink_to(tmp_path / "precious")
    with (
        pytest.raises(RunInputError, match="it is a link, and nothing is written through links"),
        lock_folder(tmp_path),
    ):
        pass
    assert (tmp_path / "precious").read_text() == "kept"


def test_folder_in_the_place_of_the_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / LOCK).mkdir()
    with pytest.raises(RunInputError, match=r"run\.lock: it is a folder, and no file"), lock_folder(tmp_path):
        pass


def test_folder_that_cannot_be_locked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("refine_loop.run_lock.fcntl.flock", refuse)
    with pytest.raises(RunInputError, match=re.escape("cannot be locked (No locks available)")), lock_folder(tmp_path):
        pass


def test_resuming_a_run_that_goes_on_is_refused(cli: Cli, tmp_path: Path) -> None:
    assert cli("generate", "--num", 5, "--out", tmp_path / "run").exit_code == 0
    before = (tmp_path / "run/events.jsonl").read_bytes()
    with hold(tmp_path / "run") as first:
        result = cli("resume", tmp_path / "run")
        first.send_signal(signal.SIGKILL)
    assert result.exit_code == 2
    assert f"process {first.pid}" in result.stderr
    assert (tmp_path / "run/events.jsonl").read_bytes() == before
    assert cli("resume", tmp_path / "run").exit_code == 0

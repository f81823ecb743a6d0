"""Standard output that goes away takes no run with it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tradelogs.outlets import Outlet, open_outlets

PROGRAM = Path(sys.executable).with_name("tradelogs")


def test_a_stream_that_is_there_is_written_to() -> None:
    text = io.StringIO()
    outlet = Outlet(text)
    assert outlet.write("seen") == 4
    outlet.flush()
    assert (text.getvalue(), outlet.error) == ("seen", None)


def test_a_closed_pipe_is_silent_from_then_on() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stream:
        outlet = Outlet(stream)
        for _ in range(3):
            outlet.write("nobody reads this\n")
            outlet.flush()
        assert isinstance(outlet.error, BrokenPipeError)


def test_a_full_device_is_said_on_the_other_stream(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stdout", full)
        with open_outlets():
            print("nobody reads this")
        assert sys.stdout is full
    assert "standard output does not take it (No space left on device)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_stream_that_was_closed_before_the_process_began_is_no_error(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(sys, name, None)
    with open_outlets():
        print("nobody reads this", file=getattr(sys, name))
    getattr(sys, name).close()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_a_terminal_has_no_character_for_is_an_escape(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding=encoding, errors="strict"))
    with open_outlets():
        print("… “seen”")
    assert content.getvalue() == b"\\u2026 \\u201cseen\\u201d\n"


@pytest.mark.parametrize("command", [["--help"], ["runs", "/"], ["completion", "fish"]])
def test_a_command_into_a_closed_pipe_ends_as_it_would(command: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        done = subprocess.run([PROGRAM, *command], stdout=nobody, stderr=subprocess.PIPE, check=False)
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("outlet", ["closed pipe", "/dev/full"])
def test_a_run_that_nobody_looks_at_is_complete(tmp_path: Path, outlet: str) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") if outlet == "closed pipe" else open(outlet, "w") as nobody:  # noqa: PTH123 - a device
        command = [str(PROGRAM), "generate", "offline", "--num", "4", "--out", str(tmp_path / "run")]
        done = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert pl.read_parquet(tmp_path / "run/accepted.parquet").height == 4

"""Processes of their own for tests, forked from one that has imported everything, and so begun at once."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).parents[1]
SERVER = "TRADELOGS_TESTS_FORK_SERVER"
TRADELOGS, DATA_DESIGNER = "from tradelogs.cli import main; main()", "from data_designer.cli.main import main; main()"
END_SECONDS = 60


@contextmanager
def open_server() -> Iterator[None]:
    """Start the process that others are forked from, and name its socket to whoever asks for one, other workers too.

    The process is light until the first request.
    """
    with tempfile.TemporaryDirectory(prefix="tradelogs-fork-") as folder:
        address = f"{folder}/asked"
        command = [sys.executable, "-m", "tests.fork_server", address]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT, start_new_session=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdout.readline()
            os.environ[SERVER] = address
            yield
            server.stdin.close()


class Process:
    """A process that runs Python source as `python -c` does; it is used as `subprocess.Popen` is."""

    def __init__(
        self, code: str, *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        request = {
            "code": code,
            "arguments": [str(argument) for argument in arguments],
            "environment": dict(os.environ if env is None else env),
            "folder": str(cwd or Path.cwd()),
        }
        self.returncode: int | None = None
        self._open = ExitStack()
        self._said = tempfile.TemporaryFile("a+b"), tempfile.TemporaryFile("a+b")  # noqa: SIM115 - closed below
        for file in self._said:  # it appends, wherever we read
            self._open.enter_context(file)
        self._server = self._open.enter_context(socket.socket(socket.AF_UNIX))
        self._server.connect(os.environ[SERVER])
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
            files = [file.fileno() for file in (nothing, *self._said)]
            socket.send_fds(self._server, [b" "], files)
            self._server.sendall(json.dumps(request).encode())
            self._server.shutdown(socket.SHUT_WR)
            self._answers = self._open.enter_context(self._server.makefile("r"))
            self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        """Give the exit code, minus the number of the signal that ended it, or None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float) -> int:
        """Wait for its end, some seconds at most."""
        if self.returncode is None:
            if not select.select([self._server], [], [], timeout)[0]:  # what has ended is hung up on as well
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            self.returncode = int(self._answers.readline())
        return self.returncode

    def read(self) -> str:
        """Read what it has said until now: all of standard output, then all of standard error."""
        return "".join(read_from_start(file) for file in self._said)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait for its end, and give what it said on standard output and on standard error."""
        self.wait(timeout)
        return read_from_start(self._said[0]), read_from_start(self._said[1])

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            self.kill()
        self.wait(END_SECONDS)
        self._open.close()


def read_from_start(file: IO[bytes]) -> str:
    """Read all of a file as text."""
    file.seek(0)
    return file.read().decode()


def run(
    code: str,
    *arguments: object,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 120,
) -> "subprocess.CompletedProcess[str]":
    """Run Python source to its end in a process of its own; give its exit code and what it said."""
    with Process(code, *arguments, env=env, cwd=cwd) as process:
        said = process.communicate(timeout)
    assert process.returncode is not None
    return subprocess.CompletedProcess([code, *map(str, arguments)], process.returncode, *said)

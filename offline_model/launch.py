"""Starts the offline model as a child process and stops it again."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import IO

from offline_model.errors import OfflineModelError
from offline_model.options import Options
from offline_model.serving import LISTENING

START_SECONDS = 30
STOP_SECONDS = 5


@contextmanager
def launch(options: Options) -> Iterator[str]:
    """Launch the offline model on a free port, yield its endpoint (`http://127.0.0.1:PORT/v1`) and stop it at the end.

    The child stops by itself when this process dies, however it dies. It does not see the terminal's Ctrl-C.

    Raises:
        OfflineModelError: It did not start.
    """
    command = [sys.executable, "-m", "offline_model", "--stops-with-stdin"]
    for name in ("seed", "latency", "fault_rate", "malformed_rate"):
        command += [f"--{name.replace('_', '-')}", repr(getattr(options, name))]
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(  # noqa: S603 - this interpreter, numbers for arguments
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True, text=True
        )
        with child:
            try:
                yield _wait_for_endpoint(child, log)
            finally:
                _stop(child)


def _wait_for_endpoint(child: "subprocess.Popen[str]", log: IO[bytes]) -> str:
    assert child.stdout is not None
    timer = Timer(START_SECONDS, child.kill)
    timer.start()
    line = child.stdout.readline()
    timer.cancel()
    if line.startswith(LISTENING):
        return line.removeprefix(LISTENING).strip()
    child.wait()
    log.seek(0)
    said = log.read().decode(errors="replace").strip().rpartition("\n")[2] or "nothing"
    raise OfflineModelError(f"the offline model did not start (exit code {child.returncode}); it said: {said}")


def _stop(child: "subprocess.Popen[str]") -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()

"""Starts the offline model, or another server of this machine, as a child process and stops it again."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Timer
from typing import IO

from offline_model.errors import OfflineModelError
from offline_model.options import Options
from offline_model.serving import LISTENING

START_SECONDS = 30
SERVING: "dict[str, tuple[subprocess.Popen[str], str]]" = {}  # servers that were started here, with their names
STOP_SECONDS = 5


def tell_end(endpoint: str) -> str | None:
    """Say that a server which was started here has ended, and how; None while it serves, and of any other server."""
    child, name = SERVING.get(endpoint, (None, ""))
    code = None if child is None else child.poll()
    if code is None:
        return None
    return f"{name} has ended ({f'killed by signal {-code}' if code < 0 else f'exit code {code}'})"


def tell_disguise(endpoint: str | None, mapping: str) -> None:
    """Tell the offline model under which disguise it is asked from now on, where it was started here.

    Args:
        endpoint: Its endpoint; one that was not started here is told nothing.
        mapping: The mapping as JSON, on one line.
    """
    child, _ = SERVING.get(endpoint or "", (None, ""))
    if child is None:
        return
    assert child.stdin is not None
    assert child.stdout is not None
    with suppress(BrokenPipeError):  # it has ended, as the first request will find
        print(mapping, file=child.stdin, flush=True)
        child.stdout.readline()


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
    command += ["--style", options.style]
    with launch_server(command, "the offline model", LISTENING) as endpoint:
        yield endpoint


@contextmanager
def launch_server(
    command: Sequence[str], name: str, listening: str, *, seconds: float = START_SECONDS
) -> Iterator[str]:
    """Launch a server that says where it listens on its first line, after `listening`, and ends with its stdin.

    Args:
        command: What to run.
        name: What messages call it.
        listening: How the line begins that ends in its endpoint.
        seconds: Within which that line must be there.

    Raises:
        OfflineModelError: It did not start.
    """
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(  # noqa: S603 - an interpreter, a module, and options of ours
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True, text=True
        )
        with child:
            try:
                endpoint = _wait_for_endpoint(child, log, name, listening, seconds)
                SERVING[endpoint] = child, name
                try:
                    yield endpoint
                finally:
                    del SERVING[endpoint]
            finally:
                _stop(child)


def _wait_for_endpoint(
    child: "subprocess.Popen[str]", log: IO[bytes], name: str, listening: str, seconds: float
) -> str:
    assert child.stdout is not None
    timer = Timer(seconds, child.kill)
    timer.start()
    line = child.stdout.readline()
    timer.cancel()
    if line.startswith(listening):
        return line.removeprefix(listening).strip()
    child.wait()
    log.seek(0)
    said = log.read().decode(errors="replace").strip().rpartition("\n")[2] or "nothing"
    raise OfflineModelError(f"{name} did not start (exit code {child.returncode}); it said: {said}")


def _stop(child: "subprocess.Popen[str]") -> None:
    assert child.stdin is not None
    with suppress(BrokenPipeError):  # what it was told last, and did not live to read
        child.stdin.close()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()

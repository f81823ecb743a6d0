"""Starts processes that have imported everything already: it imports once, then forks for each that is asked for.

`python -m tests.fork_server SOCKET` is started by conftest.py for a whole test session, all its workers included; it
begins to import with the first request, and ends when its standard input does. A request is Python source, arguments,
environment and folder, as `python -c` takes them, with files for its output. `tests.process` asks for one.

What is forked is a process of its own: it can be sent any signal, ends as the interpreter ends, with `atexit` and the
exit code of a stray exception, and its parent reports that code. It differs from one that was started cold in two ways,
for which tests of their own start cold: the order of its imports, and the seed of its string hashes.
"""

import gc
import importlib.util
import json
import os
import select
import signal
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

PRELOADED = (
    "tradelogs.cli",
    "tradelogs.display",
    "tradelogs.verdict_display",
    "refine_loop.run",
    "refine_loop.preview",
    "verification.verify",
    "networkx",  # duckdb, which the first job imports as well, begins a thread
    "scipy.stats",
)
FOLDERS = "data_designer.config.utils.constants"
LARGEST_MESSAGE = 1 << 16
FILES = 3  # standard input, output and error


def serve(listener: socket.socket) -> dict[str, Any]:
    """Fork for every request until standard input ends; returns in the forked processes alone, with their request."""
    running: dict[int, socket.socket] = {}
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    woken.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([listener, woken, sys.stdin], [], [])
        if woken in ready:
            woken.recv(LARGEST_MESSAGE)
            report_ended(running)
        if sys.stdin in ready:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
            sys.exit()
        if listener in ready:
            caller, _ = listener.accept()
            request, files = receive(caller)
            preload()
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                take_files(files)
                caller.sendall(f"{os.getpid()}\n".encode())  # not sooner: a signal would be lost in what forking calls
                for file in (listener, woken, wake, caller, *running.values()):
                    file.close()
                return request
            running[pid] = caller
            for number in files:
                os.close(number)


def receive(caller: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Read a request, which ends where the caller ends to write, and the files that come with it."""
    content, files, _, _ = socket.recv_fds(caller, LARGEST_MESSAGE, FILES)
    while part := caller.recv(LARGEST_MESSAGE):
        content += part
    request: dict[str, Any] = json.loads(content)
    return request, files


def report_ended(running: dict[int, socket.socket]) -> None:
    """Tell the exit code of every process that has ended to whoever asked for it; a signal's is negative."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with running.pop(pid) as caller, suppress(OSError):
            caller.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def preload() -> None:
    """Import what `tradelogs` needs, the first time, and let no collection of garbage look at it again."""
    if PRELOADED[0] not in sys.modules:
        for name in PRELOADED:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()
        # jemalloc, in Polars and Arrow, has threads that mind forks; nothing else may run when one is made.
        warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)


def take_files(files: list[int]) -> None:
    """Make files this process's standard input, output and error."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)


def become(request: dict[str, Any]) -> None:
    """Take on arguments, environment, folder and seeds as a process that has just been started."""
    import numpy as np  # noqa: PLC0415 - only after Data Designer's switches are set

    sys.argv[:] = ["-c", *request["arguments"]]
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    time.tzset()
    tempfile.tempdir = None
    np.random.seed()  # the module `random` sees to itself
    read_folders()
    cli = vars(sys.modules["tradelogs.cli"])
    prepare: Callable[[], None] = cli["prepare_environment"]

    def prepare_and_read() -> None:
        prepare()
        read_folders()

    cli["prepare_environment"] = prepare_and_read


def read_folders() -> None:
    """Read the folders again that Data Designer takes from the environment while it is imported."""
    loaded = vars(sys.modules[FOLDERS])
    spec = importlib.util.find_spec(FOLDERS)
    assert spec is not None
    assert spec.loader is not None
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    before = {name: loaded[name] for name, value in vars(fresh).items() if isinstance(value, Path)}
    for module in [module for name, module in sys.modules.items() if name.startswith("data_designer")]:
        for name, folder in before.items():
            if vars(module).get(name) is folder:
                setattr(module, name, getattr(fresh, name))


if __name__ == "__main__":
    with socket.socket(socket.AF_UNIX) as asked:
        asked.bind(sys.argv[1])
        asked.listen()
        print("ready", flush=True)
        given = serve(asked)
    become(given)
    exec(compile(given["code"], "<string>", "exec"), {"__name__": "__main__"})  # as `python -c` does

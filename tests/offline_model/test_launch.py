"""The child process: it starts, it stops, it never outlives its parent, and it says plainly why it cannot start."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from offline_model.errors import OfflineModelError
from offline_model.launch import launch
from offline_model.options import Options
from offline_model.serving import serve

PARENT = """
import time
from offline_model.launch import launch
from offline_model.options import Options
with launch(Options()) as endpoint:
    print(endpoint, flush=True)
    time.sleep(60)
"""


def is_gone(endpoint: str) -> bool:
    try:
        httpx.get(f"{endpoint}/models", trust_env=False)
    except httpx.ConnectError:
        return True
    return False


def run_module(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "offline_model", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_endpoint_lives_as_long_as_its_block() -> None:
    with launch(Options()) as endpoint:
        assert httpx.get(f"{endpoint}/models", trust_env=False).status_code == 200
    assert is_gone(endpoint)


def test_two_endpoints_live_side_by_side_with_options_of_their_own() -> None:
    with launch(Options(seed=1)) as one, launch(Options(seed=2, latency=0.01)) as other:
        assert one != other


def test_block_that_raises_stops_the_child_too() -> None:
    with pytest.raises(KeyboardInterrupt), launch(Options()) as endpoint:
        raise KeyboardInterrupt
    assert is_gone(endpoint)


def test_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        endpoint = parent.stdout.readline().strip()
        assert not is_gone(endpoint)
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while not is_gone(endpoint):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_module("--port", str(port))
    assert done.returncode == 2
    assert done.stderr.startswith(f"offline model: port {port} on 127.0.0.1 cannot be had (Address already in use)")


def test_bad_option_is_one_clear_line() -> None:
    done = run_module("--fault-rate", "2")
    assert done.returncode == 2
    assert done.stderr == "offline model: fault_rate is a share and must lie between 0 and 1, found 2\n"


def test_port_that_is_none_is_refused() -> None:
    with pytest.raises(OfflineModelError, match="port must lie between 0 and 65535, found 65536"):
        serve(Options(), port=65536)


def test_child_that_does_not_start_tells_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(OfflineModelError, match=r"did not start \(exit code 1\); it said: nothing"), launch(Options()):
        pass


def test_terminate_and_interrupt_stop_a_server_without_a_traceback() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        command = [sys.executable, "-m", "offline_model"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            server.stdout.readline()
            server.send_signal(number)
            _, said = server.communicate(timeout=10)
        assert said == ""

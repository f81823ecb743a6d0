"""Nothing that a model says opens a connection, and no redirect is followed: a port that listens hears of nobody."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faults.conftest import ROWS, RunJob
from tests.faults.endpoint import Asked, Endpoint, Reply, answer_well, say


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """Give a port that listens, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        yield listener


def list_callers(listener: socket.socket) -> list[object]:
    callers = []
    with suppress(TimeoutError):
        while True:
            connection, address = listener.accept()
            connection.close()
            callers.append(address)
    return callers


def test_port_hears_of_who_calls(elsewhere: socket.socket) -> None:
    socket.create_connection(elsewhere.getsockname()).close()
    assert len(list_callers(elsewhere)) == 1


def test_addresses_in_answers_are_never_fetched(endpoint: Endpoint, run_job: RunJob, elsewhere: socket.socket) -> None:
    url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/x.png"

    images = [{"type": "image_url", "image_url": {"url": url}}, url]

    def script(asked: Asked) -> Reply:
        return say(url if asked.row == 1 and asked.role == "generator" else read_text(asked), images=images)

    endpoint.script = script
    job = run_job()
    assert job.height == ROWS - 1  # an address is no trade
    assert list_callers(elsewhere) == []


def read_text(asked: Asked) -> str:
    """Read what the offline model answers."""
    return str(json.loads(answer_well(asked).body)["choices"][0]["message"]["content"])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_named_and_not_followed(
    endpoint: Endpoint, run_job: RunJob, elsewhere: socket.socket, status: int
) -> None:
    place = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/v1"
    endpoint.script = lambda _: Reply(b"", status, {"Location": f"{place}/chat/completions"})
    halted = run_job({"run.patience_minutes": 5}).halted
    assert f"put {place} into provider.endpoint" in halted
    assert list_callers(elsewhere) == []


def test_reasoning_is_counted_without_an_encoding_that_would_be_fetched(
    endpoint: Endpoint, run_job: RunJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[object] = []
    monkeypatch.setattr("tiktoken.get_encoding", fetched.append)
    endpoint.script = lambda asked: say(read_text(asked), reasoning_content="I think so.")
    assert run_job().height == ROWS
    assert fetched == []

"""The offline endpoint: loopback only, bounded in what it reads and how long it waits, never a traceback."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from offline_model import server, serving
from offline_model.server import LARGEST_BODY, LARGEST_REST

SECONDS = 20
SHORT = """\
import sys
from offline_model import server, serving
from offline_model.options import Options
server.BODY_SECONDS = serving.HEADER_SECONDS = 0.5
serving.serve(Options(), stops_with_stdin=True)
"""
GOOD_HEAD = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"


class Serving:
    """An endpoint with short timeouts, and what it said on standard error once it has ended."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-c", SHORT], stdin=pipe, stdout=pipe, stderr=pipe)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().decode().rsplit(":", 1)[1].split("/")[0])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def exchange(self, sent: bytes) -> bytes:
        """Send bytes and read all that comes until it hangs up."""
        with self.connect() as connection:
            connection.sendall(sent)
            return read_all(connection)

    def end(self) -> str:
        """Stop it, and give what it said."""
        _, said = self.process.communicate(timeout=SECONDS)
        return said.decode()


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side hangs up."""
    read = b""
    with suppress(ConnectionError):
        while part := connection.recv(1 << 16):
            read += part
    return read


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Serving]:
    """Give an endpoint that many tests share; none of them may make it write a traceback."""
    serving_ = Serving()
    yield serving_
    assert "Traceback" not in serving_.end()


def test_timeouts_are_there_and_short() -> None:
    assert 0 < serving.HEADER_SECONDS <= 30
    assert 0 < server.BODY_SECONDS <= 60


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's table of sockets")
def test_it_listens_on_the_loopback_alone(endpoint: Serving) -> None:
    tables = [path.read_text() for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")) if path.exists()]
    rows = [line.split() for table in tables for line in table.splitlines()]
    port = f"{endpoint.port:04X}"
    assert [row[1] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"] == [f"0100007F:{port}"]


def test_an_announced_body_that_is_too_large_is_not_read(endpoint: Serving) -> None:
    started = time.monotonic()
    with endpoint.connect() as connection:
        connection.sendall(f"{GOOD_HEAD}Content-Length: {10**12}\r\n\r\n".encode())
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()
    assert b"the limit is %d" % LARGEST_BODY in answer
    assert time.monotonic() - started < SECONDS / 2


def test_a_body_in_chunks_without_end_is_not_read(endpoint: Serving) -> None:
    chunk, sent = b"10000\r\n" + b" " * 65536 + b"\r\n", 0
    with endpoint.connect() as connection:
        connection.sendall(f"{GOOD_HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        with suppress(OSError):
            while sent < 64 * LARGEST_BODY:
                connection.sendall(chunk)
                sent += len(chunk)
        answer = read_all(connection)
    assert sent < 16 * (LARGEST_BODY + LARGEST_REST)  # what the kernel's buffers hold comes on top
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("start", ["GET /health", "GET /v1/models", "HEAD /health", "POST /v1/x", "PUT /v1/models"])
def test_a_body_that_nobody_reads_is_refused(endpoint: Serving, start: str) -> None:
    chunk, sent = b"10000\r\n" + b" " * 65536 + b"\r\n", 0
    head = f"{start} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with endpoint.connect() as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        with suppress(OSError):
            while sent < 64 * LARGEST_BODY:
                connection.sendall(chunk)
                sent += len(chunk)
    assert sent < 16 * LARGEST_BODY  # the kernel's buffers
    answer = endpoint.exchange(f"{head}Content-Length: 2\r\n\r\n{{}}".encode())
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"connection: close" in answer.lower()
    assert endpoint.exchange(f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())[9:12] != b"400"


@pytest.mark.parametrize("target", ["/health", "/v1/chat/completions"])
def test_a_body_for_another_host_is_hung_up_on(endpoint: Serving, target: str) -> None:
    answer = endpoint.exchange(f"POST {target} HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 421")
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("sent", [b"", b"POST /v1/chat/compl", GOOD_HEAD.encode(), b"GET /health HTTP/1.1\r\nA: b\r\n"])
def test_a_head_that_does_not_end_is_hung_up_on(endpoint: Serving, sent: bytes) -> None:
    with endpoint.connect() as connection:
        connection.sendall(sent)
        assert read_all(connection) == b""


def test_a_head_that_drips_is_hung_up_on(endpoint: Serving) -> None:
    started = time.monotonic()
    with endpoint.connect() as connection, suppress(OSError):
        while time.monotonic() - started < SECONDS:
            connection.sendall(b"P")
            time.sleep(0.05)
    assert time.monotonic() - started < SECONDS


def test_a_second_head_that_does_not_end_is_hung_up_on(endpoint: Serving) -> None:
    with endpoint.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /he")
        assert read_all(connection).count(b"HTTP/1.1 200") == 1


def test_a_body_that_does_not_end_is_told(endpoint: Serving) -> None:
    with endpoint.connect() as connection:
        connection.sendall(f"{GOOD_HEAD}Content-Length: 100\r\n\r\n{{".encode())
        assert read_all(connection).startswith(b"HTTP/1.1 408")


def test_a_body_that_is_cut_off_leaves_no_traceback() -> None:
    serving_ = Serving()
    with serving_.connect() as connection:
        connection.sendall(f"{GOOD_HEAD}Content-Length: 100\r\n\r\n{{".encode())
    time.sleep(0.2)
    assert serving_.exchange(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").startswith(
        b"HTTP/1.1 200"
    )
    assert "Traceback" not in serving_.end()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW"])
def test_another_method_is_refused(endpoint: Serving, method: str) -> None:
    request = f"{method} /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert endpoint.exchange(request.encode()).startswith(b"HTTP/1.1 405")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"X" * 200_000,
        b"GET /\xff HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(endpoint: Serving, sent: bytes) -> None:
    assert endpoint.exchange(sent)[:12] in (b"HTTP/1.1 400", b"")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.", "0.0.0.0"])
def test_another_host_is_refused(endpoint: Serving, host: str) -> None:
    request = f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert endpoint.exchange(request.encode()).startswith(b"HTTP/1.1 421")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1:8377", "localhost:1"])
def test_the_loopback_is_answered(endpoint: Serving, host: str) -> None:
    request = f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert endpoint.exchange(request.encode()).startswith(b"HTTP/1.1 200")

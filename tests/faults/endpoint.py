"""An endpoint on the loopback that answers as the offline model does, until a test scripts a fault."""

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from offline_model.answer import answer_messages
from offline_model.options import Options

FAULTLESS = Options(seed=7, fault_rate=0.0, malformed_rate=0.0)
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Asked:
    """A request: `row` numbers the prompts of a role as they first came, `attempt` counts how often this one did."""

    model: str
    role: str
    row: int
    attempt: int
    number: int
    seconds: float
    messages: list[dict[str, Any]]
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What is sent back: after `wait` seconds, only the first `cut` bytes and then a reset, `drip` seconds a byte."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    cut: int | None = None
    drip: float = 0.0


Script = Callable[[Asked], Reply | None]


def say(text: str | None, finish: str = "stop", *, usage: tuple[int, int] | None = (100, 10), **message: Any) -> Reply:
    """Answer a chat with a text."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    tokens = None if usage is None else {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return Reply(json.dumps({"id": "1", "object": "chat.completion", "choices": [choice], "usage": tokens}).encode())


def fail(status: int, message: str = "", **headers: str) -> Reply:
    """Answer with an error as providers write it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps({"error": {"message": message or f"scripted {status}"}}).encode(), status, named)


def answer_well(asked: Asked) -> Reply:
    """Answer as the offline model does where nothing is wrong."""
    return say(answer_messages(asked.messages, FAULTLESS).text)


@dataclass
class Endpoint:
    """Answers by its script, which gives None for an ordinary answer, and counts what it was asked."""

    script: Script = lambda _: None
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    _server: ThreadingHTTPServer | None = None
    _rows: dict[tuple[str, str], int] = field(default_factory=dict)
    _attempts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = field(default_factory=time.monotonic)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def count(self, **wanted: Any) -> int:
        """Count the requests that had these properties."""
        return sum(all(getattr(asked, name) == value for name, value in wanted.items()) for asked in self.asked)

    def reply(self, payload: dict[str, Any]) -> Reply:
        """Answer one request."""
        messages = payload["messages"]
        text, task = json.dumps(messages), json.dumps([m for m in messages if m["role"] != "assistant"][:2])
        role = answer_messages(messages, FAULTLESS).role
        with self._lock:
            rows = sum(known == role for known, _ in self._rows)
            row = self._rows.setdefault((role, task), rows)
            attempt, self._attempts[text] = self._attempts[text], self._attempts[text] + 1
            seconds = time.monotonic() - self._began
            asked = Asked(payload["model"], role, row, attempt, len(self.asked), seconds, messages, payload)
            self.asked.append(asked)
        return self.script(asked) or answer_well(asked)

    def open(self) -> None:
        """Listen, on the same port as before."""
        self._server = _Server(("127.0.0.1", self.port), _make_handler(self))
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Listen no more, so that connections are refused."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    @property
    def is_open(self) -> bool:
        return self._server is not None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # connections that wait to be taken; with the usual 5 a burst loses some


def _make_handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 30  # so that no thread outlives its test for long

        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not endpoint.is_open:
                self.close_connection = True
                return
            with suppress(ConnectionError):  # of a job that was stopped
                self.send(endpoint.reply(payload))

        def send(self, reply: Reply) -> None:
            time.sleep(reply.wait)
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if reply.drip:
                for place in range(len(reply.body)):
                    self.wfile.write(reply.body[place : place + 1])
                    time.sleep(reply.drip)
                return
            self.wfile.write(reply.body[: reply.cut])
            if reply.cut is not None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
                self.connection.shutdown(socket.SHUT_RD)
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def open_endpoint() -> Iterator[Endpoint]:
    """Serve on a free port while the context is open."""
    endpoint = Endpoint()
    endpoint.open()
    try:
        yield endpoint
    finally:
        endpoint.close()

"""An endpoint on the loopback that tells back what it was sent, the key above all."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from offline_model.answer import answer_messages
from offline_model.options import Options

ANSWERS = Options(seed=7, fault_rate=0.3, malformed_rate=0.0)


@dataclass(frozen=True)
class Asked:
    """A request: its number among those of a row, from 0 (-1: no row's), its role, the key it brought, its answer."""

    number: int
    role: str
    key: str
    text: str


@dataclass(frozen=True)
class Reply:
    """What is sent back."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Tell = Callable[[Asked], Reply]


@dataclass
class Telltale:
    """Answers as `tell` says; `keys` are those it was sent."""

    tell: Tell
    port: int = 0
    keys: list[str] = field(default_factory=list)
    asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def answer(self, payload: dict[str, object], authorization: str) -> Reply:
        """Answer one request."""
        answer = answer_messages(payload["messages"], ANSWERS)
        key = authorization.removeprefix("Bearer ")
        with self.lock:
            self.keys.append(key)
            number = -1 if answer.role == "other" else self.asked
            self.asked += answer.role != "other"
        return self.tell(Asked(number, answer.role, key, answer.text))


def say(text: str) -> Reply:
    """Answer a chat with a text."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 10}
    body = {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}
    return Reply(200, json.dumps(body).encode())


def refuse(status: int) -> Tell:
    """Give a script that refuses every request, and says with which key it came."""
    return lambda asked: Reply(status, json.dumps({"error": {"message": f"no: Bearer {asked.key}"}}).encode())


def send_elsewhere(asked: Asked) -> Reply:
    """Send every request to an address that tells with which key it came."""
    return Reply(302, f"you sent {asked.key}".encode(), (("Location", f"http://127.0.0.1:9/{asked.key}"),))


def tell_in_every_way(asked: Asked) -> Reply:
    """Answer well now and then, and otherwise tell the key in another place each time."""
    told = f"you sent {asked.key}"
    faults = (
        Reply(400, json.dumps({"error": {"message": told}}).encode()),
        Reply(500, told.encode()),
        Reply(200, f'{{"choices": [{{"message": "{asked.key}'.encode()),
        say(f"{told}; this is no JSON"),
        Reply(422, json.dumps({"detail": [{"msg": told, asked.key: asked.key}]}).encode()),
    )
    place = asked.number % (len(faults) + 3)
    if asked.number < 0:
        return say(asked.text)
    well = say(asked.text.replace('"reasoning": "', f'"reasoning": "{told}. '))
    return faults[place] if place < len(faults) else well


@contextmanager
def open_telltale(tell: Tell) -> Iterator[Telltale]:
    """Serve on a free port while the context is open."""
    telltale = Telltale(tell)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 30

        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = telltale.answer(payload, self.headers.get("Authorization", ""))
            with suppress(ConnectionError):
                self.send_response(reply.status)
                for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    telltale.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield telltale
    finally:
        server.shutdown()
        server.server_close()

"""Runs the endpoint in this process, on a port of its own."""

import asyncio
import json
import os
import socket
import sys
from contextlib import suppress
from threading import Thread

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from offline_model.disguise import Disguise
from offline_model.errors import OfflineModelError
from offline_model.options import Options
from offline_model.server import make_app

HOST = "127.0.0.1"
LISTENING = "offline model listening on "
DISGUISED = "offline model answers under a disguise"
BACKLOG = 1024
HEADER_SECONDS = 10  # within which a request's head must be there, from the first byte or the connection's begin
LAST_SECONDS = 2  # given to requests under way when the server is told to stop


def serve(options: Options, *, port: int = 0, stops_with_stdin: bool = False) -> None:
    """Serve until told to stop (Ctrl-C or SIGTERM), having printed one line that ends in the endpoint's address.

    Args:
        port: 0 takes a free one.
        stops_with_stdin: Stop at once when standard input ends, as it does when the parent process dies. A line of it
            is the mapping of a disguise under which all that follows is asked.

    Raises:
        OfflineModelError: The port is no port, or it cannot be had.
    """
    listener, app = _bind_port(port), make_app(options)
    if stops_with_stdin:
        Thread(target=_follow_stdin, args=(app,), daemon=True).start()
    config = uvicorn.Config(
        app,
        http=_TimedProtocol,
        access_log=False,
        log_level="warning",
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=LAST_SECONDS,
    )
    with suppress(KeyboardInterrupt):
        _Server(config).run(sockets=[listener])


class _TimedProtocol(H11Protocol):
    """Hangs up on whoever does not come to the end of a request's head: uvicorn waits for it for ever."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_timer()

    def _await_head(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEADER_SECONDS, self._hang_up)

    def _hang_up(self) -> None:
        self._timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Server(uvicorn.Server):
    """Says where it listens once it does, and signals are handled."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets is not None
        print(f"{LISTENING}http://{HOST}:{sockets[0].getsockname()[1]}/v1", flush=True)


def _bind_port(port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise OfflineModelError(f"port must lie between 0 and 65535, found {port}; 0 takes a free one")
    # The protocol is named because asyncio sends without delay (TCP_NODELAY) only on sockets that say they are TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as exc:
        listener.close()
        raise OfflineModelError(
            f"port {port} on {HOST} cannot be had ({exc.strerror}); choose another, or 0 for a free one"
        ) from exc
    return listener


def _follow_stdin(app: Starlette) -> None:
    for line in sys.stdin.buffer:
        app.state.disguise = Disguise(json.loads(line))
        print(DISGUISED, flush=True)
    os._exit(0)

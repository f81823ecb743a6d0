"""Serves the service's app at an address until somebody stops it."""

import contextlib
import socket
from types import FrameType

import click
import uvicorn
from starlette.applications import Starlette

from tradelogs.exits import BAD_INPUT, DONE

LAST_WORDS = 2  # seconds that replies under way are given when the service is stopped


class _Server(uvicorn.Server):
    """Ends the streams of pages that are open as it is stopped: they would go on for ever."""

    def __init__(self, app: Starlette) -> None:
        self._stopping = app.state.stopping
        super().__init__(
            uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=LAST_WORDS)
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, with a word to the streams."""
        self._stopping.set()
        super().handle_exit(sig, frame)


def listen(app: Starlette, host: str, port: int, page: str = "") -> int:
    """Say where the app is, and serve it until it is stopped; gives the exit code of a command."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as exc:
        why = str(exc.strerror).partition(" (while")[0]
        click.echo(f"error: {host} cannot be listened at, port {port} ({why}): name another --port or --host", err=True)
        return BAD_INPUT
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"http://{shown}:{listener.getsockname()[1]}/{page}")
    with listener, contextlib.suppress(KeyboardInterrupt):  # which uvicorn raises again when all is over
        _Server(app).run(sockets=[listener])
    return DONE

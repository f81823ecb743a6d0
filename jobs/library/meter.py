"""The metrics port, on the meter that the library brings."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from data_designer.integrations.opentelemetry import get_open_telemetry_runtime
from opentelemetry.metrics import Meter

HOSTS = ("127.0.0.1", "localhost")


@contextlib.contextmanager
def open_meter(port: int) -> Iterator[Meter | None]:
    """Serve the library's metrics on 127.0.0.1 while the context is open, and give a meter whose metrics it serves too.

    Stock 0.9.6 begins to serve them with its first job, and a port that is taken costs every job a traceback in the
    log: here it gives None.
    """
    runtime = get_open_telemetry_runtime()
    with runtime._lock:
        if not runtime._initialized:
            runtime._initialize()
        try:
            runtime._rebind(port)
            _guard_host(runtime._server)
            meter: Meter | None = runtime._meter_provider.get_meter("tradelogs")
        except OSError:
            meter = None
    try:
        yield meter
    finally:
        runtime.shutdown()


def _guard_host(server: Any) -> None:
    """Answer only who asks for this machine by its own name: a page whose name was bent to 127.0.0.1 asks for another.

    Args:
        server: wsgiref's, which Prometheus' client serves with.
    """
    app = server.get_app()

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        asked = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname
        if asked in HOSTS:
            return app(environ, start)
        start("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"this port answers to 127.0.0.1 and localhost only\n"]

    server.set_app(answer)


def find_metrics_port() -> int | None:
    """Find the port where metrics are served in this process; None while none are."""
    url = get_open_telemetry_runtime().metrics_url
    return None if url is None else urlsplit(url).port

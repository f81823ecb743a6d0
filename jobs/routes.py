"""Which model a request goes to, where it is not the one that its column names."""

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass

from jobs.request import Request


@dataclass(frozen=True)
class Route:
    """A model by the alias that the job declares it under, and by its provider's name for it."""

    alias: str
    model: str


_route: contextvars.ContextVar[Route | None] = contextvars.ContextVar("route", default=None)


@contextlib.contextmanager
def take_route(route: Route) -> Iterator[None]:
    """Send what is sent while the context is open to another model."""
    token = _route.set(route)
    try:
        yield
    finally:
        _route.reset(token)


def find_route(request: Request) -> Route:
    """Tell which model a request goes to."""
    return _route.get() or Route(request.role, request.model)

"""What every request to a model passes on its way: a chain of steps around the library's own send."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

HEALTH_CHECK = "health_check"  # the column that a request belongs to which no column asked for
FORM_PROBE = "form_probe"  # the same, of one that asks in which form a model answers
PACE_PROBE = "pace_probe"  # the same, of one that asks how quickly
PROBES = (FORM_PROBE, PACE_PROBE)


@dataclass
class Sending:
    """How a request was last put on the wire: to which model, and how long it took; None where it was not."""

    model: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Request:
    """One request as the library asks for it; `row_id` is None for one that belongs to no row.

    `number` is its place in the cell's conversation: 0 for the prompt, 1 for its correction. A cell that the library
    begins anew, because a request failed, begins at 0 again. `messages` are the library's, as they were sent.
    `sending` is filled in beneath all steps.
    """

    job: str
    row_id: str | None
    column: str
    role: str
    model: str
    number: int = 0
    messages: tuple[Any, ...] = field(default=(), repr=False, compare=False)
    sending: Sending = field(default_factory=Sending, repr=False, compare=False)


Send = Callable[[], Awaitable[Any]]
"""Sends a request; gives the library's response or raises the library's error."""


class RequestStep(Protocol):
    """Something a request passes: it may look on, wait, refuse, answer by itself, or send more than once."""

    async def __call__(self, request: Request, send: Send) -> Any:
        """Give the library's response object; what is raised reaches the library as if its own send had failed."""


def chain(steps: Sequence[RequestStep], send: Send, request: Request) -> Awaitable[Any]:
    """Send a request through steps, of which the first is the outermost."""
    for step in reversed(steps):
        send = functools.partial(step, request, send)
    return send()


def name_error(error: BaseException) -> str:
    """Name the class of an error: a provider's by its kind, such as `rate_limit`, any other by its type."""
    kind = getattr(error, "kind", None)
    return str(getattr(kind, "value", kind)) if kind is not None else type(error).__name__

"""Whether a model may be asked: its circuit opens when it fails row after row, and closes with an answer."""

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from jobs.request import Request

ROWS_THAT_OPEN = 3  # rows that fail one after the other without an answer between them: then it is not the rows
LONGEST_PAUSE = 30  # times the first one
SHORT_WAIT = 5.0  # seconds that a request waits for its own model where the provider asked it to, fallback or not
LONGEST_LOOK_AWAY = 1.0  # seconds after which one that waits looks whether a cap was reached


@dataclass(frozen=True)
class Patience:
    """How long a model that fails is waited for, how often one request is tried, and the first pause in seconds."""

    seconds: float
    tries: int
    first_pause: float

    def tell_pause(self, tries: int) -> float:
        """Double the pause with every try, up to a limit."""
        return self.first_pause * float(min(2 ** (tries - 1), LONGEST_PAUSE))


@dataclass
class Circuit:
    """One model of the provider. Used on the library's loop thread alone."""

    patience: Patience
    last_words: str = ""
    times_closed: int = 0
    _next_probe: float = 0.0
    _paused_until: float = 0.0
    _rows: set[str | None] = field(default_factory=set)
    _failures: int = 0
    _opened: float | None = None
    _gone: bool = False
    _probing: bool = False
    _probes: int = 0
    _refusals: int = 0
    _refused: list[tuple[float, Request]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    @property
    def is_free(self) -> bool:
        """Closed, and not asked to wait: any request may be sent."""
        return not self.is_open and time.monotonic() >= self._paused_until

    @property
    def is_free_soon(self) -> bool:
        """Closed, and asked to wait for no more than a few seconds from now."""
        return not self.is_open and time.monotonic() >= self._paused_until - SHORT_WAIT

    @property
    def next_turn(self) -> float:
        """The moment of the monotonic clock when a request may be sent, unless something changes before."""
        if self._gone:
            return math.inf
        return max(self._next_probe if self.is_open else 0.0, self._paused_until)

    def lets_through(self) -> bool:
        """Tell whether a request may be sent now: any while it is closed, one probe at a time while it is open."""
        return self.is_free or not (self._gone or self._probing or time.monotonic() < self.next_turn)

    @contextlib.contextmanager
    def send(self) -> Iterator[bool]:
        """Mark a request as under way; gives True for the probe, which that of an open circuit is."""
        probe = self.is_open
        self._probing = self._probing or probe
        try:
            yield probe
        finally:
            self._probing = self._probing and not probe

    def count_answer(self, sent: float) -> bool:
        """Count an answer to what was sent at a moment of the monotonic clock; True where it closes the circuit."""
        self._rows.clear()
        self._failures = 0
        self._refusals = 0
        self._refused = [(came, request) for came, request in self._refused if came >= sent]
        self._opened, was_open = None, self.is_open
        self._probes = 0
        if was_open:
            self.times_closed += 1
            self._wake()
        return was_open

    def count_failure(self, row_id: str | None, words: str, *, wait: float | None, for_good: bool = False) -> bool:
        """Count a request that failed; True where it opens the circuit. `wait`: seconds the provider asked for."""
        now = time.monotonic()
        self.last_words = words
        if wait is not None and wait > 0:
            self._paused_until = max(self._paused_until, now + wait)
        self._rows.add(row_id)
        self._failures += 1
        self._gone = self._gone or for_good
        opens = not self.is_open and (self._gone or self._fails_throughout or self.asks_too_much)
        if opens:
            self._opened = now
        if self.is_open and now >= self._next_probe:
            self._probes += 1
            self._next_probe = now + self.patience.tell_pause(self._probes)
            self._wake()
        return opens

    def count_refusal(self, request: Request) -> int:
        """Count a request that was refused for itself; gives how many were since the last answer."""
        self._refusals += 1
        self._refused.append((time.monotonic(), request))
        return self._refusals

    def list_doubtful(self) -> list[Request]:
        """List the requests that were refused, and none sent after that was answered: perhaps any would have been."""
        return [request for _, request in self._refused]

    @property
    def _fails_throughout(self) -> bool:
        """Row after row fails, and the next one would be given up: sooner it may be a server that fails at times."""
        enough = ROWS_THAT_OPEN * (self.patience.tries - 1) + 1
        return len(self._rows) >= ROWS_THAT_OPEN and self._failures >= enough

    @property
    def asks_too_much(self) -> bool:
        """The provider asked for a pause (Retry-After) that is longer than patience."""
        return self._paused_until - time.monotonic() > self.patience.seconds

    def is_out_of_patience(self) -> bool:
        """Tell whether waiting for it has no sense any more."""
        if self._opened is None or self._probing:
            return False
        return self._gone or self.asks_too_much or time.monotonic() - self._opened > self.patience.seconds

    async def await_change(self) -> None:
        """Wait until the circuit has changed, or may be probed, and not for long without looking up."""
        pause = min(max(self.next_turn - time.monotonic(), 0.005), LONGEST_LOOK_AWAY)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), LONGEST_LOOK_AWAY if self._probing else pause)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

"""Pairs executions to round trips, first in, first out.

A round trip lasts from the first share bought or sold short until the position is flat. Scale-ins and partial exits are
averaged by quantity; an execution that goes through flat ends one trip and begins the next. Of a position that is still
open at the end, the part that was closed is a trip, its entry the shares that came first; the rest is reported.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from gold_data.importers.base import RejectedRow, RoundTrip
from gold_data.sessions import ZONE


@dataclass(frozen=True)
class Execution:
    """One fill: `quantity` is above 0 where it was bought, below where sold.

    `effect` is `open` or `close` where the platform says so, else empty. `time` carries a zone.
    """

    line: int
    ticker: str
    time: datetime
    quantity: Decimal
    price: Decimal
    effect: str = ""
    account: str = ""


@dataclass(frozen=True)
class Unreadable:
    """A fill that is known to exist and cannot be read; an empty ticker may be any."""

    line: int
    ticker: str


Event = Execution | Unreadable


@dataclass
class Pairing:
    """What became of the executions: each is used, open, or rejected."""

    trips: list[RoundTrip] = field(default_factory=list)
    rows_used: int = 0
    rows_open: int = 0
    rejected: list[RejectedRow] = field(default_factory=list)
    open_positions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class _Lot:
    execution: Execution
    left: Decimal


@dataclass
class _Leg:
    """The part of an execution that is matched in the trip under way."""

    execution: Execution
    quantity: Decimal


class _Book:
    """The position of one account in one ticker."""

    def __init__(self, pairing: Pairing) -> None:
        self.pairing = pairing
        self.lots: deque[_Lot] = deque()
        self.entries: list[_Leg] = []
        self.exits: list[_Leg] = []
        self.pending: dict[int, Execution] = {}  # by identity: records of one line may be equal
        self.broken_at = 0

    def book(self, event: Event) -> None:
        if isinstance(event, Unreadable):
            self._break_off(event)
        elif self.broken_at:
            self._reject(event, "after_unreadable", f"line {self.broken_at}")
        elif event.effect == "close" and not self._reduces(event):
            self._reject(event, "close_without_open", f"{abs(event.quantity):f} {event.ticker}")
        else:
            self._add(event)

    def _add(self, execution: Execution) -> None:
        if execution.effect == "open" and self._reduces(execution):
            self.finish("was closed elsewhere")
        self.pending[id(execution)] = execution
        left = abs(execution.quantity)
        while left and self._reduces(execution):
            left -= self._match(execution, left)
            if not self.lots:
                self._close_trip()
        if left and execution.effect != "close":
            self.lots.append(_Lot(execution, left))
        elif left:
            self.pairing.notes.append(
                f"line {execution.line} closes {left:f} {execution.ticker} more than were opened in the file; they are "
                "left out"
            )

    def _reduces(self, execution: Execution) -> bool:
        return bool(self.lots) and (self.lots[0].execution.quantity > 0) != (execution.quantity > 0)

    def _match(self, execution: Execution, wanted: Decimal) -> Decimal:
        lot = self.lots[0]
        amount = min(lot.left, wanted)
        lot.left -= amount
        self.entries.append(_Leg(lot.execution, amount))
        self.exits.append(_Leg(execution, amount))
        if not lot.left:
            self.lots.popleft()
        return amount

    def _close_trip(self) -> None:
        first = self.entries[0].execution
        self.pairing.trips.append(
            RoundTrip(
                source_line=min(leg.execution.line for leg in self.entries + self.exits),
                ticker=first.ticker,
                trade_type="buy" if first.quantity > 0 else "short",
                entry_time=first.time,
                exit_time=self.exits[-1].execution.time,
                entry_price=_average(self.entries),
                exit_price=_average(self.exits),
                quantity=float(sum(leg.quantity for leg in self.entries)),
            )
        )
        for leg in self.entries + self.exits:
            if self.pending.pop(id(leg.execution), None):
                self.pairing.rows_used += 1
        self.entries, self.exits = [], []

    def finish(self, why: str) -> None:
        """Close the books on what is left: report it, and keep as a trip what was closed of it."""
        if not self.lots:
            return
        first, left = self.lots[0].execution, sum(lot.left for lot in self.lots)
        word = "bought" if first.quantity > 0 else "sold short"
        since = first.time.astimezone(ZONE).isoformat(sep=" ", timespec="seconds")
        self.pairing.open_positions.append(f"{first.ticker}: {left:f} {word} since {since} (line {first.line}) {why}")
        if self.exits:
            self._close_trip()
        self.pairing.rows_open += len(self.pending)
        self.pending.clear()
        self.lots.clear()

    def _break_off(self, event: Unreadable) -> None:
        self.broken_at = self.broken_at or event.line
        for execution in self.pending.values():
            self._reject(execution, "after_unreadable", f"line {self.broken_at}")
        self.pending.clear()
        self.lots.clear()
        self.entries, self.exits = [], []

    def _reject(self, execution: Execution, rule: str, value: str) -> None:
        self.pairing.rejected.append(RejectedRow(execution.line, rule, value))


def pair_executions(events: Sequence[Event]) -> Pairing:
    """Pair executions of all accounts and tickers, in the order of their times; same moments in the file's order.

    Where a fill cannot be read, nobody knows the position after it: everything from the trip under way on is rejected,
    for its ticker, by the rule `after_unreadable`. A fill that closes what was never opened in the file is rejected by
    `close_without_open`.

    Args:
        events: Fills as they stand in the file, oldest or newest first.

    Returns:
        Trips in the order of their entries.
    """
    pairing = Pairing()
    for group in _group(events):
        book = _Book(pairing)
        for event in group:
            book.book(event)
        book.finish("is left open at the end")
    pairing.trips.sort(key=lambda trip: (trip.entry_time, trip.source_line))
    return pairing


def _group(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Sort the events of each account and ticker by time; an unreadable one stands in every group it may belong to."""
    groups: dict[tuple[str, str], list[tuple[int, Event]]] = defaultdict(list)
    times: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    unreadable = []
    for place, event in enumerate(events):
        if isinstance(event, Execution):
            groups[event.account, event.ticker].append((place, event))
            times[event.account, event.ticker].append(event.time)
        else:
            unreadable.append((place, event))
    steps = [(first, second) for group in times.values() for first, second in pairwise(group)]
    is_newest_first = sum(second < first for first, second in steps) > sum(second > first for first, second in steps)
    for key in sorted(groups):
        mine = groups[key] + [(place, event) for place, event in unreadable if event.ticker in ("", key[1])]
        mine.sort(key=lambda pair: pair[0], reverse=is_newest_first)
        yield _sort_by_time([event for _, event in mine])


def _sort_by_time(group: list[Event]) -> list[Event]:
    """Sort stably; an unreadable event follows the fill before it, or leads where fills are in no order."""
    times = [event.time for event in group if isinstance(event, Execution)]
    is_sorted = all(first <= second for first, second in pairwise(times))
    latest = earliest = datetime.min.replace(tzinfo=UTC)
    keyed: list[tuple[datetime, Event]] = []
    for event in group:
        if isinstance(event, Execution):
            latest = event.time
            keyed.append((event.time, event))
        else:
            keyed.append((latest if is_sorted else earliest, event))
    return [event for _, event in sorted(keyed, key=lambda pair: pair[0])]


def _average(legs: Sequence[_Leg]) -> float:
    total = sum(leg.quantity for leg in legs)
    return float(sum(leg.quantity * leg.execution.price for leg in legs) / total)

"""What happened in an account, in the order in which it happened: fills, and rows that cannot be read as such."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Execution:
    """One fill: `quantity` is above 0 where it was bought, below where sold.

    `effect` is `open` or `close` where the platform says so, else empty; of a log that tells short sales apart, other
    sales only close. `time` carries a zone. `identity` is its number, where the log has such numbers. `kind` is
    `cancel` where it takes back an earlier fill, and `correction` where it stands in the place of one. `carried` is
    what its row says beyond that, by the names of gold columns.
    """

    line: int
    ticker: str
    time: datetime
    quantity: Decimal
    price: Decimal
    effect: str = ""
    account: str = ""
    file: int = 0
    identity: str = ""
    kind: str = ""
    carried: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Unreadable:
    """A fill that is known to exist and cannot be read; an empty ticker may be any.

    `quantity` and `time` are there where as much is known. Without an account it may be any.
    """

    line: int
    ticker: str
    quantity: Decimal | None = None
    time: datetime | None = None
    account: str | None = None
    file: int = 0


Event = Execution | Unreadable


def group_events(events: Sequence[Event]) -> Iterator[tuple[str, list[Event]]]:
    """Sort the events of each account and ticker by time; an unreadable one stands in every group it may belong to.

    An unreadable event without a time gets that of the fill before it (the first one that of the first fill), or leads
    where the fills of its file are in no order. Equal moments keep the order of the files, and that of the file, turned
    where it has the newest first.
    """
    by_file: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        by_file[event.file].append(event)
    ordered = [by_file[file][::-1] if _is_newest_first(by_file[file]) else by_file[file] for file in sorted(by_file)]
    keys = {(event.account, event.ticker) for event in events if isinstance(event, Execution)}
    for account, ticker in sorted(keys):
        mine: list[Event] = []
        for file in ordered:
            mine += _place([event for event in file if _belongs(event, account, ticker)])
        yield ticker, sorted(mine, key=lambda event: event.time or LONG_AGO)


def _belongs(event: Event, account: str, ticker: str) -> bool:
    if isinstance(event, Execution):
        return (event.account, event.ticker) == (account, ticker)
    return event.ticker in ("", ticker) and event.account in (None, account)


def _is_newest_first(events: Sequence[Event]) -> bool:
    times: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for event in events:
        if isinstance(event, Execution):
            times[event.account, event.ticker].append(event.time)
    steps = [(first, second) for group in times.values() for first, second in pairwise(group)]
    return sum(second < first for first, second in steps) > sum(second > first for first, second in steps)


def _place(group: Sequence[Event]) -> list[Event]:
    times = [event.time for event in group if isinstance(event, Execution)]
    is_sorted = all(first <= second for first, second in pairwise(times))
    latest = times[0] if times else None
    placed: list[Event] = []
    for event in group:
        if isinstance(event, Unreadable) and event.time is None and is_sorted:
            placed.append(replace(event, time=latest))
        else:
            latest = event.time or latest
            placed.append(event)
    return placed

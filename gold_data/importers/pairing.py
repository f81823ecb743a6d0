"""Pairs executions to round trips, first in, first out.

A round trip lasts from the first share bought or sold short until the position is flat. Scale-ins and partial exits are
averaged by quantity; an execution that goes through flat ends one trip and begins the next. Of a position that is still
open at the end, the part that was closed is a trip, its entry the shares that came first; the rest is reported.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from gold_data.importers.base import RejectedRow, RoundTrip
from gold_data.importers.carrying import share_fees
from gold_data.importers.events import Event, Execution, Unreadable, group_events
from gold_data.markets import USUAL, Markets

SPLIT_TERMS = range(1, 51)  # of the ratio of a split: 2 for 1, 3 for 2, 1 for 20
LEAST_SPLIT, LEAST_MERGER, SURE_MERGER = Fraction(3, 2), Fraction(1, 2), Fraction(1, 5)
SPLIT_TOLERANCE = 0.25  # of the price after it, beside the price before divided by the ratio
MERGER_TOLERANCE = 0.1  # of one of 2 to 4 shares to one, where it may as well be a part that was closed

# Why a fill belongs to a position that gold cannot be made of.
UNREADABLE, HELD, SPLIT = "after_unreadable", "held_before", "split_inside"

# Splits that are known from elsewhere, by ticker: the day that begins with one, and how many shares one became.
FindDay = Callable[[datetime], date]
Splits = Mapping[str, Sequence[tuple[date, Fraction]]]


@dataclass
class Pairing:
    """What became of the executions: each is used, open, or rejected; `used` and `open` count rows by file.

    `doubtful` are shorts that begin with the first fill of their account in the ticker, a sale.
    """

    trips: list[RoundTrip] = field(default_factory=list)
    used: Counter[int] = field(default_factory=Counter)
    open: Counter[int] = field(default_factory=Counter)
    rejected: list[RejectedRow] = field(default_factory=list)
    open_positions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubtful: list[Execution] = field(default_factory=list)
    markets: Markets = USUAL

    @property
    def rows_used(self) -> int:
        """Count the executions that are part of a round trip."""
        return self.used.total()

    @property
    def rows_open(self) -> int:
        """Count the executions of positions still open."""
        return self.open.total()


@dataclass
class _Lot:
    execution: Execution
    left: Decimal


@dataclass
class _Leg:
    """The part of an execution that is matched in the trip under way."""

    execution: Execution
    quantity: Decimal


@dataclass
class _Spoilt:
    """A position that nobody knows, or that gold cannot be made of: why, and how much it is as far as that is known."""

    rule: str
    value: str
    position: Decimal | None


class _Book:
    """The position of one account in one ticker.

    What is spoilt stays so until the log proves the position flat: the quantities add up to nothing; a sale that only
    closes is followed by one that opens, or likewise a purchase; or a new day begins and the account, on every other
    day on which its fills in this ticker can be read, ended flat. Days are those of the ticker's market.
    """

    def __init__(
        self, pairing: Pairing, find_day: FindDay, *, is_flat_overnight: bool, held: Decimal, knows_held: bool
    ) -> None:
        self.pairing = pairing
        self.find_day = find_day
        self.is_flat_overnight = is_flat_overnight
        self.lots: deque[_Lot] = deque()
        self.entries: list[_Leg] = []
        self.exits: list[_Leg] = []
        self.pending: dict[int, Execution] = {}  # by identity: records of one line may be equal
        self.spoilt = _Spoilt(HELD, f"{abs(held):f} held before the log", held) if held else None
        self.before: Event | None = None
        self.is_first = not knows_held

    def book(self, event: Event) -> None:
        if self.spoilt and self._is_proven_flat(self.spoilt, event):
            self.spoilt = None
        if isinstance(event, Unreadable):
            self._spoil(UNREADABLE, f"line {event.line}", event.quantity)
        elif self.spoilt:
            self._follow(self.spoilt, event)
        elif event.effect == "close" and not self._reduces(event):
            self._reject(event, "close_without_open", f"{abs(event.quantity):f} {event.ticker}")
        else:
            self._add(event)
        self.before, self.is_first = event, False

    def _is_proven_flat(self, spoilt: _Spoilt, event: Event) -> bool:
        before = self.before
        if spoilt.position is not None or before is None or before.time is None or event.time is None:
            return False
        if self.is_flat_overnight and self.find_day(before.time) < self.find_day(event.time):
            return True
        if not isinstance(before, Execution) or not isinstance(event, Execution):
            return False
        same_side = (before.quantity > 0) == (event.quantity > 0)
        return same_side and before.effect == "close" and event.effect == "open"

    def _follow(self, spoilt: _Spoilt, execution: Execution) -> None:
        """Reject a fill of a spoilt position, and end that where the position is flat again."""
        self._reject(execution, spoilt.rule, spoilt.value)
        if spoilt.position is None:
            return
        left = spoilt.position + execution.quantity
        is_through = spoilt.position * left < 0
        spoilt.position = Decimal(0) if is_through and execution.effect == "close" else left
        if not spoilt.position:
            self.spoilt = None

    def _spoil(self, rule: str, value: str, quantity: Decimal | None) -> None:
        if self.spoilt:
            known = self.spoilt.position is not None and quantity is not None
            position = self.spoilt.position + quantity if known else None  # type: ignore[operator]
            rule, value = self.spoilt.rule, self.spoilt.value
        else:
            position = None if quantity is None else quantity + self._sum_lots()
        for execution in self.pending.values():
            self._reject(execution, rule, value)
        self._clear()
        self.spoilt = None if position == 0 else _Spoilt(rule, value, position)

    def _sum_lots(self) -> Decimal:
        return sum((lot.left if lot.execution.quantity > 0 else -lot.left for lot in self.lots), Decimal(0))

    def _add(self, execution: Execution) -> None:
        if execution.effect == "open" and self._reduces(execution):
            self.finish("was closed elsewhere")
        if self._reduces(execution) and (ratio := self._find_split(execution)):
            self._reject_split(execution, ratio)
            return
        if not self.lots and self.is_first and execution.quantity < 0 and not execution.effect:
            self.pairing.doubtful.append(execution)
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

    def pass_split(self, day: date, ratio: Fraction, factor: Fraction) -> None:
        """Take in a split of what is held: none of it is gold, and `factor` times as much is to be closed."""
        if self.spoilt:
            if self.spoilt.position is not None:
                self.spoilt.position = _multiply(self.spoilt.position, factor)
        elif self.lots:
            position, value = self._sum_lots(), self._say_split(ratio, f"held over {day}, as")
            for one in self.pending.values():
                self._reject(one, SPLIT, value)
            self._clear()
            self.spoilt = _Spoilt(SPLIT, value, _multiply(position, factor))

    def _find_split(self, execution: Execution) -> Fraction | None:
        """Find the ratio of a split that explains quantity and price of a fill that closes on a later day; else None.

        The whole position held at the day's beginning must be closed by the fills since, times the ratio, at prices
        that are divided by it; what was added on the day is closed besides.
        """
        day = self.find_day(execution.time)
        sign = 1 if self.lots[0].execution.quantity > 0 else -1
        today = [one for one in self.pending.values() if self.find_day(one.time) == day]
        before = [
            _Leg(one, abs(one.quantity))
            for one in self.pending.values()
            if one not in today and one.quantity * sign > 0
        ]
        change = sign * sum((one.quantity for one in today), Decimal(0))
        held = abs(self._sum_lots()) - change
        if held <= 0 or not before:
            return None
        ratio = Fraction(abs(execution.quantity) - change) / Fraction(held)
        price = _average(before) / float(execution.price)
        is_ratio = ratio.numerator in SPLIT_TERMS and ratio.denominator in SPLIT_TERMS
        is_split = is_ratio and (ratio >= LEAST_SPLIT or ratio <= LEAST_MERGER)
        tolerance = MERGER_TOLERANCE if SURE_MERGER < ratio < 1 else SPLIT_TOLERANCE
        return ratio if is_split and abs(price / float(ratio) - 1) <= tolerance else None

    def _reject_split(self, execution: Execution, ratio: Fraction) -> None:
        days = (self.find_day(execution.time) - self.find_day(self.lots[0].execution.time)).days
        held = f"held for {days} day{'s' * (days > 1)}, {abs(execution.quantity):f} closed, as"
        value = self._say_split(ratio, held)
        for one in [*self.pending.values(), execution]:
            self._reject(one, SPLIT, value)
        self._clear()

    def _say_split(self, ratio: Fraction, held: str) -> str:
        ticker = self.lots[0].execution.ticker
        split = f"a split {ratio.numerator} for {ratio.denominator}"
        return f"{ticker}: {abs(self._sum_lots()):f} {held} after {split}"

    def _clear(self) -> None:
        self.pending.clear()
        self.lots.clear()
        self.entries, self.exits = [], []

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
        file, line = min((leg.execution.file, leg.execution.line) for leg in self.entries + self.exits)
        self.pairing.trips.append(
            RoundTrip(
                source_line=line,
                ticker=first.ticker,
                trade_type="buy" if first.quantity > 0 else "short",
                entry_time=first.time,
                exit_time=self.exits[-1].execution.time,
                entry_price=_average(self.entries),
                exit_price=_average(self.exits),
                quantity=(quantity := float(sum(leg.quantity for leg in self.entries))),
                file=file,
                carried=_carry(self.entries, self.exits, quantity),
            )
        )
        for leg in self.entries + self.exits:
            if self.pending.pop(id(leg.execution), None):
                self.pairing.used[leg.execution.file] += 1
        self.entries, self.exits = [], []

    def finish(self, why: str) -> None:
        """Close the books on what is left: report it, and keep as a trip what was closed of it."""
        if not self.lots:
            return
        first, left = self.lots[0].execution, sum(lot.left for lot in self.lots)
        word = "bought" if first.quantity > 0 else "sold short"
        since = first.time.astimezone(self.pairing.markets.find(first.ticker).zone).isoformat(
            sep=" ", timespec="seconds"
        )
        self.pairing.open_positions.append(f"{first.ticker}: {left:f} {word} since {since} (line {first.line}) {why}")
        if self.exits:
            self._close_trip()
        for execution in self.pending.values():
            self.pairing.open[execution.file] += 1
        self.pending.clear()
        self.lots.clear()

    def _reject(self, execution: Execution, rule: str, value: str) -> None:
        self.pairing.rejected.append(RejectedRow(execution.line, rule, value, execution.file))


def pair_executions(
    events: Sequence[Event],
    positions: Mapping[str, Decimal] | None = None,
    markets: Markets = USUAL,
    splits: Splits | None = None,
) -> Pairing:
    """Pair executions of all accounts and tickers, in the order of their times; same moments in the file's order.

    Where a fill cannot be read, its trip is rejected by the rule `after_unreadable`, and so is what follows until the
    log proves the position flat again. A fill that closes what was never opened in the file is rejected by
    `close_without_open`, what closes an opening position by `held_before`, a trip with a split in it by `split_inside`.

    Args:
        events: Fills as they stand in the files, oldest or newest first.
        positions: Quantities held before the first fill, by ticker (below 0: sold short); None where nobody knows.
        markets: Where tickers are traded; days are those of the market.
        splits: Splits that are known from elsewhere.

    Returns:
        Trips in the order of their entries.
    """
    pairing = Pairing(markets=markets)
    for ticker, group in group_events(events):
        find_day = lru_cache(maxsize=None)(markets.find(ticker).find_day)
        coming = deque(sorted((splits or {}).get(ticker, ())))
        held = (positions or {}).get(ticker, Decimal(0))
        is_even = not sum(
            (event.quantity or Decimal(0) for event in group), held
        )  # so that no split changed quantities
        book = _Book(
            pairing,
            find_day,
            is_flat_overnight=_is_flat_overnight(group, find_day),
            held=held,
            knows_held=positions is not None,
        )
        for event in group:
            while coming and event.time is not None and coming[0][0] <= find_day(event.time):
                day, ratio = coming.popleft()
                book.pass_split(day, ratio, Fraction(1) if is_even else ratio)
            book.book(event)
        book.finish("is left open at the end")
    pairing.trips.sort(key=lambda trip: (trip.entry_time, trip.file, trip.source_line))
    return pairing


def _multiply(position: Decimal, ratio: Fraction) -> Decimal | None:
    """Give a position after a split; None where a part of a share was paid out, nobody knows how."""
    after = Fraction(position) * ratio
    return Decimal(after.numerator) if after.denominator == 1 else None


def _is_flat_overnight(group: Sequence[Event], find_day: FindDay) -> bool:
    """Tell whether fills of this group that can be read come out even on each of their days, on two or more."""
    sums: dict[date | None, Decimal] = defaultdict(Decimal)
    spoilt: set[date | None] = set()
    for event in group:
        day = find_day(event.time) if event.time else None
        if event.quantity is None:
            spoilt.add(day)
        else:
            sums[day] += event.quantity
    kept = [total for day, total in sums.items() if day not in spoilt]
    return len(kept) >= 2 and None not in spoilt and not any(kept)


def _carry(entries: Sequence[_Leg], exits: Sequence[_Leg], quantity: float) -> dict[str, object]:
    """Give what a trip carries: what its first fill that says it says, and the fees of all its parts."""
    legs = [*entries, *exits]
    carried: dict[str, object] = {}
    for leg in legs:
        carried = {**leg.execution.carried, **carried}
    fees = share_fees([(leg.execution.carried, leg.quantity, abs(leg.execution.quantity)) for leg in legs])
    carried = {name: value for name, value in carried.items() if name != "fees"} | {"quantity": quantity}
    return carried if fees is None else {**carried, "fees": fees}


def _average(legs: Sequence[_Leg]) -> float:
    total = sum(leg.quantity for leg in legs)
    return float(sum(leg.quantity * leg.execution.price for leg in legs) / total)

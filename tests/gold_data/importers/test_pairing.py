"""First in, first out: what becomes a round trip, what stays open, and what nobody can know."""

from collections import deque
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gold_data.importers.base import RejectedRow, RoundTrip
from gold_data.importers.events import Event, Execution, Unreadable
from gold_data.importers.pairing import Pairing, pair_executions

START = datetime(2025, 6, 9, 14, 0, tzinfo=UTC)


def fill(line: int, quantity: int, price: float = 20, *, minute: int | None = None, effect: str = "") -> Execution:
    time = START + timedelta(minutes=line if minute is None else minute)
    return Execution(line, "SOXL", time, Decimal(quantity), Decimal(str(price)), effect)


def tell(trip: RoundTrip) -> tuple[str, float, float, float, int]:
    minutes = int((trip.exit_time - trip.entry_time).total_seconds() / 60)
    return trip.trade_type, trip.quantity, trip.entry_price, trip.exit_price, minutes


def test_scale_in_and_partial_exits_are_averaged() -> None:
    pairing = pair_executions([fill(1, 100, 20), fill(2, 300, 20.4), fill(3, -200, 21), fill(4, -200, 22)])
    assert [tell(trip) for trip in pairing.trips] == [("buy", 400, 20.3, 21.5, 3)]
    assert (pairing.rows_used, pairing.rows_open, pairing.open_positions) == (4, 0, [])


def test_a_short() -> None:
    pairing = pair_executions([fill(1, -100, 20), fill(2, 100, 19)])
    assert [tell(trip) for trip in pairing.trips] == [("short", 100, 20, 19, 1)]


def test_a_reversal_is_split() -> None:
    pairing = pair_executions([fill(1, 100, 20), fill(2, -250, 21), fill(3, 150, 19)])
    assert [tell(trip) for trip in pairing.trips] == [("buy", 100, 20, 21, 1), ("short", 150, 21, 19, 1)]
    assert pairing.rows_used == 3


def test_a_position_left_open_is_reported() -> None:
    pairing = pair_executions([fill(1, 100, 20), fill(2, -100, 21), fill(3, 50, 22)])
    assert len(pairing.trips) == 1
    assert pairing.open_positions == [
        "SOXL: 50 bought since 2025-06-09 10:03:00-04:00 (line 3) is left open at the end"
    ]
    assert (pairing.rows_used, pairing.rows_open) == (2, 1)


def test_of_an_open_position_the_closed_part_is_a_trip_of_the_first_shares() -> None:
    pairing = pair_executions([fill(1, 100, 20), fill(2, 100, 30), fill(3, -50, 25), fill(4, 100, 40)])
    assert [tell(trip) for trip in pairing.trips] == [("buy", 50, 20, 25, 2)]
    assert pairing.open_positions[0].startswith("SOXL: 250 bought since 2025-06-09 10:01:00-04:00 (line 1)")
    assert (pairing.rows_used, pairing.rows_open) == (2, 2)


def test_newest_first_and_equal_moments_keep_their_order() -> None:
    fills = [fill(1, 100, 20), fill(2, -100, 21, minute=5), fill(3, -100, 22, minute=5), fill(9, 100, 19)]
    for events in (fills, fills[::-1]):
        told = [tell(trip) for trip in pair_executions(events).trips]
        assert told == [("buy", 100, 20, 21, 4), ("short", 100, 22, 19, 4)]


def test_a_close_of_what_was_opened_before_the_file() -> None:
    pairing = pair_executions([fill(1, -75, effect="close"), fill(2, 10, effect="open"), fill(3, -10, effect="close")])
    assert pairing.rejected == [RejectedRow(1, "close_without_open", "75 SOXL")]
    assert len(pairing.trips) == 1


def test_a_close_of_more_than_was_opened_opens_nothing() -> None:
    pairing = pair_executions([fill(1, 10, 20, effect="open"), fill(2, -15, 21, effect="close")])
    assert [tell(trip) for trip in pairing.trips] == [("buy", 10, 20, 21, 1)]
    assert pairing.notes == ["line 2 closes 5 SOXL more than were opened in the file; they are left out"]


def test_an_open_against_the_position_means_that_the_close_is_missing() -> None:
    pairing = pair_executions([fill(1, 10, effect="open"), fill(2, -10, effect="open"), fill(3, 10, effect="close")])
    assert [(trip.trade_type, trip.source_line) for trip in pairing.trips] == [("short", 2)]
    assert "(line 1) was closed elsewhere" in pairing.open_positions[0]
    assert (pairing.rows_used, pairing.rows_open) == (2, 1)


def test_nothing_is_paired_across_a_fill_that_nobody_can_read() -> None:
    events: list[Event] = [fill(1, 10), fill(2, -10), fill(3, 10), Unreadable(4, "SOXL"), fill(5, -20), fill(6, 20)]
    for order in (events, events[::-1]):
        pairing = pair_executions(order)
        assert [trip.source_line for trip in pairing.trips] == [1]
        assert {row.line: row.rule for row in pairing.rejected} == dict.fromkeys((3, 5, 6), "after_unreadable")


def test_an_unreadable_fill_of_another_ticker_harms_nobody() -> None:
    assert len(pair_executions([fill(1, 10), Unreadable(2, "IBM"), fill(3, -10)]).trips) == 1
    assert pair_executions([fill(1, 10), Unreadable(2, ""), fill(3, -10)]).trips == []


def test_where_fills_are_in_no_order_an_unreadable_one_may_be_any() -> None:
    events: list[Event] = [fill(1, 10), fill(2, -10), fill(9, 10), fill(4, 10), fill(5, -10), Unreadable(6, "SOXL")]
    assert pair_executions(events).trips == []


def test_shares_in_fractions_come_out_even() -> None:
    parts = ["0.1", "0.2", "-0.3"]
    fills = [Execution(n, "HOOD", START, Decimal(part), Decimal(72)) for n, part in enumerate(parts, start=1)]
    pairing = pair_executions(fills)
    assert [trip.quantity for trip in pairing.trips] == [0.3]
    assert pairing.open_positions == []


def pair_share_by_share(fills: list[Execution]) -> tuple[list[tuple[str, int, float, float]], int]:
    """Give the trips that end flat, and the shares left open: the naive oracle."""
    held: deque[tuple[int, Decimal]] = deque()
    trips, bought, sold = [], [], []
    for one in fills:
        sign = 1 if one.quantity > 0 else -1
        for _ in range(abs(int(one.quantity))):
            if held and held[0][0] != sign:
                side, price = held.popleft()
                bought.append(price)
                sold.append(one.price)
                if not held:
                    word = "buy" if side > 0 else "short"
                    trips.append((word, len(bought), float(sum(bought) / len(bought)), float(sum(sold) / len(sold))))
                    bought, sold = [], []
            else:
                held.append((sign, one.price))
    return trips, len(held)


QUANTITIES = st.lists(st.integers(-6, 6).filter(bool), max_size=20)


@given(QUANTITIES, st.data())
def test_pairing_is_what_share_by_share_pairing_gives(quantities: list[int], data: st.DataObject) -> None:
    fills = [fill(n, quantity, data.draw(st.integers(1, 9))) for n, quantity in enumerate(quantities, start=1)]
    pairing = pair_executions(fills)
    trips, left = pair_share_by_share(fills)
    whole = [(trip.trade_type, int(trip.quantity), trip.entry_price, trip.exit_price) for trip in pairing.trips]
    assert whole[: len(trips)] == trips
    assert len(whole) - len(trips) == (left > 0 and len(pairing.open_positions) == 1 and len(whole) > len(trips))
    assert bool(pairing.open_positions) == bool(left)
    check_counts(pairing, fills)


EFFECTS = st.sampled_from(["", "open", "close"])
EVENTS = st.lists(
    st.one_of(
        st.builds(fill, st.integers(1, 30), st.integers(-3, 3).filter(bool), effect=EFFECTS),
        st.builds(Unreadable, st.integers(1, 30), st.sampled_from(["", "SOXL", "IBM"])),
    ),
    max_size=15,
)


@given(EVENTS)
def test_every_fill_is_accounted_for(events: list[Event]) -> None:
    check_counts(pair_executions(events), [event for event in events if isinstance(event, Execution)])


def check_counts(pairing: Pairing, fills: list[Execution]) -> None:
    assert pairing.rows_used + pairing.rows_open + len(pairing.rejected) == len(fills)
    assert all(trip.entry_time <= trip.exit_time and trip.quantity > 0 for trip in pairing.trips)

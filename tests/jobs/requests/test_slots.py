"""Slots of one model: never more than there are, and who goes next."""

import asyncio
import contextlib
from collections.abc import Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.requests.slots import Slots

Log = list[str]


async def ask(slots: Slots, place: int, name: str, log: Log, *, ticks: int = 1) -> None:
    async with slots.hold(place):
        log.append(name)
        for _ in range(ticks):
            await asyncio.sleep(0)


def run_all(*asked: Coroutine[object, object, None]) -> None:
    async def gather() -> None:
        await asyncio.gather(*asked)

    asyncio.run(gather())


def test_drafts_go_before_judgements_in_the_order_they_came() -> None:
    slots, log = Slots(4), Log()
    places = [1] * 5 + [0, 0, 0]
    run_all(*(ask(slots, place, f"{place}: {number}", log) for number, place in enumerate(places)))
    assert log[4:] == ["0: 5", "0: 6", "0: 7", "1: 4"]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_of_those_that_wait_the_earliest_column_goes_next(places: list[int]) -> None:
    slots, log = Slots(1), Log()
    run_all(*(ask(slots, place, f"{place}: {number}", log) for number, place in enumerate(places)))
    first, *others = enumerate(places)  # the first one does not wait
    assert log == [f"{place}: {number}" for number, place in [first, *sorted(others, key=lambda other: other[1])]]


@given(
    most=st.integers(1, 4),
    asked=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4), st.booleans()), max_size=30),
)
def test_no_slot_is_lost_or_given_twice_whoever_gives_up(most: int, asked: list[tuple[int, int, bool]]) -> None:
    slots, held, peak, done = Slots(most), 0, 0, list[int]()

    async def work(place: int, ticks: int, *, fails: bool) -> None:
        nonlocal held, peak
        async with slots.hold(place):
            held += 1
            peak = max(peak, held)
            try:
                for _ in range(ticks):
                    await asyncio.sleep(0)
                if fails:
                    raise ValueError
                done.append(place)
            finally:
                held -= 1

    async def run() -> None:
        tasks = [asyncio.create_task(work(place, ticks, fails=ticks == 1)) for place, ticks, _ in asked]
        for number, (task, (_, ticks, gives_up)) in enumerate(zip(tasks, asked, strict=True)):
            if gives_up:
                for _ in range((number + ticks) % 3):
                    await asyncio.sleep(0)
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        log = Log()
        await asyncio.wait_for(
            asyncio.gather(*(ask(slots, 0, str(number), log, ticks=0) for number in range(most + 1))), 5
        )
        assert len(log) == most + 1

    asyncio.run(run())
    assert peak <= most
    assert held == 0
    kept = [place for place, ticks, gives_up in asked if ticks != 1 and not gives_up]
    assert len(done) >= len(kept)


def test_slot_that_comes_while_the_request_is_given_up_goes_on_to_the_next() -> None:
    async def run() -> None:
        slots, log = Slots(1), Log()
        holder = asyncio.Event()

        async def hold() -> None:
            async with slots.hold(0):
                await holder.wait()

        first = asyncio.create_task(hold())
        await asyncio.sleep(0)
        given_up = asyncio.create_task(ask(slots, 0, "given up", log))
        waiting = asyncio.create_task(ask(slots, 0, "waiting", log))
        await asyncio.sleep(0)
        holder.set()
        await asyncio.sleep(0)  # the slot is given back, and whom it came to has not yet woken
        given_up.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await given_up
        await asyncio.wait_for(asyncio.gather(first, waiting), 5)
        assert log == ["waiting"]

    asyncio.run(run())


def test_error_beneath_gives_the_slot_back() -> None:
    async def run() -> None:
        slots, log = Slots(1), Log()
        with pytest.raises(ValueError, match="beneath"):
            async with slots.hold(1):
                raise ValueError("beneath")
        await asyncio.wait_for(ask(slots, 1, "next", log), 5)
        assert log == ["next"]

    asyncio.run(run())

"""Slots of one model: never more than there are, and who goes next."""

import asyncio
import contextlib
from collections.abc import Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.requests.slots import Slots

Log = list[str]


async def ask(slots: Slots, role: str, name: str, log: Log, *, ticks: int = 1) -> None:
    async with slots.hold(role):
        log.append(name)
        for _ in range(ticks):
            await asyncio.sleep(0)


def run_all(*asked: Coroutine[object, object, None]) -> None:
    async def gather() -> None:
        await asyncio.gather(*asked)

    asyncio.run(gather())


def test_drafts_go_before_judgements_in_the_order_they_came() -> None:
    slots, log = Slots(4), Log()
    roles = ["judge"] * 5 + ["generator", "refiner", "generator"]
    run_all(*(ask(slots, role, f"{role} {number}", log) for number, role in enumerate(roles)))
    assert log[4:] == ["generator 5", "refiner 6", "generator 7", "judge 4"]


def test_judgement_that_goes_to_the_model_of_another_waits_with_the_drafts() -> None:
    slots, log = Slots(4), Log()
    aliases = ["generator"] * 4 + ["judge", "generator", "judge_fallback", "generator"]
    run_all(*(ask(slots, alias, f"{alias} {number}", log) for number, alias in enumerate(aliases)))
    assert log[4:] == ["generator 5", "judge_fallback 6", "generator 7", "judge 4"]


@given(
    most=st.integers(1, 4),
    asked=st.lists(st.tuples(st.sampled_from(["judge", "generator"]), st.integers(0, 4), st.booleans()), max_size=30),
)
def test_no_slot_is_lost_or_given_twice_whoever_gives_up(most: int, asked: list[tuple[str, int, bool]]) -> None:
    slots, held, peak, done = Slots(most), 0, 0, Log()

    async def work(role: str, ticks: int, *, fails: bool) -> None:
        nonlocal held, peak
        async with slots.hold(role):
            held += 1
            peak = max(peak, held)
            try:
                for _ in range(ticks):
                    await asyncio.sleep(0)
                if fails:
                    raise ValueError
                done.append(role)
            finally:
                held -= 1

    async def run() -> None:
        tasks = [asyncio.create_task(work(role, ticks, fails=ticks == 1)) for role, ticks, _ in asked]
        for number, (task, (_, ticks, gives_up)) in enumerate(zip(tasks, asked, strict=True)):
            if gives_up:
                for _ in range((number + ticks) % 3):
                    await asyncio.sleep(0)
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        log = Log()
        await asyncio.wait_for(
            asyncio.gather(*(ask(slots, "generator", str(number), log, ticks=0) for number in range(most + 1))), 5
        )
        assert len(log) == most + 1

    asyncio.run(run())
    assert peak <= most
    assert held == 0
    kept = [role for role, ticks, gives_up in asked if ticks != 1 and not gives_up]
    assert len(done) >= len(kept)


def test_slot_that_comes_while_the_request_is_given_up_goes_on_to_the_next() -> None:
    async def run() -> None:
        slots, log = Slots(1), Log()
        holder = asyncio.Event()

        async def hold() -> None:
            async with slots.hold("generator"):
                await holder.wait()

        first = asyncio.create_task(hold())
        await asyncio.sleep(0)
        given_up = asyncio.create_task(ask(slots, "generator", "given up", log))
        waiting = asyncio.create_task(ask(slots, "generator", "waiting", log))
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
            async with slots.hold("judge"):
                raise ValueError("beneath")
        await asyncio.wait_for(ask(slots, "judge", "next", log), 5)
        assert log == ["next"]

    asyncio.run(run())

"""A request that was given up is awaited before the next, where a model is asked one at a time."""

import asyncio

import pytest

from jobs.library.abandoned import Abandoned


async def work(seconds: float, done: list[float]) -> str:
    await asyncio.sleep(seconds)
    done.append(seconds)
    return "x"


def test_answer_in_time_is_given() -> None:
    for alone in ((), ("m",)):
        assert asyncio.run(Abandoned(alone).run("m", work(0.0, []), 1.0)) == "x"


@pytest.mark.parametrize(("alone", "finished"), [(["m"], [0.15]), ([], [])])
def test_given_up_request_goes_on_where_the_model_is_asked_alone(alone: list[str], finished: list[float]) -> None:
    async def ask() -> list[float]:
        done: list[float] = []
        abandoned = Abandoned(alone)
        with pytest.raises(TimeoutError):
            await abandoned.run("m", work(0.15, done), 0.02)
        await abandoned.await_end("m", 5.0)
        return done

    assert asyncio.run(ask()) == finished


def test_given_up_request_is_not_awaited_longer_than_its_timeout() -> None:
    async def ask() -> list[float]:
        done: list[float] = []
        abandoned = Abandoned(["m"])
        with pytest.raises(TimeoutError):
            await abandoned.run("m", work(60.0, done), 0.02)
        await abandoned.await_end("m", 0.02)
        return done

    assert asyncio.run(ask()) == []

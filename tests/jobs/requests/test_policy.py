"""The policy between a request and a provider that is scripted by the exceptions it raises."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from data_designer.engine.models.clients.errors import ProviderError, ProviderErrorKind
from data_designer.engine.models.clients.types import AssistantMessage, ChatCompletionResponse

from jobs.library.shim import _keep_asked_pause
from jobs.request import HEALTH_CHECK, Request, Send
from jobs.requests.circuit import Patience
from jobs.requests.faults import RowLostError, classify
from jobs.requests.halt import Halt
from jobs.requests.policy import Models, RequestPolicy
from jobs.requests.slots import Slots
from jobs.routes import Route, find_route

Said = tuple[str, dict[str, Any]]


def fail(status: int | None, kind: ProviderErrorKind, words: str = "", wait: float | None = None) -> ProviderError:
    error = ProviderError(kind, words or f"scripted {status}", status, retry_after=wait)
    _keep_asked_pause(error)
    return error


def ask_for_a_pause(seconds: float) -> ProviderError:
    return fail(429, ProviderErrorKind.RATE_LIMIT, wait=seconds)


def break_down() -> ProviderError:
    return fail(503, ProviderErrorKind.INTERNAL_SERVER)


MODELS = dict.fromkeys(("own-generator", "own-judge", "own-refiner", "spare"), 8)


class Provider:
    """Answers with the model's name, or raises what a script gives for model and row."""

    def __init__(
        self, script: Callable[[str, str], Exception | None] = lambda *_: None, cap: str | None = None
    ) -> None:
        self.said: list[Said] = []
        self.sent: list[tuple[str, str]] = []
        self.script = script
        self.cap = cap
        fallbacks = {role: Route(f"{role}_fallback", "spare") for role in ("generator", "judge")}
        self.policy = RequestPolicy(
            Patience(5.0, 3, 0.01),
            Models("the provider", fallbacks, MODELS, 1.0),
            Halt(),
            find_spent_cap=lambda: self.cap,
            notify=lambda event, **fields: self.said.append((event, fields)),
            forget=lambda _: None,
        )

    def ask(self, row: str, role: str = "generator", *, fallback: bool = True) -> Coroutine[Any, Any, str]:
        request = Request("001_generate", row, "trade", role if fallback else "refiner", f"own-{role}")

        async def send() -> str:
            model = find_route(request).model
            self.sent.append((model, row))
            await asyncio.sleep(0)
            if (error := self.script(model, row)) is not None:
                raise error
            return model

        return self._await_answer(request, send)

    async def _await_answer(self, request: Request, send: Send) -> str:
        return str(await self.policy(request, send))

    def count(self, event: str) -> int:
        return sum(name == event for name, _ in self.said)


@pytest.mark.parametrize(
    ("words", "wait", "fault"),
    [
        ("Quota exceeded for quota metric 'requests per minute'", None, "wait"),
        ("Quota exceeded for quota metric 'requests per minute'", 2.0, "wait"),
        ("You exceeded your current quota: insufficient_quota", None, "stop"),
        ("quota exceeded: check your billing details", None, "stop"),
        ("Your credit balance is too low", None, "stop"),
        ("Your credit balance is too low", 2.0, "stop"),
        ("Quota exceeded", None, "stop"),
        ("Quota exceeded", 2.0, "wait"),
        ("Too many requests (insufficient_quota)", 2.0, "stop"),
        ("Rate limit reached (billing_hard_limit_reached, requests)", 2.0, "stop"),
        ("account suspended (exceeded_current_quota_error)", None, "stop"),
        ("You exceeded your current quota, check your plan and billing. Please retry in 31.5s.", 31.0, "wait"),
        ("Rate limit reached on requests per min. Add a payment method at example.com/billing", None, "wait"),
        ("Insufficient capacity", None, "wait"),
    ],
)
def test_quota_of_a_minute_is_waited_for_and_credit_is_not(words: str, wait: float | None, fault: str) -> None:
    assert classify(fail(429, ProviderErrorKind.QUOTA_EXCEEDED, words, wait)) == fault


@pytest.mark.parametrize("status", [500, 502, 503, 529])
def test_server_that_says_when_it_is_back_is_waited_for(status: int) -> None:
    assert classify(fail(status, ProviderErrorKind.INTERNAL_SERVER, wait=2.0)) == "wait"


def test_row_is_given_up_though_a_pause_is_asked_for_each_time() -> None:
    provider = Provider(lambda _, row: ask_for_a_pause(0.2) if row == "a" else None)
    provider.policy._patience = Patience(0.5, 3, 0.01)

    async def run() -> None:
        asking = asyncio.ensure_future(provider.ask("a", fallback=False))
        while not asking.done():
            await provider.ask("b", fallback=False)
            await asyncio.sleep(0.05)
        with pytest.raises(RowLostError, match="no answer after"):
            await asking

    asyncio.run(asyncio.wait_for(run(), 60))


def test_pause_that_the_provider_asked_for_is_kept_from_the_library() -> None:
    assert ask_for_a_pause(30.0).retry_after is None
    assert ask_for_a_pause(1.0).retry_after == 1.0


def test_pause_that_the_provider_asked_for_is_kept_by_every_request() -> None:
    failures = [ask_for_a_pause(0.3)]
    provider = Provider(lambda *_: failures.pop() if failures else None)

    async def run() -> None:
        assert await provider.ask("a", fallback=False) == "own-generator"
        assert await provider.ask("b", fallback=False) == "own-generator"

    began = time.monotonic()
    asyncio.run(run())
    assert 0.3 <= time.monotonic() - began < 2.0
    assert len(provider.sent) == 3
    assert provider.said == []


def test_cap_is_looked_for_while_the_provider_wants_a_pause() -> None:
    provider = Provider(lambda *_: ask_for_a_pause(4.0))

    async def run() -> None:
        asking = asyncio.ensure_future(provider.ask("a", fallback=False))
        await asyncio.sleep(0.1)
        provider.cap = "max_minutes"
        await asking

    began = time.monotonic()
    with pytest.raises(RowLostError, match=r"not finished: the cap run\.max_minutes was reached"):
        asyncio.run(run())
    assert time.monotonic() - began < 3.0


@pytest.mark.parametrize(("seconds", "model"), [(0.1, "own-generator"), (5.0, "spare")])
def test_fallback_answers_while_a_pause_is_long(monkeypatch: pytest.MonkeyPatch, seconds: float, model: str) -> None:
    monkeypatch.setattr("jobs.requests.circuit.SHORT_WAIT", 0.5)
    failures = [ask_for_a_pause(seconds)]
    provider = Provider(lambda *_: failures.pop() if failures else None)
    assert asyncio.run(provider.ask("a")) == model
    assert provider.count("fallback_used") == (model == "spare")


def test_probes_of_an_outage_are_no_tries_of_their_row() -> None:
    answered: list[str] = []

    def script(_: str, row: str) -> Any:
        hiccups = sum(sent == row for _, sent in provider.sent[11:])
        if len(provider.sent) <= 10 or (answered and hiccups <= 2):  # of three tries
            return break_down()
        answered.append(row)
        return None

    provider = Provider(script)

    async def run() -> list[str]:
        return await asyncio.gather(*(provider.ask(row, fallback=False) for row in "abc"))

    assert asyncio.run(run()) == ["own-generator"] * 3
    assert (provider.count("provider_down"), provider.count("provider_back")) == (1, 1)


def test_every_role_and_every_outage_says_that_the_fallback_is_used() -> None:
    down = {"own-generator", "own-judge"}
    provider = Provider(lambda model, _: break_down() if model in down else None)

    async def ask_all() -> set[str]:
        await asyncio.sleep(0.1)  # until it is time for a probe
        asked = [provider.ask(row, role) for role in ("generator", "judge") for row in "abc"]
        return set(await asyncio.gather(*asked))

    async def run() -> None:
        assert await ask_all() == {"spare"}
        await ask_all()
        assert [fields["role"] for event, fields in provider.said if event == "fallback_used"] == ["generator", "judge"]
        models = set(down)
        down.clear()
        assert "own-generator" in await ask_all()
        down.update(models)
        await ask_all()

    asyncio.run(run())
    assert provider.count("fallback_used") == 4


def test_cap_is_looked_for_in_the_pause_before_another_try() -> None:
    provider = Provider(lambda *_: break_down())
    provider.policy._patience = Patience(60.0, 3, 30.0)

    async def run() -> None:
        asking = asyncio.ensure_future(provider.ask("a", fallback=False))
        await asyncio.sleep(0.1)
        provider.cap = "max_tokens"
        await asking

    began = time.monotonic()
    with pytest.raises(RowLostError, match=r"not finished: the cap run\.max_tokens was reached"):
        asyncio.run(run())
    assert time.monotonic() - began < 5.0


def test_wait_for_a_slot_takes_nothing_from_the_patience_of_a_row() -> None:
    failed: set[str] = set()

    def script(_: str, row: str) -> Any:
        if row == "late" and row not in failed:
            failed.add(row)
            return break_down()
        return None

    provider = Provider(script)
    provider.policy._patience = Patience(0.2, 3, 0.001)
    provider.policy._slots["own-generator"] = Slots(1)

    async def run() -> str:
        async with provider.policy._slots["own-generator"].hold(0):
            asking = asyncio.ensure_future(provider.ask("late", fallback=False))
            await asyncio.sleep(0.5)  # more than patience
        return await asking

    assert asyncio.run(run()) == "own-generator"
    assert [row for _, row in provider.sent] == ["late", "late"]


def test_refusal_before_an_answer_that_waited_for_its_slot_is_no_longer_doubtful() -> None:
    provider = Provider(lambda _, row: fail(400, ProviderErrorKind.BAD_REQUEST) if row == "a" else None)
    provider.policy._slots["own-generator"] = Slots(1)

    async def run() -> list[Any]:
        rows = [asyncio.ensure_future(provider.ask(row, fallback=False)) for row in "abc"]
        return await asyncio.gather(*rows, return_exceptions=True)

    refused, *answered = asyncio.run(run())
    assert isinstance(refused, ProviderError)
    assert answered == ["own-generator"] * 2
    assert provider.policy._circuits["own-generator"].list_doubtful() == []


def test_circuit_that_opens_while_requests_wait_for_a_slot_lets_one_probe_through() -> None:
    under_way, most = 0, 0

    def script(_: str, __: str) -> Any:
        return break_down() if len(provider.sent) <= 16 else None

    provider = Provider(script)
    provider.policy._slots["own-generator"] = Slots(10)
    count = provider.policy._send_once

    async def send_counted(turn: Any, *args: Any, **options: Any) -> Any:
        nonlocal under_way, most
        is_open = turn.circuit.is_open
        under_way += is_open
        most = max(most, under_way)
        try:
            return await count(turn, *args, **options)
        finally:
            under_way -= is_open

    provider.policy._send_once = send_counted  # type: ignore[method-assign]

    async def run() -> list[str]:
        return await asyncio.gather(*(provider.ask(str(row), fallback=False) for row in range(40)))

    assert asyncio.run(run()) == ["own-generator"] * 40
    assert most == 1
    assert provider.count("provider_down") == 1


class Checked(Provider):
    """A provider that is asked the short question before the first job."""

    def check(self, role: str) -> str:
        request = Request("000_check", None, HEALTH_CHECK, role, f"own-{role}")

        async def send() -> ChatCompletionResponse:
            model = find_route(request).model
            self.sent.append((model, ""))
            if (error := self.script(model, "")) is not None:
                raise error
            return ChatCompletionResponse(AssistantMessage(""))

        return str(asyncio.run(self.policy(request, send)).message.content)


def test_each_model_is_asked_once_before_the_first_job_and_an_empty_answer_is_one() -> None:
    provider = Checked()
    assert [provider.check("generator"), provider.check("generator"), provider.check("judge")] == [".", ".", "."]
    assert [model for model, _ in provider.sent] == ["own-generator", "own-judge"]


def test_error_that_says_the_same_twice_is_not_tried_again_and_its_words_are_said() -> None:
    provider = Checked(lambda *_: break_down())
    with pytest.raises(RowLostError, match=r"^own-refiner: HTTP 503: "):
        provider.check("refiner")
    assert len(provider.sent) == 2


def test_model_that_is_loaded_before_the_first_job_is_waited_for() -> None:
    loading = [fail(503, ProviderErrorKind.INTERNAL_SERVER, "Loading model")] * 6
    provider = Checked(lambda *_: loading.pop() if loading else None)
    assert provider.check("refiner") == "."
    assert len(provider.sent) == 7


def test_first_timeout_is_said_with_the_key_that_sets_it() -> None:
    slow = [fail(None, ProviderErrorKind.TIMEOUT, "no whole answer within 1 s")] * 2
    provider = Provider(lambda *_: slow.pop() if slow else None)
    assert asyncio.run(provider.ask("a", fallback=False)) == "own-generator"
    warned = [str(fields["said"]) for event, fields in provider.said if event == "provider_warned"]
    assert len(warned) == 1
    assert "inference_parameters.timeout" in warned[0]

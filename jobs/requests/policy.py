"""What a run does about a provider that fails: try again, wait, take the fallback, give a row up, or stop.

Errors are of five kinds. *stop*: the key or the credit is refused, no further request can succeed. *missing*: the
model is not there. *wait*: too many requests (429). *retry*: the server or the way to it failed. *refuse*: this one
request is not accepted; many in a row stop the run, for then it is not the requests. A model that fails several rows
without an answer in between is taken for down: its circuit opens, its requests wait, and one at a time is sent as a
probe until an answer comes back or patience ends.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from data_designer.errors import DataDesignerError

from designer_configs.compile.native import FALLBACK_ALIAS
from designer_configs.compile.profile import Profile, count_parallel
from jobs.errors import BackendError, NotSentError
from jobs.library.shim import find_asked_pause
from jobs.request import FORM_PROBE, HEALTH_CHECK, Request, Send, name_error
from jobs.requests.circuit import LONGEST_LOOK_AWAY, Circuit, Patience
from jobs.requests.halt import Halt
from jobs.requests.slots import Slots
from jobs.requests.watchdog import Watchdog
from jobs.routes import Route, take_route

REFUSALS_THAT_STOP = 20  # requests refused one after the other, after which the rest need not be tried
LONGEST_WORDS = 300  # characters of a provider's message that are repeated
CREDIT_WORDS = ("credit", "billing", "balance", "insufficient_quota", "insufficient quota")
Fault = Literal["stop", "missing", "wait", "retry", "refuse"]
Notify = Callable[..., None]
Forget = Callable[[Sequence[Request]], None]

FAULTS: Mapping[str, Fault] = {
    "authentication": "stop",
    "permission_denied": "stop",
    "quota_exceeded": "stop",
    "not_found": "missing",
    "rate_limit": "wait",
    "internal_server": "retry",
    "api_connection": "retry",
    "timeout": "retry",
    "request_admission_timeout": "retry",
    "api_error": "retry",  # a body that is no JSON, such as a proxy's page
    "TimeoutError": "retry",
}
TOO_MANY = 429
FAULTS_BY_STATUS: Mapping[int, Fault] = {402: "stop", 408: "retry", 410: "missing", 425: "retry"}
"""What the library tells apart by its kinds no better than any other refusal."""


class RowLostError(DataDesignerError):
    """A request that will not be sent again; its row is lost and the message says why."""


@dataclass(frozen=True)
class Models:
    """Where the provider is, which model stands in for a role's own where it is down, and what each is granted.

    `parallel` is how many requests a model may have at once, `longest_request` how many seconds one may take, `places`
    where each model column stands in its stage.
    """

    place: str
    fallbacks: Mapping[str, Route]
    parallel: Mapping[str, int]
    longest_request: float
    places: Mapping[str, int] = field(default_factory=dict)


class Turn(NamedTuple):
    """A model that a request may go to."""

    route: Route
    circuit: Circuit
    slots: Slots


_may_go: contextvars.ContextVar[Callable[[], bool] | None] = contextvars.ContextVar("may_go", default=None)
"""Tells whether the request under way may still be sent, for its circuit; None for a question before the first job."""


class RequestPolicy:
    """A step of every request, outside of the one that counts what is sent.

    Where the run must end, it is halted: the rows that are not finished are left alone, to be resumed.

    Args:
        patience: How often and how long to try.
        models: Whom to ask.
        halt: Ends the job that is running.
        find_spent_cap: Names the cap of the profile that was reached, such as `max_tokens`.
        notify: Takes an event and its fields.
        forget: Takes requests whose refusals are not to be kept: any may have been refused, not these alone.
    """

    def __init__(
        self,
        patience: Patience,
        models: Models,
        halt: Halt,
        *,
        find_spent_cap: Callable[[], str | None],
        notify: Notify,
        forget: Forget,
    ) -> None:
        self.watchdog = Watchdog(halt, patience.seconds + models.longest_request)
        self._halt = halt
        self._patience = patience
        self._models = models
        self._find_spent_cap = find_spent_cap
        self._notify = notify
        self._forget = forget
        self._circuits: dict[str, Circuit] = {}
        self._slots = {model: Slots(most) for model, most in models.parallel.items()}
        self._announced: dict[str, int] = {}  # roles that have their fallback, and how often their own model came back

    async def __call__(self, request: Request, send: Send) -> Any:
        """Send a request until it is answered, or given up."""
        with self.watchdog.expect():
            if request.column == HEALTH_CHECK:
                return await self._check_model(request, send)
            if request.column == FORM_PROBE:  # a refusal is an answer to it, and says nothing of the model
                return await self._send_once(self._list_turns(request)[0], send, guarded=False)
            return await self._send_patiently(request, send)

    async def _send_patiently(self, request: Request, send: Send) -> Any:
        tries, began, outages = 0, time.monotonic(), self._count_outages(request)
        while True:
            turn = await self._await_turn(request)
            asked = time.monotonic()
            try:
                async with turn.slots.hold(self._models.places.get(request.column, 0)):
                    sent = time.monotonic()
                    began += sent - asked  # to wait for a slot takes nothing from the patience with a provider
                    if not turn.circuit.lets_through():
                        continue
                    response = await self._send_once(turn, send)
            except NotSentError:
                continue
            except Exception as exc:
                if (ended := self._count_outages(request)) != outages:
                    tries, began, outages = 0, time.monotonic(), ended
                tries += not turn.circuit.is_open
                await self._pause(self._handle_fault(exc, turn, request, tries, began))
                continue
            if turn.circuit.count_answer(sent):
                self._notify("provider_back", model=turn.route.model)
            if complaint := find_complaint(response):
                raise RowLostError(complaint)
            return response

    async def _pause(self, seconds: float) -> None:
        """Wait, no longer than until the run is to end."""
        await asyncio.sleep(0)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self._halt.reason is None and self._find_spent_cap() is None:
            await asyncio.sleep(min(left, LONGEST_LOOK_AWAY))

    def check_before_sending(self) -> None:
        """Hold a request back that waited in the library's own queue while a cap was reached or its circuit opened.

        Raises:
            NotSentError: it is not to be sent, at least not now.
        """
        may_go = _may_go.get()
        if may_go is None:
            return
        if not may_go() or self._halt.reason is not None or self._find_spent_cap() is not None:
            raise NotSentError

    async def _send_once(self, turn: Turn, send: Send, *, guarded: bool = True) -> Any:
        with turn.circuit.send() as is_probe, take_route(turn.route):
            token = _may_go.set((lambda: is_probe or turn.circuit.is_free) if guarded else None)
            try:
                return await send()
            finally:
                _may_go.reset(token)
                self.watchdog.note_progress()

    async def _await_turn(self, request: Request) -> Turn:
        """Wait until a circuit lets the request through; the fallback's, where the model's own is open."""
        while True:
            turns = self._list_turns(request)
            if self._halt.reason is not None:
                await self.watchdog.await_end()
            if (cap := self._find_spent_cap()) is not None:
                raise RowLostError(f"not finished: the cap run.{cap} was reached")
            for turn in turns:
                if turn.circuit.lets_through():
                    self._announce(turn, turns[0], request.role)
                    return turn
                if turn.circuit.is_free_soon:  # sooner than another model is worth it
                    turns = [turn]
                    break
            if all(turn.circuit.is_out_of_patience() for turn in turns):
                self._stop(self._explain_end(turns[0]))
                continue
            await min(turns, key=lambda turn: turn.circuit.next_turn).circuit.await_change()

    def _count_outages(self, request: Request) -> int:
        """Count the outages that have ended of the models that a request may go to."""
        return sum(turn.circuit.times_closed for turn in self._list_turns(request))

    def _stop(self, why: str) -> None:
        """Halt the run; what a model has refused and not answered since is not held against the rows."""
        for circuit in self._circuits.values():
            self._forget(circuit.list_doubtful())
        self._halt.stop(BackendError(why))

    def _announce(self, turn: Turn, own: Turn, role: str) -> None:
        """Say once that a role's requests go to its fallback, and once more when they do so again after an answer."""
        if turn is not own and self._announced.get(role) != own.circuit.times_closed:
            self._announced[role] = own.circuit.times_closed
            self._notify("fallback_used", role=role, model=turn.route.model)
        elif turn is own and own.circuit.is_free:
            self._announced.pop(role, None)

    def _explain_end(self, turn: Turn) -> str:
        circuit, minutes = turn.circuit, f"{self._patience.seconds / 60:g}"
        why = (
            f"asks for a longer pause (Retry-After) than run.patience_minutes: {minutes}"
            if circuit.asks_too_much
            else f"has not answered for run.patience_minutes: {minutes}"
        )
        return f"{self._models.place} {why}. {turn.route.model} last said: {circuit.last_words}"

    def _handle_fault(self, exc: Exception, turn: Turn, request: Request, tries: int, began: float) -> float:
        """Give the seconds to pause before the request is sent again.

        Raises:
            RowLostError: it has failed too often, or for too long.
            Exception: the error itself, where this request alone is refused.
        """
        if self._halt.reason is not None:
            return 0  # the row is left alone, whatever came of its request
        circuit, model = turn.circuit, turn.route.model
        fault, words = classify(exc), describe_error(exc)
        if fault == "stop" or (fault == "missing" and request.role not in self._models.fallbacks):
            self._stop(f"{self._models.place} refuses the requests to {model}: {words}")
            return 0
        if fault == "refuse":
            if circuit.count_refusal(request) < REFUSALS_THAT_STOP:
                raise exc
            self._stop(f"{model} refused {REFUSALS_THAT_STOP} requests in a row; the last: {words}")
            return 0
        wait = find_asked_pause(exc)
        if circuit.count_failure(request.row_id, words, wait=wait, for_good=fault == "missing"):
            self._notify("provider_down", model=model, said=words)
        if not circuit.is_free:
            return 0  # it waits for its turn
        waited = time.monotonic() - began
        if (fault == "retry" and tries >= self._patience.tries) or waited > self._patience.seconds:
            raise RowLostError(f"no answer after {tries} tries in {waited:.0f} s; the last: {words}") from exc
        return self._patience.tell_pause(tries)

    async def _check_model(self, request: Request, send: Send) -> Any:
        """Ask for the short answer before the first job: a person waits for it, so no longer than a few tries."""
        first: Exception | None = None
        for turn in self._list_turns(request):
            for tries in range(1, self._patience.tries + 1):
                try:
                    return await self._send_once(turn, send, guarded=False)
                except Exception as exc:
                    first = first or exc
                    fault = classify(exc)
                    turn.circuit.count_failure(None, describe_error(exc), wait=None, for_good=fault == "missing")
                    if fault in ("stop", "missing", "refuse"):
                        break
                    await asyncio.sleep(self._patience.tell_pause(tries))
        raise first or DataDesignerError("no model was asked")

    def _list_turns(self, request: Request) -> list[Turn]:
        routes = [Route(request.role, request.model)]
        if (fallback := self._models.fallbacks.get(request.role)) is not None:
            routes.append(fallback)
        return [self._make_turn(route) for route in routes]

    def _make_turn(self, route: Route) -> Turn:
        circuit = self._circuits.setdefault(route.model, Circuit(self._patience))
        return Turn(route, circuit, self._slots[route.model])


def build_policy(
    profile: Profile,
    place: str,
    halt: Halt,
    *,
    find_spent_cap: Callable[[], str | None],
    notify: Notify,
    forget: Forget,
) -> RequestPolicy:
    """Build the policy that a profile asks for; `place` says where its provider is."""
    run, roles = profile.run, profile.models
    fallbacks = {role: model.fallback for role, model in roles.items() if model.fallback is not None}
    asked = [*roles.values(), *fallbacks.values()]
    models = Models(
        place,
        {role: Route(FALLBACK_ALIAS.format(role=role), model.model) for role, model in fallbacks.items()},
        count_parallel((model.model, model.inference_parameters) for model in asked),
        longest_request=max(float(model.inference_parameters["timeout"]) for model in asked),
        places=profile.dataset.places,
    )
    patience = Patience(run.patience_minutes * 60, run.tries, run.retry_seconds)
    return RequestPolicy(patience, models, halt, find_spent_cap=find_spent_cap, notify=notify, forget=forget)


def classify(exc: BaseException) -> Fault:
    """Tell what kind of fault an error is."""
    status, fault = getattr(exc, "status_code", None), FAULTS.get(name_error(exc), "refuse")
    if status == TOO_MANY and fault == "stop":  # a quota, which may be one a minute
        is_spent = any(word in str(exc).lower() for word in CREDIT_WORDS)
        return "stop" if is_spent and find_asked_pause(exc) is None else "wait"
    return FAULTS_BY_STATUS.get(status or 0, fault)


def describe_error(exc: BaseException) -> str:
    """Say an error with its status and the provider's own words, in one line and cut where they are long."""
    status = getattr(exc, "status_code", None)
    words = " ".join(str(exc).split()) or name_error(exc)
    return f"{f'HTTP {status}' if status else name_error(exc)}: {words[:LONGEST_WORDS]}"


def find_complaint(response: Any) -> str | None:
    """Say why an answer is none, where the provider says so: its filter stopped it, or the model refused."""
    choices = getattr(response, "choices", None) or [None]
    if getattr(choices[0], "finish_reason", None) == "content_filter":
        return "the provider's content filter stopped the answer (finish_reason: content_filter)"
    raw = getattr(response, "raw", None)
    try:
        refusal = raw["choices"][0]["message"].get("refusal") if isinstance(raw, dict) else None
    except (KeyError, IndexError, AttributeError, TypeError):
        return None
    return f"the model refused: {str(refusal)[:LONGEST_WORDS]}" if refusal else None

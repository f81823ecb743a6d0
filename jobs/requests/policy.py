"""What a run does about a provider that fails: try again, wait, take the fallback, give a row up, or stop.

Which kinds of faults there are, `faults.py` says. Many refused requests in a row stop the run, for then it is not the
requests. A model that fails several rows
without an answer in between is taken for down: its circuit opens, its requests wait, and one at a time is sent as a
probe until an answer comes back or patience ends.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from data_designer.engine.models.clients.errors import ProviderError, ProviderErrorKind

from designer_configs.compile.native import FALLBACK_ALIAS
from designer_configs.compile.profile import Profile, count_parallel
from jobs.errors import BackendError, NotSentError
from jobs.job import NOT_FINISHED
from jobs.library.likely import CONTEXT_REMEDIES
from jobs.library.shim import find_asked_pause
from jobs.library.wire import is_to_be_sent_again
from jobs.request import HEALTH_CHECK, PROBES, Request, Send
from jobs.requests.circuit import LONGEST_LOOK_AWAY, LONGEST_PAUSE, Circuit, Patience
from jobs.requests.faults import RowLostError, classify, describe_error, find_complaint, says_loading
from jobs.requests.halt import Halt
from jobs.requests.prompt_watch import PromptWatch
from jobs.requests.slots import Slots
from jobs.requests.watchdog import Watchdog
from jobs.routes import Route, take_route

REFUSALS_THAT_STOP = 20  # requests refused one after the other, after which the rest need not be tried
NO_WORDS = "."  # in the place of a short answer without text, which is an answer all the same
Notify = Callable[..., None]
Forget = Callable[[Sequence[Request]], None]


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
        self._prompts = PromptWatch()
        self._warned: set[tuple[str, object]] = set()
        self._checked: dict[str, Any] = {}  # answers to the short question, by model
        self._under_way = 0  # requests that were sent and have not come back
        self._ending: BackendError | None = None  # why the run is halted, as soon as none is under way
        self._announced: dict[str, int] = {}  # roles that have their fallback, and how often their own model came back

    @property
    def parallel(self) -> Mapping[str, int]:
        """How many requests each model may have at once."""
        return self._models.parallel

    async def __call__(self, request: Request, send: Send) -> Any:
        """Send a request until it is answered, or given up."""
        with self.watchdog.expect():
            if request.column == HEALTH_CHECK:
                return await self._check_model(request, send)
            if request.column in PROBES:  # a refusal is an answer to it, and says nothing of the model
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
                    if self._is_ending or not turn.circuit.lets_through():
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
            if (cut := self._prompts.look(request, turn.route.model, response)) is not None:
                self._notify("provider_warned", model=turn.route.model, said=f"{cut}; {CONTEXT_REMEDIES['cut']}")
            if turn.circuit.count_answer(sent):
                self._notify("provider_back", model=turn.route.model)
            if complaint := find_complaint(response):
                raise RowLostError(complaint)
            return response

    async def _pause(self, seconds: float) -> None:
        """Wait, no longer than until the run is to end."""
        await asyncio.sleep(0)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._is_ending and self._find_spent_cap() is None:
            await asyncio.sleep(min(left, LONGEST_LOOK_AWAY))

    def check_before_sending(self) -> None:
        """Hold a request back that waited in the library's own queue while a cap was reached or its circuit opened.

        Raises:
            NotSentError: it is not to be sent, at least not now.
        """
        may_go = _may_go.get()
        if may_go is None:
            return
        if not may_go() or self._is_ending or self._find_spent_cap() is not None:
            raise NotSentError

    @property
    def _is_ending(self) -> bool:
        return self._ending is not None or self._halt.reason is not None

    async def _send_once(self, turn: Turn, send: Send, *, guarded: bool = True) -> Any:
        with turn.circuit.send() as is_probe, take_route(turn.route):
            token = _may_go.set((lambda: is_probe or turn.circuit.is_free) if guarded else None)
            self._under_way += 1
            try:
                response = await send()
            except ProviderError as exc:
                if exc.kind is not ProviderErrorKind.TIMEOUT:  # which is no progress
                    self.watchdog.note_progress()
                raise
            else:
                self.watchdog.note_progress()
                return response
            finally:
                _may_go.reset(token)
                self._under_way -= 1
                self._halt_if_due()

    async def _await_turn(self, request: Request) -> Turn:
        """Wait until a circuit lets the request through; the fallback's, where the model's own is open."""
        while True:
            turns = self._list_turns(request)
            if self._is_ending:
                await self._await_end()
            if (cap := self._find_spent_cap()) is not None:
                raise RowLostError(f"{NOT_FINISHED}: the cap run.{cap} was reached")
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
        """Send nothing more, and halt the run once what is under way has come back: it is paid for, and is counted.

        What a model has refused and not answered since is not held against the rows.
        """
        for circuit in self._circuits.values():
            self._forget(circuit.list_doubtful())
        self._ending = self._ending or BackendError(why)
        self._halt_if_due()

    def _halt_if_due(self) -> None:
        if self._ending is not None and not self._under_way:
            self._halt.stop(self._ending)

    async def _await_end(self) -> None:
        """Wait until the run is halted, and then to be cancelled with the job."""
        while self._halt.reason is None:
            await asyncio.sleep(LONGEST_LOOK_AWAY)
        await self.watchdog.await_end()

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
        if self._is_ending:  # the row is left alone, whatever came of its request
            if classify(exc) == "refuse":
                self._forget([request])
            return 0
        circuit, model = turn.circuit, turn.route.model
        if is_to_be_sent_again(exc):
            return 0
        fault, words = classify(exc), describe_error(exc)
        self._warn(exc, model, words)
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
        if circuit.is_open:
            return 0  # it waits for its turn
        waited = time.monotonic() - began
        if (fault == "retry" and tries >= self._patience.tries) or waited > self._patience.seconds:
            raise RowLostError(f"no answer after {tries} tries in {waited:.0f} s; the last: {words}") from exc
        return self._patience.tell_pause(tries) if circuit.is_free else 0

    def _warn(self, exc: Exception, model: str, words: str) -> None:
        """Say once of a model what would cost many rows before it is seen in them."""
        kind = getattr(exc, "kind", None)
        remedies = {
            ProviderErrorKind.TIMEOUT: "raise inference_parameters.timeout of the model, or ask for fewer at once",
            ProviderErrorKind.CONTEXT_WINDOW_EXCEEDED: CONTEXT_REMEDIES["refused"],
        }
        if kind in remedies and (model, kind) not in self._warned:
            self._warned.add((model, kind))
            self._notify("provider_warned", model=model, said=f"{words}; {remedies[kind]}")

    async def _check_model(self, request: Request, send: Send) -> Any:
        """Ask a model for the short answer before the first job, once, whatever roles it has.

        A person waits for it, so no longer than a few tries, and not even these where an error only repeats itself; a
        server that says that it loads its model is waited for, and one that asks for a short pause has it.
        """
        words: list[str] = []
        for turn in self._list_turns(request):
            if turn.route.model in self._checked:
                return self._checked[turn.route.model]
            tries, began = 0, time.monotonic()
            while tries < self._patience.tries:
                try:
                    response = await self._send_once(turn, send, guarded=False)
                    response.message.content = response.message.content or NO_WORDS
                    return self._checked.setdefault(turn.route.model, response)
                except Exception as exc:
                    if is_to_be_sent_again(exc):
                        continue
                    fault, before, asked = classify(exc), words[-1:], find_asked_pause(exc) or 0.0
                    words.append(describe_error(exc))
                    is_loading = says_loading(exc) and time.monotonic() - began < self._patience.seconds
                    turn.circuit.count_failure(None, words[-1], wait=asked, for_good=fault == "missing")
                    is_repeated = before == words[-1:] and not asked
                    if not is_loading and (fault in ("stop", "missing", "refuse") or is_repeated):
                        break
                    if asked > self._patience.tell_pause(LONGEST_PAUSE):
                        words[0] = f"{words[-1]}; it asks for a pause of {asked:.0f} s"
                        break
                    tries += not is_loading
                    if tries < self._patience.tries:
                        await asyncio.sleep(max(asked, self._patience.tell_pause(max(tries, 1))))
        raise RowLostError(f"{request.model}: {words[0] if words else 'no model was asked'}")

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

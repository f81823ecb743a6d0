"""What makes Data Designer quicker and changes nothing that it gives, in one place.

A part is idle where what it patches is not as it was read; tests run the library with and without it.
"""

import contextlib
import functools
import gc
import hashlib
import importlib
import inspect
import json
import re
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import uvloop
from data_designer.engine.dataset_builders import async_scheduler
from data_designer.engine.dataset_builders.async_scheduler import AsyncTaskScheduler
from data_designer.engine.dataset_builders.scheduling.resolver import TaskSchedulingResolver
from data_designer.engine.dataset_builders.utils import async_concurrency
from data_designer.engine.models import facade
from data_designer.engine.models.clients.adapters.http_model_client import ClientConcurrencyMode, HttpModelClient
from data_designer.engine.models.parsers.types import LLMStructuredResponse, StructuredDataBlock
from data_designer.engine.models.recipes import response_recipes
from data_designer.engine.models.recipes.response_recipes import PydanticResponseRecipe
from data_designer.engine.models.request_admission.controller import AdaptiveRequestAdmissionController
from data_designer.engine.processing.ginja.environment import UserTemplateSandboxEnvironment
from data_designer.engine.processing.gsonschema import validators

from jobs.library.http_client import PooledClient
from jobs.library.meter import find_metrics_port
from jobs.library.versions import Target, is_as_read

USED_LATER = ("duckdb", "networkx", "scipy.stats")  # what the library imports in its first job, a second of it
KEPT_SCHEMAS = 16
OBJECTS_BETWEEN_COLLECTIONS = 50_000  # made and not freed; Python's own 700 has it look round several times a request

_PLAIN = r"\{[ -%'-;=?-_a-~\n]*\}"  # printable ASCII, but & < > and `
_OBJECT = re.compile(rf"```json\n({_PLAIN})\n```\n?|({_PLAIN})")
_SAME_EVERY_TIME = (
    (PydanticResponseRecipe, "schema"),
    (UserTemplateSandboxEnvironment, "from_string"),
    (validators, "extend_jsonschema_validator_with_pruning"),
)
_UNHEARD = (
    (AdaptiveRequestAdmissionController, "_request_event_locked"),
    (AdaptiveRequestAdmissionController, "_emit_events"),
    (AsyncTaskScheduler, "_record_observed_task_state"),
)
"""What describes the library's inner state, request by request, to its metrics: to nobody while none are served."""
LOOP: tuple[Target, ...] = ((async_concurrency, "_run_loop"), (async_concurrency, "ensure_async_engine_loop"))


@contextlib.contextmanager
def quicken_library() -> Iterator[None]:
    """Let the library's one loop thread, which bounds its speed, do less while the context is open.

    Stock 0.9.6 makes on every call what always comes out the same: the judge's JSON schema, a compiled prompt (it is
    still validated and rendered in the secure sandbox), a validator class, a hash. It copies messages that nobody
    changes, posts with httpx, and Python looks for garbage several times a request. What is not as it was read, in
    another version, is left alone: a part is whole or not there. Each part has a switch, by which `make bench` says
    what it buys.
    """
    if is_as_read(LOOP):
        _begin_quick_loop()
    with contextlib.ExitStack() as stack:
        stack.enter_context(import_ahead())
        for name, part in PARTS.items():
            if name not in switched_off and is_as_read(part.targets):
                stack.enter_context(part.open())
        yield


@contextlib.contextmanager
def _remember_what_is_the_same() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for owner, name in _SAME_EVERY_TIME:
            stack.enter_context(_remember(owner, name))
        yield


@contextlib.contextmanager
def _silence_the_unheard() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for owner, name in _UNHEARD if find_metrics_port() is None else ():
            stack.enter_context(_silence(owner, name))
        yield


@functools.lru_cache(maxsize=16)
def _hash(data: bytes) -> Any:
    """Hash the name of a scheduling group, which the library does for every cell that it works on."""
    return hashlib.sha1(data, usedforsecurity=False)


@contextlib.contextmanager
def import_ahead() -> Iterator[None]:
    """Import what the first job will in a thread, while gold is read or the models are asked for an answer."""
    not_needed = threading.Event()

    def import_all() -> None:
        for name in USED_LATER:
            with contextlib.suppress(ImportError):
                if not not_needed.is_set():
                    importlib.import_module(name)

    thread = threading.Thread(target=import_all, name="import ahead", daemon=True)
    thread.start()
    try:
        yield
    finally:
        not_needed.set()
        thread.join()  # a process that ends in the middle of importing a library in C is aborted


def _wrap_client(stock: Any) -> Any:
    """Give `_get_async_client` that makes our client in the place of the library's own."""

    @functools.wraps(stock)
    def get_client(self: Any) -> Any:
        if self._mode != ClientConcurrencyMode.ASYNC:
            return stock(self)
        with self._init_lock:
            if self._closed:
                raise RuntimeError("Model client is closed.")
            if self._aclient is None:
                self._aclient = PooledClient(self._limits.max_connections)
            return self._aclient

    return get_client


def _prepare_ahead(stock: Any) -> Any:
    """Let as many cells of a model again be worked on as it may have requests.

    Stock 0.9.6 begins none before another one's answer is read, parsed and kept; its own admission of requests, as our
    slots before it, still sends no more than there may be.
    """

    @functools.wraps(stock)
    def build_limits(self: Any) -> dict[Any, int]:
        return {model: 2 * most for model, most in stock(self).items()}

    return build_limits


def _make_quick_parser(stock: Any) -> Any:
    """Make a parser that reads an answer which is one JSON object, fenced or bare, and plain, as what it is.

    Stock 0.9.6 renders every answer from Markdown to HTML and parses that, to find such a block. What HTML might change
    (entities, tags, control characters), and what is no JSON, still goes that way.
    """

    class QuickParser(stock):
        def parse(self, response: str) -> Any:
            if (plain := _OBJECT.fullmatch(response)) is not None:
                text = plain[1] or plain[2]
                with contextlib.suppress(ValueError):
                    block = StructuredDataBlock(serialized=text, obj=json.loads(text, parse_constant=_refuse))
                    return LLMStructuredResponse(response=response, markup="", parsed=[block])
            return super().parse(response)

    return QuickParser


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and its like, which the library reads in one place and not in the other


def _remember_schemas(stock: Any) -> Any:
    """Keep what a function made of each schema; a job has few, and they are the same objects for every answer."""
    made: dict[int, tuple[Any, Any]] = {}  # by identity; the schema is kept with it, so that no other one has it

    @functools.wraps(stock)
    def make(schema: Any) -> Any:
        if id(schema) not in made:
            if len(made) >= KEPT_SCHEMAS:
                made.clear()
            made[id(schema)] = schema, stock(schema)
        return made[id(schema)][1]

    return make


def _begin_quick_loop() -> None:
    """Begin the library's loop, which all its jobs share, as one of uvloop's, unless it runs already."""
    with async_concurrency._lock:
        if async_concurrency._loop is not None and async_concurrency._loop.is_running():
            return
        ready, loop = threading.Event(), uvloop.new_event_loop()
        thread = threading.Thread(
            target=async_concurrency._run_loop, args=(loop, ready), daemon=True, name="AsyncEngine-EventLoop"
        )
        thread.start()
        ready.wait()
        async_concurrency._loop, async_concurrency._thread = loop, thread


@contextlib.contextmanager
def _collect_seldom() -> Iterator[None]:
    """Look for garbage less often; what reference counts free, which is nearly all, is freed at once as ever."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def _replace(owner: Any, name: str, make: Any) -> Iterator[None]:
    """Put what `make` gives for it in the place of something; what is not there is left alone."""
    stock = vars(owner).get(name)
    if stock is None:
        yield
        return
    setattr(owner, name, make(stock))
    try:
        yield
    finally:
        setattr(owner, name, stock)


@contextlib.contextmanager
def _silence(owner: Any, name: str) -> Iterator[None]:
    """Let a method do nothing."""
    with _replace(owner, name, lambda _: lambda *_args, **_kwargs: None):
        yield


@contextlib.contextmanager
def _remember(owner: Any, name: str) -> Iterator[None]:
    """Keep what a function, or a property, gave for the arguments it was last given."""
    stock = inspect.getattr_static(owner, name, None)
    inherited = inspect.isclass(owner) and name not in vars(owner)
    if isinstance(stock, property) and stock.fget is not None:
        setattr(owner, name, property(functools.lru_cache(maxsize=16)(stock.fget)))
    elif inspect.isfunction(stock):
        # A plain function stands in: lru_cache's own object would not bind to an instance as a method does.
        remembered = functools.lru_cache(maxsize=16)(stock)
        setattr(owner, name, lambda *args, **kwargs: remembered(*args, **kwargs))  # noqa: PLW0108
    else:
        yield
        return
    try:
        yield
    finally:
        delattr(owner, name) if inherited else setattr(owner, name, stock)


class Part(NamedTuple):
    """A change of the library: how it is made, and what of the library must be as it was read."""

    open: Callable[[], contextlib.AbstractContextManager[None]]
    targets: tuple[Target, ...]


def _swap(owner: Any, name: str, make: Any) -> Part:
    return Part(lambda: _replace(owner, name, make), ((owner, name),))


PARTS: dict[str, Part] = {
    "schemas and templates made once": Part(_remember_what_is_the_same, _SAME_EVERY_TIME),
    "inner events unheard": Part(_silence_the_unheard, _UNHEARD),
    "requests posted by aiohttp": _swap(HttpModelClient, "_get_async_client", _wrap_client),
    "messages not copied deeply": _swap(facade, "deepcopy", lambda _: list),
    "group names hashed once": _swap(async_scheduler, "hashlib", lambda _: SimpleNamespace(sha1=_hash)),
    "bare answers parsed directly": _swap(response_recipes, "LLMResponseParser", _make_quick_parser),
    "closed schemas kept": _swap(validators, "forbid_additional_properties", _remember_schemas),
    "prompts written ahead": _swap(TaskSchedulingResolver, "_build_request_resource_limits", _prepare_ahead),
    "garbage collected seldom": Part(_collect_seldom, ()),
}
"""What is changed about the library, by what it spares."""

switched_off: set[str] = set()
"""Names of PARTS that are left out: by `make bench`, to say what each buys."""


def list_targets() -> list[Target]:
    """List all of the library that is patched here."""
    return [*LOOP, *(target for part in PARTS.values() for target in part.targets)]

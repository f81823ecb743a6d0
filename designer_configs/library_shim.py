"""Everything this project reaches for beneath Data Designer's public interface, in one place.

Pinned to data-designer 0.9.x by pyproject.toml; tests run the library with and without it.
"""

import asyncio
import contextlib
import contextvars
import functools
import inspect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from data_designer.engine.column_generators.generators.llm_completion import ColumnGeneratorWithModelChatCompletion
from data_designer.engine.dataset_builders.async_scheduler import AsyncTaskScheduler
from data_designer.engine.dataset_builders.dataset_builder import DatasetBuilder
from data_designer.engine.dataset_builders.utils.async_concurrency import ensure_async_engine_loop
from data_designer.engine.models.facade import ModelFacade
from data_designer.engine.models.recipes.response_recipes import PydanticResponseRecipe
from data_designer.engine.models.request_admission.controller import AdaptiveRequestAdmissionController
from data_designer.engine.processing.ginja.environment import UserTemplateSandboxEnvironment
from data_designer.engine.processing.gsonschema import validators
from data_designer.engine.sampling_gen.schema import Dag
from data_designer.interface.data_designer import DataDesigner
from httpx._transports import default as default_transport

ROW_ID = "row_id"


@dataclass(frozen=True)
class ModelRequest:
    """One request to a model, as the library saw it; tokens are None where the provider did not say."""

    row_id: str | None
    column: str
    model: str
    seconds: float
    prompt_tokens: int | None
    completion_tokens: int | None
    error: str | None


class ObservedDataDesigner(DataDesigner):
    """Data Designer that keeps its last builder, whose traces say why a row was lost even when `create` raises.

    It profiles nothing: the profiler counts tokens with an encoding that it would fetch from the network.
    """

    last_builder: DatasetBuilder | None = None
    _resources: Any = None

    def _create_dataset_builder(self, *args: Any, **kwargs: Any) -> DatasetBuilder:
        self.last_builder = super()._create_dataset_builder(*args, **kwargs)
        return self.last_builder

    def _create_resource_provider(self, *args: Any, **kwargs: Any) -> Any:
        self.close()
        self._resources = super()._create_resource_provider(*args, **kwargs)
        return self._resources

    def close(self) -> None:
        """Close the connections of the last job, which stock 0.9.6 leaves to the garbage collector."""
        registry, self._resources = getattr(self._resources, "model_registry", None), None
        if registry is not None:
            asyncio.run_coroutine_threadsafe(registry.aclose(), ensure_async_engine_loop()).result()

    def _create_dataset_profiler(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - the library's signature
        return _NoProfiler()


class _NoProfiler:
    def profile_dataset(self, *args: Any) -> None:
        """Profile nothing."""


_cell: contextvars.ContextVar[tuple[str | None, str]] = contextvars.ContextVar("cell", default=(None, "health_check"))


@contextlib.contextmanager
def watch_requests(notify: Callable[[ModelRequest], None]) -> Iterator[None]:
    """Call `notify` after every model request made while the context is open, from the library's own loop thread."""
    generate = ColumnGeneratorWithModelChatCompletion.agenerate
    complete = ModelFacade.acompletion

    @functools.wraps(generate)
    async def generate_cell(self: Any, data: dict[str, Any]) -> dict[str, Any]:
        token = _cell.set((data.get(ROW_ID), self.config.name))
        try:
            row: dict[str, Any] = await generate(self, data)
            return row
        finally:
            _cell.reset(token)

    @functools.wraps(complete)
    async def complete_request(self: Any, *args: Any, **kwargs: Any) -> Any:
        started, response, error = time.perf_counter(), None, None
        try:
            response = await complete(self, *args, **kwargs)
            return response
        except BaseException as exc:
            error = type(exc).__name__
            raise
        finally:
            usage = getattr(response, "usage", None)
            row_id, column = _cell.get()
            notify(
                ModelRequest(
                    row_id,
                    column,
                    self.model_name,
                    time.perf_counter() - started,
                    getattr(usage, "input_tokens", None),
                    getattr(usage, "output_tokens", None),
                    error,
                )
            )

    ColumnGeneratorWithModelChatCompletion.agenerate = generate_cell
    ModelFacade.acompletion = complete_request
    try:
        yield
    finally:
        ColumnGeneratorWithModelChatCompletion.agenerate = generate
        ModelFacade.acompletion = complete


@contextlib.contextmanager
def draw_in_order() -> Iterator[None]:
    """Draw sampler columns in the order of their names while the context is open.

    Stock 0.9.6 keeps the names in a set, whose order is another in every process: from one numpy seed each process
    would draw other values.
    """
    stock = Dag.to_networkx

    def sort_columns(self: Dag) -> Any:
        return stock(Dag.model_construct(nodes=sorted(self.nodes), edges=sorted(self.edges)))

    Dag.to_networkx = sort_columns
    try:
        yield
    finally:
        Dag.to_networkx = stock


@contextlib.contextmanager
def spare_repeated_work() -> Iterator[None]:
    """Do once, while the context is open, what the library does on every call and what always comes out the same.

    Stock 0.9.6 spends half its loop thread on it: the judge's JSON schema, a compiled prompt (it is still validated and
    rendered in the secure sandbox), a validator class; and a TLS context, certificates and all, for each of a client's
    16 connection shards, 0.7 s a job even for plain http. What a later version no longer has is left alone.
    """
    with contextlib.ExitStack() as stack:
        for owner, name in (
            (PydanticResponseRecipe, "schema"),
            (UserTemplateSandboxEnvironment, "from_string"),
            (validators, "extend_jsonschema_validator_with_pruning"),
            (default_transport, "create_ssl_context"),
        ):
            stack.enter_context(_remember(owner, name))
        for owner, name in (
            (AdaptiveRequestAdmissionController, "_request_event_locked"),
            (AdaptiveRequestAdmissionController, "_emit_events"),
            (AsyncTaskScheduler, "_record_observed_task_state"),
        ):
            stack.enter_context(_silence(owner, name))
        yield


@contextlib.contextmanager
def _silence(owner: type[Any], name: str) -> Iterator[None]:
    """Let a method do nothing: it describes the library's inner state, request by request, to nobody."""
    stock = vars(owner).get(name)
    if stock is None:
        yield
        return
    setattr(owner, name, lambda *_args, **_kwargs: None)
    try:
        yield
    finally:
        setattr(owner, name, stock)


@contextlib.contextmanager
def _remember(owner: Any, name: str) -> Iterator[None]:
    """Keep what a function, or a property, gave for the arguments it was last given."""
    stock = inspect.getattr_static(owner, name, None)
    inherited = inspect.isclass(owner) and name not in vars(owner)
    if isinstance(stock, property) and stock.fget is not None:
        setattr(owner, name, property(functools.lru_cache(maxsize=64)(stock.fget)))
    elif inspect.isfunction(stock):
        # A plain function stands in: lru_cache's own object would not bind to an instance as a method does.
        remembered = functools.lru_cache(maxsize=64)(stock)
        setattr(owner, name, lambda *args, **kwargs: remembered(*args, **kwargs))  # noqa: PLW0108
    else:
        yield
        return
    try:
        yield
    finally:
        delattr(owner, name) if inherited else setattr(owner, name, stock)

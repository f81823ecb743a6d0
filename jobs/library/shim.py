"""Everything this project reaches for beneath Data Designer's public interface, in one place.

Written against the versions that jobs/library/versions.py names; tests run the library with and without it.
"""

import asyncio
import contextlib
import contextvars
import functools
import time
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data_designer.engine.column_generators.generators import expression, llm_completion
from data_designer.engine.column_generators.generators.embedding import EmbeddingCellGenerator
from data_designer.engine.column_generators.generators.llm_completion import (
    ColumnGeneratorWithModelChatCompletion,
    LLMStructuredCellGenerator,
)
from data_designer.engine.dataset_builders.dataset_builder import DatasetBuilder
from data_designer.engine.dataset_builders.utils import skip_evaluator
from data_designer.engine.dataset_builders.utils.async_concurrency import ensure_async_engine_loop
from data_designer.engine.models.clients.adapters.http_model_client import HttpModelClient
from data_designer.engine.models.clients.errors import ProviderError, ProviderErrorKind
from data_designer.engine.models.clients.model_request_executor import ModelRequestExecutor
from data_designer.engine.models.facade import ModelFacade
from data_designer.engine.models.recipes.base import ResponseRecipe
from data_designer.engine.models.registry import ModelRegistry
from data_designer.engine.processing.processors import schema_transform
from data_designer.engine.sampling_gen.schema import Dag
from data_designer.interface.data_designer import DataDesigner

from columns.declared import is_flat
from files.secret_text import mask_secrets, mask_values
from jobs.job import ROW_ID
from jobs.library.abandoned import Abandoned
from jobs.library.embeddings import embed_as_answers
from jobs.library.versions import require
from jobs.request import HEALTH_CHECK, Request, RequestStep, Sending, chain
from jobs.routes import find_route

CHECK_TOKENS = 16  # of the short answer that a model is asked for before the first job
LONGEST_QUEUE_PAUSE = 2.0  # seconds that the library's queue may pause for a provider that asks for it


AskModels = Callable[[ModelRegistry], Coroutine[Any, Any, None]]


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

    def ask_models(self, ask: AskModels) -> None:
        """Have models asked, on the library's loop, by the registry of the last job; where it made none, by nobody."""
        if (registry := getattr(self._resources, "model_registry", None)) is not None:
            asyncio.run_coroutine_threadsafe(ask(registry), ensure_async_engine_loop()).result()

    def _create_dataset_profiler(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - the library's signature
        return _NoProfiler()


class _NoProfiler:
    def profile_dataset(self, *args: Any) -> None:
        """Profile nothing."""


@dataclass
class _Cell:
    """The cell that the library works on: its row, its column and how many requests it has sent."""

    row_id: str | None
    column: str
    requests: int = 0


_cell: contextvars.ContextVar[_Cell | None] = contextvars.ContextVar("cell", default=None)
_sending: contextvars.ContextVar[Sending | None] = contextvars.ContextVar("sending", default=None)


@contextlib.contextmanager
def name_cell(row_id: str | None, column: str) -> Iterator[None]:
    """Say to which cell the requests belong that are sent while the context is open."""
    token = _cell.set(_Cell(row_id, column))
    try:
        yield
    finally:
        _cell.reset(token)


@contextlib.contextmanager
def steer_requests(steps: Sequence[RequestStep], job_of: Callable[[], str]) -> Iterator[None]:
    """Send every model request through `steps` while the context is open, on the library's own loop thread.

    Args:
        steps: The first is the outermost; the last one sends as the library does.
        job_of: Names the job that is running.
    """
    chats, texts = ColumnGeneratorWithModelChatCompletion, EmbeddingCellGenerator
    with _name_cells(chats), _name_cells(texts), embed_as_answers(), _steer_completions(steps, job_of):
        yield


@contextlib.contextmanager
def _name_cells(generator: Any) -> Iterator[None]:
    generate = generator.agenerate

    @functools.wraps(generate)
    async def generate_cell(self: Any, data: dict[str, Any]) -> dict[str, Any]:
        with name_cell(data.get(ROW_ID), self.config.name):
            row: dict[str, Any] = await generate(self, data)
            return row

    generator.agenerate = generate_cell
    try:
        yield
    finally:
        generator.agenerate = generate


@contextlib.contextmanager
def _steer_completions(steps: Sequence[RequestStep], job_of: Callable[[], str]) -> Iterator[None]:
    complete, find_model = ModelFacade.acompletion, ModelRegistry.get_model

    @functools.wraps(complete)
    async def complete_request(self: Any, messages: Any, *args: Any, **kwargs: Any) -> Any:
        cell = _cell.get() or _Cell(None, HEALTH_CHECK)
        number, cell.requests = cell.requests, cell.requests + 1
        if cell.column == HEALTH_CHECK:
            kwargs["max_tokens"] = CHECK_TOKENS
        request = Request(
            job_of(), cell.row_id, cell.column, self.model_alias, self.model_name, number, tuple(messages)
        )

        async def send() -> Any:
            route = find_route(request)
            request.sending.model, request.sending.seconds = route.model, None
            _sending.set(request.sending)
            facade = self if route.alias == self.model_alias else self.registry.get_model(model_alias=route.alias)
            return await complete(facade, messages, *args, **kwargs)

        return await chain(steps, send, request)

    @functools.wraps(find_model)
    def find_with_registry(self: Any, *, model_alias: str) -> Any:
        facade = find_model(self, model_alias=model_alias)
        facade.registry = self
        return facade

    ModelFacade.acompletion = complete_request
    ModelRegistry.get_model = find_with_registry
    try:
        yield
    finally:
        ModelFacade.acompletion = complete
        ModelRegistry.get_model = find_model


@contextlib.contextmanager
def send_once(check: Callable[[], None], alone: Collection[str] = ()) -> Iterator[None]:
    """Send every request once while the context is open, and wait no longer for a whole answer than its timeout says.

    `check` is called right before one is sent, after it has waited for its turn in the library's own queue, and may
    raise. How long it takes from then on is noted in the request's `sending`. `alone` names the models that are asked
    one at a time: of these one that was given up has come to its end before the next is sent.

    Stock 0.9.6 tries a server that is down four times by itself, which nobody can see or count, and its timeout is one
    between two bytes: an answer that drips in keeps a request for ever.
    """
    retry, post, abandoned = ModelRequestExecutor._should_retry, HttpModelClient._apost, Abandoned(alone)

    @functools.wraps(post)
    async def post_in_time(self: Any, route: str, payload: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        model = str(payload.get("model"))
        seconds = self._timeout_s  # the model's: no column of ours sets another
        await abandoned.await_end(model, seconds)
        check()
        sending, started = _sending.get() or Sending(), time.perf_counter()
        try:
            return await abandoned.run(model, post(self, route, payload, *args, **kwargs), seconds)
        except ProviderError as exc:
            _keep_asked_pause(exc)
            raise
        except TimeoutError as exc:
            message = f"no whole answer within {seconds:g} s, the timeout of the model in the profile"
            raise ProviderError(ProviderErrorKind.TIMEOUT, message) from exc
        finally:
            sending.seconds = time.perf_counter() - started

    ModelRequestExecutor._should_retry = lambda *_: False
    HttpModelClient._apost = post_in_time
    try:
        with abandoned.open():
            yield
    finally:
        ModelRequestExecutor._should_retry = retry
        HttpModelClient._apost = post


def _keep_asked_pause(error: ProviderError) -> None:
    """Keep how long the provider asked us to wait (Retry-After) for the policy, and from the library.

    Its own queue would hold all that waits there that long, where no cap reaches it and no fallback. It still pauses
    as it does where the provider names no time: two seconds.
    """
    vars(error)["asked_pause"] = error.retry_after
    if error.retry_after is not None and error.retry_after > LONGEST_QUEUE_PAUSE:
        error.retry_after = None


def find_asked_pause(error: BaseException) -> float | None:
    """Tell for how many seconds a provider asked us to wait; None where it did not."""
    seconds: float | None = getattr(error, "asked_pause", None)
    return seconds


@contextlib.contextmanager
def mask_answers() -> Iterator[None]:
    """Mask secrets in all that a provider sends while the context is open, errors included, before anybody sees it.

    Some providers repeat the key in the text that refuses it, and the library's log, its traces and its artifacts
    repeat that text; httpx shows a key that is no valid header.
    """
    post = HttpModelClient._apost

    @functools.wraps(post)
    async def post_masked(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return mask_values(await post(self, *args, **kwargs))
        except ProviderError as exc:
            said, cause = mask_secrets(str(exc)), repr(exc.__cause__)
            if said == str(exc) and mask_secrets(cause) == cause:
                raise
            masked = ProviderError(exc.kind, said, exc.status_code, exc.provider_name, exc.model_name, exc.retry_after)
        raise masked  # here, so that the error that tells the secret is not its context

    HttpModelClient._apost = post_masked
    try:
        yield
    finally:
        HttpModelClient._apost = post


@contextlib.contextmanager
def keep_texts() -> Iterator[None]:
    """Let a prompt show a text as it is while the context is open.

    Stock 0.9.6 decodes every text of a row that happens to be JSON before it renders a template: a ticker `NaN` or
    `1e5` would reach the model as a number, and `null` as None. Objects and lists are decoded as before.
    """
    modules = (expression, llm_completion, schema_transform, skip_evaluator)
    stock = [module.deserialize_json_values for module in modules]

    def decode(data: Any) -> Any:
        if not isinstance(data, dict):
            return stock[0](data)
        return {name: stock[0](value) if _holds_more(value) else value for name, value in data.items()}

    for module in modules:
        module.deserialize_json_values = decode
    try:
        yield
    finally:
        for module, function in zip(modules, stock, strict=True):
            module.deserialize_json_values = function


def _holds_more(value: Any) -> bool:
    """Tell whether a value is an object or a list, or may be one as text."""
    return value.lstrip().startswith(("{", "[")) if isinstance(value, str) else isinstance(value, dict | list)


@contextlib.contextmanager
def keep_json_text() -> Iterator[None]:
    """Let an answer travel as JSON text while the context is open, where a Parquet struct would change it.

    Stock 0.9.6 keeps an answer as a struct: an optional key that one row left out comes back as a null, and a list of
    mixed types or a recursive schema loses the row when its group is written.
    """
    stock = LLMStructuredCellGenerator._process_serialized_output

    def process(self: Any, serialized_output: str) -> Any:
        is_kept = is_flat(self.config.output_format) if isinstance(self.config.output_format, dict) else True
        return stock(self, serialized_output) if is_kept else serialized_output

    LLMStructuredCellGenerator._process_serialized_output = process
    try:
        yield
    finally:
        LLMStructuredCellGenerator._process_serialized_output = stock


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


NEEDED: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
    (DataDesigner, "_create_dataset_builder", ()),
    (DataDesigner, "_create_resource_provider", ()),
    (DataDesigner, "_create_dataset_profiler", ()),
    (ColumnGeneratorWithModelChatCompletion, "agenerate", ("data",)),
    (EmbeddingCellGenerator, "agenerate", ("data",)),
    (ColumnGeneratorWithModelChatCompletion, "_process_generation_result", ("data", "response", "trace")),
    (LLMStructuredCellGenerator, "_process_serialized_output", ("serialized_output",)),
    (ModelFacade, "acompletion", ("messages", "kwargs")),
    (ModelFacade, "consolidate_kwargs", ("kwargs",)),
    (ModelFacade, "agenerate_text_embeddings", ("input_texts",)),
    (ModelFacade, "_build_embedding_request", ("input_texts", "kwargs")),
    (ModelRegistry, "get_model", ("model_alias",)),
    (ModelRequestExecutor, "_should_retry", ()),
    (HttpModelClient, "_apost", ()),
    (ResponseRecipe, "apply_recipe_to_user_prompt", ("user_prompt",)),
    (ResponseRecipe, "apply_recipe_to_system_prompt", ("system_prompt",)),
    (Dag, "to_networkx", ()),
    *((module, "deserialize_json_values", ()) for module in (expression, llm_completion, schema_transform)),
    (skip_evaluator, "deserialize_json_values", ()),
)
"""What a run cannot do without, and the parameters by which it is called."""


def check_library() -> None:
    """Check, before anything is patched, that the installed library has all that a run needs of it.

    Raises:
        BackendError: something is not there, or is called otherwise; nothing was changed.
    """
    for owner, name, parameters in NEEDED:
        require(owner, name, *parameters)

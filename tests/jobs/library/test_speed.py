"""The library gives the same with and without what is done beneath its interface, and is left as it was."""

import gc
import inspect
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from data_designer.engine.column_generators.generators.llm_completion import ColumnGeneratorWithModelChatCompletion
from data_designer.engine.dataset_builders import async_scheduler
from data_designer.engine.dataset_builders.async_scheduler import AsyncTaskScheduler
from data_designer.engine.dataset_builders.scheduling.resolver import TaskSchedulingResolver
from data_designer.engine.models import facade
from data_designer.engine.models.clients.adapters.http_model_client import HttpModelClient
from data_designer.engine.models.facade import ModelFacade
from data_designer.engine.models.parsers.errors import ParserException
from data_designer.engine.models.recipes import response_recipes
from data_designer.engine.models.recipes.response_recipes import PydanticResponseRecipe, StructuredResponseRecipe
from data_designer.engine.models.request_admission.controller import AdaptiveRequestAdmissionController
from data_designer.engine.processing.ginja.environment import UserTemplateSandboxEnvironment
from data_designer.engine.processing.ginja.exceptions import UserTemplateError, UserTemplateUnsupportedFiltersError
from data_designer.engine.processing.gsonschema import validators
from data_designer.engine.sampling_gen.schema import Dag
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.native import add_seed, compile_profile
from designer_configs.compile.profile import load_profile
from gold_data.store import write_gold
from gold_data.trades.ingest import read_gold
from jobs.errors import BackendError
from jobs.job import Job
from jobs.library.backend import LibraryBackend
from jobs.library.shim import draw_in_order, keep_texts, steer_requests
from jobs.library.speed import list_targets, quicken_library
from jobs.library.versions import is_as_read
from offline_model.launch import launch
from offline_model.options import Options

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning"
)  # the library leaves its connections to the collector

SAMPLE = PROJECT_ROOT / "gold_data/sample/trades.csv"
SPARED = [
    (PydanticResponseRecipe, "schema"),
    (UserTemplateSandboxEnvironment, "from_string"),
    (validators, "extend_jsonschema_validator_with_pruning"),
    (HttpModelClient, "_get_async_client"),
    (facade, "deepcopy"),
    (async_scheduler, "hashlib"),
    (response_recipes, "LLMResponseParser"),
    (validators, "forbid_additional_properties"),
    (TaskSchedulingResolver, "_build_request_resource_limits"),
    (AdaptiveRequestAdmissionController, "_request_event_locked"),
    (AdaptiveRequestAdmissionController, "_emit_events"),
    (AsyncTaskScheduler, "_record_observed_task_state"),
]
OTHERS = [(ColumnGeneratorWithModelChatCompletion, "agenerate"), (ModelFacade, "acompletion"), (Dag, "to_networkx")]
Rows = list[dict[str, Any]]


AS_READ = pytest.mark.skipif(not is_as_read(list_targets()), reason="parts are left out: the library is another")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with launch(Options(seed=7, malformed_rate=0.45)) as url:
        yield url


@pytest.fixture(autouse=True, scope="module")
def collect_connections() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give what is sent to the models."""
    sent: list[str] = []
    complete = ModelFacade.acompletion

    async def record(self: Any, messages: Any, **kwargs: Any) -> Any:
        sent.append("\n".join(f"{message.role}: {message.content}" for message in messages))
        return await complete(self, messages, **kwargs)

    monkeypatch.setattr(ModelFacade, "acompletion", record)
    return sent


def generate(endpoint: str, gold_trades: Path, folder: Path, rows: int) -> Rows:
    """Plan and generate rows of a gold in a folder of their own."""
    profile = load_profile("offline")
    gold = write_gold(read_gold(gold_trades, None), folder.parent / "gold", 0.2)
    compiled = compile_profile(profile, gold)
    backend = LibraryBackend(profile, endpoint, folder)
    with draw_in_order():
        plan = backend.run(Job("plan", compiled.plan, rows, seed=7)).rows
    pl.DataFrame([{"row_id": str(i), **row} for i, row in enumerate(plan)]).write_parquet(folder / "plan.parquet")
    return backend.run(Job("generate", add_seed(compiled.generate, folder / "plan.parquet"), rows)).rows


def list_places() -> list[object]:
    """List what stands in the library where this project reaches, and whether a class has it from another."""
    places = [(inspect.getattr_static(owner, name), name in vars(owner)) for owner, name in SPARED + OTHERS]
    return [part for place in places for part in place]


def test_quickening_changes_neither_prompts_nor_rows(endpoint: str, prompts: list[str], tmp_path: Path) -> None:
    outcomes: list[tuple[list[str], Rows]] = []
    contexts: list[AbstractContextManager[None]] = [nullcontext(), quicken_library()]
    for name, context in zip(("stock", "quick"), contexts, strict=True):
        with context:
            rows = generate(endpoint, SAMPLE, tmp_path / name, 24)
        outcomes.append((sorted(prompts), rows))
        prompts.clear()
    stock, spared = outcomes
    assert stock == spared
    assert 12 < len(spared[1]) < 24 < len(spared[0])  # some were lost, some corrected


@pytest.mark.parametrize("context", [quicken_library, draw_in_order, keep_texts, lambda: steer_requests([], str)])
def test_library_is_left_as_it_was_whatever_happens(context: Any) -> None:
    def break_off() -> None:
        with context():
            raise ZeroDivisionError

    before = list_places()
    with pytest.raises(ZeroDivisionError):
        break_off()
    assert all(one is other for one, other in zip(before, list_places(), strict=True))


@AS_READ
def test_each_piece_of_work_is_spared() -> None:
    before = list_places()[: 2 * len(SPARED) : 2]
    with quicken_library():
        during = list_places()[: 2 * len(SPARED) : 2]
    assert all(one is not other for one, other in zip(before, during, strict=True))


@pytest.mark.parametrize(("owner", "name"), SPARED)
def test_what_a_later_version_no_longer_has_is_left_alone(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = next((base for base in getattr(owner, "__mro__", ()) if name in vars(base)), owner)
    monkeypatch.delattr(home, name)
    with quicken_library():
        assert not hasattr(owner, name)
    assert not hasattr(owner, name)


def test_a_part_that_is_not_as_it_was_read_is_left_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.library.versions.load_known", dict)
    before = list_places()
    with quicken_library():
        assert all(one is other for one, other in zip(before, list_places(), strict=True))


def test_garbage_is_looked_for_as_before_in_the_end() -> None:
    before = gc.get_threshold()
    with quicken_library():
        assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before


def read_answer(answer: str) -> object:
    """Give what the library's recipe reads in an answer, or the words in which it refuses it."""
    schema = {"type": "object", "properties": {"a": {}, "b": {"type": "number"}}, "required": ["a"]}
    try:
        return StructuredResponseRecipe(json_schema=schema).parse(answer)
    except ParserException as exc:
        return str(exc)


ANSWERS = [
    '```json\n{"a": 1}\n```',
    '```json\n{"a": "x &amp; <b>y</b>"}\n```',
    '```json\n{"a": 1}\n```\nand ```json\n{"a": 2}\n```',
    '```json\n{"a": NaN, "b": 1e999}\n```',
    '```json\n{"a": 1, "a": 2, "c": 3}\n```\n',
    '```json\n  {"a": "\ttab\\u00e9"}  \n```',
    '```json\n{"a": 1,}\n```',
    "```json\n[1]\n```",
    '{"a": 1}',
    '{"a": NaN}',
    '{"a": 1} {"a": 2}',
    '{\n    "a": "~~~json",\n\n    "b": 2\n}\n',
    "```json\n```",
    "Sure! ```json\n{}\n```",
]
texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["&lt;", "```", "\n\n", "> x", "`", "\\", "~~~"]
)
objects = st.dictionaries(st.sampled_from("abc"), texts | st.floats() | st.lists(texts, max_size=2), max_size=3)


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_are_read_as_the_library_reads_them(answer: str) -> None:
    stock = read_answer(answer)
    with quicken_library():
        assert repr(read_answer(answer)) == repr(stock)


@given(written=objects, indent=st.none() | st.integers(0, 2), around=st.tuples(texts, texts) | st.just(("", "")))
def test_any_answer_is_read_as_the_library_reads_it(
    written: dict[str, object], indent: int | None, around: tuple[str, str]
) -> None:
    answer = f"{around[0]}```json\n{json.dumps(written, indent=indent, ensure_ascii=False)}\n```{around[1]}"
    bare = answer.replace("```json\n", "").replace("\n```", "")
    stock = read_answer(answer), read_answer(bare)
    with quicken_library():
        assert repr((read_answer(answer), read_answer(bare))) == repr(stock)


def test_what_is_no_function_any_more_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PydanticResponseRecipe, "schema", "{}")
    with quicken_library():
        assert PydanticResponseRecipe.schema == "{}"


class Counted(BaseModel):
    score: int

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        made.append(cls.__name__)
        return super().model_json_schema(*args, **kwargs)


class Other(Counted):
    reasoning: str


made: list[str] = []


@AS_READ
def test_closed_schema_is_made_once_for_each_schema_whatever_comes_between() -> None:
    stock = validators.forbid_additional_properties
    schemas = [{"type": "object", "properties": {name: {}}} for name in "abcdefghijklmnopqrstuvwxyz"]
    with quicken_library():
        close = validators.forbid_additional_properties
        assert close(schemas[0]) is close(schemas[0])
        assert [close(schema) for schema in schemas] == [stock(schema) for schema in schemas]
        assert close(schemas[0]) == stock(schemas[0])


@AS_READ
def test_schema_is_made_once_for_each_judge() -> None:
    one, other = PydanticResponseRecipe(data_type=Counted), PydanticResponseRecipe(data_type=Other)
    expected = [one.schema, other.schema]
    made.clear()
    with quicken_library():
        assert [[one.schema, other.schema] for _ in range(3)] == [expected] * 3
    assert made == ["Counted", "Other"]


REFUSED = ["{{ x | tojson }}", "{{ x.__class__ }}", "{{ x.__class__.__mro__ }}", "{{ y }}", "{% set y = x %}{{ y }}"]


@pytest.mark.parametrize("template", REFUSED)
def test_secure_sandbox_refuses_the_same_with_work_spared(template: str) -> None:
    with quicken_library():
        sandbox = UserTemplateSandboxEnvironment(allowed_references=["x"])
        for _ in range(2):
            assert sandbox.safe_render("{{ x }}", {"x": "{{ 7*7 }}"}) == "{{ 7*7 }}"
            with pytest.raises((UserTemplateError, UserTemplateUnsupportedFiltersError)):
                sandbox.safe_render(template, {"x": "text"})


def test_sandboxes_do_not_share_what_they_allow() -> None:
    with quicken_library():
        assert UserTemplateSandboxEnvironment(allowed_references=["x"]).safe_render("{{ x }}", {"x": 1}) == "1"
        with pytest.raises(UserTemplateError):
            UserTemplateSandboxEnvironment(allowed_references=["y"]).safe_render("{{ x }}", {"x": 1})


@pytest.mark.parametrize("template", REFUSED[:2])
def test_job_with_a_refused_template_fails(template: str, tmp_path: Path) -> None:
    params = {"values": ["text"]}
    columns = [
        {"name": "x", "column_type": "sampler", "sampler_type": "category", "params": params},
        {"name": "y", "column_type": "expression", "expr": template},
    ]
    backend = LibraryBackend(load_profile("offline"), "http://127.0.0.1:9/v1", tmp_path)
    with quicken_library(), pytest.raises(BackendError, match="job odd failed"):
        backend.run(Job("odd", {"columns": columns}, 3, seed=1))


HOSTILE = ["{{ 7*7 }}", "{% raw %}", "</script>", '"}', "```", "<|im_end|>"]


def test_hostile_text_of_the_gold_reaches_the_models_as_it_is(
    endpoint: str, prompts: list[str], tmp_path: Path
) -> None:
    trades = pl.read_csv(SAMPLE)
    names = [HOSTILE[n % len(HOSTILE)] for n in range(trades.height)]
    trades.with_columns(ticker=pl.Series(names)).write_csv(tmp_path / "trades.csv")
    with quicken_library():
        generate(endpoint, tmp_path / "trades.csv", tmp_path / "artifacts", 30)
    written = [prompt for prompt in prompts if "# Task: write one new trade" in prompt]
    said = [ticker for prompt in written for ticker in HOSTILE if f"- Its ticker is {ticker}.\n" in prompt]
    assert (len(said), set(said)) == (len(written), set(HOSTILE))
    for prompt, ticker in zip(written, said, strict=True):
        assert f"- Ticker: {ticker}.\n" in prompt
        assert sum(prompt.count(f'{{"ticker": {json.dumps(name)}, ') for name in HOSTILE) >= 3


def test_no_encoding_is_fetched_to_count_tokens(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    monkeypatch.setattr("tiktoken.get_encoding", fetched.append)
    with quicken_library():
        assert generate(endpoint, SAMPLE, tmp_path / "artifacts", 6)
    assert fetched == []

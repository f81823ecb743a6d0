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
from data_designer.engine.dataset_builders.async_scheduler import AsyncTaskScheduler
from data_designer.engine.models.facade import ModelFacade
from data_designer.engine.models.recipes.response_recipes import PydanticResponseRecipe
from data_designer.engine.models.request_admission.controller import AdaptiveRequestAdmissionController
from data_designer.engine.processing.ginja.environment import UserTemplateSandboxEnvironment
from data_designer.engine.processing.ginja.exceptions import UserTemplateError, UserTemplateUnsupportedFiltersError
from data_designer.engine.processing.gsonschema import validators
from data_designer.engine.sampling_gen.schema import Dag
from httpx._transports import default as default_transport
from pydantic import BaseModel

from designer_configs.backend import Job, LibraryBackend
from designer_configs.compile import add_seed, compile_profile
from designer_configs.errors import BackendError
from designer_configs.library_shim import draw_in_order, spare_repeated_work, steer_requests
from designer_configs.profile import PROJECT_ROOT, load_profile
from gold_data.ingest import read_gold
from gold_data.store import write_gold
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
    (default_transport, "create_ssl_context"),
    (AdaptiveRequestAdmissionController, "_request_event_locked"),
    (AdaptiveRequestAdmissionController, "_emit_events"),
    (AsyncTaskScheduler, "_record_observed_task_state"),
]
OTHERS = [(ColumnGeneratorWithModelChatCompletion, "agenerate"), (ModelFacade, "acompletion"), (Dag, "to_networkx")]
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with launch(Options(seed=7, malformed_rate=0.2)) as url:
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


def test_sparing_work_changes_neither_prompts_nor_rows(endpoint: str, prompts: list[str], tmp_path: Path) -> None:
    outcomes: list[tuple[list[str], Rows]] = []
    contexts: list[AbstractContextManager[None]] = [nullcontext(), spare_repeated_work()]
    for name, context in zip(("stock", "spared"), contexts, strict=True):
        with context:
            rows = generate(endpoint, SAMPLE, tmp_path / name, 24)
        outcomes.append((sorted(prompts), rows))
        prompts.clear()
    stock, spared = outcomes
    assert stock == spared
    assert 12 < len(spared[1]) < 24 < len(spared[0])  # some were lost, some corrected


@pytest.mark.parametrize("context", [spare_repeated_work, draw_in_order, lambda: steer_requests([], str)])
def test_library_is_left_as_it_was_whatever_happens(context: Any) -> None:
    def break_off() -> None:
        with context():
            raise ZeroDivisionError

    before = list_places()
    with pytest.raises(ZeroDivisionError):
        break_off()
    assert all(one is other for one, other in zip(before, list_places(), strict=True))


def test_each_piece_of_work_is_spared() -> None:
    before = list_places()[: 2 * len(SPARED) : 2]
    with spare_repeated_work():
        during = list_places()[: 2 * len(SPARED) : 2]
    assert all(one is not other for one, other in zip(before, during, strict=True))


@pytest.mark.parametrize(("owner", "name"), SPARED)
def test_what_a_later_version_no_longer_has_is_left_alone(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = next((base for base in getattr(owner, "__mro__", ()) if name in vars(base)), owner)
    monkeypatch.delattr(home, name)
    with spare_repeated_work():
        assert not hasattr(owner, name)
    assert not hasattr(owner, name)


def test_what_is_no_function_any_more_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PydanticResponseRecipe, "schema", "{}")
    with spare_repeated_work():
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


def test_schema_is_made_once_for_each_judge() -> None:
    one, other = PydanticResponseRecipe(data_type=Counted), PydanticResponseRecipe(data_type=Other)
    expected = [one.schema, other.schema]
    made.clear()
    with spare_repeated_work():
        assert [[one.schema, other.schema] for _ in range(3)] == [expected] * 3
    assert made == ["Counted", "Other"]


REFUSED = ["{{ x | tojson }}", "{{ x.__class__ }}", "{{ x.__class__.__mro__ }}", "{{ y }}", "{% set y = x %}{{ y }}"]


@pytest.mark.parametrize("template", REFUSED)
def test_secure_sandbox_refuses_the_same_with_work_spared(template: str) -> None:
    with spare_repeated_work():
        sandbox = UserTemplateSandboxEnvironment(allowed_references=["x"])
        for _ in range(2):
            assert sandbox.safe_render("{{ x }}", {"x": "{{ 7*7 }}"}) == "{{ 7*7 }}"
            with pytest.raises((UserTemplateError, UserTemplateUnsupportedFiltersError)):
                sandbox.safe_render(template, {"x": "text"})


def test_sandboxes_do_not_share_what_they_allow() -> None:
    with spare_repeated_work():
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
    with spare_repeated_work(), pytest.raises(BackendError, match="job odd failed"):
        backend.run(Job("odd", {"columns": columns}, 3, seed=1))


HOSTILE = ["{{ 7*7 }}", "{% raw %}", "</script>", '"}', "```", "<|im_end|>"]


def test_hostile_text_of_the_gold_reaches_the_models_as_it_is(
    endpoint: str, prompts: list[str], tmp_path: Path
) -> None:
    trades = pl.read_csv(SAMPLE)
    names = [HOSTILE[n % len(HOSTILE)] for n in range(trades.height)]
    trades.with_columns(ticker=pl.Series(names)).write_csv(tmp_path / "trades.csv")
    with spare_repeated_work():
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
    with spare_repeated_work():
        assert generate(endpoint, SAMPLE, tmp_path / "artifacts", 6)
    assert fetched == []

"""What models answer is read rightly or not at all, in jobs of the library against a scripted endpoint."""

import gc
import inspect
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from data_designer.config.column_configs import LLMStructuredColumnConfig, LLMTextColumnConfig
from data_designer.engine.column_generators.generators.llm_completion import ColumnGeneratorWithModelChatCompletion
from data_designer.engine.models.facade import ModelFacade

from columns.rendering import fence_json
from designer_configs.compile.native import add_seed
from designer_configs.compile.profile import load_profile
from jobs.job import Job, JobResult
from jobs.library.backend import LibraryBackend
from jobs.library.reader import ReadingRules, find_reader, read_before_library, write_plainly
from jobs.library.speed import quicken_library
from jobs.request import Request, Send
from jobs.requests.guard import guard_requests
from jobs.requests.halt import Halt
from tests.faults.endpoint import Asked, Reply, open_endpoint, say
from tests.jobs.reading.rows import OTHER_ROW, ROW, SCHEMA, TRADE, write

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the library leaves its connections open

PARALLEL = {"max_parallel_requests": 4, "max_tokens": 500, "timeout": 20}
FORM = {"column_type": "llm-structured", "output_format": SCHEMA}
SCORES = {
    "column_type": "llm-judge",
    "scores": [{"name": "realism", "description": "How likely", "options": dict.fromkeys(range(1, 6), "so")}],
}
CHANGED = TRADE | {"best_exit_percent": 1.5}


class Outcome(NamedTuple):
    """What a job of one row per answer came to: values and losses by the answer's place, what was asked and told."""

    values: dict[int, Any]
    losses: dict[int, str]
    asked: list[Asked]
    told: list[dict[str, Any]]


@pytest.fixture(autouse=True)
def collect_connections() -> Iterator[None]:
    yield
    gc.collect()


def run(folder: Path, name: str, column: dict[str, Any], answers: Sequence[str | Reply], **seed: Any) -> Outcome:
    """Run a job whose rows are answered one by one, each time with the same answer."""
    rows = pl.DataFrame([{"row_id": str(place), "place": place, **seed} for place in range(len(answers))])
    rows.write_parquet(folder / "rows.parquet")
    columns = [{"name": name, "model_alias": "generator", "prompt": "Row {{ place }} of all.", **column}]

    def script(asked: Asked) -> Reply:
        places = re.findall(r"Row (\d+) of all", json.dumps(asked.messages))
        answer = answers[int(places[0])] if places else "hello"  # to the library's own question whether there is one
        return say(answer) if isinstance(answer, str) else answer

    with open_endpoint() as endpoint:
        endpoint.script = script
        profile = load_profile("offline")
        backend = LibraryBackend(profile, endpoint.url, folder / "artifacts")
        model = {"alias": "generator", "model": profile.models["generator"].model, "provider": profile.provider.name}
        models = [{**model, "inference_parameters": PARALLEL}]
        config = add_seed({"model_configs": models, "columns": columns}, folder / "rows.parquet")
        told: list[dict[str, Any]] = []
        guard = guard_requests(
            profile,
            backend.place,
            Halt(),
            _send,
            get_job=lambda: "001_generate",
            notify=lambda event, **fields: told.append({"event": event, **fields}),
            known={"ticker": ["SIM1", "SIM4"]},
        )
        with guard, quicken_library():
            result: JobResult = backend.run(Job("generate", config, len(answers)))
        values = {row["place"]: row[name] for row in result.rows}
        asked = [one for one in endpoint.asked if "of all" in json.dumps(one.messages)]
        return Outcome(values, {place: lost.message for place, lost in result.lost.items()}, asked, told)


async def _send(request: Request, send: Send) -> Any:
    return await send()


def test_wrong_numbers_are_refused_each_in_one_line(tmp_path: Path) -> None:
    answers = {
        f"```json\n{ROW[: ROW.index('0.902') + 2]}": "The JSON object is not closed",
        write(exit_price=b"12.34 * 1.01"): "exit_price must be a plain number; found 12.34 * 1.01",
        ROW.replace('"exit_price"', '"entry_price"'): "entry_price is given more than once, with different values",
        f"{ROW}\n\n{OTHER_ROW}": "The answer holds several different objects",
        write(ticker=""): "ticker must not be empty",
    }
    outcome = run(tmp_path, "trade", FORM, list(answers))
    assert outcome.values == {}
    for place, said in enumerate(answers.values()):
        assert outcome.losses[place].startswith(said)
        asked = [one.messages for one in outcome.asked if f"Row {place} " in str(one.messages)]
        assert [len(messages) for messages in asked] == [2, 4]  # the schema is said by the system
        correction = asked[1][-1]
        assert said in json.dumps(correction)
        assert "\\n" not in json.dumps(correction)
    causes = Counter(event["refused"] for event in outcome.told)
    assert causes == {"not_closed": 2, "bad_value": 4, "repeated_keys": 2, "several_objects": 2}


def test_other_forms_of_a_right_answer_are_read_at_once(tmp_path: Path) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "give", "arguments": ROW}}
    answers: list[str | Reply] = [
        ROW,
        f"<think>Perhaps {OTHER_ROW}, no.</think>\n{ROW}",
        f"```\n{ROW}\n```",
        f"Sure!\n\n```JSON\n[{ROW}]\n```\nAnother?",
        write(entry_price="$1,013.31", trade_type="LONG", ticker="sim4", entry_time="2024-10-22T09:41:00-04:00"),
        say(None, tool_calls=[call]),
    ]
    outcome = run(tmp_path, "trade", FORM, answers, session_date="2024-10-22")
    assert outcome.losses == {}
    assert outcome.values == dict.fromkeys(range(len(answers)), TRADE)
    assert len(outcome.asked) == len(answers)
    told = {event["row_id"]: event["mended"] for event in outcome.told}
    assert all(event["event"] == "answer_read" and event["refused"] is None for event in outcome.told)
    assert told.keys() == {"1", "2", "3", "4", "5"}  # of the plain one there is nothing to say
    assert (told["1"], told["2"], told["5"]) == (["thinking"], ["fence"], ["tool_call"])


def test_refiner_may_give_only_what_it_changed(tmp_path: Path) -> None:
    patch = [{"op": "replace", "path": "/best_exit_percent", "value": 1.5}]
    answers = ['{"best_exit_percent": 1.5}', json.dumps(patch), json.dumps(CHANGED), '{"best_exit_percent": "high"}']
    outcome = run(tmp_path, "refined_trade", FORM, answers, prev_trade=fence_json(TRADE))
    assert outcome.values == dict.fromkeys(range(3), CHANGED)
    assert "best_exit_percent must be a plain number" in outcome.losses[3]


def test_score_in_other_words_is_read_and_true_is_none(tmp_path: Path) -> None:
    answers = ['{"realism": "4/5"}', '{"realism_score": 4, "reasoning": "a < b & c"}', '{"realism": true}', "I cannot."]
    outcome = run(tmp_path, "judge", SCORES, answers)
    assert outcome.values[0] == {"realism": {"reasoning": "", "score": 4}}
    assert outcome.values[1] == {"realism": {"reasoning": "a < b & c", "score": 4}}
    assert outcome.losses == {}  # a row is not lost with its judge
    assert [outcome.values[place]["realism"]["score"] for place in (2, 3)] == [None, None]
    why = 'realism\'s score must be one of 1, 2, 3, 4, 5; found true. The model wrote: "{\\"realism\\": true}"'
    assert outcome.values[2]["realism"]["reasoning"].startswith(why)
    assert outcome.values[3]["realism"]["reasoning"] == "The model will not answer: I cannot."


def test_texts_and_schemas_without_fields_are_left_to_the_library() -> None:
    text = LLMTextColumnConfig(name="note", prompt="p", model_alias="generator")
    values = LLMStructuredColumnConfig(name="x", prompt="p", model_alias="m", output_format={"type": "array"})
    assert [find_reader(config, {}, ReadingRules()) for config in (text, values)] == [None, None]


@pytest.mark.parametrize("said", ["&lt;b&gt;", "```json\n{}\n```", "\x7f\x00\n\u2028", "\\u003c", "\ud800"])
def test_object_is_written_so_that_markdown_leaves_it_alone(said: str) -> None:
    text = write_plainly({"a": said})
    assert json.loads(text.removeprefix("```json\n").removesuffix("\n```")) == {"a": said}
    assert not set("&<>`\x7f") & set(text[8:-4])


def test_library_is_left_as_it_was() -> None:
    places = (ColumnGeneratorWithModelChatCompletion, ModelFacade)
    before = [inspect.getattr_static(owner, "agenerate") for owner in places]
    with read_before_library(ReadingRules()):
        assert all(vars(owner)["agenerate"] is not stock for owner, stock in zip(places, before, strict=True))
    assert [inspect.getattr_static(owner, "agenerate") for owner in places] == before

"""Real jobs against an endpoint whose every answer is written here."""

import gc
import json
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from data_designer.interface.errors import DataDesignerGenerationError

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.native import CompiledProfile, add_seed, compile_profile
from designer_configs.compile.profile import load_profile
from gold_data.store import write_gold
from gold_data.trades.ingest import read_gold
from jobs.errors import BackendError
from jobs.job import Job, JobInterrupted, JobResult
from jobs.library import backend as backend_module
from jobs.library.backend import LibraryBackend
from jobs.library.shim import ObservedDataDesigner, steer_requests
from jobs.library.speed import quicken_library
from jobs.request import HEALTH_CHECK, Request, Send, name_error
from tests.scripted_server import serve_replies

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning"
)  # the library leaves its connections to the collector

TRADE = {
    "ticker": "SIM1",
    "trade_type": "buy",
    "entry_time": "09:45:00",
    "exit_time": "10:10:00",
    "entry_price": 5.0,
    "exit_price": 5.05,
    "entry_volatility_percent": 0.5,
    "worst_exit_percent": -0.2,
    "best_exit_percent": 1.3,
}
PLANNED = {
    "session_date": "2024-10-01",
    "target_volatility": 0.5,
    "ticker": "SIM1",
    "trade_type": "buy",
    "session_period": "open",
    "controls": "- Its ticker is SIM1.",
    "gold_examples": "```json\n[]\n```",
    "gold_examples__ids": ["gold-0001"],
    "trade_rules": "- Prices are above 0.",
}
JUDGEMENT = {name: {"reasoning": "as the examples", "score": 4} for name in ("realism", "consistency", "completeness")}
Reply = tuple[int, dict[str, Any]]
Answer = Callable[[str, int, int], Reply]


def fence(value: object) -> str:
    return f"```json\n{json.dumps(value)}\n```"


def say(text: str, usage: dict[str, int] | None = None) -> Reply:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return 200, {"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


def write_trade(row: int, **changes: Any) -> str:
    return fence(TRADE | {"exit_time": f"10:{10 + row}:00"} | changes)  # which tells the judge's requests apart


def answer_well(role: str, row: int, attempt: int) -> Reply:
    return say(fence(JUDGEMENT) if role == "judge" else write_trade(row))


def answer_with(texts: Mapping[int, str]) -> Answer:
    """Answer well, but for the generator's rows that are given."""

    def answer(role: str, row: int, attempt: int) -> Reply:
        return say(texts[row]) if role == "generator" and row in texts else answer_well(role, row, attempt)

    return answer


@dataclass
class Endpoint:
    """Answers by role, row and attempt, and keeps what it was asked."""

    answer: Answer = answer_well
    asked: list[tuple[str, int]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def reply(self, _: str, body: dict[str, Any]) -> Reply:
        role, text = body["model"].removeprefix("rehearsal-"), json.dumps(body["messages"])
        place = re.search(r"10:(\d\d):00" if role == "judge" else r"Variation: (\d+)", text)
        row = -1 if place is None else int(place[1]) - 10 * (role == "judge")
        self.asked.append((role, row))
        self.bodies.append(body)
        return self.answer(role, row, [message["role"] for message in body["messages"]].count("assistant"))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Serve on a free port of the loopback; without another `answer`, every row is sound and well judged."""
    script = Endpoint()
    with serve_replies(script.reply) as script.url:
        yield script


@dataclass
class Seen:
    """A step that keeps every request, with the tokens of its answer or the name of its error."""

    requests: list[tuple[Request, Any]] = field(default_factory=list)

    async def __call__(self, request: Request, send: Send) -> Any:
        try:
            response = await send()
        except Exception as exc:
            self.requests.append((request, name_error(exc)))
            raise
        usage = response.usage
        self.requests.append((request, usage and (usage.input_tokens, usage.output_tokens)))
        return response


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledProfile]:
    gold = read_gold(PROJECT_ROOT / "gold_data/sample/trades.csv", None)
    yield compile_profile(load_profile("offline"), write_gold(gold, tmp_path_factory.mktemp("sample") / "gold", 0.2))
    gc.collect()  # connections


@dataclass
class Runner:
    """Runs generate jobs over rows 0, 1, ... in a folder, four rows to a group."""

    compiled: CompiledProfile
    endpoint: Endpoint
    folder: Path

    def run(self, rows: int, name: str = "generate", seeds: Path | None = None) -> JobResult:
        plan = [{"row_id": f"row-{number}", "variation": number, **PLANNED} for number in range(rows)]
        pl.DataFrame(plan).write_parquet(self.folder / f"{rows}.parquet")
        config = add_seed(self.compiled.generate, seeds or self.folder / f"{rows}.parquet")
        with quicken_library():
            return self.make_backend().run(Job(name, config, rows))

    def make_backend(self) -> LibraryBackend:
        return LibraryBackend(load_profile("offline"), self.endpoint.url, self.folder / "artifacts")


@pytest.fixture
def runner(compiled: CompiledProfile, endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setattr(backend_module, "MOST_ROWS", 4)
    return Runner(compiled, endpoint, tmp_path)


def name_rows(result: JobResult) -> list[str]:
    return [row["row_id"] for row in result.rows]


def test_rows_come_back_in_order_with_scores_as_numbers(runner: Runner) -> None:
    result = runner.run(10)
    assert name_rows(result) == [f"row-{number}" for number in range(10)]
    assert result.lost == {}
    for number, row in enumerate(result.rows):
        assert row["trade"] == TRADE | {"exit_time": f"10:{10 + number}:00"}
        assert row["trade_checks"] == {"passed": True, "violations": []}
        assert row["judge"] == JUDGEMENT
        assert {name: row[name] for name in PLANNED} == PLANNED


def test_row_that_breaks_a_rule_is_not_judged(runner: Runner, endpoint: Endpoint) -> None:
    endpoint.answer = answer_with({1: write_trade(1, exit_time="17:00:00")})
    sound, broken = runner.run(2).rows
    assert (sound["judge"], broken["judge"]) == (JUDGEMENT, None)
    assert [violation["rule"] for violation in broken["trade_checks"]["violations"]] == ["session_hours"]
    assert Counter(role for role, _ in endpoint.asked) == {"generator": 2, "judge": 1}


def test_row_groups_of_other_types_are_read_together(runner: Runner, endpoint: Endpoint) -> None:
    whole = {row: write_trade(row, entry_price=5, exit_price=5) for row in range(4)}
    endpoint.answer = answer_with(whole | {row: write_trade(row, exit_time="17:00:00") for row in range(4, 8)})
    result = runner.run(12)
    assert name_rows(result) == [f"row-{number}" for number in range(12)]
    assert [row["judge"] is None for row in result.rows] == [False] * 4 + [True] * 4 + [False] * 4
    assert [row["trade"]["entry_price"] for row in result.rows] == [5] * 4 + [5.0] * 8


def test_answer_that_does_not_parse_is_sent_back_with_the_error_once(runner: Runner, endpoint: Endpoint) -> None:
    endpoint.answer = lambda role, row, attempt: (
        say("I would rather not.") if not attempt else answer_well(role, row, 1)
    )
    assert name_rows(runner.run(1)) == ["row-0"]
    first, second, *judged = [body["messages"] for body in endpoint.bodies]
    assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
    assert second[:2] == first
    assert "I would rather not." in str(second[2])
    assert "No parsable JSON found" in str(second[3])
    assert len(judged) == 2


def test_row_that_never_parses_is_lost_with_its_column_and_the_error(runner: Runner, endpoint: Endpoint) -> None:
    endpoint.answer = answer_with({5: "I would rather not.", 9: fence({"ticker": "SIM1"})})
    result = runner.run(11)
    assert name_rows(result) == [f"row-{number}" for number in range(11) if number not in (5, 9)]
    assert {position: lost.column for position, lost in result.lost.items()} == {5: "trade", 9: "trade"}
    assert "No parsable JSON found" in result.lost[5].message
    assert "'trade_type' is a required property Solution: " in result.lost[9].message
    assert not any("\n" in lost.message for lost in result.lost.values())
    assert Counter(endpoint.asked)["generator", 5] == 2


def test_row_that_the_judge_fails_on_is_lost_to_the_judge(runner: Runner, endpoint: Endpoint) -> None:
    odd = fence(JUDGEMENT | {"realism": {"reasoning": "fine", "score": 9}})
    endpoint.answer = lambda role, row, _: say(odd) if role == "judge" and row == 2 else answer_well(role, row, 0)
    result = runner.run(3)
    assert name_rows(result) == ["row-0", "row-1"]
    assert [(position, lost.column) for position, lost in result.lost.items()] == [(2, "judge")]


def test_job_that_loses_every_row_gives_them_all_as_lost(runner: Runner, endpoint: Endpoint) -> None:
    endpoint.answer = lambda *_: (400, {"error": {"message": "no such parameter"}})
    result = runner.run(6)
    assert result.rows == []
    assert sorted(result.lost) == [0, 1, 2, 3, 4, 5]
    assert result.lost[0].message.startswith("Provider message: no such parameter Cause: ")


@pytest.mark.parametrize("number", ["1" + "0" * 30, "9007199254740993", "1e400", "-1e13", "7" * 5000, '"S\\ud83d"'])
def test_value_that_no_file_can_hold_costs_its_own_row_only(runner: Runner, endpoint: Endpoint, number: str) -> None:
    name = "ticker" if "S" in number else "best_exit_percent"
    odd = write_trade(1).replace(json.dumps(TRADE[name]), number)
    endpoint.answer = answer_with({1: odd})
    result = runner.run(3)
    assert name_rows(result) == ["row-0", "row-2"]
    assert [(position, lost.column) for position, lost in result.lost.items()] == [(1, "trade")]


def test_number_that_is_none_is_refused_by_the_checks(runner: Runner, endpoint: Endpoint) -> None:
    endpoint.answer = answer_with({0: write_trade(0).replace("1.3", "NaN")})
    (row,) = runner.run(1).rows
    assert [violation["rule"] for violation in row["trade_checks"]["violations"]] == ["finite"]


def test_job_that_is_run_again_begins_anew_and_mixes_nothing_in(runner: Runner, endpoint: Endpoint) -> None:
    first = runner.run(6)
    stray = runner.folder / "artifacts/generate/parquet-files/batch_00007.parquet"
    pl.DataFrame(first.rows[:1]).write_parquet(stray)
    endpoint.asked.clear()
    endpoint.answer = answer_with({3: "I would rather not."})
    again = runner.run(6)
    assert (name_rows(again), set(again.lost)) == ([f"row-{number}" for number in (0, 1, 2, 4, 5)], {3})
    assert len(endpoint.asked) == 12


def test_interrupted_job_gives_the_rows_of_its_finished_groups(runner: Runner, endpoint: Endpoint) -> None:
    first_group = runner.folder / "artifacts/generate/parquet-files/batch_00000.parquet"

    def interrupt(role: str, row: int, attempt: int) -> Reply:
        if row == 4:
            while not first_group.exists():
                time.sleep(0.01)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(0.2)
        return answer_well(role, row, attempt)

    endpoint.answer = interrupt
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(JobInterrupted) as stopped:
        runner.run(5)
    signal.signal(signal.SIGINT, before)
    assert [row["row_id"] for row in stopped.value.rows] == [f"row-{number}" for number in range(4)]


def test_job_interrupted_before_its_first_row_has_none(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ObservedDataDesigner, "create", interrupt)
    with pytest.raises(JobInterrupted) as stopped:
        runner.run(2)
    assert stopped.value.rows == []


def test_job_that_cannot_be_built_is_not_explained_by_the_one_before(runner: Runner, endpoint: Endpoint) -> None:
    endpoint.answer = answer_with({0: "I would rather not."})
    backend = runner.make_backend()
    runner.make_backend = lambda: backend  # type: ignore[method-assign]
    assert set(runner.run(2, "first").lost) == {0}
    with pytest.raises(
        BackendError, match=r"^job second failed, see data_designer\.log: .*nowhere\.parquet is not a file"
    ):
        runner.run(2, "second", runner.folder / "nowhere.parquet")
    (runner.folder / "odd.parquet").write_text("no table")
    with pytest.raises(BackendError, match=r"^job third failed, .*not a parquet file"):
        runner.run(2, "third", runner.folder / "odd.parquet")


def test_job_that_breaks_off_is_not_taken_for_lost(
    runner: Runner, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock = ObservedDataDesigner.create

    def break_off(*args: Any, **kwargs: Any) -> None:
        stock(*args, **kwargs)
        raise DataDesignerGenerationError("the disk is full")

    monkeypatch.setattr(ObservedDataDesigner, "create", break_off)
    endpoint.answer = answer_with({1: "I would rather not."})
    with pytest.raises(BackendError, match="the disk is full"):
        runner.run(3)


def test_wrong_key_is_said_in_one_line(runner: Runner, endpoint: Endpoint) -> None:
    endpoint.answer = lambda *_: (401, {"error": {"message": "that key is unknown"}})
    seen = Seen()
    with steer_requests([seen], lambda: "000_check"), pytest.raises(BackendError) as refused:
        runner.make_backend().check_models(runner.compiled.whole)
    said = str(refused.value)
    assert said.startswith(f"the provider offline at {endpoint.url} does not answer as it should. Cause: ")
    assert "API key" in said
    assert "\n" not in said
    ((request, came),) = seen.requests
    assert (request.job, request.row_id, request.column) == ("000_check", None, HEALTH_CHECK)
    assert came == "authentication"


def test_tokens_of_a_row_are_those_the_endpoint_told(runner: Runner, endpoint: Endpoint) -> None:
    def answer(role: str, row: int, attempt: int) -> Reply:
        usage = {"prompt_tokens": 100 + row, "completion_tokens": 10 + attempt, "total_tokens": 0}
        text = answer_well(role, row, attempt)[1]["choices"][0]["message"]["content"]
        return say(text if row or attempt else "I would rather not.", None if row == 2 else usage)

    endpoint.answer = answer
    seen = Seen()
    with steer_requests([seen], lambda: "001_generate"):
        runner.run(3)
    told = Counter((r.row_id, r.column, r.role, r.model, r.number, came) for r, came in seen.requests)
    roles = {"trade": "generator", "judge": "judge"}
    expected = [("row-0", 0, (100, 10)), ("row-0", 1, (100, 11)), ("row-1", 0, (101, 10)), ("row-2", 0, None)]
    assert told == Counter(
        (row, column, role, f"rehearsal-{role}", number, came)
        for row, number, came in expected
        for column, role in roles.items()
    )
    assert {len(r.messages) for r, _ in seen.requests if r.number == 1} == {4}


@pytest.mark.parametrize(("most", "rows"), [(None, 100), (1, 10), (16, 13), (64, 49), (256, 100)])
def test_no_more_rows_are_at_work_at_once_than_cells(most: int | None, rows: int) -> None:
    model = {"model": "m", "inference_parameters": {"max_parallel_requests": most}}
    job = Job("generate", {} if most is None else {"model_configs": [model]}, 500)
    assert backend_module.size_group(job) == rows
    assert backend_module.size_group(replace(job, watch=lambda _: None)) == 1  # known as soon as it is finished

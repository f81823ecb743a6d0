"""Jobs on a service that works, misbehaves, is stopped or goes away."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jobs.errors import BackendError
from jobs.job import JobInterrupted

from .conftest import Launched, Sender

JOBS = "/v1/data-designer/jobs"


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, as it does in a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def read_record(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def test_rows_come_back_whole_and_in_order(sender: Sender, plan: pl.DataFrame) -> None:
    result = sender.send()
    assert [row["row_id"] for row in result.rows] == plan["row_id"].to_list()
    assert set(result.rows[0]) == {*plan.columns, "trade", "trade_checks", "trade_checks__trade", "judge"}
    passed = [row["trade_checks"]["passed"] for row in result.rows]
    assert [row["judge"] is not None for row in result.rows] == passed
    assert result.lost == {}


def test_a_service_is_sent_what_its_prompts_name_and_nothing_else(sender: Sender, service: Launched) -> None:
    sender.send()
    names = ["row_id", "controls", "gold_examples", "session_date", "trade_rules"]
    own = list(sender.folder.glob("service/001_generate/*/*-001.parquet"))
    uploaded = {path.name: path.read_bytes() for path in service.folder.glob("datasets/*/*/*.parquet")}
    assert all(uploaded[path.name] == path.read_bytes() for path in own)
    columns = {path.name.partition("-")[0]: pl.read_parquet(path).columns for path in own}
    assert columns == {"trade": [*names, "variation"], "judge": [*names[:4], "trade_checks__trade", "trade_rules"]}


def test_each_job_is_told_with_its_tokens(sender: Sender) -> None:
    sender.send()
    told = [(e["column"], e["role"], e["rows"], e["status"], e["prompt_tokens"] > 0) for e in sender.events]
    judged = sender.events[1]["rows"]
    assert told == [("trade", "generator", 6, "completed", True), ("judge", "judge", judged, "completed", True)]


def test_tokens_that_nobody_says_are_assumed_for_the_caps(sender: Sender, service: Launched) -> None:
    service.write_script(no_analysis=True)
    sender.send()
    event = sender.events[0]
    assert (event["prompt_tokens"], event["completion_tokens"]) == (None, None)
    assert event["assumed_tokens"][0] > 6 * 500


def test_a_row_that_does_not_come_back_is_lost_by_its_place(sender: Sender, service: Launched) -> None:
    service.write_script(drop=[2])
    result = sender.send()
    assert {place: (lost.column, lost.message) for place, lost in result.lost.items() if lost.column == "trade"} == {
        2: ("trade", "the service dropped the row without saying why")
    }
    assert "row-2" not in [row["row_id"] for row in result.rows]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ({"twice": [1, 3]}, "was sent 6 rows and gave 8: 2 of them more than once, 0 with a row_id that was not sent"),
        ({"foreign": [0]}, "was sent 6 rows and gave 6: 0 of them more than once, 1 with a row_id that was not sent"),
    ],
)
def test_rows_that_cannot_be_right_are_refused(sender: Sender, service: Launched, script: Any, said: str) -> None:
    service.write_script(**script)
    with pytest.raises(BackendError, match=said):
        sender.send()
    service.write_script()
    assert len(sender.send().rows) == 6


def test_a_failed_job_says_why_and_is_sent_anew_when_the_run_goes_on(sender: Sender, service: Launched) -> None:
    service.write_script(job_error="model rehearsal-generator is not deployed")
    with pytest.raises(BackendError, match="its status is error, it says model rehearsal-generator is not deployed"):
        sender.send()
    service.write_script()
    assert len(sender.send().rows) == 6
    assert [read_record(path)["status"] for path in sender.list_records("trade")] == ["error", "completed"]


def test_a_job_whose_every_row_failed_is_no_failed_run(sender: Sender, service: Launched) -> None:
    sender.config["columns"][0]["prompt"] = "# Task: write one new trade\n\n{{ variation }}"
    result = sender.send()
    assert (result.rows, len(result.lost)) == ([], 6)
    assert "on trade[rg=0, row=5]" in result.lost[5].message


def test_looks_that_fail_for_a_while_are_repeated(sender: Sender, service: Launched) -> None:
    service.write_script(fail_looks=[1, 2, 3, 4])
    assert len(sender.send().rows) == 6


def test_a_job_whose_answer_was_lost_is_not_sent_twice(sender: Sender, service: Launched) -> None:
    service.write_script(lose_answer=True)
    assert len(sender.send().rows) == 6
    assert (service.count_calls("POST", JOBS), service.count_calls("GET", JOBS)) == (2, 2)


def test_a_run_that_goes_on_sends_nothing_twice(sender: Sender, service: Launched) -> None:
    first = sender.send()
    assert sender.send() == first
    assert service.count_calls("POST", JOBS) == 2
    assert len(sender.events) == 2


@pytest.mark.parametrize("known", ["id", "name"])
def test_a_job_that_a_killed_run_left_is_taken_up(sender: Sender, service: Launched, known: str) -> None:
    first = sender.send()
    for path in (*sender.list_records("trade"), *sender.list_records("judge")):
        record = read_record(path) | {"status": None} | ({"id": None} if known == "name" else {})
        path.write_text(json.dumps(record), encoding="utf-8")
        path.with_suffix(".parquet").unlink()
    assert sender.send() == first
    assert service.count_calls("POST", JOBS) == 2


def test_an_interrupt_cancels_the_job_and_keeps_what_it_had(sender: Sender, service: Launched) -> None:
    service.write_script(hold=True, drop=[0, 4])
    with pytest.raises(JobInterrupted) as stopped, interrupt_after_job(service):
        sender.send()
    assert (stopped.value.rows, service.count_calls("POST", "/cancel")) == ([], 1)
    service.write_script()
    assert len(sender.send().rows) == 6
    counts = [(e["column"], e["rows"], e["returned"], e["status"]) for e in sender.events[:2]]
    assert counts == [("trade", 6, 4, "cancelled"), ("trade", 2, 2, "completed")]


def test_rows_of_the_last_column_are_finished_when_it_is_interrupted(sender: Sender, service: Launched) -> None:
    whole = sender.send()
    path = sender.list_records("judge")[0]
    path.unlink()
    path.with_suffix(".parquet").unlink()
    service.write_script(hold=True, drop=[0])
    with pytest.raises(JobInterrupted) as stopped, interrupt_after_job(service):
        sender.send()
    finished = {row["row_id"]: row for row in stopped.value.rows}
    assert len(finished) == 5
    assert all(finished[row["row_id"]] == row for row in whole.rows if row["row_id"] in finished)


def test_a_cap_cancels_the_job_and_names_itself(sender: Sender, service: Launched) -> None:
    service.write_script(hold=True, drop=[0])
    before, ready = count_datasets(service), list[float]()

    def look() -> str | None:
        if count_datasets(service) > before:
            ready.append(time.monotonic())
        return "max_minutes" if ready and time.monotonic() > ready[0] + 0.3 else None

    sender.find_spent_cap = look
    result = sender.send()
    assert [row for row in result.rows if row["trade_checks"]["passed"]] == []  # others need no judge
    assert result.lost[0].message == "not finished: the cap run.max_minutes was reached"
    assert {lost.column for place, lost in result.lost.items() if place} <= {"judge"}
    assert service.count_calls("POST", "/cancel") == 1


def test_a_service_that_goes_away_stops_the_run(sender: Sender, service: Launched) -> None:
    service.write_script(refuse=503)
    with pytest.raises(BackendError, match=r"does not list its jobs\. HTTP 503"):
        sender.send()
    service.write_script()
    assert len(sender.send().rows) == 6


def test_a_model_that_the_service_does_not_allow_is_named(sender: Sender, service: Launched) -> None:
    service.write_script(allow=["rehearsal-generator", "rehearsal-refiner"])
    with pytest.raises(BackendError, match=r"to be asked for rehearsal-judge .*it allows: rehearsal-generator, rehear"):
        sender.make_backend().check_models({})


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "It wants another key: see backend.microservices.api_key_env in the profile"),
        (404, r"Is \$NEMO_MICROSERVICES_BASE_URL the address of the service itself"),
        (422, "It refuses the config"),
        (500, "HTTP 500"),
    ],
)
def test_a_refusal_says_what_to_do(sender: Sender, service: Launched, status: int, said: str) -> None:
    service.write_script(refuse=status)
    with pytest.raises(BackendError, match=said):
        sender.make_backend().check_models({})
    with pytest.raises(BackendError, match=said):
        sender.send()


@contextmanager
def interrupt_after_job(service: Launched) -> Iterator[None]:
    """Interrupt this process once the service's next job has its rows; only while the context is open."""
    before, over = count_datasets(service), threading.Event()

    def watch() -> None:
        limit = time.monotonic() + 20
        while count_datasets(service) <= before and time.monotonic() < limit and not over.is_set():
            time.sleep(0.01)
        if not over.wait(0.3):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def count_datasets(service: Launched) -> int:
    return len(list(service.folder.glob("artifacts/*/parquet-files/*.parquet")))

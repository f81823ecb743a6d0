"""What a job comes to when the provider, or the way to it, fails."""

import json
import time
from dataclasses import replace

import pytest

from .conftest import ROWS, RunJob
from .endpoint import Asked, Endpoint, Reply, answer_well, fail, say

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the library leaves its connections open

SHORT_TIMEOUTS = {f"models.{role}.inference_parameters": {"timeout": 1} for role in ("generator", "judge", "refiner")}


def is_first_try(asked: Asked) -> bool:
    return asked.role == "generator" and asked.attempt == 0


@pytest.mark.parametrize("headers", [{"Retry_After": "0"}, {}], ids=["with_retry_after", "without"])
def test_too_many_requests_are_sent_again_later(endpoint: Endpoint, run_job: RunJob, headers: dict[str, str]) -> None:
    endpoint.script = lambda asked: fail(429, **headers) if is_first_try(asked) and asked.row < 2 else None
    job = run_job({"run.patience_minutes": 0.2})
    assert (job.height, job.halted) == (ROWS, "")
    assert job.usage["failed_requests"] == 2


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_error_is_tried_again(endpoint: Endpoint, run_job: RunJob, status: int) -> None:
    endpoint.script = lambda asked: fail(status) if is_first_try(asked) else None
    job = run_job()
    assert (job.height, job.losses, job.halted) == (ROWS, [], "")
    assert job.usage["failed_requests"] == ROWS
    assert endpoint.count(role="generator") == 2 * ROWS  # the library has no tries of its own left


def test_row_that_the_server_always_fails_on_is_given_up(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: fail(500, "out of luck") if (asked.role, asked.row) == ("generator", 3) else None
    job = run_job()
    assert (job.height, job.halted) == (ROWS - 1, "")
    (loss,) = job.losses
    assert loss.startswith("no answer after 3 tries in ")
    assert loss.endswith("; the last: HTTP 500: out of luck")


def test_answer_that_takes_too_long_is_asked_for_again(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: Reply(b"{}", wait=2.0) if is_first_try(asked) and asked.row == 0 else None
    job = run_job({"models.generator.inference_parameters": {"timeout": 1}, "run.tries": 9})
    assert (job.height, job.halted) == (ROWS, "")
    assert {e["error"] for e in job.events if e["event"] == "request"} == {None, "timeout"}


def test_answer_that_drips_in_is_given_up_after_the_timeout(endpoint: Endpoint, run_job: RunJob) -> None:
    whole = say("x" * 40).body
    endpoint.script = lambda asked: Reply(whole, drip=0.05) if is_first_try(asked) and asked.row == 0 else None
    job = run_job({"models.generator.inference_parameters": {"timeout": 1}, "run.tries": 9})
    assert (job.height, job.halted) == (ROWS, "")
    assert {e["error"] for e in job.events if e["event"] == "request"} == {None, "timeout"}


@pytest.mark.parametrize("cut", [0, 40])
def test_connection_that_is_reset_in_mid_body_is_made_again(endpoint: Endpoint, run_job: RunJob, cut: int) -> None:
    endpoint.script = lambda asked: Reply(answer_well(asked).body, cut=cut) if is_first_try(asked) else None
    job = run_job()
    assert (job.height, job.halted) == (ROWS, "")
    assert job.usage["failed_requests"] == ROWS


def test_body_that_is_no_json_is_asked_for_again(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: Reply(answer_well(asked).body[:60]) if is_first_try(asked) else None
    job = run_job()
    assert (job.height, job.halted) == (ROWS, "")


def test_refused_connection_stops_the_run_after_patience(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.close()
    began = time.monotonic()
    job = run_job({"run.patience_minutes": 0.01})
    assert time.monotonic() - began < 10
    assert job.result is None
    assert job.halted.startswith(f"the provider offline at {endpoint.url} has not answered for run.patience_minutes: 0")
    assert f"api_connection: no connection to 127.0.0.1:{endpoint.port} (Connection refused)" in job.halted
    assert job.count("provider_down") == 1


def test_provider_that_comes_back_is_waited_for(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: fail(503, "down for a while") if asked.seconds < 3.0 else None
    job = run_job({"run.patience_minutes": 1})
    assert (job.height, job.losses, job.halted) == (ROWS, [], "")
    assert (job.count("provider_down"), job.count("provider_back")) == (1, 1)
    assert job.usage["failed_requests"] < 4 * ROWS  # after ten failures one at a time is sent to see whether it is back


@pytest.mark.slow
def test_provider_that_is_down_for_two_minutes_is_waited_for(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: fail(503) if asked.seconds < 120 else None
    job = run_job({"run.patience_minutes": 10, "run.retry_seconds": 1})
    assert (job.height, job.losses, job.halted) == (ROWS, [], "")
    assert job.usage["failed_requests"] < ROWS + 20


def test_too_many_requests_for_ever_stop_the_run(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda _: fail(429, "slow down", Retry_After="0")
    began = time.monotonic()
    job = run_job({"run.patience_minutes": 0.02})
    assert time.monotonic() - began < 10
    assert job.result is None
    assert job.halted.endswith("rehearsal-generator last said: HTTP 429: slow down")


@pytest.mark.parametrize("status", [429, 503])
def test_pause_that_is_asked_for_is_kept_whatever_the_status(endpoint: Endpoint, run_job: RunJob, status: int) -> None:
    endpoint.script = lambda asked: fail(status, Retry_After="2") if is_first_try(asked) and asked.row == 0 else None
    job = run_job({"run.patience_minutes": 1, "run.tries": 1}, rows=1)
    first, second = [asked.seconds for asked in endpoint.asked if asked.role == "generator"]
    assert (job.height, job.halted) == (1, "")
    assert second - first >= 1.9


def test_pause_beyond_patience_stops_the_run_at_once(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda _: fail(429, "come back tomorrow", Retry_After="86400")
    began = time.monotonic()
    job = run_job({"run.patience_minutes": 5})
    assert time.monotonic() - began < 10
    assert "asks for a longer pause (Retry-After) than run.patience_minutes: 5" in job.halted


@pytest.mark.parametrize("status", [401, 403, 404])
def test_request_that_can_never_succeed_stops_the_run_at_once(endpoint: Endpoint, run_job: RunJob, status: int) -> None:
    endpoint.script = lambda asked: fail(status, "not for you") if asked.role == "judge" else None
    job = run_job({"run.patience_minutes": 5})
    assert job.result is None
    assert job.halted.endswith(f"refuses the requests to rehearsal-judge: HTTP {status}: not for you")
    assert endpoint.count(role="judge") <= ROWS


def test_credit_that_is_used_up_stops_the_run_at_once(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda _: fail(429, "You exceeded your current quota: insufficient_quota")
    assert "insufficient_quota" in run_job({"run.patience_minutes": 5}).halted


def test_quota_of_a_minute_is_waited_for(endpoint: Endpoint, run_job: RunJob) -> None:
    words = "Quota exceeded for quota metric 'requests per minute'"
    endpoint.script = lambda asked: fail(429, words) if is_first_try(asked) and asked.row < 2 else None
    job = run_job({"run.patience_minutes": 0.2})
    assert (job.height, job.halted) == (ROWS, "")


def test_long_pause_that_is_asked_for_is_bridged_by_the_fallback(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: fail(429, Retry_After="60") if asked.model == "rehearsal-generator" else None
    began = time.monotonic()
    job = run_job({"run.patience_minutes": 5, "models.generator.fallback": {"model": "spare-generator"}})
    assert time.monotonic() - began < 30
    assert (job.height, job.halted, job.count("fallback_used")) == (ROWS, "", 1)


def test_cap_is_kept_while_a_pause_is_waited_for(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: fail(429, Retry_After="60") if asked.row == 0 else None
    began = time.monotonic()
    job = run_job({"run.patience_minutes": 5, "run.max_minutes": 0.05})
    assert time.monotonic() - began < 30
    assert "not finished: the cap run.max_minutes was reached" in job.losses


def test_seconds_of_a_request_are_those_from_sending_to_answer(endpoint: Endpoint, run_job: RunJob) -> None:
    one_at_a_time = {"models.generator.inference_parameters": {"timeout": 60, "max_parallel_requests": 1}}
    endpoint.script = lambda asked: Reply(answer_well(asked).body, wait=0.2) if asked.role == "generator" else None
    events = [e for e in run_job(one_at_a_time).events if e["event"] == "request" and e["role"] == "generator"]
    assert len(events) == ROWS
    assert all(e["seconds"] >= 0.2 for e in events)
    assert sum(e["seconds"] for e in events) < 2 * ROWS * 0.2  # and not the seconds in the queue: 36 x 0.2


def test_request_that_is_too_large_costs_its_row(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: fail(413, "too large") if (asked.role, asked.row) == ("generator", 2) else None
    job = run_job()
    assert (job.height, job.halted) == (ROWS - 1, "")
    assert "exceed its supported context width" in job.losses[0]


def test_job_of_which_every_row_fails_gives_every_reason(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: fail(400, f"no such parameter, request {asked.row}")
    job = run_job()
    assert (job.height, job.halted) == (0, "")
    assert len(job.losses) == ROWS
    assert all("no such parameter" in loss for loss in job.losses)


def test_model_that_refuses_every_request_stops_the_run(
    endpoint: Endpoint, run_job: RunJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.requests.policy.REFUSALS_THAT_STOP", 5)
    endpoint.script = lambda _: fail(400, "no such parameter: top_p")
    halted = run_job().halted
    assert halted == ("rehearsal-generator refused 5 requests in a row; the last: HTTP 400: no such parameter: top_p")


@pytest.mark.parametrize("status", [402, 410])
def test_model_that_is_withdrawn_or_unpaid_stops_the_run_at_once(
    endpoint: Endpoint, run_job: RunJob, status: int
) -> None:
    endpoint.script = lambda asked: fail(status, "no more") if asked.role == "judge" and asked.row > 1 else None
    job = run_job({"run.patience_minutes": 5})
    assert job.halted.endswith(f"refuses the requests to rehearsal-judge: HTTP {status}: no more")


def test_answers_under_way_are_awaited_and_counted_when_a_key_is_refused(endpoint: Endpoint, run_job: RunJob) -> None:
    def script(asked: Asked) -> Reply:
        return fail(401, "no more") if asked.row == 2 else replace(answer_well(asked), wait=0.5)

    endpoint.script = script
    job = run_job({"run.patience_minutes": 5})
    assert job.halted.endswith("HTTP 401: no more")
    sent = [event for event in job.events if event["event"] == "request"]
    assert len(sent) == len(endpoint.asked) > 2
    assert sum(event["outcome"] == "answered" for event in sent) == len(sent) - endpoint.count(row=2)


def test_job_whose_requests_never_come_back_is_ended_by_the_watchdog(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda _: Reply(b"x" * 400, drip=0.05)  # and the library's own timeout is one between two bytes
    began = time.monotonic()
    job = run_job(SHORT_TIMEOUTS, bounded=False)
    assert time.monotonic() - began < 10
    assert job.result is None
    assert job.halted.startswith("no request to the models has come back for ")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "the backend is gone"}}, "HTTP 200 with an error: the backend is gone"),
        ({"choices": []}, "HTTP 200 without a choice"),
        ({"choices": None}, "HTTP 200 without a choice"),
    ],
)
def test_error_with_status_200_is_the_providers_and_no_models(
    endpoint: Endpoint, run_job: RunJob, body: dict[str, object], said: str
) -> None:
    endpoint.script = lambda asked: Reply(json.dumps(body).encode()) if is_first_try(asked) else None
    assert run_job().height == ROWS
    endpoint.script = lambda _: Reply(json.dumps(body).encode())
    job = run_job({"run.patience_minutes": 0.01})
    assert job.result is None  # the provider is down, and eats no candidate
    assert said in job.halted


@pytest.mark.parametrize("code", ["insufficient_quota", "rate_limit", None])
def test_quota_that_is_used_up_halts_whatever_its_code(endpoint: Endpoint, run_job: RunJob, code: str | None) -> None:
    words = "You exceeded your current quota, please check your plan and billing details."
    body = json.dumps({"error": {"message": words, "code": code}}).encode()
    endpoint.script = lambda _: Reply(body, 429, {"Retry-After": "1"})
    assert words in run_job({"run.patience_minutes": 5}).halted


@pytest.mark.parametrize("key", ["type", "code"])
def test_quota_that_only_the_code_of_an_error_names_halts(endpoint: Endpoint, run_job: RunJob, key: str) -> None:
    body = json.dumps([{"error": {"message": "Too many requests", key: "insufficient_quota"}}]).encode()
    endpoint.script = lambda _: Reply(body, 429)
    assert "insufficient_quota" in run_job({"run.patience_minutes": 5}).halted


def test_model_that_is_loaded_is_waited_for(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: fail(503, "Loading model") if asked.seconds < 2.0 else None
    job = run_job({"run.patience_minutes": 1, "run.tries": 2})
    assert (job.height, job.losses, job.halted) == (ROWS, [], "")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><title>Sign in</title></html>", "a web page and no JSON (Sign in): is there a proxy in between?"),
        (b'data: {"choices": []}\n\n', "a stream of events"),
    ],
)
def test_body_that_is_no_json_is_said_to_be_what_it_is(
    endpoint: Endpoint, run_job: RunJob, body: bytes, said: str
) -> None:
    endpoint.script = lambda _: Reply(body)
    assert said in run_job({"run.patience_minutes": 0.01}).halted


@pytest.mark.parametrize(
    ("words", "wants"),
    [
        (
            "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_completion_tokens",
        ),
        ("'temperature' does not support 0.7 with this model.", "no temperature"),
        ("System role not supported", "the system prompt at the head"),
    ],
)
def test_dialect_is_learnt_from_the_providers_refusal_once(
    endpoint: Endpoint, run_job: RunJob, words: str, wants: str
) -> None:
    marks = {"max_completion_tokens": "max_tokens", "no temperature": "temperature"}

    def script(asked: Asked) -> Reply | None:
        is_old = asked.messages[0]["role"] == "system" if wants not in marks else marks[wants] in asked.payload
        return fail(400, words) if asked.role == "generator" and is_old else None

    endpoint.script = script
    job = run_job()
    assert (job.height, job.losses, job.halted) == (ROWS, [], "")
    warned = [event["said"] for event in job.events if event["event"] == "provider_warned"]
    told = [said for said in warned if "wants" in said]
    assert len(told) == 1
    assert wants in told[0]


def test_contents_go_out_as_text(endpoint: Endpoint, run_job: RunJob) -> None:
    assert run_job().height == ROWS
    assert all(isinstance(message["content"], str) for asked in endpoint.asked for message in asked.messages)

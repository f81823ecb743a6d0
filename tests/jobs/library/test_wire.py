"""What providers really say when something is wrong: the kind of fault, and words that a person can act on."""

import json
from typing import Any

import httpx
import pytest
from data_designer.engine.models.clients.adapters.http_helpers import parse_json_body
from data_designer.engine.models.clients.errors import (
    ProviderError,
    ProviderErrorKind,
    map_http_error_to_provider_error,
)

from jobs.library.dialects import find_dialect
from jobs.library.shim import _keep_asked_pause, find_asked_pause
from jobs.library.wire import _map_error, _parse_body
from jobs.requests.faults import classify, describe_error

URL = "http://127.0.0.1:1/v1/chat/completions"
PLAN = "You exceeded your current quota, please check your plan and billing details."
HTML = {"content-type": "text/html"}


def receive(status: int, body: Any, **headers: str) -> ProviderError:
    """Receive what a provider sent, as a job does; give the error that it comes to."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx.Response(status, content=content, headers=named, request=httpx.Request("POST", URL))
    if status >= 400:
        error = _map_error(map_http_error_to_provider_error, response=response, provider_name="p", model_name="m")
    else:
        with pytest.raises(ProviderError) as raised:
            _parse_body(parse_json_body, response, "p", "m")
        error = raised.value
    _keep_asked_pause(error)
    return error


def err(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


PER_MINUTE = (
    "Rate limit reached for m on requests per min (RPM): Limit 3, Used 3. Please try again in 20s. You can increase "
    "your rate limit by adding a payment method to your account at https://example.com/account/billing."
)
CASES: dict[str, tuple[int, Any, dict[str, str], str]] = {
    "credit used up": (429, err(PLAN, type="insufficient_quota"), {"Retry_After": "5"}, "stop"),
    "a minute's requests": (429, err(PER_MINUTE, code="rate_limit_exceeded"), {"Retry_After": "20"}, "wait"),
    "a day's tokens": (
        429,
        err("Limit on tokens per day (TPD). Try again in 7m12s. Upgrade: x.com/billing"),
        {},
        "wait",
    ),
    "a day's requests": (429, err("Quota exceeded for 'Generate requests per day'"), {}, "stop"),
    "a day's, with a time": (429, err("Quota exceeded for 'requests per day'"), {"Retry_After": "30"}, "wait"),
    "a day's limit": (429, err("Daily limit reached"), {}, "stop"),
    "a day's limit, with a time": (429, err("Daily limit reached"), {"Retry_After": "30"}, "wait"),
    "one request of more than a minute": (429, err("Request too large for m on tokens per min"), {}, "refuse"),
    "a list with a quota that comes back": (429, [err(f"{PLAN} Please retry in 31.59s.", code=429)], {}, "wait"),
    "call rate": (429, err("exceeded call rate limit. Please retry after 6 seconds. aka/quotaincrease"), {}, "wait"),
    "tier": (429, {"object": "error", "message": "Service tier capacity exceeded", "code": "3505"}, {}, "wait"),
    "suspended": (429, err("Your account is suspended", type="exceeded_current_quota_error"), {}, "stop"),
    "credits included": (429, {"error": "You have exceeded your monthly included credits."}, {}, "stop"),
    "no words": (429, {"status": 429, "title": "Too Many Requests"}, {}, "wait"),
    "balance": (402, err("Insufficient Balance", type="unknown_error"), {}, "stop"),
    "spending limit": (412, err("Account suspended: monthly spending limit"), {}, "stop"),
    "credit with 400": (400, err("Your credit balance is too low. Go to Plans & Billing."), {}, "stop"),
    "busy, with a time": (503, err("busy"), {"Retry_After": "7"}, "wait"),
    "busy, without": (503, err("busy"), {}, "retry"),
    "overloaded": (529, {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, {}, "wait"),
    "loading": (500, {"error": "llm server loading model"}, {}, "wait"),
    "no memory": (500, {"error": "model requires more system memory than is available"}, {}, "retry"),
    "not pulled": (404, {"error": "model 'x' not found, try pulling it first"}, {}, "missing"),
    "gateway page": (502, b"<html><head><title>502 Bad Gateway</title></head></html>", HTML, "retry"),
    "gateway text": (521, b"error code: 521", {}, "retry"),
    "region": (403, err("Country not supported", code="unsupported_country"), {}, "stop"),
    "out of range": (400, err("temperature must be between 0 and 1", type="invalid_request_error"), {}, "refuse"),
    "200, upstream limited": (200, err("rate-limited upstream", code=429), {"Retry_After": "2"}, "wait"),
    "200, broken off": (
        200,
        {"choices": [{"finish_reason": "error", "error": {"code": 502, "message": "up"}, "message": {"content": "x"}}]},
        {},
        "retry",
    ),
    "200, nothing said": (200, {"choices": [{"finish_reason": "error", "message": {"content": ""}}]}, {}, "retry"),
    "200, no money": (200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, {}, "stop"),
    "200, nothing": (200, b"", {}, "retry"),
}


@pytest.mark.parametrize(("status", "body", "headers", "fault"), CASES.values(), ids=CASES.keys())
def test_kind_of_fault_is_told(status: int, body: Any, headers: dict[str, str], fault: str) -> None:
    error = receive(status, body, **headers)
    asked = headers.get("Retry_After")
    assert classify(error) == fault
    assert find_asked_pause(error) == (None if asked is None else float(asked))
    assert describe_error(error).startswith(f"HTTP {status}")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (429, [err("slow down", status="RESOURCE_EXHAUSTED")], "HTTP 429: slow down (RESOURCE_EXHAUSTED)"),
        (400, err("bad \ud83d"), "HTTP 400: bad \ufffd"),
        (429, err("no", type="requests", code="insufficient_quota"), "HTTP 429: no (requests, insufficient_quota)"),
        (400, err("no", type="invalid_request_error"), "HTTP 400: no"),
        (502, b"<html><title>Bad\n Gateway</title>", f"HTTP 502 from {URL} with a web page and no JSON (Bad Gateway)"),
        (500, b'{"error": "a"}\n{"error": "b"}', 'HTTP 500: {"error": "a"} {"error": "b"}'),
    ],
)
def test_words_are_the_providers_own(status: int, body: Any, said: str) -> None:
    assert describe_error(receive(status, body)).startswith(said)


@pytest.mark.parametrize(
    "words",
    [
        "the request exceeds the available context size. try increasing the context size",
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "The input exceeds the model's maximum of 8192 tokens",
    ],
)
def test_context_that_is_too_short_is_told_whatever_the_words(words: str) -> None:
    assert receive(400, err(words)).kind is ProviderErrorKind.CONTEXT_WINDOW_EXCEEDED


def test_type_of_a_refusal_is_no_sign_of_a_dialect() -> None:
    error = receive(400, err("temperature must be between 0 and 1", type="invalid_request_error"))
    assert find_dialect(400, error.message, {"temperature": 1.5, "messages": []}) is None

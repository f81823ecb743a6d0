"""What comes with status 200 is an answer, or the provider's failure in its own words."""

import time
from email.utils import formatdate
from typing import Any

import pytest
from data_designer.engine.models.clients.errors import ProviderError

from jobs.library.bodies import add_kinds, settle_body, settle_vectors
from jobs.requests.faults import classify
from jobs.retry_after import read_asked_pause

ANSWER = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}


def settle(body: Any) -> dict[str, Any]:
    return settle_body(body, "p", "m")


@pytest.mark.parametrize(
    ("body", "fault", "said"),
    [
        ({"error": {"message": "upstream is down"}}, "retry", "upstream is down"),
        ({"error": "out of memory"}, "retry", "out of memory"),
        ({"error": {"code": 429, "message": "slow down"}}, "wait", "slow down"),
        ({"error": {"code": "rate_limit_exceeded", "message": "slow"}}, "wait", "slow (rate_limit_exceeded)"),
        ({"error": {"code": "insufficient_quota", "message": "pay"}}, "stop", "pay (insufficient_quota)"),
        ({"error": {"code": 401, "message": "no key"}}, "stop", "no key"),
        ({"object": "error", "message": "no such model", "code": 404}, "missing", "no such model"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, "wait", "busy"),
        ({"choices": [{"error": {"code": 502, "message": "bad gateway"}}]}, "retry", "bad gateway"),
        ({"choices": []}, "retry", "without a choice"),
        ({"choices": [{"index": 0, "finish_reason": "stop"}]}, "retry", "a choice that has no message"),
        ({"choices": [{"message": None, "finish_reason": "stop"}]}, "retry", "a choice that has no message"),
        ({"choices": [{"delta": {"content": "hi"}}]}, "retry", '"delta"'),
        ({"detail": "Not authenticated"}, "stop", "Not authenticated"),
        ({"success": False, "errors": [{"message": "Unauthorized"}]}, "stop", "Unauthorized"),
        ({"candidates": [{"content": {"parts": [{"text": "hi"}]}}]}, "retry", '"candidates"'),
        ({"choices": None, "detail": "gone"}, "retry", '"detail": "gone"'),
        ({}, "retry", "without a choice: {}"),
        ([1], "retry", "JSON that is no object: [1]"),
    ],
)
def test_error_with_status_200_is_the_providers(body: Any, fault: str, said: str) -> None:
    with pytest.raises(ProviderError) as error:
        settle(body)
    assert classify(error.value) == fault
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("body", "fault", "said"),
    [
        ({"error": {"message": "upstream is down"}}, "retry", "upstream is down"),
        ({"detail": "Not authenticated"}, "stop", "without vectors: "),
        ({"data": [1.0, 2.0]}, "retry", "without vectors: "),
        ([[1.0]], "retry", "JSON that is no object: [[1.0]]"),
    ],
)
def test_body_without_vectors_is_the_providers_failure_too(body: Any, fault: str, said: str) -> None:
    with pytest.raises(ProviderError) as error:
        settle_vectors(body, "p", "m")
    assert classify(error.value) == fault
    assert said in str(error.value)


def test_vectors_are_taken_as_they_are() -> None:
    body = {"object": "list", "data": [{"embedding": [0.5], "index": 0}]}
    assert settle_vectors(body, "p", "m") == body


def test_half_a_character_becomes_the_sign_for_an_unknown_one() -> None:
    body = {"choices": [{"message": {"content": "so \ud83d and \ud83d\ude00"}}]}
    assert settle(body)["choices"][0]["message"]["content"] == "so \ufffd and \U0001f600"


def test_answer_that_a_filter_stopped_needs_no_message() -> None:
    assert settle({"choices": [{"finish_reason": "content_filter"}]})["choices"][0]["message"]["content"] is None


def test_answer_stays_as_it_is() -> None:
    assert settle(ANSWER) == ANSWER
    assert settle(ANSWER | {"error": None})["choices"] == ANSWER["choices"]


@pytest.mark.parametrize(
    ("message", "content", "reasoning"),
    [
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab", None),
        ({"content": [{"type": "thinking", "thinking": "so"}, {"type": "text", "text": "b"}]}, "b", "so"),
        ({"content": "b", "images": ["http://127.0.0.1:1/x.png"]}, "b", None),
    ],
)
def test_contents_in_parts_are_one_text_and_images_are_left_out(
    message: dict[str, Any], content: str, reasoning: str | None
) -> None:
    settled = settle({"choices": [{"message": message}]})["choices"][0]["message"]
    assert (settled["content"], settled.get("reasoning_content")) == (content, reasoning)
    assert "images" not in settled


def test_text_of_a_text_completion_is_a_messages() -> None:
    assert settle({"choices": [{"text": "x"}]})["choices"][0]["message"]["content"] == "x"


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (
            {"input_tokens": 5, "cache_read_input_tokens": 800, "cache_creation_input_tokens": 90, "output_tokens": 1},
            895,
        ),
        ({"input_tokens": 5, "output_tokens": 1}, 5),
        ({"input_tokens": 5, "cache_read_input_tokens": None}, 5),
    ],
)
def test_tokens_read_from_a_cache_count(usage: dict[str, Any], tokens: int) -> None:
    assert settle({"type": "message", "content": [], "usage": usage})["usage"]["input_tokens"] == tokens


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), ("1.5", 1.5), ("-3", 0.0), ("inf", None), ("nan", None), ("soon", None), ("", None)],
)
def test_pause_is_asked_for_in_seconds(said: str, seconds: float | None) -> None:
    assert read_asked_pause({"retry-after": said}) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(3600, 3600.0), (-60, 0.0)])
def test_pause_is_asked_for_by_a_date(ahead: int, seconds: float) -> None:
    date = formatdate(time.time() + ahead, usegmt=True)
    assert read_asked_pause({"retry-after": date}) == pytest.approx(seconds, abs=30)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"type": "requests", "code": "insufficient_quota"}, "no (requests, insufficient_quota)"),
        ({"code": "429", "type": None, "status": "no"}, "no"),
        ({"code": 429}, "no"),
    ],
)
def test_kinds_of_an_error_are_said_with_its_words(said: dict[str, Any], words: str) -> None:
    assert add_kinds("no", said) == words

"""How requests are put: texts as strings, and in what a provider's own refusal asks for."""

from typing import Any

import pytest

from jobs.library.dialects import COMPLETION_TOKENS, NO_SYSTEM, NO_TEMPERATURE, find_dialect, translate_payload

PAYLOAD: dict[str, Any] = {
    "model": "m",
    "max_tokens": 5,
    "temperature": 0.5,
    "top_p": 0.9,
    "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": [{"type": "text", "text": "U"}]}],
}


@pytest.mark.parametrize(
    ("status", "words", "found"),
    [
        (400, "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", COMPLETION_TOKENS),
        (400, "Unsupported value: 'temperature' does not support 0.5 with this model.", NO_TEMPERATURE),
        (400, "`temperature` is deprecated for this model.", NO_TEMPERATURE),
        (500, "System role not supported", NO_SYSTEM),
        (400, "Developer instruction is not enabled for models/gemma-3-27b-it", NO_SYSTEM),
        (400, "Only user and assistant roles are supported!", NO_SYSTEM),
        (400, "Conversation roles must alternate user/assistant/user/assistant/...", NO_SYSTEM),
        (400, "This model's maximum context length is 2048 tokens", None),
        (429, "temperature is not supported", None),
        (500, "out of memory", None),
    ],
)  # fmt: skip
def test_refusal_says_what_the_provider_wants(status: int, words: str, found: str | None) -> None:
    assert find_dialect(status, words, PAYLOAD) == found


def test_what_is_done_already_is_not_asked_for_again() -> None:
    words = "temperature is not supported"
    assert find_dialect(400, words, translate_payload(PAYLOAD, {NO_TEMPERATURE})) is None


def test_payload_in_every_dialect() -> None:
    assert translate_payload(PAYLOAD, ())["messages"][1] == {"role": "user", "content": "U"}
    assert translate_payload(PAYLOAD, {COMPLETION_TOKENS, NO_TEMPERATURE, NO_SYSTEM}) == {
        "model": "m",
        "max_completion_tokens": 5,
        "messages": [{"role": "user", "content": "S\n\nU"}],
    }


def test_contents_with_more_than_text_stay_parts() -> None:
    parts = [{"type": "text", "text": "U"}, {"type": "image_url", "image_url": {"url": "data:"}}]
    assert translate_payload({"messages": [{"role": "user", "content": parts}]}, ())["messages"][0]["content"] == parts

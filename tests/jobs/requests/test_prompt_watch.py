"""A server that cuts prompts is found out by what it says it read."""

from typing import Any

import pytest
from data_designer.engine.models.clients.types import AssistantMessage, ChatCompletionResponse, Usage
from data_designer.engine.models.utils import ChatMessage

from jobs.request import Request
from jobs.requests.prompt_watch import PromptWatch


def look(watch: PromptWatch, characters: int, tokens: Any) -> str | None:
    request = Request("001_generate", "a", "trade", "generator", "m", 0, (ChatMessage.as_user("x" * characters),))
    usage = None if tokens is None else Usage(tokens, 1, tokens + 1)
    return watch.look(request, "m", ChatCompletionResponse(AssistantMessage("x"), usage))


def test_prompt_of_which_little_was_read_is_said_once() -> None:
    watch = PromptWatch()
    assert look(watch, 40_000, 2_048) == (
        "the server read 2,048 tokens of a prompt of 40,000 characters: it cuts prompts"
    )
    assert look(watch, 40_000, 2_048) is None


def test_prompts_of_all_lengths_that_fill_one_window_are_said() -> None:
    watch = PromptWatch()
    assert [look(watch, 9_000 + at, 2_048) is not None for at in range(4)] == [False, False, True, False]


@pytest.mark.parametrize(("characters", "tokens"), [(40_000, 10_000), (900, 20), (40_000, None), (40_000, 0)])
def test_prompt_that_was_read_whole_says_nothing(characters: int, tokens: Any) -> None:
    assert look(PromptWatch(), characters, tokens) is None

"""The journal answers what it was told, to the same question only, and forgets nothing that a crash leaves."""

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from data_designer.engine.models.clients.errors import ProviderError, ProviderErrorKind
from data_designer.engine.models.clients.types import AssistantMessage, ChatCompletionResponse, ImagePayload, ToolCall
from data_designer.engine.models.utils import ChatMessage

from jobs.library.answers import build_response, describe_response
from jobs.request import Request
from jobs.requests.journal import AnswerJournal, hash_request

REQUEST = Request(
    "001_generate", "a", "trade", "generator", "m", 0, (ChatMessage.as_system("Be terse."), ChatMessage.as_user("Hi"))
)
LINES = Path("001/answers_generate.jsonl")


@dataclass
class Provider:
    """Answers with numbers, or fails as told, and counts."""

    errors: list[Exception] = field(default_factory=list)
    sent: int = 0

    async def send(self) -> ChatCompletionResponse:
        self.sent += 1
        if self.errors:
            raise self.errors.pop(0)
        said = {"content": str(self.sent), "reasoning": "why", "finish_reason": "length", "usage": [7, 2, 9]}
        return build_response(said)

    def ask(self, journal: AnswerJournal, request: Request = REQUEST) -> Any:
        return asyncio.run(journal(request, self.send))


@pytest.fixture
def provider() -> Provider:
    return Provider()


OpenJournal = Callable[..., AnswerJournal]


@pytest.fixture
def open_journal(tmp_path: Path) -> OpenJournal:
    return lambda **options: AnswerJournal(tmp_path, **options)


def refuse(kind: ProviderErrorKind) -> ProviderError:
    return ProviderError(kind, "no", 400, "offline", "m")


def test_answer_is_given_again_whole_and_not_sent_for(open_journal: OpenJournal, provider: Provider) -> None:
    with open_journal() as journal:
        first = provider.ask(journal)
    with open_journal() as journal:
        assert provider.ask(journal) == first
    assert provider.sent == 1
    assert (first.choices[0].finish_reason, first.usage.output_tokens) == ("length", 2)


def test_answer_that_came_is_told_once(open_journal: OpenJournal, provider: Provider) -> None:
    told: list[tuple[str | None, str | None]] = []
    with open_journal(tell=lambda request, answer: told.append((request.row_id, answer.content))) as journal:
        provider.ask(journal)
        provider.ask(journal)
    assert told == [(REQUEST.row_id, "1")]


@pytest.mark.parametrize(
    "change",
    [
        {"row_id": "b"},
        {"column": "judge"},
        {"number": 1},
        {"model": "n"},
        {"role": "judge"},
        {"job": "001_refine_1"},
        {"job": "002_generate"},
        {"messages": (ChatMessage.as_system("Be terse."), ChatMessage.as_user("Ho"))},
        {"messages": (ChatMessage.as_user("Be terse."), ChatMessage.as_user("Hi"))},
        {"messages": REQUEST.messages[:1]},
    ],
)
def test_another_question_is_sent(open_journal: OpenJournal, provider: Provider, change: dict[str, Any]) -> None:
    with open_journal() as journal:
        provider.ask(journal)
        assert provider.ask(journal, replace(REQUEST, **change)).message.content == "2"


def test_question_whether_a_model_is_there_is_always_sent(open_journal: OpenJournal, provider: Provider) -> None:
    with open_journal() as journal:
        for _ in range(2):
            provider.ask(journal, replace(REQUEST, row_id=None))
    assert provider.sent == 2


def test_answer_serves_a_cell_that_the_library_begins_anew(open_journal: OpenJournal, provider: Provider) -> None:
    correction = replace(REQUEST, number=1)
    with open_journal() as journal:
        first = provider.ask(journal)
        provider.errors = [refuse(ProviderErrorKind.INTERNAL_SERVER)]
        with pytest.raises(ProviderError):
            provider.ask(journal, correction)
        assert provider.ask(journal) == first
        assert provider.ask(journal, correction).message.content == "3"


@pytest.mark.parametrize("kind", [ProviderErrorKind.BAD_REQUEST, ProviderErrorKind.CONTEXT_WINDOW_EXCEEDED])
def test_refusal_of_a_prompt_is_given_again(
    open_journal: OpenJournal, provider: Provider, kind: ProviderErrorKind
) -> None:
    provider.errors = [refuse(kind)]
    for _ in range(2):
        with open_journal() as journal, pytest.raises(ProviderError, match="no") as refused:
            provider.ask(journal)
        assert (refused.value.kind, refused.value.status_code) == (kind, 400)
    assert provider.sent == 1


@pytest.mark.parametrize("traced", [False, True])
def test_refusal_that_is_forgotten_is_sent_again(
    open_journal: OpenJournal, provider: Provider, tmp_path: Path, *, traced: bool
) -> None:
    provider.errors = [refuse(ProviderErrorKind.BAD_REQUEST)]
    options = {"trace": tmp_path / "trace"} if traced else {}
    with open_journal(**options) as journal:
        with pytest.raises(ProviderError):
            provider.ask(journal)
        provider.ask(journal, replace(REQUEST, row_id="b"))
        journal.forget([REQUEST, replace(REQUEST, row_id=None), replace(REQUEST, job="000_check")])
    for _ in range(2):
        with open_journal(**options) as journal:
            assert provider.ask(journal).message.content == "3"
            assert provider.ask(journal, replace(REQUEST, row_id="b")).message.content == "2"


@pytest.mark.parametrize(
    "error",
    [
        refuse(ProviderErrorKind.RATE_LIMIT),
        refuse(ProviderErrorKind.AUTHENTICATION),
        refuse(ProviderErrorKind.TIMEOUT),
        ValueError("ours"),
    ],
)
def test_failure_that_may_pass_is_tried_again(open_journal: OpenJournal, provider: Provider, error: Exception) -> None:
    provider.errors = [error]
    with open_journal() as journal, pytest.raises(type(error)):
        provider.ask(journal)
    with open_journal() as journal:
        assert provider.ask(journal).message.content == "2"


def test_arguments_of_a_tool_call_are_kept() -> None:
    response = ChatCompletionResponse(AssistantMessage(None, tool_calls=[ToolCall("1", "f", '{"a": 1}')]))
    described = describe_response(response)
    assert described is not None
    assert build_response(json.loads(json.dumps(described))).message == response.message


def test_response_with_an_image_is_not_kept(open_journal: OpenJournal) -> None:
    response = ChatCompletionResponse(AssistantMessage(None, images=[ImagePayload("")]))

    async def send() -> ChatCompletionResponse:
        return response

    with open_journal() as journal:
        assert asyncio.run(journal(REQUEST, send)) is response
    assert list(journal._kept) == []


def test_line_that_was_cut_short_is_sent_for_again_and_the_next_is_whole(
    open_journal: OpenJournal, provider: Provider, tmp_path: Path
) -> None:
    with open_journal() as journal:
        provider.ask(journal)
        provider.ask(journal, replace(REQUEST, row_id="b"))
    path = tmp_path / LINES
    path.write_bytes(path.read_bytes()[:-20])
    with open_journal() as journal:
        assert provider.ask(journal).message.content == "1"
        assert provider.ask(journal, replace(REQUEST, row_id="b")).message.content == "3"
    assert [json.loads(line)["row_id"] for line in path.read_text().splitlines()] == ["a", "b"]


def test_blank_that_a_power_cut_left_is_passed_over(
    open_journal: OpenJournal, provider: Provider, tmp_path: Path
) -> None:
    with open_journal() as journal:
        provider.ask(journal)
    path = tmp_path / LINES
    path.write_bytes(b"\0" * 300 + b"\n7\n" + path.read_bytes() + b"\0" * 70_000)
    with open_journal() as journal:
        assert provider.ask(journal).message.content == "1"


def test_answers_go_when_their_round_has_settled(open_journal: OpenJournal, provider: Provider, tmp_path: Path) -> None:
    with open_journal() as journal:
        provider.ask(journal)
        provider.ask(journal, replace(REQUEST, job="002_generate"))
        (tmp_path / "001/settled.parquet").touch()
        journal.close_settled()
    assert not (tmp_path / "trace").exists()
    assert not (tmp_path / LINES).exists()
    assert (tmp_path / "002/answers_generate.jsonl").exists()


def test_trace_keeps_prompts_answers_and_failures_compressed(
    open_journal: OpenJournal, provider: Provider, tmp_path: Path
) -> None:
    provider.errors = [ValueError("ours")]
    with open_journal(trace=tmp_path / "trace") as journal:
        with pytest.raises(ValueError, match="ours"):
            provider.ask(journal)
        provider.ask(journal)
        (tmp_path / "001/settled.parquet").touch()
        journal.close_settled()
    with gzip.open(tmp_path / "trace/001_generate.jsonl.gz", "rt") as file:
        failed, answered = map(json.loads, file)
    assert (failed["error"], answered["answer"]["content"]) == ({"kind": "ValueError", "message": "ours"}, "2")
    assert [m["role"] for m in answered["messages"]] == ["system", "user"]
    assert (answered["model"], answered["row_id"], answered["role"]) == ("m", "a", "generator")
    assert [path.name for path in (tmp_path / "trace").iterdir()] == ["001_generate.jsonl.gz"]


def test_traced_journal_answers_as_any_other(open_journal: OpenJournal, provider: Provider, tmp_path: Path) -> None:
    provider.errors = [refuse(ProviderErrorKind.RATE_LIMIT)]
    with open_journal(trace=tmp_path / "trace") as journal:
        with pytest.raises(ProviderError):
            provider.ask(journal)
        provider.ask(journal)
    with open_journal(trace=tmp_path / "trace") as journal:
        assert provider.ask(journal).message.content == "2"


def test_without_a_trace_no_prompt_is_written(open_journal: OpenJournal, provider: Provider, tmp_path: Path) -> None:
    with open_journal() as journal:
        provider.ask(journal)
    assert "Be terse" not in (tmp_path / LINES).read_text()


def test_answer_that_comes_too_late_opens_nothing(
    open_journal: OpenJournal, provider: Provider, tmp_path: Path
) -> None:
    with open_journal() as journal:
        pass
    assert provider.ask(journal).message.content == "1"
    assert not list(tmp_path.iterdir())


def test_messages_that_are_no_text_are_told_apart() -> None:
    parts = [{"type": "text", "text": "\ud83d"}]
    one = replace(REQUEST, messages=(ChatMessage(role="user", content=parts),))
    other = replace(REQUEST, messages=(ChatMessage(role="user", content=[*parts, *parts]),))
    assert len({hash_request(one), hash_request(other), hash_request(REQUEST)}) == 3

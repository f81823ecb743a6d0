"""The library's answers and errors as plain data, and back: what a journal can keep."""

from collections.abc import Mapping, Sequence
from typing import Any

from data_designer.config.column_configs import Score
from data_designer.engine.column_generators.utils.judge_score_factory import (
    create_judge_response_model,
    create_judge_structured_output_model,
)
from data_designer.engine.models.clients.errors import ProviderError, ProviderErrorKind
from data_designer.engine.models.clients.types import (
    AssistantMessage,
    ChatCompletionChoice,
    ChatCompletionResponse,
    ToolCall,
    Usage,
)

from jobs.reading.answer import Answer


def describe_response(response: ChatCompletionResponse) -> dict[str, Any] | None:
    """Describe what the library reads of a response; None for one with more in it, which is then not described."""
    message, choice = response.message, response.choices[0]
    if message.images:
        return None
    usage = response.usage
    calls = [[call.id, call.name, call.arguments_json] for call in message.tool_calls]
    return {
        "content": message.content,
        "reasoning": message.reasoning_content,
        "finish_reason": choice.finish_reason,
        "usage": None if usage is None else [usage.input_tokens, usage.output_tokens, usage.total_tokens],
        **({"tool_calls": calls} if calls else {}),
    }


def build_response(described: Mapping[str, Any]) -> ChatCompletionResponse:
    """Build the response that was described."""
    calls = [ToolCall(*call) for call in described.get("tool_calls", ())]
    message = AssistantMessage(described["content"], described["reasoning"], calls)
    usage = None if described["usage"] is None else Usage(*described["usage"])
    choice = ChatCompletionChoice(message, 0, described["finish_reason"])
    return ChatCompletionResponse(message, usage, choices=[choice])


def flatten_response(response: ChatCompletionResponse) -> Answer:
    """Flatten a response to what a reader reads, all of which a journal keeps: a resumed run reads the same."""
    message = response.message
    return Answer(
        message.content,
        message.reasoning_content,
        response.choices[0].finish_reason,
        tuple(call.arguments_json for call in message.tool_calls if call.arguments_json),
    )


def describe_error(error: Exception) -> dict[str, Any] | None:
    """Describe an error of a provider; None for any other."""
    if not isinstance(error, ProviderError):
        return None
    names = ("message", "status_code", "provider_name", "model_name")
    return {"kind": error.kind.value, **{name: getattr(error, name) for name in names}}


def build_error(described: Mapping[str, Any]) -> ProviderError:
    """Build the error that was described."""
    return ProviderError(**{**described, "kind": ProviderErrorKind(described["kind"])})


def describe_judgement(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Describe a judge's answer by the JSON Schema that the library asks its model for."""
    responses = [create_judge_response_model(Score(**score)) for score in scores]
    schema: dict[str, Any] = create_judge_structured_output_model(responses).model_json_schema()
    return schema

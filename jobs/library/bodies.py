"""What a provider sent with status 200, as the library may have it: a message's text, and nothing to be fetched.

A body that holds an error, or no choice, is the provider's failure and no answer of a model: it is told apart here, in
the provider's own words, so that it is tried again, waited for or halted on like any other.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from data_designer.engine.models.clients.errors import (
    ProviderError,
    ProviderErrorKind,
    map_http_status_to_provider_error_kind,
)

from jobs.reading.answer import flatten_content, is_whole

LONGEST_BODY = 200  # characters of a body that is no answer, which a message repeats
OK = 200
_CONTEXT = re.compile(
    r"context[ _]size|n_ctx|(?:prompt|input)(?: text)? is too long|exceeds? the (?:model's )?max\w* .{0,40}tokens",
    re.IGNORECASE,
)
KINDS: Mapping[str, ProviderErrorKind] = {
    "insufficient_quota": ProviderErrorKind.QUOTA_EXCEEDED,
    "billing": ProviderErrorKind.QUOTA_EXCEEDED,
    "insufficient balance": ProviderErrorKind.QUOTA_EXCEEDED,
    "rate_limit": ProviderErrorKind.RATE_LIMIT,
    "too many requests": ProviderErrorKind.RATE_LIMIT,
    "overloaded": ProviderErrorKind.RATE_LIMIT,
    "api_key": ProviderErrorKind.AUTHENTICATION,
    "api key": ProviderErrorKind.AUTHENTICATION,
    "authentication": ProviderErrorKind.AUTHENTICATION,
    "authenticated": ProviderErrorKind.AUTHENTICATION,
    "unauthorized": ProviderErrorKind.AUTHENTICATION,
    "permission": ProviderErrorKind.PERMISSION_DENIED,
    "model_not_found": ProviderErrorKind.NOT_FOUND,
    "context_length": ProviderErrorKind.CONTEXT_WINDOW_EXCEEDED,
    "context length": ProviderErrorKind.CONTEXT_WINDOW_EXCEEDED,
}  # by words of an error that has no status of its own


def settle_vectors(body: Any, provider: str, model: str | None) -> dict[str, Any]:
    """Settle a body of vectors that came with status 200.

    Raises:
        ProviderError: It holds an error, or no vectors.
    """
    opened = _open_body(body, provider, model)
    data = opened.get("data")
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        words = f"HTTP 200 without vectors: {_show(opened)}"
        raise ProviderError(_name_kind(words, None), words, OK, provider, model)
    return opened


def _open_body(body: Any, provider: str, model: str | None) -> dict[str, Any]:
    """Take a body that is an object and holds no error.

    Raises:
        ProviderError: It is none, or holds one.
    """
    if not isinstance(body, dict):
        raise _fail(f"HTTP 200 with JSON that is no object: {_show(body)}", provider, model)
    if (error := find_error(body)) is not None:
        words, status = error
        raise ProviderError(_name_kind(words, status), f"HTTP 200 with an error: {words}", status, provider, model)
    opened: dict[str, Any] = body
    return opened


def settle_body(body: Any, provider: str, model: str | None) -> dict[str, Any]:
    """Settle a body of an answer that came with status 200.

    Raises:
        ProviderError: It holds an error, or no choice.
    """
    body = _open_body(body if is_whole(body) else replace_halves(body), provider, model)
    if body.get("type") == "message":
        return {**body, "usage": _count_cached(body.get("usage"))}
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        words = f"HTTP 200 without a choice: {_show(body)}"
        raise ProviderError(_name_kind(words, None), words, OK, provider, model)
    is_said = isinstance(choices[0].get("message"), Mapping) or isinstance(choices[0].get("text"), str)
    if not is_said and choices[0].get("finish_reason") != "content_filter":
        raise _fail(f"HTTP 200 with a choice that has no message: {_show(choices[0])}", provider, model)
    usage = {"usage": _count_cached(body["usage"])} if "usage" in body else {}
    return {**body, **usage, "choices": [_settle_choice(choices[0])]}


def replace_halves(value: Any) -> Any:
    """Put the sign for an unknown character in the place of half a one, which no file and no request takes."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [replace_halves(item) for item in value]
    return {key: replace_halves(item) for key, item in value.items()} if isinstance(value, dict) else value


def find_error(body: Mapping[str, Any]) -> tuple[str, int | None] | None:
    """Find the words and the status of an error within a body; None where it holds an answer."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    error = body.get("error") or first.get("error")
    if not error and first.get("finish_reason") == "error":
        error = {"message": f"finish_reason error: {_show(first)}"}
    if error is None and (body.get("object") == "error" or body.get("type") == "error"):
        error = body
    if not error:
        return None
    said = error if isinstance(error, Mapping) else {"message": error}
    words = said.get("message") or said.get("detail") or _show(said)
    code = next((said[key] for key in ("code", "status", "status_code") if _is_status(said.get(key))), None)
    return add_kinds(str(words)[: 4 * LONGEST_BODY], said), None if code is None else int(code)


def find_context_error(words: str) -> ProviderErrorKind | None:
    """Find that a refusal is about the context's length, where its words are not among those that the library knows."""
    return ProviderErrorKind.CONTEXT_WINDOW_EXCEEDED if _CONTEXT.search(words) else None


def add_kinds(words: str, said: Mapping[str, Any]) -> str:
    """Add to the words of an error what its `type`, `code` and `status` say beyond them."""
    named = dict.fromkeys(str(said[key]) for key in ("type", "code", "status") if isinstance(said.get(key), str))
    kinds = ", ".join(kind for kind in named if kind not in words and not _is_status(kind))
    return f"{words} ({kinds})" if kinds else words


def _is_status(code: Any) -> bool:
    return str(code).isdecimal() and 400 <= int(code) <= 599


def _name_kind(words: str, status: int | None) -> ProviderErrorKind:
    if status is not None:
        return map_http_status_to_provider_error_kind(status, words)
    known = map_http_status_to_provider_error_kind(500, words)  # which knows words of a quota
    if known is not ProviderErrorKind.INTERNAL_SERVER:
        return known
    return next((kind for word, kind in KINDS.items() if word in words.lower()), known)


def _fail(words: str, provider: str, model: str | None) -> ProviderError:
    return ProviderError(ProviderErrorKind.INTERNAL_SERVER, words, OK, provider, model)


def _show(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, default=str)[:LONGEST_BODY]


def _settle_choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Settle a choice: text of a text completion as a message's, contents in parts as one text, no images."""
    said = choice.get("message")
    message = dict(said) if isinstance(said, Mapping) else {"role": "assistant", "content": choice.get("text")}
    content, thought = flatten_content(message.get("content"))
    message.pop("images", None)
    if thought and not message.get("reasoning_content"):
        message["reasoning_content"] = thought
    legacy = message.get("function_call")
    if isinstance(legacy, Mapping) and not message.get("tool_calls"):
        message["tool_calls"] = [{"id": "0", "type": "function", "function": dict(legacy)}]
    return {**choice, "message": {**message, "content": content}}


def _count_cached(usage: Any) -> Any:
    """Count tokens of a prompt that were read from a cache, or written to one, among those of the prompt.

    Anthropic's `input_tokens` leave them out; OpenAI's `prompt_tokens` have them in.
    """
    if not isinstance(usage, Mapping) or not isinstance(usage.get("input_tokens"), int):
        return usage
    cached = [usage.get(name) for name in ("cache_creation_input_tokens", "cache_read_input_tokens")]
    if "prompt_tokens" in usage or "total_tokens" in usage:
        return usage
    return {**usage, "input_tokens": usage["input_tokens"] + sum(count for count in cached if isinstance(count, int))}

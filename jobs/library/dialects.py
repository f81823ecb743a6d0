"""How a request is put for a model that does not take it as OpenAI's first API did.

A profile names what its model wants (`dialect`); what it does not name is learnt from the provider's own refusal, once
a model, and the request is sent again.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

COMPLETION_TOKENS, NO_TEMPERATURE, NO_SYSTEM = "max_completion_tokens", "no_temperature", "no_system_role"
LONG_NAMES = {
    COMPLETION_TOKENS: "max_completion_tokens in the place of max_tokens",
    NO_TEMPERATURE: "no temperature and no top_p",
    NO_SYSTEM: "the system prompt at the head of the user's",
}
REFUSING = frozenset({400, 404, 415, 422, 500, 501})  # llama_cpp.server answers 500 where a template has no system role
_REFUSED = r"(?:not supported|not enabled|unsupported|not support|does ?n.t support|not allowed|not permitted"
_REFUSED = rf"{_REFUSED}|unknown|unrecogni[sz]ed|deprecated|invalid|only)"
_SYSTEM = r"(?:system[ _]?(?:role|message|prompt|instruction)|developer instruction|role.{0,12}system)"
_SIGNS: Mapping[str, re.Pattern[str]] = {
    COMPLETION_TOKENS: re.compile(r"max_completion_tokens|max_tokens.{0,80}" + _REFUSED, re.IGNORECASE | re.DOTALL),
    NO_TEMPERATURE: re.compile(
        rf"(?:temperature|top_p).{{0,80}}{_REFUSED}|{_REFUSED}.{{0,60}}(?:temperature|top_p)", re.IGNORECASE | re.DOTALL
    ),
    NO_SYSTEM: re.compile(
        rf"{_SYSTEM}.{{0,80}}{_REFUSED}|{_REFUSED}.{{0,40}}{_SYSTEM}"
        "|only user.{0,12}assistant roles|roles must alternate",
        re.IGNORECASE | re.DOTALL,
    ),
}


def find_dialect(status: int | None, words: str, payload: Mapping[str, Any]) -> str | None:
    """Find what a refusal asks for that the payload does not do yet; None where it speaks of something else."""
    if status not in REFUSING:
        return None
    may_help = {
        COMPLETION_TOKENS: "max_tokens" in payload,
        NO_TEMPERATURE: "temperature" in payload or "top_p" in payload,
        NO_SYSTEM: any(message.get("role") == "system" for message in payload.get("messages", ())),
    }
    return next((name for name, sign in _SIGNS.items() if may_help[name] and sign.search(words)), None)


def translate_payload(payload: Mapping[str, Any], dialect: Collection[str]) -> dict[str, Any]:
    """Put a chat's payload in a model's dialect; contents that are all text go out as one string."""
    sent = {**payload, "messages": [_join_texts(message) for message in payload["messages"]]}
    if COMPLETION_TOKENS in dialect and "max_tokens" in sent:
        sent["max_completion_tokens"] = sent.pop("max_tokens")
    if NO_TEMPERATURE in dialect:
        sent = {key: value for key, value in sent.items() if key not in ("temperature", "top_p")}
    if NO_SYSTEM in dialect:
        sent["messages"] = _merge_system(sent["messages"])
    return sent


def _join_texts(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    if parts and all(isinstance(part, Mapping) and part.get("type") == "text" for part in parts):
        return {**message, "content": "".join(str(part.get("text", "")) for part in parts)}
    return dict(message)


def _merge_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put what the system says before what the user says first."""
    said = [str(message["content"]) for message in messages if message.get("role") == "system"]
    others = [message for message in messages if message.get("role") != "system"]
    first = next((place for place, message in enumerate(others) if message.get("role") == "user"), None)
    if not said or first is None or not isinstance(others[first]["content"], str):
        return messages
    others[first] = {**others[first], "content": "\n\n".join([*said, others[first]["content"]])}
    return others

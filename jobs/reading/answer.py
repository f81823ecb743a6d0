"""What goes into a reader and what comes out of it."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from jobs.reading.mendings import MENDINGS

Cause = Literal[
    "empty",  # no text at all
    "refusal",  # the model will not, or the provider's filter will not let it
    "cut",  # ended by max_tokens before the object was closed
    "not_closed",  # ended by the model before the object was closed
    "no_object",  # prose, YAML, XML, a list of values
    "not_json",  # an object that no reading of JSON makes sense of
    "repeated_keys",  # one key with different values
    "several_objects",  # different objects, and no word which is final
    "schema_echoed",  # the schema itself, or values inside it
    "missing_field",
    "bad_value",  # a value that its field does not take
    "bad_patch",  # a JSON patch that cannot be applied
    "mending_off",  # read only by a mending that is switched off
]


@dataclass(frozen=True)
class Answer:
    """One answer of a model; `content` and `reasoning` are texts, `arguments` those of its tool calls."""

    content: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    arguments: tuple[str, ...] = ()
    refusal: str | None = None


@dataclass(frozen=True)
class Read:
    """What an answer says, and the mendings it took, each named once, in the table's order.

    `note` is `unchanged` for a refiner's row that is the one it was given.
    """

    value: dict[str, Any]
    mended: tuple[str, ...] = ()
    note: Literal["unchanged"] | None = None


@dataclass(frozen=True)
class Refused:
    """Why an answer is not read; `line` is what the model is told, `resend` whether telling it makes sense."""

    cause: Cause
    line: str
    resend: bool = True


@dataclass(frozen=True)
class Context:
    """What a dataset knows of its fields beyond their schema.

    `synonyms` gives by field other words (lower case) for its values; `known` the values that a field of text has, such
    as a trader's symbols; `session_date` (YYYY-MM-DD) is the day that all moments of a row lie on; `zone_words` are the
    names (lower case) and offsets that say no more than the exchange's own clock on that day.
    """

    synonyms: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    known: Mapping[str, Collection[str]] = field(default_factory=lambda: MappingProxyType({}))
    session_date: str | None = None
    zone_words: Collection[str] = ()


class MisfitError(Exception):
    """An object is not what was asked for."""

    def __init__(self, cause: Cause, line: str) -> None:
        super().__init__(line)
        self.cause: Cause = cause
        self.line = line


def settle(value: dict[str, Any], used: Iterable[str], allowed: Collection[str]) -> Read | Refused:
    """Settle what was read by certain mendings: refused where one is switched off, or a text cannot be written down."""
    if halved := [name for name, item in value.items() if not is_whole(item)]:
        line = f"{halved[0]} has half of a character, a lone \\ud800 to \\udfff; write it whole, or leave it out."
        return Refused("bad_value", line)
    mended = tuple(sorted(set(used), key=list(MENDINGS).index))
    if off := [name for name in mended if name not in allowed]:
        return Refused("mending_off", f"The answer has {MENDINGS[off[0]]}; write plain JSON of the schema.")
    return Read(value, mended)


def is_whole(value: Any) -> bool:
    """Whether the texts of a value have whole characters only, which a file takes; JSON may escape half of one."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def flatten_choice(choice: Mapping[str, Any]) -> Answer:
    """Flatten a choice of a chat or text completion: contents in parts, reasoning, tool calls, a refusal."""
    message = choice.get("message") or {}
    content, thought = flatten_content(message.get("content"))
    reasoning = message.get("reasoning_content") or message.get("reasoning") or thought
    calls = [call.get("function") or {} for call in message.get("tool_calls") or () if isinstance(call, Mapping)]
    calls += [message["function_call"]] if isinstance(message.get("function_call"), Mapping) else []
    said = [call.get("arguments") for call in calls]
    return Answer(
        content or (choice.get("text") if isinstance(choice.get("text"), str) else content),
        reasoning if isinstance(reasoning, str) else None,
        choice.get("finish_reason"),
        tuple(text if isinstance(text, str) else json.dumps(text) for text in said if text),
        message.get("refusal") or None,
    )


def flatten_content(content: Any) -> tuple[str | None, str | None]:
    """Flatten a message's content, a text or parts of one, into what is said and what is thought."""
    if content is None or isinstance(content, str):
        return content, None
    said: list[str] = []
    thought: list[str] = []
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, Mapping):
            is_thought = part.get("type") in ("thinking", "reasoning")
            text = part.get("text") or part.get("content") or part.get("thinking") or part.get("reasoning")
            text = flatten_content(text)[0] if isinstance(text, list) else text
            (thought if is_thought else said).append(text if isinstance(text, str) else "")
    return "".join(said), "".join(thought) or None

"""What each provider's decoder takes of a JSON Schema, and how it is sent: a table, with the sources of its lines."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from jobs.structured.schemas import Schema, change_parts, write_out

Mode = Literal["json_schema", "json_object", "prompt"]
MODES: tuple[Mode, ...] = ("json_schema", "json_object", "prompt")
NAME = "answer"

SHAPE = {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf"}
"""What every decoder takes."""
LENGTHS = {"minLength", "maxLength", "minItems", "maxItems"}
ANCHORED = re.compile(r"\^[^\n]*\$")
LOOKS = re.compile(r"\(\?[=!<:]|\\[bBAZzpP]")  # looks around and classes that decoders misread without a word
CLASSES = {r"\d": "[0-9]", r"\w": "[A-Za-z0-9_]", r"\s": "[ \\t]"}
WIDEST_INTEGER = 1e9


@dataclass(frozen=True)
class Dialect:
    """How a provider is asked for a form.

    Attributes:
        name: The provider's, as the table has it.
        modes: What is tried, in this order; the prompt alone is always the last.
        keywords: What of a schema is sent besides `SHAPE`.
        source: Where it is documented.
        is_strict: Whether a schema all of whose keys are required is sent as `strict`.
        has_schema: Whether `json_object` takes a schema beside it.
    """

    name: str
    modes: tuple[Mode, ...]
    keywords: frozenset[str]
    source: str
    is_strict: bool = False
    has_schema: bool = False


_ALL = frozenset({*LENGTHS, "pattern", "minimum", "maximum"})
TABLE: tuple[Dialect, ...] = (
    Dialect("offline", ("prompt",), _ALL, "docs/architecture/offline_model.md: it reads the schema in the prompt"),
    Dialect(
        "openai",
        ("json_schema", "json_object", "prompt"),
        frozenset({"pattern", "minimum", "maximum", "minItems", "maxItems"}),
        "platform.openai.com/docs/guides/structured-outputs: supported schemas; every key required where strict",
        is_strict=True,
    ),
    Dialect(
        "nvidia",
        ("json_schema", "json_object", "prompt"),
        _ALL,
        "docs.nvidia.com/nim/large-language-models: structured generation; nvext.guided_json is gone from NIM 2",
    ),
    Dialect(
        "vllm",
        ("json_schema", "json_object", "prompt"),
        _ALL,
        "docs.vllm.ai/en/latest/features/structured_outputs: response_format; guided_json is gone from 0.12",
    ),
    Dialect(
        "ollama",
        ("json_schema", "json_object", "prompt"),
        _ALL,
        "docs.ollama.com/api/openai-compatibility: response_format; docs.ollama.com/capabilities/structured-outputs",
    ),
    Dialect(
        "llama_cpp",
        ("json_schema", "json_object", "prompt"),
        _ALL,
        "github.com/ggml-org/llama.cpp: tools/server/README.md response_format, grammars/README.md for what is taken",
        has_schema=True,
    ),
    Dialect(
        "llama_cpp_server",
        ("json_object", "prompt"),
        _ALL,
        "llama-cpp-python.readthedocs.io: JSON schema mode, response_format {type: json_object, schema}",
        has_schema=True,
    ),
    Dialect("anthropic", ("prompt",), _ALL, "not tried: its Messages API has no response_format"),
    Dialect("other", ("json_schema", "json_object", "prompt"), _ALL, "asked: what answers with JSON works"),
)
BY_NAME = {dialect.name: dialect for dialect in TABLE}
HOSTS = {"api.openai.com": "openai", "integrate.api.nvidia.com": "nvidia"}
PORTS = {11434: "ollama"}
ALIASES = {"llama.cpp": "llama_cpp", "llamacpp": "llama_cpp", "nim": "nvidia", "llama-cpp-python": "llama_cpp_server"}


def find_dialect(name: str, endpoint: str | None, provider_type: str = "openai") -> Dialect:
    """Find a provider's line of the table: by its name, else by its address, else the one for all others."""
    if provider_type != "openai":
        return BY_NAME["anthropic"]
    known = name.lower().replace("-", "_")
    known = ALIASES.get(name.lower(), known)
    if known in BY_NAME:
        return BY_NAME[known]
    address = urlsplit(endpoint or "")
    return BY_NAME[HOSTS.get(address.hostname or "", PORTS.get(address.port or 0, "other"))]


def reduce_schema(schema: Schema, dialect: Dialect) -> dict[str, Any]:
    """Reduce a schema to what a provider's decoder takes, which is sent; our checks hold the answer to all of it.

    Raises:
        RecursiveSchemaError: it refers to itself.
    """
    reduced: dict[str, Any] = _reduce(write_out(schema), dialect)
    return reduced


def _reduce(part: Any, dialect: Dialect) -> Any:
    if not isinstance(part, Mapping):
        return part
    given = {("anyOf" if key == "oneOf" else key): value for key, value in part.items()}
    kept = {key: value for key, value in given.items() if key in SHAPE or _is_taken(key, value, part, dialect)}
    if "pattern" in kept:
        kept["pattern"] = _spell_classes(kept["pattern"])
    if "enum" in kept or "const" in kept:
        kept = {key: value for key, value in kept.items() if key not in ("pattern", *LENGTHS, "minimum", "maximum")}
    if "properties" in kept:
        kept.setdefault("type", "object")
        kept.setdefault("additionalProperties", False)
    return change_parts(kept, lambda below: _reduce(below, dialect))


def _is_taken(key: str, value: Any, part: Schema, dialect: Dialect) -> bool:
    """Tell whether a keyword is sent: one that the decoder holds, and not one that it passes over without a word."""
    if key not in dialect.keywords:
        return False
    if key in ("minimum", "maximum"):  # of whole numbers alone
        return part.get("type") == "integer" and isinstance(value, int) and abs(value) < WIDEST_INTEGER
    return key != "pattern" or (ANCHORED.fullmatch(value) is not None and LOOKS.search(value) is None)


def _spell_classes(pattern: str) -> str:
    for short, spelt in CLASSES.items():
        pattern = pattern.replace(short, spelt)
    return pattern


def write_body(schema: Schema, mode: Mode, dialect: Dialect) -> dict[str, Any]:
    """Write what a request's body has besides, for an answer of a reduced schema.

    `strict` is said where OpenAI takes it: every key of every object required.
    """
    if mode == "prompt":
        return {}
    if mode == "json_object":
        with_schema = {"schema": schema} if dialect.has_schema else {}
        return {"response_format": {"type": "json_object", **with_schema}}
    asked: dict[str, Any] = {"name": NAME, "schema": schema}
    if dialect.is_strict:
        asked["strict"] = _has_all_required(schema)
    return {"response_format": {"type": "json_schema", "json_schema": asked}}


def _has_all_required(schema: Schema) -> bool:
    verdicts = []

    def look(part: Any) -> Any:
        if isinstance(part, Mapping):
            properties = part.get("properties", {})
            is_closed = part.get("additionalProperties", False) is False
            verdicts.append(not properties or (set(part.get("required", ())) == set(properties) and is_closed))
            change_parts(part, look)
        return part

    look(schema)
    return all(verdicts)

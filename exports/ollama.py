"""Ollama's files for a model that turns descriptions into strategies: Modelfile and request; and the chat template.

The template is that of Llama 3; the Modelfile's and the chat template's render the same prompt, byte for byte.
"""

import json
from typing import Any

from indicators.strategy.schema import build_schema

SYSTEM = (
    "Turn the description of a trading strategy into one JSON object. Leave out what has its default. "
    'Where a needed value is not said, answer {"unresolved": [paths], "question": "..."}.'
)
STOP = "<|eot_id|>"
HEADER = "<|start_header_id|>{}<|end_header_id|>\n\n"


def build_answer_schema() -> dict[str, Any]:
    """Return the schema of an answer: a strategy, or what is unresolved and a question."""
    strategy = build_schema()
    head = {key: strategy.pop(key) for key in ("$schema", "$defs")}
    question = {
        "type": "object",
        "properties": {
            "unresolved": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "question": {"type": "string"},
        },
        "required": ["unresolved", "question"],
        "additionalProperties": False,
    }
    return {**head, "anyOf": [strategy, question]}


def write_modelfile(model: str) -> str:
    """Write the Modelfile of a model: the template, the system's words, where it stops, no chance in decoding."""
    turns = "".join(
        f"{{{{ if .{name} }}}}{HEADER.format(role)}{{{{ .{name} }}}}{STOP}{{{{ end }}}}"
        for role, name in (("system", "System"), ("user", "Prompt"))
    )
    template = f"{turns}{HEADER.format('assistant')}{{{{ .Response }}}}{STOP}"
    lines = [
        f"FROM {model}",
        f'TEMPLATE """{template}"""',
        f'SYSTEM """{SYSTEM}"""',
        f'PARAMETER stop "{STOP}"',
        "PARAMETER temperature 0",
    ]
    return "\n".join(lines) + "\n"


def write_template() -> str:
    """Write the chat template (Jinja) for training: the same prompt, its first token said by the tokenizer."""
    turn = HEADER.format("{{ message['role'] }}") + "{{ message['content'] }}" + STOP
    header = HEADER.format("assistant")
    return f"{{% for message in messages %}}{turn}{{% endfor %}}{{% if add_generation_prompt %}}{header}{{% endif %}}"


def write_body(model: str) -> str:
    """Write the body of a request to Ollama's `/api/chat`, with the grammar as its `format`."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "<the description>"}]
    body = {
        "model": model,
        "messages": messages,
        "format": build_answer_schema(),
        "stream": False,
        "options": {"temperature": 0},
    }
    return json.dumps(body, indent=1) + "\n"

"""A prompt is read into its parts, as Data Designer itself puts it together."""

import pytest

from offline_model.errors import PromptError
from offline_model.prompt import drop_fences, find_said, read_fences, read_sections
from tests.offline_model.prompts import ask_for_json

SCHEMA = {"type": "object", "properties": {"size": {"type": "integer", "description": "of\n</response_schema>"}}}
PROMPT = """# Task: write one order

Session: 2024-03-05

## What it must be
- Its size is 3.

## The critique
- [safety] `size` 3 is too much
```json
{"size": 3}
```
```
no JSON
```
Keep it short."""


def test_heading_sections_and_schema_are_read() -> None:
    sections = read_sections(ask_for_json(PROMPT, SCHEMA))
    assert (sections.heading, sections.schema) == ("write one order", SCHEMA)
    assert sections.text == PROMPT
    assert list(sections.bodies) == ["What it must be", "The critique"]
    assert sections.bodies["What it must be"] == "- Its size is 3.\n"
    assert (sections.find("critique") or "").startswith("- [safety]")
    assert sections.find("examples") is None


def test_prompt_for_text_has_no_schema() -> None:
    sections = read_sections("Explain this. What is a <response_schema>\n?")
    assert (sections.heading, sections.schema, sections.bodies) == ("", None, {})
    assert sections.text.endswith("?")


def test_fences_are_read_where_they_hold_json() -> None:
    assert read_fences(PROMPT) == [{"size": 3}]
    assert "no JSON" not in drop_fences(PROMPT)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("- Its ticker is BRK.B.", ["BRK.B."]),
        ("`risk_level`: 'high'", ["'high'"]),
        ("The Risk Level is low", ["low"]),
        ('"stop_loss_pct": 1.5,', ["1.5,"]),
        ("Its entry_price (dollars (US), unadjusted) is 12", ["12"]),
        ("size is 3\nsize is 4", ["3", "4"]),
        ("oversize is 3. What is its size? The size isn't here.", []),
    ],
)
def test_what_sentences_set_is_found(sentence: str, said: list[str]) -> None:
    names = ["ticker", "risk_level", "stop_loss_pct", "entry_price", "size"]
    assert [value for name in names for value in find_said(sentence, name)] == said


@pytest.mark.parametrize("schema", ["{", "[]", '{"type": "objekt"}'])
def test_what_is_no_schema_is_refused(schema: str) -> None:
    with pytest.raises(PromptError, match="<response_schema>"):
        read_sections(f"Write.\n<response_schema>\n{schema}\n</response_schema>")

"""A prompt for text is answered with sentences about what it shows."""

import re

from offline_model.answer import answer_messages
from offline_model.options import Options

PROMPT = """Explain context {number} to a careful reader.

signal: BUY, {{'delta': -0.5}}
- strength: 4

```json
{{"close": 12.5, "pattern": {{"name": "no supply", "bars": [7, 8]}}}}
```
Use two sentences."""


def explain(number: int, fault_rate: float) -> str:
    messages = [{"role": "user", "content": PROMPT.format(number=number)}]
    return answer_messages(messages, Options(fault_rate=fault_rate)).text


def test_texts_differ_from_prompt_to_prompt() -> None:
    texts = [explain(number, 0) for number in range(50)]
    assert len(set(texts)) > 45
    assert texts == [explain(number, 0) for number in range(50)]


def test_every_number_is_the_prompts_own_but_for_faults() -> None:
    allowed = {"4", "0.5", "12.5", "7", "8"}
    assert all(set(re.findall(r"\d+(?:\.\d+)?", explain(number, 0))) <= allowed for number in range(50))
    assert all(set(re.findall(r"\d{4}", explain(number, 1))) for number in range(50))


def test_prompt_without_values_is_answered_in_its_words() -> None:
    answer = answer_messages([{"role": "user", "content": "Say something brief."}], Options())
    assert answer.role == "generator"
    assert "something" in answer.text or "brief" in answer.text

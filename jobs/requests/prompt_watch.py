"""Whether a server cuts prompts without a word: what it says it read is held against what was sent."""

from collections import defaultdict
from typing import Any

from jobs.request import Request

MOST_CHARACTERS_PER_TOKEN = 8.0  # of English or JSON; no tokenizer reads more into one, on average
LEAST_CHARACTERS = 4_000  # of a prompt, below which a count says little
WINDOW = 1_024  # of which contexts are multiples
SAME_COUNTS = 3  # prompts of different lengths that all fill the same window


class PromptWatch:
    """Compares the tokens of prompts with their characters, and says of each model once that its server cuts them."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._filled: defaultdict[tuple[str, int], set[int]] = defaultdict(set)

    def look(self, request: Request, model: str, response: Any) -> str | None:
        """Give what to say of an answer, if anything."""
        tokens = getattr(getattr(response, "usage", None), "input_tokens", None)
        characters = sum(len(part) for part in map(_read_text, request.messages))
        if model in self._said or not isinstance(tokens, int) or tokens <= 0 or characters < LEAST_CHARACTERS:
            return None
        if tokens % WINDOW in (0, 1, WINDOW - 1):
            self._filled[model, tokens].add(characters)
        fills_window = len(self._filled[model, tokens]) >= SAME_COUNTS
        if characters / tokens <= MOST_CHARACTERS_PER_TOKEN and not fills_window:
            return None
        self._said.add(model)
        return f"the server read {tokens:,} tokens of a prompt of {characters:,} characters: it cuts prompts"


def _read_text(message: Any) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content or () if isinstance(part, dict))

"""Answers that small language models gave to the pipeline's own prompts, word for word."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random

SAVED = Path(__file__).with_name("real_answers.json")


def replay_answer(role: str, rng: Random) -> str:
    """Replay one of a role's saved answers: of SmolLM2-135M-Instruct and a base model of 270M, mostly of no use."""
    saved = load_answers()
    return rng.choice(saved.get(role, saved["generator"]))


@cache
def load_answers() -> Mapping[str, Sequence[str]]:
    """Load the saved answers of each role."""
    answers: dict[str, list[str]] = json.loads(SAVED.read_text(encoding="utf-8"))
    return answers

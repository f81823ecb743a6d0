"""Asks a model twice, with much to read and with something to write: what the two take tells the pace of each."""

import random
from collections.abc import Iterable
from typing import Any

from data_designer.engine.models.utils import ChatMessage

from jobs.library.shim import name_cell
from jobs.request import PACE_PROBE

NUMBERS = 25  # some 200 to 400 tokens
TO_WRITE, WRITTEN = "Count from 1 to 50.", 32  # tokens of the answer


async def ask_for_pace(registry: Any, roles: Iterable[str]) -> None:
    """Ask a model of each role; the requests' times and tokens are in the log."""
    for role in roles:
        model = registry.get_model(model_alias=role)
        for text, tokens in ((write_numbers(), 1), (TO_WRITE, WRITTEN)):
            with name_cell(None, PACE_PROBE):
                await model.acompletion([ChatMessage.as_user(text)], skip_usage_tracking=True, max_tokens=tokens)


def write_numbers() -> str:
    """Write a prompt that no server has read before, and so has not kept."""
    numbers = " ".join(f"{random.random():.12f}" for _ in range(NUMBERS))  # noqa: S311 - no secret
    return f"{numbers}\nWhich of these numbers is the largest?"

"""What is read from a prompt, and what may be missing from it."""

from collections.abc import Callable
from typing import Any

import pytest

from offline_model.errors import PromptError
from offline_model.tasks.trade_log.task import Wanted
from tests.offline_model.tasks.trade_log.reading import read

WritePrompt = Callable[..., str]


def test_controls_session_and_prices_are_read(write_prompt: WritePrompt) -> None:
    task = read(write_prompt("generator"))
    assert task.wanted == Wanted(0.5, None, "NVDA", "buy", "open")
    assert (task.opens, task.closes, task.overnight) == (34200, 57600, False)
    assert task.price_ranges == {"NVDA": (90.0, 150.25)}
    assert [trade.hold for trade in task.examples] == [1175, 1305, 1175]


def test_trade_without_controls_is_a_task_too(write_prompt: WritePrompt) -> None:
    task = read(write_prompt("generator", controls={}))
    assert task.wanted == Wanted(None, None, None, None, None)
    assert task.price_ranges == {"NVDA": (90.0, 150.25), "TSLA": (200.0, 300.0)}


def test_dot_of_a_share_class_is_part_of_the_ticker(write_prompt: WritePrompt) -> None:
    text = write_prompt("generator").replace("ticker is NVDA.", "ticker is BRK.B.")
    task = read(text)
    assert task.wanted.ticker == "BRK.B"


def test_stated_tolerance_is_read(write_prompt: WritePrompt) -> None:
    task = read(write_prompt("generator").replace("close to 0.5.", "close to 0.5 (within 0.02)."))
    assert (task.wanted.volatility, task.wanted.tolerance) == (0.5, 0.02)


def test_early_close_is_read(write_prompt: WritePrompt) -> None:
    text = write_prompt("generator").replace("09:30:00 to 16:00:00", "09:30:00 to 13:00:00")
    task = read(text)
    assert task.closes == 46800


def test_a_session_that_never_ends_is_read(write_prompt: WritePrompt) -> None:
    task = read(write_prompt("generator").replace("09:30:00 to 16:00:00", "00:00:00 to 24:00:00"))
    assert (task.opens, task.closes) == (0, 23 * 3600 + 59 * 60)


def test_schema_at_the_end_is_no_critique(write_prompt: WritePrompt) -> None:
    task = read(write_prompt("refiner", trade={}, critique="- [a] exit_time is late"))
    assert "exit_time is late" in task.critique
    assert "entry_price" not in task.critique


@pytest.mark.parametrize("shown", [[], [{"ticker": "NVDA"}], ["no trade"]])
def test_prompt_without_a_usable_example_says_so(write_prompt: WritePrompt, shown: list[Any]) -> None:
    with pytest.raises(PromptError, match="holds no usable trade"):
        read(write_prompt("generator", shown=shown))


def test_judge_without_a_trade_says_so(write_prompt: WritePrompt) -> None:
    with pytest.raises(PromptError, match="'## The synthetic trade' holds no JSON object"):
        read(write_prompt("judge", trade=None))

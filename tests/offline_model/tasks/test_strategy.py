"""The rehearsal of strategy: the parser is the inverse of the writer, and errs at its planted rates."""

import json
import math
from collections import Counter
from random import Random

import pytest

from offline_model.errors import PromptError
from offline_model.options import Options
from offline_model.prompt import Sections
from offline_model.tasks.strategy.roles import ERRORS, TASKS, parse, plant_error, plant_fault

CARDS = "RSI: RSI, relative strength index\nCLOSE: closing price\nEMA: EMA, exponential average\n"
STRATEGY = {
    "ticker": "IBM",
    "position_type": "LONG",
    "buy_condition": {
        "all": [
            {"cross_over": [{"CLOSE": {}}, {"EMA": {"length": 20}}]},
            {"less": [{"RSI": {}}, 40]},
            {"up": {"series": {"RSI": {}}, "bars": 2}},
        ]
    },
    "take_profit": {"percent": 4},
}
SOUND = Options(fault_rate=0.0)


def show(strategy: object) -> Sections:
    """Give a writer's prompt in its parts."""
    fence = f"```json\n{json.dumps(strategy)}\n```"
    return Sections("", "", {"The strategy": fence, "The names of its series": CARDS}, None)


def read(text: str, options: Options = SOUND, seed: int = 1) -> object:
    """Read a description."""
    return parse(Sections("", "", {"The description": text, "Cards": CARDS}, None), Random(seed), options)


def test_the_parser_is_the_inverse_of_the_writer() -> None:
    for seed in range(20):
        text = TASKS["describe one strategy"](show(STRATEGY), Random(seed), SOUND)
        assert read(str(text)) == STRATEGY


def test_what_is_not_said_is_asked_for() -> None:
    text = TASKS["describe one strategy"](show(STRATEGY | {"take_profit": {"percent": "?"}}), Random(1), SOUND)
    answer = read(str(text))
    assert isinstance(answer, dict)
    assert answer["unresolved"] == ["$.take_profit.percent"]


def test_errors_come_at_their_rates() -> None:
    text = str(TASKS["describe one strategy"](show(STRATEGY), Random(1), SOUND))
    wrong = sum(read(text, Options(fault_rate=0.3), seed) != STRATEGY for seed in range(1_000)) / 1_000
    expected = 1 - math.prod(1 - rate for rate in ERRORS.values())
    assert abs(wrong - expected) < 0.04


@pytest.mark.parametrize("kind", ERRORS)
def test_every_kind_of_error_changes_the_strategy(kind: str) -> None:
    assert plant_error(json.loads(json.dumps(STRATEGY)), kind, Random(3)) != STRATEGY


def test_a_fault_leaves_out_or_adds_a_sentence() -> None:
    said = ["One.", "Two.", "Three."]
    assert Counter(len(plant_fault(said, Random(seed))) for seed in range(40)).keys() == {2, 4}


def test_a_prompt_without_a_strategy_is_an_error() -> None:
    with pytest.raises(PromptError, match="holds no strategy"):
        TASKS["describe one strategy"](Sections("", "", {}, None), Random(1), SOUND)

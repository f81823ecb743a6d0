"""Tasks are found by name, and two of one heading are told apart by nobody."""

from random import Random

import pytest

from offline_model.errors import OfflineModelError
from offline_model.options import Options
from offline_model.prompt import Sections
from offline_model.tasks.registry import find_tasks, join_tasks


def say_nothing(_sections: Sections, _rng: Random, _options: Options) -> object:
    return ""


def test_tasks_of_trade_log_are_found() -> None:
    assert find_tasks().keys() >= {"write one new trade", "judge one synthetic trade", "mend one synthetic trade"}


def test_two_tasks_of_one_heading_are_an_error() -> None:
    with pytest.raises(OfflineModelError, match="a and b both declare the task 'write'"):
        join_tasks({"a": {"write": say_nothing}, "b": {"mend": say_nothing, "write": say_nothing}})

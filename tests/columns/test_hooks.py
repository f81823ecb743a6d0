"""A function of a dataset that raises loses its row, and one that raises time after time ends the job."""

from typing import Any

import pytest

from columns.errors import HookError
from columns.hooks import SAME_FAILURES, call_hook, watch_hooks


def fail(error: type[Exception] = ValueError) -> None:
    raise error("no such word")


def call_failing(name: str = "fail", error: type[Exception] = ValueError) -> None:
    with pytest.raises(HookError):
        call_hook(name, fail, error)


@pytest.fixture
def stops() -> Any:
    said: list[HookError] = []
    with watch_hooks(said.append):
        call_hook("fresh", int)  # whatever failed before is of another name
        call_failing("another")
        yield said


def test_what_a_function_gives_is_handed_on() -> None:
    assert call_hook("add", lambda one, other: one + other, 2, 3) == 5


def test_function_that_raises_is_named_with_what_it_raised() -> None:
    with pytest.raises(HookError, match=r"^the dataset's function fail raised ValueError: no such word$") as caught:
        call_hook("fail", fail)
    assert isinstance(caught.value.__cause__, ValueError)


def test_three_failures_in_a_row_stop_the_job(stops: list[HookError]) -> None:
    for _ in range(SAME_FAILURES - 1):
        call_failing()
    assert stops == []
    call_failing()
    assert str(stops[0]).endswith("raised ValueError: no such word. 3 rows in a row: mend the function")


def test_success_of_the_function_in_between_is_no_row_of_failures(stops: list[HookError]) -> None:
    for _ in range(3 * SAME_FAILURES):
        call_failing()
        call_failing()
        call_hook("fail", int)
    assert stops == []


def test_failures_of_another_kind_are_counted_anew(stops: list[HookError]) -> None:
    for error in (ValueError, ValueError, KeyError, KeyError):
        call_failing(error=error)
    assert stops == []


def test_failures_that_nobody_watches_stop_nothing() -> None:
    for _ in range(2 * SAME_FAILURES):
        call_failing()


def test_stop_of_a_person_is_no_failure_of_the_function() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_hook("stop", stop)

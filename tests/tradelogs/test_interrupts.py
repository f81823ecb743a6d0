"""Signals that mean stop, each alike."""

import os
import signal
import time
from typing import Any

import pytest

from tradelogs.__main__ import main as start
from tradelogs.interrupts import CALM_SECONDS, STOPS, interruptible


@pytest.mark.parametrize("number", STOPS)
def test_a_stop_is_raised_in_the_main_thread_and_the_handlers_come_back(number: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in STOPS}
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(number)
    assert {each: signal.getsignal(each) for each in STOPS} == before


def test_a_storm_of_stops_is_one_and_a_later_stop_another() -> None:
    with interruptible():
        raised = 0
        for pause in (0.0, 0.0, 0.01, 2 * CALM_SECONDS, 0.0):
            time.sleep(pause)
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raised += 1
    assert raised == 2


def test_a_stop_that_falls_into_a_finalizer_is_heard_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    class Finalized:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def drop_one() -> None:
        Finalized()
        time.sleep(10 * CALM_SECONDS)

    with pytest.raises(KeyboardInterrupt), interruptible():
        drop_one()
    assert capsys.readouterr() == ("", "")


def test_a_hang_up_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_process_that_ends_with_the_context_hears_no_stop_after_it() -> None:
    before = {number: signal.getsignal(number) for number in STOPS}
    try:
        with interruptible(is_process=True):
            pass
        assert {signal.getsignal(number) for number in STOPS} == {signal.SIG_IGN}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("before", "then"), [(signal.default_int_handler, signal.SIG_DFL), (signal.SIG_IGN, signal.SIG_IGN)]
)
def test_a_stop_ends_a_process_that_is_still_importing_unless_it_is_ignored(
    monkeypatch: pytest.MonkeyPatch, before: Any, then: Any
) -> None:
    found = []
    monkeypatch.setattr("tradelogs.cli.main", lambda **_: found.append(signal.getsignal(signal.SIGINT)))
    own = signal.signal(signal.SIGINT, before)
    try:
        start()
    finally:
        signal.signal(signal.SIGINT, own)
    assert found == [then]

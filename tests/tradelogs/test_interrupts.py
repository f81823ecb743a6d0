"""Signals that mean stop, each alike."""

import os
import signal

import pytest

from tradelogs.interrupts import STOPS, interruptible


@pytest.mark.parametrize("number", STOPS)
def test_a_stop_is_raised_in_the_main_thread_and_the_handlers_come_back(number: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in STOPS}
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(number)
    assert {each: signal.getsignal(each) for each in STOPS} == before


def test_a_hang_up_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)

"""Caps and stops hold while a service is away, or takes calls that it never answers."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from designer_configs.compile.profile import load_profile
from jobs.errors import BackendError
from jobs.job import JobInterrupted

from .conftest import PROVIDER, Launched, Sender

LOOK, STORE = "/jobs/job-", "/preupload/"


@pytest.fixture
def patient(sender: Sender, tmp_path: Path, write_profile: Callable[..., Path]) -> Sender:
    """Give a sender that waits for ten minutes."""
    changes = {"provider": {"name": PROVIDER}, "backend": {"microservices": {}}, "run.patience_minutes": 10}
    return replace(sender, profile=load_profile(write_profile(tmp_path / "patient.yaml", changes)))


def spend_after(seconds: float) -> Callable[[], str | None]:
    limit = time.monotonic() + seconds
    return lambda: "max_minutes" if time.monotonic() > limit else None


@pytest.mark.parametrize("script", [{"refuse": 503}, {"hang": LOOK}, {"hang": STORE}])
def test_a_cap_ends_the_wait_for_a_service(
    patient: Sender, service: Launched, script: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.microservices.client.LONGEST_ANSWER", 2.0)
    service.write_script(**script)
    started = time.monotonic()
    result = replace(patient, find_spent_cap=spend_after(3)).send()
    assert time.monotonic() - started < 20
    assert {lost.message for lost in result.lost.values()} == {"not finished: the cap run.max_minutes was reached"}
    assert (result.rows, len(result.lost)) == ([], 6)


def test_what_was_drawn_before_the_service_went_is_kept(patient: Sender, service: Launched) -> None:
    first = patient.send()
    for path in patient.list_records("judge"):
        path.unlink()
        path.with_suffix(".parquet").unlink()
    service.write_script(refuse=503)
    result = replace(patient, find_spent_cap=spend_after(3)).send()
    skipped = [row for row in first.rows if row["judge"] is None]
    assert result.rows == skipped
    assert {lost.column for lost in result.lost.values()} == {"judge"}


def test_stopping_is_brief_where_nothing_is_answered(patient: Sender, service: Launched) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    service.write_script(hang=LOOK)
    moments: list[float] = []

    def interrupt() -> None:
        while not any(LOOK in path for _, path, _ in service.read_calls()):
            time.sleep(0.05)
        time.sleep(0.5)
        moments.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(JobInterrupted):
        patient.send()
    signal.signal(signal.SIGINT, before)
    assert time.monotonic() - moments[0] < 9


@pytest.mark.parametrize("script", [{"fail_looks": [1]}, {"lose_answer": True}])
def test_a_pause_that_a_service_asks_for_is_kept(sender: Sender, service: Launched, script: dict[str, Any]) -> None:
    service.write_script(headers={"Retry-After": "1"}, **script)
    started = time.monotonic()
    assert len(sender.send().rows) == 6
    assert time.monotonic() - started > 1


def test_a_pause_that_is_longer_than_patience_is_not_begun(sender: Sender, service: Launched) -> None:
    service.write_script(refuse=429, headers={"Retry-After": "3600"})
    with pytest.raises(BackendError, match=r"asks for a pause of 3600 s \(Retry-After\), .*run.patience_minutes: 0.03"):
        sender.send()
    assert service.count_calls("POST", "/jobs") == 1


def test_a_service_that_hangs_is_away(sender: Sender, service: Launched) -> None:
    service.write_script(hang="/settings")
    started = time.monotonic()
    with pytest.raises(BackendError, match=r"does not list its providers.*It does not answer: is it running"):
        sender.make_backend().check_models({})
    assert time.monotonic() - started < 15

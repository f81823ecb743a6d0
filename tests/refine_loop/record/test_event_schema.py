"""Every event of a real run is as its schema says, and the page is written from the schema."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from refine_loop.record.event_docs import PAGE, load_event_schema, main, write_page
from refine_loop.record.events import read_events

LINE = {"at": "2026-01-02T03:04:05.678+00:00", "active_seconds": 0.5}


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(load_event_schema())
    return Draft202012Validator(load_event_schema())


def test_events_of_a_run_are_as_the_schema_says(run_folder: Path, validator: Draft202012Validator) -> None:
    events = read_events(run_folder / "events.jsonl")
    for event in events:
        validator.validate(event)
    names = {event["event"] for event in events}
    always = {"run_started", "job_started", "request", "job_finished", "round_settled", "run_finished"}
    assert names == always | {"answer_read"}  # of an offline model's answers some are cut
    assert {event["outcome"] for event in events if event["event"] == "request"} == {"answered"}
    active = [event["active_seconds"] for event in events]
    assert active == sorted(active)


@pytest.mark.parametrize(
    "event",
    [
        {"event": "job_stopped", "job": "001_generate", "rows": 3, "seconds": 1.5},
        {"event": "provider_down", "model": "m", "said": "HTTP 503"},
        {"event": "provider_back", "model": "m"},
        {"event": "fallback_used", "role": "judge", "model": "n"},
        {"event": "run_halted", "why": "no answer"},
        {"event": "library_untried", "version": "1.0.1", "said": "not tried"},
        {"event": "structured_output", "role": "judge", "mode": "prompt", "tried": {"json_schema": "HTTP 400"}},
    ],
)
def test_event_of_a_bad_day_is_as_the_schema_says(event: dict[str, Any], validator: Draft202012Validator) -> None:
    validator.validate(LINE | event)
    with pytest.raises(ValidationError):
        validator.validate(LINE | event | {"more": 1})
    with pytest.raises(ValidationError):
        validator.validate(event)


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page()
    assert main(["--check"]) == 0


def test_page_that_is_not_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("refine_loop.record.event_docs.PAGE", tmp_path / "events.md")
    assert main(["--check"]) == 1
    assert "events.md is out of date" in capsys.readouterr().out
    assert main([]) == 0
    assert main(["--check"]) == 0

"""A report that the disk does not take is said, and the run that it is of ends as it has."""

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from tradelogs.exits import describe_os_error
from tradelogs.verdict_display import report_outcome


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device", "x/metrics.json"), OSError("gone")])
def test_a_report_that_cannot_be_written_takes_nothing_from_its_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("tradelogs.verdict_display.show_verdict", fail)
    report_outcome(SimpleNamespace(stopped_by="accepted", folder=Path("runs/mine")))
    said = capsys.readouterr().err
    assert f"no report: {describe_os_error(error)}. The run is complete" in said
    assert "tradelogs verify runs/mine" in said


def test_an_error_is_said_by_its_file_and_what_it_is_and_asks_for_room_where_there_is_none() -> None:
    assert describe_os_error(OSError(errno.EIO, "Input/output error")) == "Input/output error"
    assert describe_os_error(OSError(errno.EIO, "Input/output error", "a/b")) == "a/b: Input/output error"
    full = OSError(errno.ENOSPC, "No space left on device", "a/b")
    assert describe_os_error(full) == "a/b: No space left on device. Make room on the disk"
    assert describe_os_error(OSError()) == "OSError"

"""A preview shows whom it asks, each answer as it comes, and at Ctrl-C how many there were."""

from pathlib import Path
from typing import Any

import pytest

from designer_configs.compile.profile import load_profile
from jobs.reading.answer import Answer
from jobs.request import Request
from refine_loop.nodes import generate
from tests.conftest import Cli, WriteProfile
from tradelogs.preview_display import MOST_LINES, PreviewProgress

ASKED = Request("001_generate", "0123456789", "trade", "generator", "m")


def test_answer_is_shown_by_its_first_and_last_lines(capsys: pytest.CaptureFixture[str]) -> None:
    progress = PreviewProgress(load_profile("offline"), "http://127.0.0.1:1/v1")
    text = "\n".join(f"line {number}" for number in range(MOST_LINES + 5))
    progress.show_answer(ASKED, Answer(text, finish_reason="length"))
    said = capsys.readouterr().out
    assert "asking generator rehearsal-generator" in said
    assert "01234567: trade (finish_reason length)" in said
    assert all(shown in said for shown in ("line 0 ", "... 5 lines ...", f"line {MOST_LINES + 4} "))
    assert f"line {MOST_LINES // 2} " not in said


def test_preview_that_is_stopped_has_shown_what_came(
    cli: Cli, write_profile: WriteProfile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_after(*given: Any) -> None:
        generate(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr("refine_loop.preview.generate", stop_after)
    result = cli("preview", write_profile(tmp_path / "p.yaml", {}), "--num", 1)
    assert result.exit_code == 1
    assert ": trade (finish_reason stop)" in result.output
    assert "answers had come, shown above" in result.output

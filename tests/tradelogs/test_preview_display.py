"""A preview shows whom it asks, each answer as it comes, and at Ctrl-C how many there were."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from designer_configs.compile.profile import load_profile
from jobs.reading.answer import Answer
from jobs.request import Request
from refine_loop.nodes import generate
from refine_loop.preview import Audience, preview_candidates
from tests.conftest import Cli, WriteProfile
from tests.faults.endpoint import Asked, Reply, answer_well, open_endpoint, say
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
    assert "stopped; shown above: 2 answers, 1 finished candidates" in result.output
    assert "candidate 1" in result.output


def test_candidate_is_shown_as_soon_as_it_is_finished() -> None:
    offline = load_profile("offline")
    seen: list[tuple[str, Any]] = []

    def answer(asked: Asked) -> Reply | None:
        if asked.role == "generator" and asked.row == 0:
            return say("I cannot trade today, but I hope that you can.")
        return replace(answer_well(asked), wait=1.5) if asked.role == "generator" and asked.row == 2 else None

    audience = Audience(
        lambda _: None, lambda asked, _: seen.append((asked.column, asked.row_id)), lambda c: seen.append(("shown", c))
    )
    with open_endpoint() as endpoint:
        endpoint.script = answer
        provider = replace(offline.provider, name="mine", endpoint=endpoint.url)
        preview_candidates(replace(offline, provider=provider), 3, None, audience, verbose=False)
    shown = [each for name, each in seen if name == "shown"]
    assert [name for name, _ in seen].index("shown") < max(n for n, (name, _) in enumerate(seen) if name == "trade")
    assert [candidate["status"] for candidate in shown].index("failed") == 2  # the lost, at the end
    assert len({candidate["row_id"] for candidate in shown}) == 3
    assert all(candidate["controls"] for candidate in shown)

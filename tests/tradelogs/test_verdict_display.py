"""What a terminal shows of a run and of its verdict is never cut within a word, however narrow it is."""

from pathlib import Path
from typing import Any

import pytest

from columns.declared import read_declared
from refine_loop.record.outputs import Outcome
from tests.conftest import ROOT
from tradelogs.display import RunDisplay
from tradelogs.verdict_display import VerdictDisplay, say_number, say_untold, wrap_words

ANSWER = {
    "question": "memorisation",
    "verdict": "overfit (copies)",
    "reason": "Too little to compare: 12 synthetic trades, at least 20 are needed.",
    "numbers": [["near copies of train rows (real rows: 5% at most)", "9.0% [5.7, 13.8]"]],
}
LONGEST = len("memorisation  overfit (copies)")  # which stands on one line
METRICS: dict[str, Any] = {
    "answers": [ANSWER],
    "overall": {"verdict": "underfit", "text": "underfit", "reason": "A classifier tells synthetic from gold surely."},
    "summary": {"sentence": "These trades win half of the time where yours win less.", "notice": "A rehearsal."},
}


@pytest.mark.parametrize("width", ["24", "34", "50", "80", "400", None])
def test_words_are_whole(
    width: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width) if width else monkeypatch.delenv("COLUMNS", raising=False)
    VerdictDisplay().print_verdicts(METRICS, Path("runs"))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= max(int(width or 80), LONGEST)
    wanted = f"{METRICS['summary']['sentence']} {ANSWER['numbers'][0][0]} {METRICS['overall']['reason']}"
    assert set(wanted.split()) <= set(shown.split())
    assert "…" not in shown


def test_an_unknown_number_says_why() -> None:
    assert say_number({**ANSWER, "numbers": [["near copies", "unknown"]]}) == ANSWER["reason"]
    assert say_number(ANSWER).startswith("9.0%")


def test_what_cannot_be_told_is_folded_into_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    untold = {**ANSWER, "verdict": "cannot tell"}
    answers = [{**untold, "question": "numbers", "needs": "130 trades on either side"}, {**untold, "question": "days"}]
    told = f"numbers takes 130 trades on either side; days: {ANSWER['reason']}"
    assert say_untold(answers) == told
    summary = {"sentence": "One sentence.", "graded": [["copies", "none found"]]}
    VerdictDisplay().print_verdicts({**METRICS, "answers": [ANSWER, *answers], "summary": summary}, Path("runs"))
    shown = capsys.readouterr().out.split("\n\n")
    assert shown[1] == "copies  none found"
    assert shown[2].startswith("memorisation  overfit (copies)  9.0%")
    assert " ".join(shown[3].split()) == f"not told: {told}"


def test_what_fills_many_lines_is_folded_to_names(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"question_{number}" for number in range(9)]
    answers = [{**ANSWER, "verdict": "cannot tell", "question": name} for name in names]
    VerdictDisplay().print_verdicts({**METRICS, "answers": answers}, Path("runs"))
    shown = " ".join(capsys.readouterr().out.split())
    assert f"not told: {', '.join(names)}; the report says what each takes." in shown


def test_a_long_word_stays_whole() -> None:
    assert wrap_words("a " + "b" * 90, 50) == ["a", "b" * 90]


@pytest.mark.parametrize("width", ["24", None])
def test_counts_and_folder_are_a_line_each(
    width: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width) if width else monkeypatch.delenv("COLUMNS", raising=False)
    usage: dict[str, object] = {
        "requests": 5,
        "prompt_tokens": 7,
        "completion_tokens": 1,
        "counted": 5,
        "answers": 5,
        "seconds": 1.0,
    }
    usage |= {"cost": 0.5, "currency": "[red]\x1b"}
    folder = Path("/a folder") / ("long" * 30) / "x [v2] :smile:"
    outcome = Outcome(folder, "interrupted", 4, 1, 0, 0, 0, 0, usage, [], [])
    RunDisplay(read_declared(ROOT / "columns/trade_log"), live=False).print_outcome(outcome)
    lines = capsys.readouterr().out.splitlines()
    assert f"files          {folder}" in lines
    assert "cost           0.5000 [red]\\x1b" in lines
    assert lines[-1] == f"Go on with it: tradelogs resume '{folder}'"

"""What a terminal shows of a verdict is never cut within a word, however narrow it is."""

from pathlib import Path
from typing import Any

import pytest

from tradelogs.verdict_display import VerdictDisplay, say_number, wrap_words

ANSWER = {
    "question": "memorisation",
    "verdict": "overfit (copies)",
    "reason": "Too little to compare: 12 synthetic trades, at least 20 are needed.",
    "numbers": [["near copies of train rows (real rows: 5% at most)", "9.0% [5.7, 13.8]"]],
}
METRICS: dict[str, Any] = {
    "answers": [ANSWER],
    "overall": {"verdict": "underfit", "text": "underfit", "reason": "A classifier tells synthetic from gold surely."},
    "summary": {"sentence": "These trades win half of the time where yours win less.", "notice": "A rehearsal."},
}


@pytest.mark.parametrize("width", ["50", "80"])
def test_words_are_whole(width: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    VerdictDisplay().print_verdicts(METRICS, Path("runs"))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= int(width)
    wanted = f"{METRICS['summary']['sentence']} {ANSWER['numbers'][0][0]} {METRICS['overall']['reason']}"
    assert set(wanted.split()) <= set(shown.split())
    assert "…" not in shown


def test_an_unknown_number_says_why() -> None:
    assert say_number({**ANSWER, "numbers": [["near copies", "unknown"]]}) == ANSWER["reason"]
    assert say_number(ANSWER).startswith("9.0%")


def test_a_long_word_stays_whole() -> None:
    assert wrap_words("a " + "b" * 90, 50) == ["a", "b" * 90]

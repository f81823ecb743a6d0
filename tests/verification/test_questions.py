"""A dataset's questions are found by name, and what is wrong with them is said."""

import sys
from pathlib import Path

import pytest

from verification.errors import VerificationError
from verification.questions import load_questions


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that modules are imported from."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


@pytest.mark.parametrize("name", ["verification.trades.questions", "verification.texts.questions"])
def test_ours_are_whole(name: str) -> None:
    questions = load_questions(name, "mine")
    named = questions.DECIDING
    assert {*named.alone, *named.copies} <= {*named.law, *named.deciding, *named.needed}
    assert len({drawing.key for drawing in questions.PLOTS}) == len(questions.PLOTS)


@pytest.mark.parametrize("name", ["verification.weather.questions", "nowhere"])
def test_a_module_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(VerificationError, match=rf"^columns/mine/dataset.yaml: questions: {name}: there is no such"):
        load_questions(name, "mine")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ask = DECIDING = None", "it lacks PLOTS; docs/verification.md says"),
        ("import nowhere_at_all", "it imports nowhere_at_all, which is not installed"),
        ("def ask(:", r"it cannot be imported \(SyntaxError: "),
        ("1 / 0", r"it cannot be imported \(ZeroDivisionError: division by zero\)"),
    ],
)
def test_a_module_that_is_wrong_says_what_is(folder: Path, text: str, said: str) -> None:
    (folder / "asked_of_mine.py").write_text(text)
    with pytest.raises(VerificationError, match=said):
        load_questions("asked_of_mine", "mine")

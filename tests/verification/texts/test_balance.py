"""Controls that got their shares, that starve, and too little to tell."""

import pytest

from tests.verification.texts.runs import draw_texts, make_control, make_run
from verification.answers import CANNOT_TELL, GOOD, UNDERFIT
from verification.texts.balance import ask_balance

MOOD = make_control("mood", ["calm", "wild"])


@pytest.mark.parametrize(
    ("moods", "verdict"),
    [
        (["calm", "wild"] * 50, GOOD),
        (["calm"] * 95 + ["wild"] * 5, UNDERFIT),
        (["calm", "wild"] * 10, CANNOT_TELL),
        (["calm"] * 5, CANNOT_TELL),
        ([], CANNOT_TELL),
    ],
)
def test_what_is_delivered_decides(moods: list[str], verdict: str) -> None:
    run = make_run(draw_texts(len(moods)), controls=[MOOD], drawn={"mood": moods})
    assert ask_balance(run, 0).verdict == verdict


def test_what_starves_is_named() -> None:
    answer = ask_balance(make_run(draw_texts(90), controls=[MOOD], drawn={"mood": ["calm"] * 90}), 0)
    assert answer.reason == "Less than half of what was declared came of: mood wild."
    assert answer.numbers[0] == ("starved buckets of controls", "1")


def test_a_bucket_that_is_too_rare_is_said() -> None:
    rare = make_control("mood", [f"m{place}" for place in range(40)])
    moods = [f"m{place % 40}" for place in range(120)]
    answer = ask_balance(make_run(draw_texts(120), controls=[rare], drawn={"mood": moods}), 0)
    assert answer.verdict == CANNOT_TELL
    assert len(answer.metrics["too_rare"]) == 40


def test_a_run_without_controls_cannot_tell() -> None:
    assert ask_balance(make_run(draw_texts(90)), 0).verdict == CANNOT_TELL

"""One verdict of many answers."""

from dataclasses import replace

import pytest

from verification.answers import CANNOT_TELL, COPIES, GOOD, NOISE, UNDERFIT, Answer, Interval, Verdict
from verification.trades.questions import DECIDING
from verification.verdict import Overall, decide, say_known

QUESTIONS = (
    "validity",
    "fidelity",
    "exits",
    "diversity",
    "memorisation",
    "model",
    "backtest",
    "weather",
    "judge",
)


def answer_all(**verdicts: Verdict) -> list[Answer]:
    return [
        Answer(question, question, verdicts.get(question, GOOD), f"{question} said so", (("a", "1"),) * 3)
        for question in QUESTIONS
    ]


def decide_on(answers: list[Answer], used: int = 400) -> Overall:
    return decide(answers, DECIDING, used, 320, "trades")


def test_nothing_found_is_good() -> None:
    assert decide_on(answer_all()).verdict == GOOD


@pytest.mark.parametrize(
    ("said", "overall", "decided_by"),
    [
        ({"memorisation": COPIES, "fidelity": NOISE}, COPIES, "memorisation"),
        ({"fidelity": NOISE, "exits": UNDERFIT}, NOISE, "fidelity"),
        ({"validity": NOISE}, NOISE, "validity"),
        ({"exits": NOISE}, UNDERFIT, "exits"),
        ({"diversity": UNDERFIT, "fidelity": CANNOT_TELL}, UNDERFIT, "diversity"),
        ({"model": UNDERFIT}, UNDERFIT, "model"),
        ({"backtest": NOISE}, UNDERFIT, "backtest"),
        ({"exits": CANNOT_TELL}, CANNOT_TELL, "exits"),
    ],
)
def test_what_decides(said: dict[str, Verdict], overall: Verdict, decided_by: str) -> None:
    decided = decide_on(answer_all(**said))
    assert decided.verdict == overall
    assert decided.reason.startswith(f"{decided_by} said so")


@pytest.mark.parametrize("question", ["weather", "judge"])
def test_what_is_shown_only(question: str) -> None:
    assert decide_on(answer_all(**{question: NOISE})).verdict == GOOD


@pytest.mark.parametrize("question", ["model", "backtest"])
def test_what_may_stay_open(question: str) -> None:
    assert decide_on(answer_all(**{question: CANNOT_TELL})).verdict == GOOD


def test_what_is_too_small_is_said() -> None:
    unsure = answer_all(fidelity=CANNOT_TELL)
    assert decide_on(unsure).text == "cannot tell: gold too small"
    assert decide_on(unsure, used=300).text == "cannot tell: too few accepted trades"
    assert decide_on(answer_all(validity=CANNOT_TELL)).text == "cannot tell: too few accepted trades"
    told = [replace(answer, needs="72 accepted trades") for answer in answer_all(validity=CANNOT_TELL)]
    assert decide_on(told).text == "cannot tell: it takes 72 accepted trades"


def test_what_is_asked_first_is_named_first_and_the_others_after_it() -> None:
    decided = decide_on(answer_all(exits=UNDERFIT, model=NOISE, diversity=UNDERFIT, weather=NOISE))
    assert decided.reason == "exits said so So it is by diversity and model, too."
    assert decided.question == "exits"


def test_what_is_known_is_said_where_the_whole_cannot_be_told() -> None:
    said = decide_on(answer_all(fidelity=CANNOT_TELL, model=CANNOT_TELL)).reason
    assert said.endswith(" Good by validity, exits, diversity, memorisation, backtest, weather, judge.")
    assert say_known([]) == "Nothing is surely good, nothing surely bad."


def test_good_says_what_it_does_not_rest_on() -> None:
    said = decide_on(answer_all(model=CANNOT_TELL, weather=UNDERFIT)).reason
    assert said == (
        "Good by validity, fidelity, exits, diversity, memorisation, backtest, judge. "
        "Shown, not deciding: weather says underfit."
    )


def test_what_is_called_good_is_bounded_one_sided() -> None:
    interval = Interval(0.5, 0.304, 0.696)
    assert (interval.likely_low, interval.likely_high) == pytest.approx((0.3355, 0.6645))

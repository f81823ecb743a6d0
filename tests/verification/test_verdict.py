"""One verdict of many answers."""

import pytest

from verification.answers import CANNOT_TELL, COPIES, GOOD, NOISE, UNDERFIT, Answer, Verdict
from verification.verdict import decide

QUESTIONS = (
    "validity",
    "fidelity",
    "exits",
    "diversity",
    "memorisation",
    "utility",
    "search",
    "backtest",
    "paths",
    "indicators",
    "judge",
)


def answer_all(**verdicts: Verdict) -> list[Answer]:
    return [
        Answer(question, question, verdicts.get(question, GOOD), f"{question} said so", (("a", "1"),) * 3)
        for question in QUESTIONS
    ]


def test_nothing_found_is_good() -> None:
    assert decide(answer_all(), 400, 320).verdict == GOOD


@pytest.mark.parametrize(
    ("said", "overall", "decided_by"),
    [
        ({"memorisation": COPIES, "fidelity": NOISE}, COPIES, "memorisation"),
        ({"fidelity": NOISE, "exits": UNDERFIT}, NOISE, "fidelity"),
        ({"validity": NOISE}, NOISE, "validity"),
        ({"exits": NOISE}, UNDERFIT, "exits"),
        ({"diversity": UNDERFIT, "fidelity": CANNOT_TELL}, UNDERFIT, "diversity"),
        ({"search": UNDERFIT}, UNDERFIT, "search"),
        ({"backtest": NOISE}, UNDERFIT, "backtest"),
        ({"exits": CANNOT_TELL}, CANNOT_TELL, "exits"),
    ],
)
def test_what_decides(said: dict[str, Verdict], overall: Verdict, decided_by: str) -> None:
    decided = decide(answer_all(**said), 400, 320)
    assert (decided.verdict, decided.reason) == (overall, f"{decided_by} said so")


@pytest.mark.parametrize("question", ["paths", "indicators", "judge"])
def test_what_is_shown_only(question: str) -> None:
    assert decide(answer_all(**{question: NOISE}), 400, 320).verdict == GOOD


@pytest.mark.parametrize("question", ["utility", "search", "backtest"])
def test_what_may_stay_open(question: str) -> None:
    assert decide(answer_all(**{question: CANNOT_TELL}), 400, 320).verdict == GOOD


def test_what_is_too_small_is_said() -> None:
    unsure = answer_all(fidelity=CANNOT_TELL)
    assert decide(unsure, 400, 320).text == "cannot tell: gold too small"
    assert decide(unsure, 300, 320).text == "cannot tell: too few accepted trades"
    assert decide(answer_all(validity=CANNOT_TELL), 400, 320).text == "cannot tell: too few accepted trades"


def test_good_says_what_it_does_not_rest_on() -> None:
    said = decide(answer_all(utility=CANNOT_TELL, paths=UNDERFIT), 400, 320).reason
    assert said == (
        "Good by validity, fidelity, exits, diversity, memorisation, search, backtest, indicators, judge. "
        "Not told: utility. Shown, not deciding: paths says underfit."
    )

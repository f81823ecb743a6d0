"""What a trader reads first is one sentence, and says nothing more surely than the answers do."""

import re
from typing import Any

import pytest

from verification.answers import CANNOT_TELL, COPIES, GOOD, LEAK, NOISE, UNDERFIT, Answer, Verdict
from verification.trades.summary import ENDINGS, summarise
from verification.verdict import Overall

WIN = {"key": "win_rate", "says": "win rate", "unit": "share", "seen_from": 400}
ENDS = {"gold": {"value": 0.5}, "synthetic": {"value": 0.5}}
ROW = {**WIN, **ENDS, "difference": {"value": -0.001, "low": -0.1, "high": 0.1}}
NUMBERS: dict[str, Any] = {
    "table": [ROW, *({**ROW, "key": key} for key in ("mean_result", "held"))],
    "families": {"result": 0.001, "path": 0.04, "time": 0.5},
    "alpha": 0.015,
    "doubt": 0.05,
    "noticed": [0.2, 0.3],
    "noticed_from": [0.1, 240],
    "terms": [{"family": "time", "says": "the time of day"}, {"family": "result", "says": "the win rate"}],
}
NOTICED = (
    "a win rate 20 points off would have been noticed 4 times of 5 (for 10 points it takes 240 trades on either side)."
)


def answer(question: str, verdict: Verdict, reason: str = "Because.", **metrics: Any) -> Answer:
    return Answer(question, question, verdict, reason, (("a", "1"),), metrics)


def say(verdict: Verdict, question: str = "", **said: Answer) -> str:
    answers = [said.get("numbers", answer("numbers", GOOD, **NUMBERS)), *said.values()]
    return str(summarise(answers, Overall(verdict, "Because.", verdict, question), is_rehearsal=False)["sentence"])


@pytest.mark.parametrize(("verdict", "said"), [(GOOD, "up to 70 is a guess"), (CANNOT_TELL, "cannot be told yet")])
def test_the_law_is_graded_only_where_it_is_told(verdict: Verdict, said: str) -> None:
    value = {"value": 0.3, "low": 0.1, "high": 0.5}
    fidelity = answer("fidelity", verdict, scores=[{"value": value}], line=0.7)
    summary = summarise([fidelity], Overall(verdict, "", verdict), is_rehearsal=False)
    graded = dict(summary["graded"])
    assert "which is synthetic 30 times of 100 [10, 50]" in graded["law"]
    assert graded["law"].endswith(said)


def test_no_difference_is_minus_zero() -> None:
    table = summarise([answer("numbers", GOOD, **NUMBERS)], Overall(GOOD, "", GOOD), is_rehearsal=False)["table"]
    assert table[0][3:] == ("0 [-10, +10] points", "400")


def test_why_it_is_not_known_from_which_n_a_number_is_seen() -> None:
    dealt = {**ROW, "key": "trades_per_session", "difference": {}, "seen_from": None}
    rows = [{**ROW, "seen_from": None}, dealt, *({**ROW, "key": key} for key in ("mean_result", "held"))]
    answers = [answer("numbers", GOOD, **{**NUMBERS, "table": rows}), answer("days", GOOD, sessions_dealt_by_plan=True)]
    table = summarise(answers, Overall(UNDERFIT, "", UNDERFIT, "weather"), is_rehearsal=False)["table"]
    assert [row[4] for row in table] == ["over 1,000,000", "400", "400", "set by the plan"]


@pytest.mark.parametrize(
    ("verdict", "question", "ending"),
    [
        (GOOD, "", f"no number is surely off, and {NOTICED}"),
        (UNDERFIT, "numbers", "but what they win and lose surely is not as in yours, most of all the win rate."),
        (UNDERFIT, "days", "but times are clumped: 3 of 4 in one minute."),
        (UNDERFIT, "validity", f"{ENDINGS['validity', UNDERFIT]}."),
        (NOISE, "fidelity", f"{ENDINGS['fidelity', NOISE]}."),
        (LEAK, "memorisation", f"{ENDINGS['memorisation', LEAK]}."),
        (COPIES, "memorisation", f"{ENDINGS['memorisation', COPIES]}."),
        (UNDERFIT, "weather", "but they are not like yours by weather."),
    ],
)
def test_one_sentence_says_what_decided(verdict: Verdict, question: str, ending: str) -> None:
    days = answer("days", UNDERFIT, "Times are clumped: 3 of 4 in one minute. Days do not hang together: few.")
    said = say(verdict, question, days=days)
    assert said.startswith("These trades win 50% of the time where yours win 50%, make 50% a trade")
    assert said.endswith(f"; {ending}")
    assert not re.search(r"\.\s", said)


def test_what_cannot_be_told_says_what_would_have_been_noticed() -> None:
    unsure = answer("numbers", CANNOT_TELL, **{**NUMBERS, "families": {"result": 0.2, "path": 0.04}})
    assert say(CANNOT_TELL, "numbers", numbers=unsure).endswith(
        f"; how far they run may differ, but so few trades tell little: {NOTICED}"
    )


def test_too_few_trades_are_one_sentence_too() -> None:
    few = answer("numbers", CANNOT_TELL, table=[])
    assert say(CANNOT_TELL, "numbers", numbers=few).endswith("too few to hold a trader's numbers against each other.")
    assert say(LEAK, "memorisation", numbers=few).endswith(f"each other, {ENDINGS['memorisation', LEAK]}.")

"""What a trader reads first is not said more surely than the answers say it."""

import pytest

from verification.answers import CANNOT_TELL, GOOD, Answer, Verdict
from verification.trades.summary import summarise

WIN = {"key": "win_rate", "says": "win rate", "unit": "share", "seen_from": 400}


def answer(question: str, verdict: Verdict, **metrics: object) -> Answer:
    return Answer(question, question, verdict, "Because.", (("a", "1"),), metrics)


@pytest.mark.parametrize(("verdict", "said"), [(GOOD, "up to 0.70 is a guess"), (CANNOT_TELL, "cannot be told yet")])
def test_the_law_is_graded_only_where_it_is_told(verdict: Verdict, said: str) -> None:
    value = {"value": 0.3, "low": 0.1, "high": 0.5}
    fidelity = answer("fidelity", verdict, scores=[{"value": value}], line=0.7)
    graded = dict(summarise([fidelity], is_rehearsal=False)["graded"])
    assert graded["law"].startswith("told from gold with AUC 0.30 [0.10, 0.50]")
    assert graded["law"].endswith(said)


def test_no_difference_is_minus_zero() -> None:
    ends = {"gold": {"value": 0.5}, "synthetic": {"value": 0.5}}
    row = {**WIN, **ends, "difference": {"value": -0.001, "low": -0.1, "high": 0.1}}
    rows = [row, *({**row, "key": key} for key in ("mean_result", "held"))]
    table = summarise([answer("numbers", GOOD, table=rows)], is_rehearsal=False)["table"]
    assert table[0][3] == "0 points [-10 points, +10 points]"

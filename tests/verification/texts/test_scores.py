"""A judge that tells rows apart, and one that does not; and what a run took."""

import polars as pl
import pytest

from tests.verification.texts.runs import draw_texts, make_run
from verification.answers import CANNOT_TELL, GOOD, UNDERFIT
from verification.texts.funnel import ask_funnel, count_reasons
from verification.texts.scores import ask_scores


def make_ledger(accepted: int, lost: int) -> pl.DataFrame:
    reasons = [None] * accepted + ["safety" if place % 3 else None for place in range(lost)]
    return pl.DataFrame(
        {
            "status": ["accepted"] * accepted + ["rejected"] * lost,
            "reason": pl.Series(reasons, dtype=pl.String),
            "refine_passes": [0] * accepted + [2] * lost,
            "safety": [5] * accepted + [2] * lost,
        }
    )


def test_scores_of_all_candidates_count_where_there_is_a_ledger() -> None:
    answer = ask_scores(make_run(draw_texts(40), ledger=make_ledger(40, 10)))
    assert (answer.verdict, answer.metrics["of"], answer.metrics["judged"]) == (GOOD, "ledger", 50)
    assert answer.metrics["criteria"] == [{"name": "safety", "mean": 4.4, "counts": [[2, 10], [5, 40]]}]


def test_the_same_score_every_time_tells_nothing_apart() -> None:
    answer = ask_scores(make_run(draw_texts(40), drawn={"safety": [5] * 40}))
    assert answer.verdict == UNDERFIT
    assert answer.reason.endswith("told apart by it: safety (5).")


def test_no_scores_and_few_scores_cannot_tell() -> None:
    assert ask_scores(make_run(draw_texts(40))).verdict == CANNOT_TELL
    assert ask_scores(make_run(draw_texts(5), drawn={"safety": [5, 4, 5, 4, 5]})).verdict == CANNOT_TELL
    assert ask_scores(make_run([], drawn={"safety": []})).verdict == CANNOT_TELL


@pytest.mark.parametrize(
    ("accepted", "lost", "verdict"), [(80, 20, GOOD), (20, 80, UNDERFIT), (5, 4, CANNOT_TELL), (0, 0, CANNOT_TELL)]
)
def test_the_share_accepted_decides_the_funnel(accepted: int, lost: int, verdict: str) -> None:
    run = make_run(draw_texts(accepted), ledger=make_ledger(accepted, lost))
    assert ask_funnel(run).verdict == verdict


def test_an_accepted_row_has_its_price() -> None:
    usage = {"prompt_tokens": 9_000, "completion_tokens": 1_000, "cost": 0.5, "currency": "USD"}
    answer = ask_funnel(make_run(draw_texts(40), ledger=make_ledger(40, 10), usage=usage))
    assert answer.numbers[1:] == (("tokens an accepted note took", "250"), ("cost of one, USD", "0.0125"))
    assert answer.metrics["refine_passes"] == [[0, 40]]


def test_reasons_are_counted_the_commonest_first() -> None:
    assert count_reasons(make_ledger(3, 9)) == [["safety", 6], ["no reason kept", 3]]

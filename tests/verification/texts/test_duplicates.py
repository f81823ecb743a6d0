"""Texts and rows that repeat one another or the gold, held against a naive count."""

import math

import numpy as np
import pytest

from tests.verification.texts.runs import draw_texts, make_run
from verification.answers import CANNOT_TELL, COPIES, GOOD, UNDERFIT
from verification.texts import nearness
from verification.texts.duplicates import ask_duplicates
from verification.texts.nearness import find_nearest, split_triples, vectorise


def test_numbers_are_masked_but_not_within_words() -> None:
    assert split_triples("At 10:31 the RSI_14 rose 5.2%") == split_triples("at 9 the rsi_14 rose -71%")
    assert split_triples("rsi_14 rose") != split_triples("rsi_7 rose")
    assert split_triples("One.") == ["^ ^ one"]
    assert split_triples("") == []


def test_similarity_is_that_of_a_naive_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearness, "BLOCK", 3)
    texts = [
        " ".join(text.split()[:12] + ["and", "so", "on"] * (place % 3)) for place, text in enumerate(draw_texts(10))
    ]
    sets = [set(split_triples(text)) for text in texts]
    naive = [
        max(
            len(one & other) / math.sqrt(len(one) * len(other)) for at_other, other in enumerate(sets) if at_other != at
        )
        for at, one in enumerate(sets)
    ]
    found = find_nearest(vectorise(texts))
    np.testing.assert_allclose(found.similarity, naive, atol=1e-9)
    assert all(place != at for at, place in enumerate(found.place))


def test_new_texts_are_good_without_gold_and_with() -> None:
    assert ask_duplicates(make_run(draw_texts(200)), 0).verdict == GOOD
    answer = ask_duplicates(make_run(draw_texts(200), gold=draw_texts(80, 1), held_out=draw_texts(40, 2)), 0)
    assert answer.verdict == GOOD, answer.reason
    assert answer.metrics["gold_rows"] == 80


def test_rows_that_repeat_one_another_are_underfit() -> None:
    answer = ask_duplicates(make_run(draw_texts(20) * 10), 0)
    assert (answer.verdict, answer.metrics["found"]["repeated"]["value"]) == (UNDERFIT, pytest.approx(0.9))


def test_rows_of_one_family_may_repeat_one_another() -> None:
    families = [f"row-{place % 20}" for place in range(200)]
    answer = ask_duplicates(make_run(draw_texts(20) * 10, drawn={"family_id": families}), 0)
    assert (answer.metrics["rows"], answer.metrics["found"]["repeated"]["value"]) == (20, 0.0)


def test_texts_with_other_numbers_are_near() -> None:
    texts = [f"{text} at {place} and {place}.5 of" for place in range(5) for text in draw_texts(40)]
    answer = ask_duplicates(make_run(texts), 0)
    assert answer.verdict == UNDERFIT
    assert answer.metrics["found"]["near"]["value"] == 1.0
    assert answer.metrics["found"]["pairs"][0]["similarity"] == pytest.approx(1.0)


def test_copies_of_gold_are_copies() -> None:
    gold = draw_texts(50, 1)
    assert ask_duplicates(make_run([*draw_texts(199), gold[0]], gold=gold), 0).verdict == COPIES
    changed = [f"{text} more" for text in gold]
    assert ask_duplicates(make_run([*draw_texts(100), *changed], gold=gold), 0).verdict == COPIES


def test_what_gold_repeats_by_chance_is_no_copy() -> None:
    labels = [{"mood": mood, "size": float(size), "note": ""} for mood in ("calm", "wild") for size in range(3)]
    answer = ask_duplicates(make_run(labels * 40, gold=labels * 10, held_out=labels * 5), 0)
    assert answer.verdict != COPIES
    assert answer.metrics["rows_with_text"] == 0


def test_gold_of_another_kind_is_not_compared() -> None:
    answer = ask_duplicates(make_run(draw_texts(200), gold=[{"fact": 1.0}]), 0)
    assert (answer.verdict, answer.numbers[2][1]) == (GOOD, "no gold to compare")


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_few_rows_cannot_tell(rows: int) -> None:
    assert ask_duplicates(make_run(draw_texts(rows)), 0).verdict == CANNOT_TELL


def test_same_seed_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verification.texts.duplicates.MOST_ROWS", 50)
    run = make_run(draw_texts(120))
    assert ask_duplicates(run, 3) == ask_duplicates(run, 3)

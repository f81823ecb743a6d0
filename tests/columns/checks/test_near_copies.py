"""Near copies: planted edits are found, strangers are not, and many texts take little time."""

import time
from random import Random

import pytest

from columns.checks.near_copies import NearCopies, choose_bound, measure_similarity, take_grams

WORDS = [f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(300)]


def write(rng: Random, count: int = 60) -> str:
    return " ".join(rng.choices(WORDS, k=count))


def test_a_text_is_found_with_the_name_of_the_nearest() -> None:
    rng, known = Random(1), NearCopies(0.6)
    texts = [write(rng) for _ in range(50)]
    for number, text in enumerate(texts):
        assert known.find(text) is None
        known.add(text, str(number))
    assert known.find(texts[7]) == ("7", 1.0)
    assert known.find(write(rng)) is None


def test_numbers_and_marks_are_masked() -> None:
    one, other = take_grams("close at 12.5 above [[sma_20]] today"), take_grams("close at 99 above [[high_60]] today")
    assert measure_similarity(one, other) == 1.0


def test_edited_texts_are_found() -> None:
    rng, known, found = Random(2), NearCopies(0.6), 0
    texts = [write(rng) for _ in range(200)]
    for number, text in enumerate(texts):
        known.add(text, str(number))
    for number, text in enumerate(texts):
        words = text.split()
        for place in rng.sample(range(len(words)), 3):
            words[place] = "other"
        near = known.find(" ".join(words))
        found += near is not None and near.name == str(number)
    assert found >= 198


def test_the_bound_lies_above_what_strangers_share() -> None:
    rng = Random(3)
    shared = write(rng, 30)
    texts = [f"{shared} {write(rng, 30)}" for _ in range(60)]
    bound = choose_bound(texts)
    known = NearCopies(bound)
    for number, text in enumerate(texts[:-1]):
        known.add(text, str(number))
    assert 0.3 < bound < 0.6
    assert known.find(texts[-1]) is None
    assert choose_bound(texts[:1]) == 0.8


def test_the_signatures_grow_and_nothing_is_lost() -> None:
    rng, known = Random(4), NearCopies(0.9)
    texts = [write(rng, 12) for _ in range(2100)]
    for number, text in enumerate(texts):
        known.add(text, str(number))
    assert all(known.find(texts[number]) == (str(number), 1.0) for number in (0, 1023, 1024, 2099))


@pytest.mark.slow
def test_ten_thousand_texts_with_shared_phrases_take_seconds() -> None:
    rng, known = Random(5), NearCopies(0.6)
    phrases = [write(rng, 10) for _ in range(60)]
    texts = [" ".join(rng.sample(phrases, 9)) for _ in range(10_000)]
    start = time.process_time()
    for number, text in enumerate(texts):
        known.find(text)
        known.add(text, str(number))
    assert time.process_time() - start < 15

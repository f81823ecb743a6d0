"""Planted errors of a parser come out at their rates and are caught; so are planted faults of a text."""

import json
import random
from collections import Counter
from collections.abc import Callable

import pytest

from indicators.strategy.bar_suite import load_suite
from indicators.strategy.canonical import hash_strategy
from indicators.strategy.equality import check_answer
from indicators.strategy.grammar import check_document, check_text
from indicators.strategy.said import check_said
from indicators.strategy.tree import Document
from offline_model.options import Options
from offline_model.tasks.strategy.roles import ERRORS, plant_error
from tests.indicators.strategy.described import describe_document, describe_one, read_back

QUICK, MANY = 60, 2_000
ERRING = Options(fault_rate=0.3)
Z = 1.96


def count_errors(count: int) -> tuple[Counter[str], int]:
    """Count how an erring parser's answers are taken: right, refused, and wrong in text but the same in trades."""
    taken: Counter[str] = Counter()
    for seed in range(count):
        row = describe_one(seed, usual=False)
        sound, answer = read_back(row), read_back(row, ERRING, seed)
        problems = check_answer(answer, row.document, [], load_suite())
        says_same = not check_text(answer) and hash_strategy(json.loads(answer)) == hash_strategy(row.document)
        taken["right" if says_same else "refused" if problems else "let through"] += 1
        taken["right refused"] += bool(says_same and problems) or bool(
            check_answer(sound, row.document, [], load_suite())
        )
    return taken, count


def assert_rates(count: int) -> None:
    taken, rows = count_errors(count)
    print(f"{rows} answers: {dict(taken)}")
    expected = 1.0
    for rate in ERRORS.values():
        expected *= 1 - rate
    wrong = (taken["refused"] + taken["let through"]) / rows
    assert abs(wrong - (1 - expected)) <= Z * (expected * (1 - expected) / rows) ** 0.5 + 0.02  # no place for some
    assert taken["right refused"] == 0
    assert taken["refused"] >= 0.97 * (taken["refused"] + taken["let through"])


@pytest.mark.slow
def test_errors_of_2000_answers_are_caught() -> None:
    assert_rates(MANY)


@pytest.mark.parametrize("kind", ERRORS)
def test_each_kind_of_error_is_caught(kind: str) -> None:
    tried = caught = 0
    for seed in range(12):
        row = describe_one(seed, usual=False)
        wrong = plant_error(json.loads(json.dumps(row.document)), kind, random.Random(seed))
        if wrong != row.document:
            tried += 1
            caught += bool(check_answer(json.dumps(wrong), row.document, [], load_suite()))
    assert caught >= 0.8 * tried > 0


def swap_sides(document: Document) -> Document:
    sides = {"buy_condition": document.get("sell_condition"), "sell_condition": document.get("buy_condition")}
    return {**document, **{key: value for key, value in sides.items() if value}}


def drop_stop(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in ("stop_loss", "atr_stop")}


def add_clause(document: Document) -> Document:
    side = next(key for key in ("buy_condition", "sell_condition") if key in document)
    clause = {"greater": [{"ADX": {}}, 23]}
    return {**document, side: {"any" if "all" in document[side] else "all": [document[side], clause]}}


def change_period(document: Document) -> Document:
    return {**document, "interval": "15m" if document.get("interval") != "15m" else "1h"}


FAULTS: tuple[Callable[[Document], Document], ...] = (swap_sides, drop_stop, add_clause, change_period)


def measure_caught(fault: Callable[[Document], Document], count: int) -> float:
    """Measure the share of texts of a faulty strategy that the text check or the round trip refuse."""
    caught = []
    for seed in range(count):
        right = describe_one(seed, usual=False).document
        wrong = fault(right)
        if hash_strategy(wrong) == hash_strategy(right) or check_document(wrong):
            continue
        row = describe_document(seed, wrong)
        caught.append(bool(check_said(row.text, right) or check_answer(read_back(row), right, [], load_suite())))
    return sum(caught) / len(caught)


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_of_a_text_are_caught(fault: Callable[[Document], Document]) -> None:
    assert measure_caught(fault, 12) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_of_250_texts_are_caught(fault: Callable[[Document], Document]) -> None:
    assert measure_caught(fault, 250) >= 0.9

"""Planted errors of a parser come out at their rates and are caught; so are planted faults of a text."""

import json
import math
import random
from collections import Counter
from collections.abc import Callable

import pytest

from indicators.strategy.bar_suite import find_difference, load_suite, make_walks
from indicators.strategy.canonical import hash_strategy
from indicators.strategy.equality import check_answer
from indicators.strategy.grammar import check_document, check_text
from indicators.strategy.said import check_said
from indicators.strategy.tree import Document
from offline_model.options import Options
from offline_model.tasks.strategy.roles import ERRORS, plant_error
from tests.indicators.strategy.described import describe_document, describe_one, read_back

MANY = 2_000
NO_PLACE = 0.02  # of the answers: a strategy may have no place for an error, or no card for a name
ERRING = Options(fault_rate=0.3)
Z = 1.96


def count_errors(count: int) -> Counter[str]:
    """Count how an erring parser's answers are taken; `missed` ones trade otherwise on walks that no suite has."""
    fresh, taken = tuple(make_walks(seed=99)), Counter[str]()
    for seed in range(count):
        row = describe_one(seed, usual=False)
        answer = read_back(row, ERRING, seed)
        problems = check_answer(answer, row.document, [], load_suite())
        if not check_text(answer) and hash_strategy(json.loads(answer)) == hash_strategy(row.document):
            taken["right refused" if problems else "right"] += 1
        elif problems:
            taken["caught"] += 1
        else:
            taken["missed" if find_difference(json.loads(answer), row.document, fresh) else "the same trades"] += 1
    return taken


def assert_rates(taken: Counter[str]) -> None:
    rows, right = taken.total(), math.prod(1 - rate for rate in ERRORS.values())
    wrong = 1 - taken["right"] / rows
    assert abs(wrong - (1 - right)) <= Z * (right * (1 - right) / rows) ** 0.5 + NO_PLACE
    assert taken["right refused"] == 0
    assert taken["caught"] >= 0.97 * (taken["caught"] + taken["missed"])


@pytest.mark.slow
def test_errors_of_2000_answers_are_caught() -> None:
    taken = count_errors(MANY)
    print(dict(taken))
    assert_rates(taken)


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

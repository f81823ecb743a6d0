"""What the right answer is, how a wrong one differs, and when a question is right."""

import json

import pytest

from indicators.strategy.bar_suite import load_suite
from indicators.strategy.equality import check_alone, check_answer, name_value, write_question
from indicators.strategy.splits import choose_split, hash_shape
from indicators.strategy.tree import Document
from tests.indicators.strategy.described import describe_one, read_back

QUICK, MANY = 40, 500
STRATEGY: Document = {
    "ticker": "IBM",
    "position_type": "LONG",
    "buy_condition": {"less": [{"RSI": {}}, 40]},
    "stop_loss": {"percent": 2},
    "interval": "5m",
}
PATH = "$.stop_loss.percent"


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({}, []),
        ({"buy_condition": {"greater": [40.0, {"RSI": {"length": 14}}]}}, []),
        ({"buy_condition": {"less": [{"RSI": {}}, 41]}}, ["round-trip"]),
        ({"ticker": "AMD"}, ["round-trip"]),
        ({"stop_loss": {"percent": 0}}, ["range"]),
        ({"stop_loss": {"percent": 4}, "initial_capital": 500}, ["round-trip", "round-trip"]),
    ],
)
def test_an_answer_is_right_if_it_trades_the_same(change: Document, rules: list[str]) -> None:
    problems = check_answer(json.dumps(STRATEGY | change), STRATEGY, [], load_suite())
    assert [problem.rule for problem in problems] == rules


@pytest.mark.parametrize(
    ("answer", "rules"),
    [
        (write_question([PATH]), []),
        (json.dumps(STRATEGY), ["guess"]),
        ('{"unresolved": ["$.stop_loss.percent"]}', ["missing-key"]),
        ('{"unresolved": ["$.take_profit.percent"], "question": "?"}', ["wrong-question"]),
        ('{"unresolved": 3}', ["type"]),
        ('{"unresolved": []}', ["type"]),
        ("[]", ["guess"]),
        ("How far?", ["json"]),
    ],
)
def test_a_withheld_value_is_asked_for(answer: str, rules: list[str]) -> None:
    assert [problem.rule for problem in check_answer(answer, STRATEGY, [PATH], load_suite())] == rules


@pytest.mark.parametrize("named", ["[]", "[1]"])
def test_a_question_alone_asks_for_something(named: str) -> None:
    assert [problem.rule for problem in check_alone(f'{{"unresolved": {named}, "question": "?"}}')] == ["type"]


def test_a_value_is_named_by_its_first_and_last_key() -> None:
    assert name_value("$.buy_condition.all[1].greater[1]") == ("buy_condition", "constant")
    assert name_value("") == ("", "")


def list_wrong(count: int, *, withholds: bool) -> list[str]:
    """List what is wrong with descriptions that are read back without a planted error."""
    rows = [describe_one(seed, withholds=withholds) for seed in range(count)]
    checked = (check_answer(read_back(row), row.document, row.withheld, load_suite()) for row in rows)
    return [str(problem) for problems in checked for problem in problems]


def test_no_right_answer_is_refused() -> None:
    assert list_wrong(QUICK, withholds=False) == []
    assert list_wrong(QUICK, withholds=True) == []


@pytest.mark.slow
def test_no_right_answer_of_1000_is_refused() -> None:
    assert list_wrong(MANY, withholds=False) == []
    assert list_wrong(MANY, withholds=True) == []


def test_a_shape_is_what_is_left_without_series_and_numbers() -> None:
    other = STRATEGY | {"buy_condition": {"less": [{"ADX": {}}, 20]}, "ticker": "AMD"}
    assert hash_shape(STRATEGY) == hash_shape(other)
    assert hash_shape(STRATEGY) != hash_shape(STRATEGY | {"buy_condition": {"greater": [{"ADX": {}}, 20]}})


def test_splits_have_their_shares() -> None:
    drawn = [choose_split(str(number), f"shape {number % 500}", 0.1, 0.1) for number in range(5_000)]
    shares = {name: drawn.count(name) / len(drawn) for name in set(drawn)}
    assert abs(shares["test"] - 0.09) < 0.02
    assert abs(shares["compositional"] - 0.1) < 0.05

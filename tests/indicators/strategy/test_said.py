"""A description that leaves out, alters or adds something is refused, and one that says all is not."""

import random

import pytest

from indicators.strategy.said import check_said, count_numbers, find_named, list_withholdable, withhold
from indicators.strategy.tree import Document
from tests.indicators.strategy.described import alter, describe_one

QUICK, MANY = 60, 1_000
LONG: Document = {
    "ticker": "IBM",
    "position_type": "LONG",
    "buy_condition": {"cross_over": [{"CLOSE": {}}, {"EMA": {"length": 20}}]},
    "take_profit": {"percent": 4},
}
TEXT = "Trade IBM, long. Buy when the close crosses above the EMA of 20 bars. Take profit at 4%."


def list_false_alarms(count: int) -> list[str]:
    """List what is complained of in descriptions that say all."""
    rows = [describe_one(seed) for seed in range(count)]
    return [str(problem) for row in rows for problem in check_said(row.text, row.document, row.withheld)]


def list_uncaught(count: int) -> list[tuple[str, str]]:
    """List planted edits that are let through."""
    rows = [(describe_one(seed, usual=False), random.Random(seed)) for seed in range(count)]
    edits = [(row, kind, text) for row, rng in rows for kind, text in alter(row, rng)]
    return [(kind, text) for row, kind, text in edits if not check_said(text, row.document, row.withheld)]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (TEXT, []),
        (TEXT.replace("20 bars", "twenty bars"), []),
        (TEXT.replace("4%", "4.0 percent of profit"), []),
        (TEXT.replace("20", "21"), ["unstated", "invented"]),
        (TEXT.replace("IBM", "AMD"), ["unstated"]),
        (TEXT.replace("EMA", "SMA"), ["unstated", "invented"]),
        (TEXT.replace("above", "below"), ["direction"]),
        (TEXT.replace(" Take profit at 4%.", ""), ["unstated", "unstated"]),
        (TEXT + " Trail the stop.", ["invented"]),
        (TEXT + " Only trade from 09:30 to 11:00.", ["invented"]),
        (TEXT + " Check that RSI is strong.", ["invented"]),
        ("", ["empty"]),
        ("x" * 1_000_000, ["size"]),
    ],
)
def test_a_text_says_the_strategy_and_nothing_else(text: str, rules: list[str]) -> None:
    assert [problem.rule for problem in check_said(text, LONG)] == rules


def test_numbers_are_counted_in_digits_and_words() -> None:
    digits, said = count_numbers("25k dollars, 1,000 shares, twenty bars of EMA20 and 2.5%")
    assert dict(digits) == {25_000: 1, 1_000: 1, 20: 1, 2.5: 1}
    assert said[20] == 2


def test_the_longest_name_counts() -> None:
    every, clear = find_named("the MACD signal line and the price volume trend at the close")
    assert dict(every) == {"MACD_SIGNAL": 1, "PVT": 1, "CLOSE": 1}
    assert "CLOSE" not in clear


def test_a_withheld_value_is_shown_as_unknown() -> None:
    path = "$.take_profit.percent"
    assert list_withholdable(LONG) == [path]
    assert withhold(LONG, [path])["take_profit"] == {"percent": "?"}
    assert check_said(TEXT.replace("4%", "a fair distance"), LONG, [path]) == []
    assert [problem.rule for problem in check_said(TEXT, LONG, [path])] == ["not-withheld"]


def test_what_says_all_is_not_complained_of() -> None:
    assert list_false_alarms(QUICK) == []


def test_edits_are_caught() -> None:
    assert list_uncaught(QUICK) == []


@pytest.mark.slow
def test_1000_descriptions_and_their_edits() -> None:
    assert len(list_false_alarms(MANY)) <= MANY * 0.005
    assert len(list_uncaught(MANY)) <= 3 * MANY * 0.005

"""Numbers and names of a text against its facts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from columns.checks.text_facts import (
    check_names,
    check_numbers,
    collect_facts,
    compile_names,
    find_names,
    find_numbers,
    is_fact,
)

FACTS = collect_facts(
    {"close": 13.29, "volume": 46837.0, "moves": [{"percent": -1.26}, {"share": 0.553}], "age": 7, "is_new": True},
    {"moment": "2024-10-22T10:40:00", "timeframe": "5m", "ticker": "SIM4", "word": "up"},
    numbers=(20,),
)


@pytest.mark.parametrize(
    "text",
    [
        *("at 13.29", "at $13.3", "46,837 shares", "46.8 thousand", "47 thousand", "fell by 1.26 percent", "-1.3%"),
        *(
            "7 bars ago",
            "a 20-bar range",
            "a share of 0.55",
            "55%",
            "55.3 percent",
            "SIM4 on 5m at 10:40 on 2024-10-22",
        ),
        *("from 13.29-13.29", "1. first\n2. second", "2024-10-22T10:40:00", "13.29.", "(13.29)"),
    ],
)
def test_facts_as_people_write_them_are_facts(text: str) -> None:
    assert check_numbers(text, FACTS) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("at 13.28", ["13.28"]),
        ("at 46,800 shares", ["46,800"]),
        ("rose by +1.26 percent", ["+1.26 percent"]),
        ("8 bars ago", ["8"]),
        ("a share of 0.56", ["0.56"]),
        ("56%, then 13.29", ["56%"]),
        ("on 15m", ["15"]),
        ("3x the volume", ["3"]),
        ("at 13.28 and at 13.28", ["13.28"]),
        ("1 thing", ["1"]),  # neither True nor anything that rounds to it
    ],
)
def test_what_is_no_fact_is_named(text: str, wrong: list[str]) -> None:
    assert [violation.found for violation in check_numbers(text, FACTS)] == wrong


@given(st.floats(-1e9, 1e9).filter(lambda value: abs(value) >= 10), st.integers(0, 6))
def test_a_fact_is_one_at_every_rounding(fact: float, decimals: int) -> None:
    facts = collect_facts({"fact": fact})
    for text in (f"{fact:.{decimals}f}", f"{fact:+,.{decimals}f}"):
        (stated,) = find_numbers(f"It is {text}, as shown.")
        assert is_fact(stated, facts)


@given(st.floats(10, 1e6), st.floats(10, 1e6))
def test_another_number_is_none(fact: float, other: float) -> None:
    (stated,) = find_numbers(f"It is {other:.2f}.")
    assert is_fact(stated, collect_facts([fact])) == (abs(float(f"{other:.2f}") - fact) <= 0.005 + 1e-9 * other)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert {violation.rule for violation in check_numbers(text, FACTS)} <= {"number"}


def test_names_are_found_in_every_form_but_not_in_other_words() -> None:
    names = compile_names(["no_demand", "test", "spring"])
    assert find_names("No-Demand, then a TEST.", names) == ["no_demand", "test"]
    assert find_names("tests and latest, spring-loaded, a re-test, offspring", names) == []
    assert find_names("BUY or Buy", compile_names(["BUY"], as_written=True)) == ["BUY"]
    assert find_names("buy", compile_names(["BUY"], as_written=True)) == []


def test_a_name_that_does_not_hold_is_named_once() -> None:
    names = compile_names(["spring", "upthrust"])
    (broken,) = check_names("A spring, no upthrust, and no upthrust again.", names, {"spring"}, "pattern")
    assert (broken.rule, broken.found) == ("pattern", "upthrust")
    assert "spring" in broken.limit

"""A policy decides on rows: conditions, words in any order, and what cannot be evaluated."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from columns.checks.plain_text import write_plainly
from columns.checks.policy import UNREADABLE, Policy, build_policy, decide

POLICY = build_policy(
    {
        "limits": {"calm": {"stop": 0.02}},
        "rules": [
            {
                "name": "stop",
                "when": "{{ action.stop > limits[regime].stop }}",
                "decide": "deny",
                "fields": ["action"],
                "message": "a stop of {{ action.stop }} is beyond {{ limits[regime].stop }}",
            },
            {
                "name": "price",
                "together": [["will", "by tomorrow", "target*"], ["<number>"]],
                "in": "note",
                "decide": "deny",
                "message": "it tells a price",
            },
            {
                "name": "order",
                "find": r"\b(place|send)s? (an|the) order",
                "unless": ["no", "not", "never"],
                "in": ["note"],
                "decide": "deny",
                "message": "it orders",
            },
            {"name": "sure", "when": "{{ action.sure > 0.9 }}", "decide": "review", "message": "very sure"},
        ],
    }
)
ROW: dict[str, Any] = {"note": "Calm.", "action": {"stop": 0.01, "sure": 0.5}}
PLAN = {"regime": "calm"}


def decide_on(policy: Policy = POLICY, **changes: Any) -> tuple[str, str | None]:
    decision = decide(policy, {**ROW, **changes}, PLAN)
    return decision.outcome, decision.rule


@pytest.mark.parametrize(
    ("changes", "decided"),
    [
        ({}, ("allow", None)),
        ({"action": {"stop": 0.02, "sure": 0.9}}, ("allow", None)),
        ({"action": {"stop": 0.021, "sure": 0.5}}, ("deny", "stop")),
        ({"action": {"stop": 0.01, "sure": 0.95}}, ("review", "sure")),
        ({"action": {"stop": 0.5, "sure": 0.95}}, ("deny", "stop")),
        ({"note": "It will be at 104,250."}, ("deny", "price")),
        ({"note": "One hundred and four thousand by tomorrow"}, ("deny", "price")),
        ({"note": "104k, by t\u200bomorrow"}, ("deny", "price")),
        ({"note": "It will move 2% over 20 bars."}, ("allow", None)),
        ({"note": "It will hold.\nThe close was 104."}, ("allow", None)),
        ({"note": "Now send the order."}, ("deny", "order")),
        ({"note": "S\u0435nd th\u0435 \u043erder"}, ("deny", "order")),
        ({"note": "Do not send the order."}, ("allow", None)),
        ({"note": "Not much to say; send the order."}, ("deny", "order")),
    ],
)
def test_rows_are_decided_on(changes: dict[str, Any], decided: tuple[str, str | None]) -> None:
    assert decide_on(**changes) == decided


@pytest.mark.parametrize("action", [{}, {"stop": "0.01", "sure": 0.5}, {"stop": None, "sure": 0.5}, "none"])
def test_what_cannot_be_evaluated_is_denied(action: Any) -> None:
    assert decide_on(action=action) == ("deny", UNREADABLE)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_denied(number: float) -> None:
    assert decide_on(action={"stop": number, "sure": 0.5}) == ("deny", UNREADABLE)


def test_an_unknown_regime_is_denied() -> None:
    assert decide(POLICY, ROW, {"regime": "stormy"}).rule == UNREADABLE


def test_a_denied_row_may_be_mended_and_one_for_review_may_not() -> None:
    (denied,) = decide(POLICY, {**ROW, "action": {"stop": 0.5, "sure": 0.95}}, PLAN).violations
    (reviewed,) = decide(POLICY, {**ROW, "action": {"stop": 0.01, "sure": 0.95}}, PLAN).violations
    assert (denied.mend, denied.fields, reviewed.mend) == (True, ("action",), False)
    assert denied.message == "a stop of 0.5 is beyond 0.02"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("one hundred and four thousand", "104000"),
        ("twenty-five", "25"),
        ("a hundred grand", "100000"),
        ("104,250.50", "104250.50"),
        ("b u y n0w", "buy now"),
        ("c\u0430nn\u043et", "cannot"),
        ("fi\u200bll", "fill"),
        ("one of them", "one of them"),
        ("5m and 1h bars", "5m and 1h bars"),
    ],
)
def test_texts_are_written_plainly(text: str, plain: str) -> None:
    assert write_plainly(text) == plain


@given(st.text())
def test_any_text_is_decided_on(text: str) -> None:
    assert decide_on(note=text)[0] in ("allow", "deny")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda part: st.lists(part, max_size=3)))
def test_any_value_is_decided_on(value: Any) -> None:
    assert decide_on(action={"stop": value, "sure": value})[0] in ("allow", "deny", "review")

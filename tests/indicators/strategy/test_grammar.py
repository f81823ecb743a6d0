"""What the grammar lets through, what it refuses, and that it says where and why."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.strategy.canonical import canonicalize, hash_strategy, write_text
from indicators.strategy.errors import StrategyError
from indicators.strategy.grammar import check_document, check_text, read_strategy
from indicators.strategy.meaning import MEANINGS
from indicators.strategy.schema import write_schema
from indicators.strategy.shape import MOST_BYTES, RULES

SCHEMA = Path(__file__).parents[3] / "columns" / "strategy" / "strategy.schema.json"
RSI: dict[str, Any] = {"greater": [{"RSI": {"length": 14}}, 30]}
CROSS: dict[str, Any] = {"cross_over": [{"CLOSE": {}}, {"SMA": {"length": 20}}]}
PLAIN: dict[str, Any] = {
    "ticker": "IBM",
    "position_type": "LONG",
    "buy_condition": CROSS,
    "sell_condition": {"less": [{"RSI": {}}, 70]},
}


def buy(condition: object) -> dict[str, Any]:
    """Give a sound strategy with another condition to buy by."""
    return {**PLAIN, "buy_condition": condition}


def test_the_schema_file_is_what_the_code_makes() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == write_schema(), "python -m indicators.strategy.schema makes it anew"


@pytest.mark.parametrize(
    "document",
    [
        PLAIN,
        buy({"all": [RSI, {"any": [CROSS, {"fib": {"trend": "up", "level": 61.8}}]}]}),
        buy({"after": {"condition": {"up": {"series": {"OBV": {}}, "bars": 3}}, "bars": 2}}),
        buy({"greater": [{"HIGH": {"timeframe": "1wk"}}, {"PRIOR_HIGH": {}}]}),
        {**PLAIN, "position_type": "SHORT", "stop_loss": {"percent": 100}},
        {**PLAIN, "take_profit": {"percent": 150}},
        {**PLAIN, "interval": "5m", "start_date": "2024-03-05", "end_date": "2024-03-05"},
        {
            **{key: value for key, value in PLAIN.items() if key != "sell_condition"},
            "exit_after_bars": 5,
            "interval": "5m",
            "session": {"from": "09:30", "to": "11:00"},
            "atr_stop": {"multiple": 2},
            "order_size": {"risk_percent": 1},
        },
    ],
)
def test_sound_strategies_pass(document: dict[str, Any]) -> None:
    assert check_document(document) == []


@pytest.mark.parametrize(
    ("document", "path", "rule"),
    [
        ({**PLAIN, "tickr": 1}, "$.tickr", "unknown-key"),
        (buy({"greater": [{"RSI": {"lenght": 3}}, 30]}), "$.buy_condition.greater[0].RSI.lenght", "unknown-key"),
        ({"ticker": "IBM"}, "$", "missing-key"),
        (buy({**RSI, **CROSS}), "$.buy_condition", "exactly-one"),
        (buy({"all": [RSI]}), "$.buy_condition.all", "count"),
        (buy({"greater": [{"RSI": {"length": 1}}, 30]}), "$.buy_condition.greater[0].RSI.length", "range"),
        (buy({"greater": [{"RSI": {}}, 1e400]}), "$.buy_condition.greater[1]", "range"),
        ({**PLAIN, "ticker": "__import__('os')"}, "$.ticker", "pattern"),
        ({**PLAIN, "take_profit": None}, "$.take_profit", "type"),
        ({**PLAIN, "interval": "2m"}, "$.interval", "choice"),
        (buy({"greater": [{"RSI": {}}, {"CLOSE": {}}]}), "$.buy_condition", "unlike-units"),
        (buy({"greater": [{"RSI": {}}, {"RSI": {"length": 14}}]}), "$.buy_condition", "same-series"),
        (buy({"greater": [{"RSI": {}}, 100]}), "$.buy_condition.greater[1]", "constant-range"),
        (buy({"greater": [30, 20]}), "$.buy_condition", "constant"),
        (buy({"greater": [{"MACD": {"fast_length": 40}}, 0]}), "$.buy_condition.greater[0].MACD", "order"),
        (buy({"all": [RSI, {"greater": [{"RSI": {}}, 30.0]}]}), "$.buy_condition.all[1]", "twice"),
        ({**PLAIN, "sell_condition": CROSS}, "$.sell_condition", "sides-equal"),
        ({**PLAIN, "position_type": "SHORT", "sell_condition": CROSS, "buy_condition": CROSS}, "$", "sides-equal"),
        ({**PLAIN, "order_size": {"risk_percent": 1}}, "$.order_size", "risk-size"),
        ({**PLAIN, "period": "1mo", "interval": "1mo"}, "$.period", "period"),
        ({**PLAIN, "start_date": "2024-03-05", "end_date": "2024-03-04"}, "$.end_date", "date"),
        ({**PLAIN, "position_type": "SHORT", "take_profit": {"percent": 100}}, "$.take_profit.percent", "stop-order"),
        (buy({"intra": {"series": {"CLOSE": {}}, "percent": -100}}), "$.buy_condition.intra.percent", "percent-change"),
    ],
)
def test_a_fault_is_named_with_its_place(document: dict[str, Any], path: str, rule: str) -> None:
    problems = check_document(document)
    assert rule in {problem.rule for problem in problems}
    assert path == "$" or (path, rule) in {(problem.path, problem.rule) for problem in problems}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "json"),
        ("{}{}", "json"),
        ("Here you are: {}", "json"),
        ('{"a": NaN}', "number"),
        ('{"a": 1, "a": 1}', "duplicate-key"),
        ('{"all":[' * 30 + "]}" * 30, "nesting"),
        ("[" * 60_000, "nesting"),
        ("9" * 5_000, "json"),
        (" " * MOST_BYTES + "{}", "size"),
        ("[]", "type"),
        ("null", "type"),
        ('{"ticker": "\\ud800"}', "pattern"),
    ],
)
def test_a_text_that_is_no_strategy_is_refused_with_a_rule(text: str, rule: str) -> None:
    assert rule in {problem.rule for problem in check_text(text)}


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["all", "greater", "ticker", "buy_condition", "RSI"]), inner)
        ),
        max_leaves=20,
    )
)
def test_any_json_gets_an_answer(document: object) -> None:
    assert all(
        problem.rule in {*RULES.values(), *MEANINGS, "json", "number"} for problem in check_text(json.dumps(document))
    )


def test_reading_a_faulty_text_raises_with_path_and_rule() -> None:
    with pytest.raises(StrategyError, match=r"answer 7 cannot be used: \$\.tickr: .*known are ticker.*\[unknown-key\]"):
        read_strategy(json.dumps({**PLAIN, "tickr": 1}), "answer 7")
    assert read_strategy(json.dumps(PLAIN)) == PLAIN


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"greater": [{"RSI": {"length": 14}}, 30]}, {"less": [30.0, {"RSI": {}}]}),
        ({"cross_over": [{"SMA": {}}, {"CLOSE": {}}]}, {"cross_under": [{"CLOSE": {}}, {"SMA": {"length": 9}}]}),
        ({"all": [RSI, CROSS]}, {"all": [CROSS, RSI]}),
        ({"fib": {"level": 50.0, "trend": "up", "length": 14}}, {"fib": {"trend": "up", "level": 50}}),
    ],
)
def test_what_says_the_same_has_one_text_and_one_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert write_text(buy(one)) == write_text(buy(other))
    assert hash_strategy(buy(one)) == hash_strategy(buy(other))


def test_the_canonical_form_leaves_out_defaults_and_stays_as_it_is() -> None:
    wordy = {
        **PLAIN,
        "interval": "1d",
        "initial_capital": 1e6,
        "order_size": {"contracts": 1.0},
        "stop_loss": {"percent": 2.0},
    }
    written = canonicalize(wordy)
    assert json.dumps(written["stop_loss"]) == '{"percent": 2}'
    assert list(written) == ["ticker", "position_type", "buy_condition", "sell_condition", "stop_loss"]
    assert canonicalize(written) == written

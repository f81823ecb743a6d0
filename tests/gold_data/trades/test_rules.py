"""Every rule: a trade that obeys it at the very edge, and one that breaks it."""

import json
from dataclasses import replace
from datetime import date
from math import inf, nan
from typing import Any

import pytest

from gold_data.trades.rules import (
    RULES,
    Expectation,
    GoldLimits,
    Violation,
    check_copy,
    check_trade,
    fingerprint,
    mark_trades,
)

DAY = date(2013, 10, 4)
LIMITS = GoldLimits({"IBM": (170.0, 190.0), "SPY": (160.0, 175.0)}, holds_overnight=False, volatility_range=(0.02, 0.2))
OVERNIGHT = GoldLimits(LIMITS.price_ranges, holds_overnight=True, volatility_range=LIMITS.volatility_range)
TRADE = {
    "ticker": "IBM",
    "trade_type": "buy",
    "entry_time": "10:06:00",
    "exit_time": "10:22:00",
    "entry_price": 180.0,
    "exit_price": 180.9,  # 0.5 percent
    "entry_volatility_percent": 0.1,
    "worst_exit_percent": -0.2,
    "best_exit_percent": 0.7,
}


def check(changes: dict[str, Any], *, day: date = DAY, limits: GoldLimits = LIMITS, **stated: Any) -> list[Violation]:
    return check_trade({**TRADE, **changes}, session_date=day, limits=limits, **stated)


def name_broken(violations: list[Violation]) -> list[tuple[str, tuple[str, ...]]]:
    return [(violation.rule, violation.fields) for violation in violations]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"entry_time": "09:30:00", "exit_time": "16:00:00"},
        {"entry_time": "15:59:58", "exit_time": "15:59:59"},
        {"worst_exit_percent": 0.51},  # rounding
        {"best_exit_percent": 0.49},
        {"worst_exit_percent": 0.3, "best_exit_percent": 0.5},  # only ever moved one way
        {"trade_type": "short", "worst_exit_percent": -0.6, "best_exit_percent": -0.45, "exit_price": 180.9},
        {"entry_price": 170.0, "exit_price": 170.0},
        {"entry_price": 180, "entry_volatility_percent": 1},
    ],
)
def test_a_trade_that_obeys(changes: dict[str, Any]) -> None:
    assert check(changes) == []


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"ticker": ""}, [("schema", ("ticker",))]),
        ({"ticker": 5}, [("schema", ("ticker",))]),
        ({"trade_type": "sell"}, [("schema", ("trade_type",))]),
        ({"entry_time": "9:30"}, [("schema", ("entry_time",))]),
        ({"entry_time": "10:06:00\n"}, [("schema", ("entry_time",))]),
        ({"exit_time": None}, [("schema", ("exit_time",))]),
        ({"exit_price": "180"}, [("schema", ("exit_price",))]),
        ({"exit_price": True}, [("schema", ("exit_price",))]),
        ({"comment": "hi"}, [("schema", ("comment",))]),
        ({"best_exit_percent": nan}, [("finite", ("best_exit_percent",))]),
        ({"worst_exit_percent": -inf}, [("schema", ("worst_exit_percent",))]),
        ({"entry_price": 10**400}, [("schema", ("entry_price",))]),
        ({"entry_price": 0}, [("positive_price", ("entry_price",))]),
        ({"exit_price": -1.0}, [("positive_price", ("exit_price",))]),
        ({"entry_time": "09:29:59"}, [("session_hours", ("entry_time",))]),
        ({"exit_time": "16:00:01"}, [("session_hours", ("exit_time",))]),
        ({"exit_time": "10:06:00"}, [("exit_after_entry", ("entry_time", "exit_time"))]),
        ({"worst_exit_percent": 0.52}, [("excursion_bounds", ("worst_exit_percent",))]),
        ({"best_exit_percent": 0.48}, [("excursion_bounds", ("best_exit_percent",))]),
        ({"entry_volatility_percent": 0.0}, [("positive_volatility", ("entry_volatility_percent",))]),
        ({"ticker": "ibm"}, [("known_ticker", ("ticker",))]),
        ({"ticker": "SPY"}, [("price_range", ("entry_price",)), ("price_range", ("exit_price",))]),
    ],
)
def test_one_broken_rule(changes: dict[str, Any], broken: list[tuple[str, tuple[str, ...]]]) -> None:
    assert name_broken(check(changes)) == broken


def test_worst_above_best() -> None:
    broken = check({"worst_exit_percent": 0.7, "best_exit_percent": -0.2})
    assert [violation.rule for violation in broken] == ["percent_order", "excursion_bounds", "excursion_bounds"]


def test_excursions_of_the_opposite_direction() -> None:
    broken = check({"trade_type": "short", "worst_exit_percent": -0.2, "best_exit_percent": 0.7})
    assert [violation.rule for violation in broken] == ["excursion_bounds", "exit_sign"]
    assert broken[1].fields == ("trade_type", "worst_exit_percent", "best_exit_percent")


@pytest.mark.parametrize("stated", [0.5, 0.511, 0.489, None])
def test_a_stated_percent_that_agrees(stated: float | None) -> None:
    assert check({}, stated_percent=stated) == []


@pytest.mark.parametrize("stated", [-0.5, 0.512, 0.0, nan])
def test_a_stated_percent_that_does_not(stated: float) -> None:
    (broken,) = check({}, stated_percent=stated)
    assert (broken.rule, broken.fields[0]) == ("exit_sign", "trade_percent_change")


def test_a_missing_field_is_all_that_is_said_of_it() -> None:
    for field in TRADE:
        core = {name: value for name, value in TRADE.items() if name != field}
        assert name_broken(check_trade(core, session_date=DAY, limits=LIMITS)) == [("schema", (field,))]


def test_all_broken_rules_are_listed_in_order() -> None:
    changes = {
        "entry_price": -1,
        "exit_price": 500.0,
        "entry_time": "09:00:00",
        "exit_time": "08:00:00",
        "entry_volatility_percent": -0.1,
        "worst_exit_percent": nan,
        "trade_type": "hold",
    }
    rules = [violation.rule for violation in check(changes)]
    assert rules == [
        *("schema", "finite", "positive_price", "session_hours", "session_hours"),
        *("exit_after_entry", "positive_volatility", "price_range"),
    ]
    assert sorted(rules, key=[rule.name for rule in RULES].index) == rules


@pytest.mark.parametrize("day", [date(2013, 10, 5), date(2013, 12, 25), date(9999, 1, 4)])
def test_a_closed_day(day: date) -> None:
    broken = check({}, day=day)
    assert name_broken(broken) == [("session_hours", ("entry_time",)), ("session_hours", ("exit_time",))]
    assert str(day) in broken[0].message


def test_an_early_close() -> None:
    assert check({"exit_time": "13:00:00"}, day=date(2013, 11, 29)) == []
    assert [v.found for v in check({"exit_time": "13:00:01"}, day=date(2013, 11, 29))] == ["13:00:01"]


def test_nobody_enters_at_the_close() -> None:
    broken = check({"entry_time": "16:00:00", "exit_time": "15:00:00"}, limits=OVERNIGHT)
    assert name_broken(broken) == [("session_hours", ("entry_time",))]


@pytest.mark.parametrize(
    ("exit_time", "day", "obeys"),
    [
        ("10:06:00", DAY, True),  # by the same time of the next session, a Monday
        ("09:30:00", DAY, True),
        ("10:06:01", DAY, True),  # the same session
        ("09:29:00", DAY, False),
        ("09:45:00", date(2013, 11, 27), True),  # the next session is after Thanksgiving
    ],
)
def test_overnight(exit_time: str, day: date, obeys: bool) -> None:
    assert (check({"exit_time": exit_time}, day=day, limits=OVERNIGHT) == []) is obeys


def test_overnight_into_an_early_close() -> None:
    trade = {"entry_time": "14:00:00", "exit_time": "13:30:00"}
    (broken,) = check(trade, day=date(2013, 11, 27), limits=OVERNIGHT)
    assert broken.limit == "09:30:00 to 13:00:00 on 2013-11-29"


@pytest.mark.parametrize(
    ("exit_date", "exit_time", "limits", "obeys"),
    [
        (date(2013, 10, 4), "10:22:00", LIMITS, True),
        (date(2013, 10, 7), "10:00:00", LIMITS, False),
        (date(2013, 10, 7), "10:00:00", OVERNIGHT, True),
        (date(2013, 10, 7), "10:22:00", OVERNIGHT, False),  # more than a session: times of day could not say it
        (date(2013, 10, 8), "10:00:00", OVERNIGHT, False),
        (date(2013, 10, 3), "10:22:00", OVERNIGHT, False),
    ],
)
def test_a_stated_exit_date(exit_date: date, exit_time: str, limits: GoldLimits, obeys: bool) -> None:
    broken = check({"exit_time": exit_time}, limits=limits, exit_date=exit_date)
    assert [v.rule for v in broken] == ([] if obeys else ["exit_after_entry"])


@pytest.mark.parametrize(
    ("expectation", "obeys"),
    [
        (Expectation("entry_volatility_percent", 0.15, 0.05), True),
        (Expectation("entry_volatility_percent", 0.151, 0.05), False),
        (Expectation("trade_type", "buy"), True),
        (Expectation("trade_type", "short"), False),
        (Expectation("ticker", "IBM"), True),
    ],
)
def test_controls(expectation: Expectation, obeys: bool) -> None:
    broken = check({}, expectations=[expectation])
    assert name_broken(broken) == ([] if obeys else [("control", (expectation.field,))])


def test_a_control_on_an_unsound_field_says_nothing_more() -> None:
    expectations = [Expectation("entry_volatility_percent", 0.1, 0.05), Expectation("ticker", "IBM")]
    broken = check({"entry_volatility_percent": nan, "ticker": None}, expectations=expectations)
    assert [violation.rule for violation in broken] == ["schema", "finite"]


def test_a_copy_has_four_of_five_numbers_equal() -> None:
    known = mark_trades({fingerprint(TRADE): "gold-0007"})
    (broken,) = check({"entry_time": "11:00:00", "exit_time": "12:00:00"}, known_trades=known)
    assert (broken.rule, broken.found) == ("copy", "copy of gold-0007")
    assert not broken.mend
    assert check({"best_exit_percent": 0.71}, known_trades=known) == [broken]
    assert check({"best_exit_percent": 0.71, "entry_volatility_percent": 0.11}, known_trades=known) == []
    assert [broken] == check_copy(TRADE, known)
    assert check_copy(TRADE, {}) == []


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"worst_exit_percent": 0.01, "best_exit_percent": 0.7}, []),
        ({"worst_exit_percent": 0.02, "best_exit_percent": 0.7}, ["worst_exit_percent"]),
        ({"exit_price": 100.0, "worst_exit_percent": -2.0, "best_exit_percent": -0.02}, ["best_exit_percent"]),
    ],
)
def test_excursions_are_on_both_sides_of_the_entry_where_the_golds_are(
    changes: dict[str, Any], broken: list[str]
) -> None:
    both = replace(LIMITS, spans_entry=True, price_ranges={})
    found = [violation for violation in check(changes, limits=both) if violation.rule == "excursion_signs"]
    assert [name for violation in found for name in violation.fields] == broken
    assert all(v.rule != "excursion_signs" for v in check(changes, limits=replace(both, spans_entry=False)))


def test_limits_without_tickers_let_any_pass() -> None:
    limits = GoldLimits({}, holds_overnight=False, volatility_range=(0.0, inf))
    assert check({"ticker": "ANY", "entry_price": 1e6, "exit_price": 1.005e6}, limits=limits) == []


def test_a_message_names_field_value_and_limit() -> None:
    (broken,) = check({"worst_exit_percent": 0.52})
    assert broken.message == (
        "worst_exit_percent 0.52 is above the exit percent 0.5000; limit: worst_exit_percent <= 0.51"
    )
    assert json.loads(json.dumps(broken.to_dict()))["fields"] == ["worst_exit_percent"]


def test_what_a_bound_says_can_be_obeyed_to_the_letter() -> None:
    prices = {"entry_price": 183.7, "exit_price": 183.33}  # an exit percent of many decimals
    broken, *_ = check({**prices, "worst_exit_percent": 0.0})
    mended = float(broken.limit.removeprefix("worst_exit_percent <= "))
    assert check({**prices, "worst_exit_percent": mended}) == []
    prices["worst_exit_percent"] = -1.0
    (broken,) = check({**prices, "best_exit_percent": -0.9})
    assert check({**prices, "best_exit_percent": float(broken.limit.removeprefix("best_exit_percent >= "))}) == []

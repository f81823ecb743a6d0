"""The signal on facts typed in: who proposes it, what counts for and against it, and where its stop and target lie."""

from typing import Any

import polars as pl
import pytest

from indicators.vpa.context import build_context
from indicators.vpa.measures import TREND_STATUS
from indicators.vpa.patterns import PATTERN, PATTERNS
from indicators.vpa.signal import BACKGROUND, HOLDS, RULES, decide_signals
from tests.indicators.vpa.walks import make_walk

FOR_BUY: dict[str, Any] = {
    "support_spreads": 1.5,
    "up_volume_share": 0.6,
    "higher_trend": "up",
    "strength_age": 3,
    "close_position": 0.9,
}
FOR_SELL: dict[str, Any] = {
    "resistance_spreads": 2.0,
    "up_volume_share": 0.4,
    "higher_trend": "down",
    "weakness_age": 20,
    "close_position": 0.1,
}
QUIET: dict[str, Any] = {
    **dict.fromkeys(("support_spreads", "resistance_spreads"), 9.0),
    **{"up_volume_share": 0.5, "higher_trend": None, "close_position": 0.5, "strength_age": None, "weakness_age": None},
    **{"support": None, "resistance": None},
}


def decide(*found: str, close: float = 100.0, low: float = 99.0, high: float = 101.5, **facts: Any) -> dict[str, Any]:
    """Return what is decided at the last of five equal bars with these patterns and facts."""
    row = {**QUIET, **{name: name in found for name in PATTERNS}, **facts}
    row |= {"low": low, "high": high, "close": close, "pattern": next((n for n in PATTERNS if n in found), "none")}
    types: dict[str, Any] = {
        **dict.fromkeys(("support", "resistance"), pl.Float64),
        **dict.fromkeys(("strength_age", "weakness_age"), pl.Int64),
        **{"pattern": PATTERN, "higher_trend": TREND_STATUS},
    }
    return decide_signals(pl.DataFrame([row] * 5, schema_overrides=types)).row(-1, named=True)


@pytest.mark.parametrize(
    ("count", "strength"), [(1, "WEAK"), (2, "MODERATE"), (3, "STRONG"), (4, "STRONG"), (5, "STRONG")]
)
@pytest.mark.parametrize(("name", "side", "facts"), [("no_supply", "BUY", FOR_BUY), ("no_demand", "SELL", FOR_SELL)])
def test_strength_is_the_count_of_rules_that_fire(
    count: int, strength: str, name: str, side: str, facts: dict[str, Any]
) -> None:
    decided = decide(name, **dict(list(facts.items())[:count]))
    assert (decided["signal"], decided["strength"]) == (side, strength)
    assert sum(decided[rule] for rule in BACKGROUND) == count


@pytest.mark.parametrize(
    ("found", "facts", "why"),
    [
        ([], FOR_BUY, "no_pattern"),
        (["no_supply", "distribution"], FOR_BUY, "patterns_disagree"),
        (["no_supply"], {}, "background_against"),
        (["no_supply"], {**FOR_SELL, "strength_age": 3}, "background_against"),
        (["no_supply"], {**FOR_BUY, "low": 100.0}, "no_room"),
        (["no_demand"], {**FOR_SELL, "high": 160.0}, "no_room"),
    ],
)
def test_a_hold_says_why_and_has_nothing_else(found: list[str], facts: dict[str, Any], why: str) -> None:
    decided = decide(*found, **facts)
    assert [name for name in HOLDS if decided[name]] == [why]
    assert [decided[name] for name in ("signal", "strength", "stop", "target")] == ["HOLD", None, None, None]


@pytest.mark.parametrize(
    ("name", "facts", "stop", "target"),
    [
        ("spring", {**FOR_BUY}, 99.0, 102.0),
        ("spring", {**FOR_BUY, "resistance": 100.9}, 99.0, 102.0),
        ("spring", {**FOR_BUY, "resistance": 101.0}, 99.0, 101.0),
        ("upthrust", {**FOR_SELL}, 101.5, 97.0),
        ("upthrust", {**FOR_SELL, "support": 98.6}, 101.5, 97.0),
        ("upthrust", {**FOR_SELL, "support": 98.0}, 101.5, 98.0),
    ],
)
def test_the_target_is_a_level_as_far_as_the_stop_or_twice_as_far(
    name: str, facts: dict[str, Any], stop: float, target: float
) -> None:
    decided = decide(name, **facts)
    assert (decided["stop"], decided["target"]) == (stop, target)


@pytest.mark.parametrize(
    ("name", "share", "rule"),
    [
        ("selling_climax", 0.3, "selling_volume"),
        ("stopping_volume", 0.3, "selling_volume"),
        ("buying_climax", 0.7, "buying_volume"),
    ],
)
def test_the_volume_of_the_move_that_a_bar_ends_does_not_count(name: str, share: float, rule: str) -> None:
    assert not decide(name, up_volume_share=share)[rule]
    assert decide("no_supply", up_volume_share=share)[rule]


def test_what_is_not_known_fires_no_rule() -> None:
    unknown: dict[str, Any] = dict.fromkeys(QUIET)
    decided = decide("spring", **unknown)
    assert [rule for rule in BACKGROUND if decided[rule]] == []


def test_rows_list_the_rules_that_fired_and_contradict_nothing() -> None:
    bars = pl.concat([make_walk(1200, seed, f"T{seed}") for seed in range(2)])
    rows = build_context(bars, ("1m", "5m")).rows(named=True)
    assert {row["signal"] for row in rows} == {"BUY", "SELL", "HOLD"}
    for row in rows:
        found = row["pattern_analysis"]["patterns"]
        held = [name for name in row["fired_rules"] if name in HOLDS]
        assert row["fired_rules"] == [name for name in RULES if name in row["fired_rules"]]
        assert row["fired_rules"][: len(found)] == found
        assert (row["signal"] == "HOLD") == (len(held) == 1) == (row["strength"] is None) == (row["stop"] is None)
        side = {"BUY": 1, "SELL": -1, "HOLD": 0}[row["signal"]]
        if side:
            close = row["current_candle"]["close"]
            assert side * row["stop"] < side * close < side * row["target"]
            assert {PATTERNS[name].side for name in found} == {"buy" if side > 0 else "sell"}

"""The checks as a column: what a row is told, with the limits of the train part alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from columns.rendering import read_fence
from columns.types.configs import ControlCheck, TradeChecksColumnConfig
from columns.types.row_checks import TradeChecksColumnGenerator

MakeGold = Callable[..., Path]
DAY, LATER = "2024-10-01", "2024-10-02"
GOLD = {
    "ticker": "IBM",
    "trade_type": "buy",
    "entry_time": "10:00:00",
    "exit_time": "10:01:00",
    "entry_price": 101.0,
    "exit_price": 102.0,
    "entry_volatility_percent": 0.4,
    "worst_exit_percent": -0.5,
    "best_exit_percent": 1.5,
}
HELD_OUT = GOLD | {"entry_price": 102.0, "exit_price": 103.0, "exit_time": "10:02:00", "entry_volatility_percent": 0.9}
NEW = GOLD | {"best_exit_percent": 1.25}
VOLATILITY = ControlCheck(column="target", field="entry_volatility_percent", tolerance=0.05)
TYPE = ControlCheck(column="side", field="trade_type")


@pytest.fixture
def gold(make_gold: MakeGold) -> Path:
    return make_gold((DAY, "IBM", 0.4), (LATER, "IBM", 0.9))


def check(gold: Path, trade: dict[str, Any], *checks: ControlCheck, **controls: Any) -> dict[str, Any]:
    config = TradeChecksColumnConfig(name="trade_checks", gold=str(gold), checks=list(checks))
    generator = TradeChecksColumnGenerator(config=config, resource_provider=None)
    row: dict[str, Any] = generator.generate({"trade": trade, "session_date": DAY, **controls})
    return row


def name_broken(row: dict[str, Any]) -> list[str]:
    return [violation["rule"] for violation in row["trade_checks"]["violations"]]


def test_sound_trade_passes_and_keeps_its_row(gold: Path) -> None:
    row = check(gold, NEW, mood="calm")
    assert row["trade_checks"] == {"passed": True, "violations": []}
    assert (row["mood"], row["trade"]) == ("calm", NEW)


def test_trade_is_kept_as_fenced_json_for_the_judge(gold: Path) -> None:
    text = check(gold, NEW)["trade_checks__trade"]
    assert text.startswith("```json\n{")
    assert read_fence(text) == NEW


def test_violation_is_plain_data(gold: Path) -> None:
    row = check(gold, NEW | {"exit_time": "17:00:00"})
    assert row["trade_checks"]["passed"] is False
    assert json.loads(json.dumps(row["trade_checks"]["violations"])) == [
        {
            "rule": "session_hours",
            "fields": ["exit_time"],
            "limit": "09:30:00 to 16:00:00 on 2024-10-01",
            "found": "17:00:00",
            "message": "exit_time 17:00:00 is outside the regular session; limit: 09:30:00 to 16:00:00 on 2024-10-01",
        }
    ]


@pytest.mark.parametrize(("target", "broken"), [(0.35, []), (0.45, []), (0.34, ["control"]), (0.46, ["control"])])
def test_number_may_differ_from_its_control_by_the_tolerance(gold: Path, target: float, broken: list[str]) -> None:
    assert name_broken(check(gold, NEW, VOLATILITY, target=target)) == broken


@pytest.mark.parametrize(("side", "broken"), [("buy", []), ("short", ["control"])])
def test_text_must_equal_its_control(gold: Path, side: str, broken: list[str]) -> None:
    assert name_broken(check(gold, NEW, TYPE, side=side)) == broken


def test_copy_of_a_gold_trade_is_named(gold: Path) -> None:
    (violation,) = check(gold, GOLD)["trade_checks"]["violations"]
    assert (violation["rule"], violation["found"]) == ("copy", "copy of gold-0001")


def test_held_out_trades_are_not_known(gold: Path) -> None:
    assert name_broken(check(gold, HELD_OUT)) == []


def test_limits_are_those_of_the_train_part(make_gold: MakeGold) -> None:
    gold = make_gold((DAY, "IBM", 0.4), (LATER, "SPY", 0.4))
    assert "known_ticker" in name_broken(check(gold, NEW | {"ticker": "SPY"}))


@pytest.mark.parametrize("trade", [{}, dict.fromkeys(GOLD), {"ticker": ["IBM"]}, {"entry_price": float("nan")}])
def test_trade_that_is_none_is_refused_and_not_fatal(gold: Path, trade: dict[str, Any]) -> None:
    row = check(gold, trade, VOLATILITY, TYPE, target=0.4, side="buy")
    assert "schema" in name_broken(row)


def test_checks_need_the_trade_its_session_and_the_controls() -> None:
    config = TradeChecksColumnConfig(name="trade_checks", gold="gold", checks=[VOLATILITY, TYPE])
    assert config.required_columns == ["trade", "session_date", "target", "side"]
    assert config.side_effect_columns == ["trade_checks__trade"]

"""The checks as a column: what a row is told, with the limits of the train part alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from columns.errors import HookError
from columns.rendering import read_fence
from columns.types.configs import ControlCheck, RowChecksColumnConfig
from columns.types.row_checks import RowChecksColumnGenerator
from designer_configs.compile.checks.project import PROJECT_ROOT
from gold_data.store import Gold, write_gold
from tests.columns.notes import write_notes

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
NEW = GOLD | {"worst_exit_percent": -0.45, "best_exit_percent": 1.25}  # with one alone it would be a copy
VOLATILITY = ControlCheck(column="target", field="entry_volatility_percent", tolerance=0.05)
TYPE = ControlCheck(column="side", field="trade_type")


@pytest.fixture
def gold(make_gold: MakeGold) -> Path:
    return make_gold((DAY, "IBM", 0.4), (LATER, "IBM", 0.9))


def check(gold: Path, trade: dict[str, Any], *checks: ControlCheck, **controls: Any) -> dict[str, Any]:
    folder = str(PROJECT_ROOT / "columns/trade_log")
    config = RowChecksColumnConfig(
        name="trade_checks", row="trade", dataset=folder, gold=str(gold), checks=list(checks), reads=["session_date"]
    )
    generator = RowChecksColumnGenerator(config=config, resource_provider=None)
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
            "mend": True,
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


def test_checks_need_the_row_what_they_read_and_the_controls() -> None:
    config = RowChecksColumnConfig(name="trade_checks", row="trade", checks=[VOLATILITY, TYPE], reads=["session_date"])
    assert config.required_columns == ["trade", "session_date", "target", "side"]
    assert config.side_effect_columns == ["trade_checks__trade"]


CODE = """
from gold_data.violation import Violation

def refuse_shouting(row, plan, given):
    if row["title"].isupper():
        return [Violation("shouting", ("title",), plan["mood"], row["title"], "too loud", mend=False)]
    return []
"""


def check_note(tmp_path: Path, row: Any, function: str | None = None) -> dict[str, Any]:
    gold = write_gold(Gold(pl.DataFrame()), tmp_path / "gold", 0.0).folder
    folder = str(write_notes(tmp_path, code=CODE))
    config = RowChecksColumnConfig(name="checks", row="note", dataset=folder, gold=str(gold), function=function)
    generator = RowChecksColumnGenerator(config=config, resource_provider=None)
    checked: dict[str, Any] = generator.generate({"note": row, "mood": "calm"})
    return checked


@pytest.mark.parametrize("carried", [{"title": "a", "stars": 9, "hint": None}, '{"title": "a", "stars": 9}'])
def test_row_is_checked_as_its_model_wrote_it_however_it_travels(tmp_path: Path, carried: Any) -> None:
    row = check_note(tmp_path, carried)
    assert [violation["fields"] for violation in row["checks"]["violations"]] == [["stars"]]
    assert (read_fence(row["checks__note"]), row["note"]) == ({"title": "a", "stars": 9}, carried)


def test_function_of_the_dataset_may_check_in_the_place_of_its_hook(tmp_path: Path) -> None:
    (violation,) = check_note(tmp_path, {"title": "A", "stars": 9}, "refuse_shouting")["checks"]["violations"]
    assert (violation["rule"], violation["limit"], violation["mend"]) == ("shouting", "calm", False)


def test_function_that_raises_is_the_rows_failure(tmp_path: Path) -> None:
    with pytest.raises(HookError, match="function refuse_shouting raised KeyError: 'title'"):
        check_note(tmp_path, {"stars": 1}, "refuse_shouting")

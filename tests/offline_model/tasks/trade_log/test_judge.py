"""The judge names what is wrong by its key, and lets honest rows pass: simulated ones and real ones."""

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gold_data.trades.rules import GoldLimits
from offline_model.tasks.trade_log.judge import CRITERIA, find_faults, judge_trade
from tests.offline_model.tasks.trade_log.reading import read

WritePrompt = Callable[..., str]

REAL = Path(__file__).parents[5] / "shared/real/cross_trades_on_bars.csv"
HONEST = {
    "ticker": "NVDA",
    "trade_type": "buy",
    "entry_time": "10:00:01",
    "exit_time": "10:15:31",
    "entry_price": 120.0,
    "exit_price": 120.6,
    "entry_volatility_percent": 0.51,
    "worst_exit_percent": -0.31,
    "best_exit_percent": 0.75,
}
PLANTED: list[tuple[dict[str, Any], str, str, int]] = [
    ({"best_exit_percent": 9.1}, "best_exit_percent", "realism", 2),
    ({"worst_exit_percent": -8.05}, "worst_exit_percent", "realism", 2),
    ({"exit_price": 132.0, "best_exit_percent": 10.02}, "exit_price", "realism", 2),
    ({"exit_time": "14:59:00"}, "exit_time", "realism", 2),
    ({"exit_time": "10:00:03"}, "exit_time", "realism", 2),
    ({"best_exit_percent": 0.4}, "best_exit_percent", "consistency", 1),
    ({"worst_exit_percent": 0.6}, "worst_exit_percent", "consistency", 1),
    ({"exit_time": "16:30:00"}, "exit_time", "consistency", 1),
    ({"exit_time": "09:45:00"}, "exit_time", "consistency", 1),
    ({"entry_time": "09:10:00"}, "entry_time", "consistency", 1),
    ({"entry_time": "10:31:30", "exit_time": "10:45:00"}, "entry_time", "consistency", 2),
    ({"ticker": "TSLA"}, "ticker", "consistency", 2),
    ({"trade_type": "short", "worst_exit_percent": -0.75}, "trade_type", "consistency", 2),
    ({"entry_volatility_percent": 0.91}, "entry_volatility_percent", "consistency", 2),
    ({"entry_price": 12.0}, "entry_price", "realism", 1),
    ({"worst_exit_percent": -1.0, "best_exit_percent": 1.0}, "best_exit_percent", "completeness", 3),
    ({"entry_time": "soon"}, "entry_time", "completeness", 1),
    ({"exit_price": None}, "exit_price", "completeness", 1),
]


def test_honest_trade_gets_four_or_five_with_a_reason(write_prompt: WritePrompt) -> None:
    verdict: Any = judge_trade(read(write_prompt("judge", trade=HONEST)), Random(1))
    assert tuple(verdict) == CRITERIA
    assert all(list(score) == ["reasoning", "score"] for score in verdict.values())
    assert {score["score"] for score in verdict.values()} <= {4, 5}


@pytest.mark.parametrize(("change", "field", "criterion", "score"), PLANTED)
def test_planted_fault_costs_its_criterion_and_names_field_and_value(
    write_prompt: WritePrompt, change: dict[str, Any], field: str, criterion: str, score: int
) -> None:
    verdict: Any = judge_trade(read(write_prompt("judge", trade=HONEST | change)), Random(1))
    assert verdict[criterion]["score"] == score
    assert f"`{field}` {change[field]}" in verdict[criterion]["reasoning"].replace("'", "")
    assert "expected" in verdict[criterion]["reasoning"]


def test_critique_of_one_fault_names_no_other_field(write_prompt: WritePrompt) -> None:
    (fault,) = find_faults(read(write_prompt("judge", trade=HONEST | {"exit_time": "14:59:00"})))
    assert str(fault) == (
        "`exit_time` 14:59:00 makes a holding time of 17939 seconds, unlike the examples'; expected 19 to 7830 seconds."
    )


def test_exit_on_the_next_day_is_no_fault_where_the_trader_holds_overnight(write_prompt: WritePrompt) -> None:
    overnight = GoldLimits({"NVDA": (90.0, 150.25)}, True, (0.3, 1.1))
    text = write_prompt("judge", trade=HONEST | {"exit_time": "09:45:00"}, allowed=overnight)
    assert find_faults(read(text)) == []


@pytest.mark.skipif(not REAL.exists(), reason="the real trades are not part of the repository")
def test_few_real_trades_are_rejected(write_prompt: WritePrompt) -> None:
    with REAL.open() as file:
        rows = [read_real(row) for row in csv.DictReader(file)]
    rejected = [row for i, row in enumerate(rows) if find_faults(read(write_real_prompt(write_prompt, rows, i)))]
    assert len(rejected) < 0.03 * len(rows)


def read_real(row: dict[str, str]) -> dict[str, Any]:
    numbers = {name: float(row[name]) for name in HONEST if name.endswith(("price", "percent"))}
    times = {name: row[name][11:19] for name in ("entry_time", "exit_time")}
    return {"ticker": row["ticker"], "trade_type": row["trade_type"], **times, **numbers}


def write_real_prompt(write_prompt: WritePrompt, rows: list[dict[str, Any]], index: int) -> str:
    """Judge one real trade by three others of about its volatility, as the pipeline would choose them."""
    trade, rng = rows[index], Random(index)
    near = sorted(
        (row for row in rows if row is not trade),
        key=lambda row: abs(row["entry_volatility_percent"] - trade["entry_volatility_percent"]),
    )
    clock = trade["entry_time"]
    controls = {
        "target_volatility": trade["entry_volatility_percent"],
        "ticker": trade["ticker"],
        "trade_type": trade["trade_type"],
        "session_period": "open" if clock < "10:30:00" else "midday" if clock < "15:00:00" else "close",
    }
    limits = GoldLimits({trade["ticker"]: (1.0, 500.0)}, False, (0.01, 0.3))
    frame = {"controls": controls, "shown": rng.sample(near[:60], 3), "allowed": limits}
    return write_prompt("judge", trade=trade, session_date=date(2013, 10, 4), **frame)

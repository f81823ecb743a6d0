"""`tradelogs strategy run`: a strategy on the sample's bars, and what is said of files that are none."""

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_cli

BARS = ROOT / "gold_data/sample/bars.parquet"
STRATEGY = {
    "ticker": "SIM1",
    "position_type": "LONG",
    "buy_condition": {"cross_over": [{"RSI": {}}, 30]},
    "sell_condition": {"greater": [{"RSI": {}}, 60]},
    "interval": "5m",
}
ONE_BAR = "timestamp,ticker,open,high,low,close,volume\n2024-10-01 09:30,SIM1,1,2,1,2,10\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_trades_and_numbers_are_printed(tmp_path: Path) -> None:
    result = run_cli("strategy", "run", write(tmp_path / "s.json", json.dumps(STRATEGY)), "--bars", BARS)
    assert result.exit_code == 0, result.output
    assert "SIM1: " in result.output
    assert "profit factor" in result.output


@pytest.mark.parametrize(
    ("strategy", "bars", "message"),
    [
        ("", None, "must be one JSON object"),
        ('{"all":[' * 5_000, None, "[nesting]"),
        (json.dumps(STRATEGY | {"ticker": "__import__('os')"}), None, "[pattern]"),
        (json.dumps(STRATEGY | {"ticker": "AMD"}), None, "has no bars of AMD"),
        ("x" * 1_000_000, None, "[size]"),
        (json.dumps(STRATEGY), ONE_BAR.replace(",2,10", ",nan,10"), "error: "),
        (json.dumps(STRATEGY), "nothing", "error: "),
    ],
)
def test_bad_input_is_an_error(strategy: str, bars: str | None, message: str, tmp_path: Path) -> None:
    file = BARS if bars is None else write(tmp_path / "bars.csv", bars)
    result = run_cli("strategy", "run", write(tmp_path / "s.json", strategy), "--bars", file)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())


def test_one_bar_has_no_trade(tmp_path: Path) -> None:
    strategy = write(tmp_path / "s.json", json.dumps(STRATEGY | {"interval": "1m"}))
    result = run_cli("strategy", "run", strategy, "--bars", write(tmp_path / "bars.csv", ONE_BAR))
    assert result.exit_code == 0, result.output
    assert "0 trades" in result.output

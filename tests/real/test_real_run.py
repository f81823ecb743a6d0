"""The whole run on real trades and real bars."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

from gold_data.store import load_gold
from gold_data.trades.limits import GoldLimits
from gold_data.trades.rules import check_trade
from indicators.technicals import INDICATORS

REAL = Path(__file__).parents[3] / "shared" / "real"
TRADES, BARS = REAL / "cross_trades_on_bars.csv", REAL / "minute_bars.parquet"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real inputs are not here: {REAL}")

Cli = Callable[..., Result]


def run(cli: Cli, folder: Path, number: int, *bars: object) -> Result:
    result = cli("generate", "offline", "--num", number, "--gold-trades", TRADES, *bars, "--out", folder)
    assert result.exit_code == 0, result.output
    return result


def check_run(folder: Path, number: int) -> pl.DataFrame:
    """Check that a run adds up, keeps to the real gold and knows every indicator; give the accepted trades."""
    ledger, accepted = (pl.read_parquet(folder / f"{name}.parquet") for name in ("ledger", "accepted"))
    assert ledger["row_id"].is_unique().all()
    assert set(ledger["status"]) <= {"accepted", "rejected", "failed"}
    assert accepted.height == ledger.filter(pl.col("status") == "accepted").height == number
    gold = load_gold(folder / "gold")
    limits = GoldLimits.from_facts(gold.facts)
    assert set(accepted["ticker"]) <= {"AIG", "BAC", "IBM", "SPY"}
    assert set(accepted["gold_example_ids"].explode()) <= set(gold.train["trade_id"])
    for row in accepted.to_dicts():
        times = {name: row[name].strftime("%H:%M:%S") for name in ("entry_time", "exit_time")}
        core = {name: row[name] for name in gold.train.columns if name in CORE} | times
        assert check_trade(core, session_date=row["session_date"], limits=limits) == []
    assert accepted.select(list(INDICATORS)).null_count().sum_horizontal().item() == 0
    return accepted


CORE = {
    "ticker",
    "trade_type",
    "entry_price",
    "exit_price",
    "entry_volatility_percent",
    "worst_exit_percent",
    "best_exit_percent",
}


def test_run_on_real_trades_and_bars(cli: Cli, tmp_path: Path) -> None:
    result = run(cli, tmp_path / "run", 60, "--gold-bars", BARS)
    accepted = check_run(tmp_path / "run", 60)
    gold = load_gold(tmp_path / "run/gold").train["entry_volatility_percent"]
    assert accepted["target_volatility"].is_between(gold.min(), gold.max()).all()
    assert "break a rule" not in result.output


def test_run_on_real_trades_without_bars_says_so(cli: Cli, tmp_path: Path) -> None:
    result = run(cli, tmp_path / "run", 60)
    check_run(tmp_path / "run", 60)
    assert "60 trades have bars of the fallback shape" in result.output


@pytest.mark.slow
@pytest.mark.parametrize("bars", [("--gold-bars", BARS), ()])
def test_three_hundred_real_trades(cli: Cli, tmp_path: Path, bars: tuple[object, ...]) -> None:
    run(cli, tmp_path / "run", 300, *bars)
    check_run(tmp_path / "run", 300)


def test_profile_with_the_originals_buckets_is_refused_with_both_ranges(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NVIDIA_API_KEY", "not-used")
    result = cli("generate", "nim_dev", "--gold-trades", TRADES, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "the buckets 0.3 to 1.1 lie outside the gold's entry_volatility_percent, 0.0" in result.stderr
    assert list(tmp_path.iterdir()) == []

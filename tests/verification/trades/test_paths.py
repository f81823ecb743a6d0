"""FinVal's gates count only where the gold passes them, and never with NaN or few paths."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from verification.trades.paths import AFTER, BEFORE, GATES, LEAST_PATHS, ask_paths, cut_windows, measure_gates

DAYS = [dt.date(2024, 10, 1) + dt.timedelta(days=number) for number in range(10)]


def make_bars(rng: np.random.Generator, scale: float = 0.3) -> pl.DataFrame:
    """Walk one ticker through the regular minutes of ten days, percent a minute."""
    start = pl.datetime_ranges(pl.col("day") + pl.duration(minutes=570), pl.col("day") + pl.duration(minutes=959), "1m")
    days = pl.DataFrame({"day": DAYS}).select(pl.col("day").cast(pl.Datetime("us"))).select(timestamp=start)
    bars = days.explode("timestamp").select(pl.col("timestamp").dt.replace_time_zone("America/New_York"))
    close = 10.0 * np.exp(np.cumsum(scale * rng.standard_t(5, len(bars))) / 100.0)
    return bars.with_columns(pl.lit("SIM").alias("ticker"), pl.Series("close", close))


def make_trades(rng: np.random.Generator, count: int) -> pl.DataFrame:
    minute = rng.integers(610, 900, count)
    day = pl.Series("session_date", [DAYS[place] for place in rng.integers(0, 10, count)])
    entry = day.cast(pl.Datetime("us")) + pl.Series(minute * 60_000_000 + 17_000_000).cast(pl.Duration("us"))
    return pl.DataFrame(
        {
            "trade_id": [str(number) for number in range(count)],
            "ticker": ["SIM"] * count,
            "trade_type": ["short", "buy"] * (count // 2),
            "session_date": day,
            "entry_time": entry.dt.replace_time_zone("America/New_York"),
        }
    )


def write_bars(trades: pl.DataFrame, bars: pl.DataFrame, folder: Path) -> Path:
    """Write what a run's file holds: the bars of each trade's own session."""
    own = trades.select(pl.col("trade_id").alias("row_id"), day="session_date")
    each = own.join(bars.with_columns(day=pl.col("timestamp").dt.date()), on="day")
    each.select("row_id", "timestamp", "close").write_parquet(folder / "bars.parquet")
    return folder / "bars.parquet"


def test_a_window_is_the_returns_around_the_entry_in_the_trades_direction() -> None:
    rng = np.random.default_rng(0)
    bars, trades = make_bars(rng), make_trades(rng, 2)
    paths, sessions = cut_windows(trades, bars, "ticker")
    assert paths.shape == (2, BEFORE + AFTER)
    assert len(sessions) == 2
    for row, path, sign in zip(trades.iter_rows(named=True), paths, (-1, 1), strict=True):
        at = bars["timestamp"].index_of(row["entry_time"].replace(second=0))
        assert at is not None
        closes = bars["close"].to_numpy()[at - BEFORE - 1 : at + AFTER]
        assert path == pytest.approx(100 * sign * np.diff(np.log(closes)))


def test_gaps_and_other_sessions_leave_a_trade_out() -> None:
    rng = np.random.default_rng(0)
    bars, trades = make_bars(rng), make_trades(rng, 2)
    first = trades["entry_time"][0].replace(second=0)
    assert len(cut_windows(trades, bars.filter(pl.col("timestamp") != first), "ticker")[0]) == 1
    late = trades.with_columns(pl.col("entry_time").dt.replace(hour=15, minute=45))
    assert len(cut_windows(late, bars, "ticker")[0]) == 0


def test_the_same_market_passes_and_a_wilder_one_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "verification.trades.paths.GATES", ("marginal_ks", "tail_quantiles", "memorization")
    )  # the quick ones
    rng = np.random.default_rng(1)
    bars, gold, made = make_bars(rng), make_trades(rng, 500), make_trades(rng, 500)
    good = ask_paths(gold, bars, made, write_bars(made, make_bars(rng), tmp_path), np.random.default_rng(0))
    wild = ask_paths(gold, bars, made, write_bars(made, make_bars(rng, 1.5), tmp_path), np.random.default_rng(0))
    assert (good.verdict, wild.verdict) == ("good", "underfit")
    gates = {gate["gate"]: gate for gate in wild.metrics["gates"]}
    assert gates["marginal_ks"]["verdict"] == "underfit"
    assert gates["memorization"]["verdict"] == "cannot tell"
    assert all(bool(gate["why"]) == (gate["verdict"] == "cannot tell") for gate in gates.values())
    assert wild.numbers[0] == ("gates clearly failed", "3 of 3")


@pytest.mark.slow
def test_finval_measures_every_gate() -> None:
    rng = np.random.default_rng(0)
    gates = measure_gates(*rng.standard_normal((2, 100, BEFORE + AFTER)))
    assert gates["marginal_ks"]["passed"] is True
    assert gates["drawdown_distribution"]["threshold"] == 0.35
    assert set(GATES) <= set(gates)
    assert all(gate["value"] is not None for gate in gates.values())


def test_a_gate_that_the_gold_fails_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = {"gate": "marginal_ks", "value": 0.9, "threshold": 0.2, "passed": False, "hard": False}
    monkeypatch.setattr("verification.trades.paths.measure_gates", lambda made, gold: {"marginal_ks": failed})
    rng = np.random.default_rng(1)
    bars, gold = make_bars(rng), make_trades(rng, 500)
    answer = ask_paths(gold, bars, gold, write_bars(gold, bars, tmp_path), rng)
    assert answer.verdict == "cannot tell"
    assert answer.metrics["gates"][0]["why"] == "The gold's own halves do not pass it."
    assert answer.numbers[0] == ("gates that count", "0 of 1")


def test_nan_is_refused_before_finval_sees_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    bars, gold = make_bars(rng), make_trades(rng, 420)
    spoilt = bars.with_columns(
        pl.when(pl.int_range(pl.len()) == 200).then(float("nan")).otherwise("close").alias("close")
    )
    answer = ask_paths(gold, bars, gold, write_bars(gold, spoilt, tmp_path), rng)
    assert answer.verdict == "cannot tell"
    assert answer.metrics["broken_paths"] > 0


def test_too_little_says_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    bars, gold = make_bars(rng), make_trades(rng, 10)
    file = write_bars(gold, bars, tmp_path)
    few = ask_paths(gold, bars, gold, file, rng)
    assert few.verdict == "cannot tell"
    assert str(LEAST_PATHS) in few.reason
    assert ask_paths(gold, bars, gold.clear(), file, rng).verdict == "cannot tell"
    assert "no bars" in ask_paths(gold, None, gold, file, rng).reason
    assert "no none.parquet" in ask_paths(gold, bars, gold, tmp_path / "none.parquet", rng).reason
    (tmp_path / "broken.parquet").write_text("no parquet")
    assert "cannot be read" in ask_paths(gold, bars, gold, tmp_path / "broken.parquet", rng).reason

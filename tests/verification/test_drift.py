"""Drift: reference 001's formula to the last digits, our rule on laws that are known, and the command."""

import json
import math
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pytest

from tests.conftest import ROOT, run_cli
from verification.drift import (
    compare_tables,
    fails,
    judge_by_moments,
    judge_by_tests,
    name_health,
    reject_by_holm,
    take_numbers,
)
from verification.errors import VerificationError

TRADES = ROOT / "gold_data/sample/trades.csv"


def judge_plainly(reference: dict[str, list[float]], current: dict[str, list[float]]) -> tuple[float, float, str]:
    """Reference 001's rule, written out."""
    shifts, ratios = [], []
    for name, left in reference.items():
        right = current[name]
        mean, other = math.fsum(left) / len(left), math.fsum(right) / len(right)
        spread = math.sqrt(math.fsum((x - mean) ** 2 for x in left) / (len(left) - 1))
        wide = math.sqrt(math.fsum((x - other) ** 2 for x in right) / (len(right) - 1))
        shifts.append(abs(other - mean) / spread)
        ratios.append(wide / spread)
    score, ratio = sum(shifts) / len(shifts), sum(ratios) / len(ratios)
    if score > 2.0 or ratio > 2.5 or ratio < 0.4:
        return score, ratio, "Critical"
    return score, ratio, "Degraded" if score >= 1.0 or ratio > 1.5 or ratio < 0.6 else "Healthy"


@pytest.mark.parametrize("frames", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_the_old_rule_equals_its_formula(frames: int) -> None:
    rng, seen = Random(1), set()
    for _ in range(frames):
        names = [f"c{place}" for place in range(rng.randint(1, 4))]
        scale, shift = rng.choice((0.2, 0.5, 1, 2, 3)), rng.choice((0, 0.5, 1.5, 3))
        left = {name: [rng.gauss(0, 1) for _ in range(rng.choice((20, 31)))] for name in names[:1]}
        left |= {name: [rng.gauss(5, 2) for _ in left[names[0]]] for name in names[1:]}
        right = {name: [rng.gauss(shift, scale) for _ in range(20)] for name in names}
        found = judge_by_moments(pl.DataFrame(left), pl.DataFrame(right))
        score, ratio, health = judge_plainly(left, right)
        assert found["score"] == pytest.approx(score, rel=1e-12, abs=1e-12)
        assert found["volatility_ratio"] == pytest.approx(ratio, rel=1e-12, abs=1e-12)
        assert found["health"] == health
        seen.add(health)
    assert seen == {"Healthy", "Degraded", "Critical"}


@pytest.mark.parametrize(
    ("score", "ratio", "health"),
    [
        (0.99, 1.0, "Healthy"),
        (1.0, 1.0, "Degraded"),
        (2.0, 1.0, "Degraded"),
        (2.0000001, 1.0, "Critical"),
        (0.0, 0.6, "Healthy"),
        (0.0, 0.5999, "Degraded"),
        (0.0, 1.5, "Healthy"),
        (0.0, 1.5001, "Degraded"),
        (0.0, 0.4, "Degraded"),
        (0.0, 0.3999, "Critical"),
        (0.0, 2.5, "Degraded"),
        (0.0, 2.5001, "Critical"),
    ],
)
def test_the_old_rule_at_its_edges(score: float, ratio: float, health: str) -> None:
    assert name_health(score, ratio) == health


def draw(rng: np.random.Generator, rows: int, shift: float = 0.0, scale: float = 1.0) -> pl.DataFrame:
    return pl.DataFrame({name: scale * rng.standard_t(4, rows) + shift for name in "abc"})


def test_ours_sees_what_moved_and_seldom_what_did_not() -> None:
    rng = np.random.default_rng(2)
    found = [judge_by_tests(draw(rng, 400), draw(rng, 150, 0.7))["verdict"] for _ in range(3)]
    assert found == ["drift"] * 3
    same = [judge_by_tests(draw(rng, 120), draw(rng, 80))["verdict"] for _ in range(6)]
    assert same.count("drift") <= 2


@pytest.mark.slow
def test_ours_fires_on_an_unchanged_law_as_often_as_it_says() -> None:
    gold, rng = take_numbers(pl.read_csv(TRADES)), np.random.default_rng(3)
    fired = 0
    for _ in range(400):
        order = rng.permutation(gold.height).tolist()
        fired += judge_by_tests(gold[order[:400]], gold[order[400:550]])["verdict"] == "drift"
    assert fired <= 29  # 20 are expected, and 29 passed in one of 50 draws


def test_the_old_volatility_is_that_of_returns() -> None:
    rng = np.random.default_rng(6)
    calm, wild = (pl.DataFrame({"close": 100 * np.exp(rng.normal(0, sd, 400).cumsum())}) for sd in (0.01, 0.02))
    assert judge_by_moments(calm, wild)["volatility_ratio"] == pytest.approx(2.0, rel=0.15)
    trades = pl.DataFrame({"trade_percent_change": rng.normal(0, 1, 100), "other": rng.normal(0, 1, 100)})
    moved = trades.with_columns(pl.col("trade_percent_change") * 3, pl.col("other") * 10)
    assert judge_by_moments(trades, moved)["volatility_ratio"] == pytest.approx(3.0)


def test_few_rows_and_columns_that_do_not_vary_cannot_be_told() -> None:
    rng = np.random.default_rng(4)
    few = compare_tables(draw(rng, 19), draw(rng, 400))
    assert few["ours"]["verdict"] == few["reference_001"]["health"] == "cannot tell"
    still = draw(rng, 50).with_columns(a=1.0)
    found = compare_tables(still, still)
    assert found["ours"]["verdict"] == found["reference_001"]["health"] == "cannot tell"
    assert found["ours"]["cannot_tell"] == ["a"]
    stopped = compare_tables(draw(rng, 50), still)
    assert stopped["reference_001"]["why"] == "does not vary: a"


def test_holm_stops_at_the_first_that_does_not_fire() -> None:
    assert reject_by_holm([0.04, 0.001, 0.03]) == [False, True, False]
    assert reject_by_holm([0.04, 0.001, 0.02]) == [True, True, True]
    assert reject_by_holm([]) == []


def test_columns_of_numbers_are_found_in_text_and_others_left_out() -> None:
    table = pl.DataFrame(
        {"a": ["1", " 2.5 "], "b": ["x", "1"], "c": [True, False], "d": [None, 1.0], "e": [None, None]}
    )
    assert take_numbers(table).to_dict(as_series=False) == {"a": [1.0, 2.5], "c": [1.0, 0.0], "d": [None, 1.0]}


def test_tables_without_a_column_in_common_are_refused() -> None:
    with pytest.raises(VerificationError, match="no column of numbers is in both; they have a and b"):
        compare_tables(pl.DataFrame({"a": [1.0]}), pl.DataFrame({"b": [1.0]}))


def test_trades_are_compared_by_their_features() -> None:
    assert take_numbers(pl.read_csv(TRADES, infer_schema=False)).columns == [
        *("entry_volatility_percent", "worst_exit_percent", "best_exit_percent", "trade_percent_change"),
        *("holding_minutes", "entry_minute", "is_short"),
    ]


def test_moments_are_compared_on_one_clock_however_they_are_written() -> None:
    texts = pl.read_csv(TRADES)
    times = pl.col("entry_time", "exit_time")
    utc = texts.with_columns(times.str.to_datetime("%Y-%m-%dT%H:%M:%S%:z"))
    zoned = utc.with_columns(times.dt.convert_time_zone("America/New_York"))
    naive = zoned.with_columns(times.dt.replace_time_zone(None))
    written = naive.with_columns(times.dt.to_string("%Y-%m-%d %H:%M:%S"))
    features = take_numbers(texts)
    assert features["entry_minute"].is_between(9.5 * 60, 16 * 60).all()  # also after the clocks go back
    assert all(take_numbers(table).equals(features) for table in (utc, zoned, naive, written))


def test_the_command_says_both_and_fails_on_what_it_is_told_to(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    draw(rng, 200).with_columns(d=pl.int_range(200)).write_parquet(tmp_path / "old.parquet")
    draw(rng, 200, 5.0).write_csv(tmp_path / "new.csv")
    (tmp_path / "metrics.json").write_text('{"overall": 1}', encoding="utf-8")
    old, new = tmp_path / "old.parquet", tmp_path / "new.csv"
    result = run_cli("drift", old, new, "--fail-on", "drift")
    assert result.exit_code == 4, result.output
    assert "ours           drift: a, b, c" in result.output
    assert "reference 001  Critical" in result.output
    assert "not compared   d: on one side only" in result.output
    assert json.loads((tmp_path / "metrics.json").read_text())["drift"]["ours"]["verdict"] == "drift"
    page = (tmp_path / "drift.html").read_text(encoding="utf-8")
    assert "Ours: drift" in page
    assert "Reference 001: Critical" in page
    assert run_cli("drift", old, old, "--fail-on", "degraded", "--out", tmp_path / "same").exit_code == 0
    missing = run_cli("drift", tmp_path / "nothing", old)
    assert missing.exit_code == 2
    assert "there is no such file" in missing.output


@pytest.mark.parametrize(
    ("verdict", "health", "fail_on", "fails_on_it"),
    [
        ("drift", "Healthy", "drift", True),
        ("no drift", "Critical", "drift", False),
        ("drift", "Degraded", "critical", False),
        ("no drift", "Critical", "degraded", True),
        ("cannot tell", "cannot tell", "degraded", False),
    ],
)
def test_what_fails(verdict: str, health: str, fail_on: str, fails_on_it: bool) -> None:
    assert fails({"ours": {"verdict": verdict}, "reference_001": {"health": health}}, fail_on) is fails_on_it

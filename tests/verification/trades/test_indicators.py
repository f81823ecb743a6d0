"""Indicators that differ are found, those that do not are left in peace, however many are looked at."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from indicators.technicals import INDICATORS
from verification.trades.indicators import IN_DOLLARS, NOT_COMPARED, ask_indicators, correct_holm, measure_distance

NAMES = [f"indicator_{number}" for number in range(12)]


def add_indicators(trades: pl.DataFrame, seed: int, shift: float = 0.0, shifted: int = 0) -> pl.DataFrame:
    values = np.random.default_rng(seed).normal(0, 1, (len(trades), len(NAMES)))
    values[:, :shifted] += shift
    return trades.with_columns(pl.Series(name, column) for name, column in zip(NAMES, values.T, strict=True))


def test_the_same_law_is_blamed_in_no_more_than_one_of_twenty(gold: pl.DataFrame) -> None:
    own = add_indicators(gold, 0)
    verdicts = [ask_indicators(own, add_indicators(gold, seed), NAMES).verdict for seed in range(1, 21)]
    assert verdicts.count("good") >= 19


def test_indicators_of_another_law_are_named(gold: pl.DataFrame) -> None:
    answer = ask_indicators(add_indicators(gold, 0), add_indicators(gold, 1, shift=0.6, shifted=2), NAMES)
    assert answer.verdict == "underfit"
    differing = [row["indicator"] for row in answer.metrics["indicators"] if row["differs"]]
    assert differing == ["indicator_0", "indicator_1"]


def test_one_of_twelve_passes_but_is_said(gold: pl.DataFrame) -> None:
    answer = ask_indicators(add_indicators(gold, 0), add_indicators(gold, 1, shift=0.6, shifted=1), NAMES)
    assert answer.verdict == "good"
    assert "indicator_0" in answer.reason


def test_sessions_alike_within_widen_what_passes(gold: pl.DataFrame) -> None:
    days = gold["session_date"].rank("dense").cast(pl.Int64).to_numpy() - 1
    levels = [np.random.default_rng(seed).normal(0, 1, days.max() + 1)[days] for seed in (0, 1)]
    own, made = (gold.with_columns(pl.Series("indicator_0", level)) for level in levels)
    answer = ask_indicators(own, made, ["indicator_0"])
    assert answer.verdict != "underfit"
    assert answer.metrics["indicators"][0]["floor"]["high"] > 0.15


def test_nulls_are_counted_and_missing_indicators_named(gold: pl.DataFrame) -> None:
    made = add_indicators(gold, 1).with_columns(pl.lit(None, pl.Float64).alias("indicator_3")).drop("indicator_4")
    answer = ask_indicators(add_indicators(gold, 0), made, NAMES)
    rows = {row["indicator"]: row for row in answer.metrics["indicators"]}
    assert rows["indicator_3"]["synthetic_nulls"] == len(gold)
    assert rows["indicator_3"]["distance"]["value"] is None
    assert answer.metrics["missing"] == ["indicator_4"]


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_few_rows_say_nothing(gold: pl.DataFrame, rows: int) -> None:
    own = add_indicators(gold, 0)
    assert ask_indicators(own, own.head(rows), NAMES).verdict == "cannot tell"
    assert ask_indicators(own.head(rows), own, NAMES).verdict == "cannot tell"
    assert ask_indicators(own, own, []).verdict == "cannot tell"


def test_one_session_says_nothing_and_a_constant_does_no_harm(gold: pl.DataFrame) -> None:
    day = add_indicators(gold, 0).with_columns(pl.lit(gold["session_date"][0]).alias("session_date"))
    answer = ask_indicators(day, day, NAMES)
    assert (answer.verdict, answer.numbers[0]) == ("cannot tell", ("gold sessions", "1"))
    flat = gold.with_columns(pl.lit(1.0).alias("indicator_0"))
    assert ask_indicators(flat, flat, ["indicator_0"]).verdict == "good"


def test_too_few_trades_to_find_anything_say_so(gold: pl.DataFrame) -> None:
    answer = ask_indicators(add_indicators(gold.head(90), 0), add_indicators(gold.head(90), 1), NAMES)
    assert answer.verdict == "cannot tell"
    assert answer.numbers[0][0] == "least distance that would be found"


def test_the_distance_is_that_of_scipy() -> None:
    left, right = np.random.default_rng(0).normal(0, 1, (2, 70)).round(1)
    assert measure_distance(left, right[:50]) == pytest.approx(ks_2samp(left, right[:50]).statistic)


def test_holm_stops_at_the_first_that_holds() -> None:
    assert correct_holm([0.001, 0.012, 0.03, 0.04]) == [True, True, False, False]
    assert correct_holm([0.02, 0.02]) == [True, True]
    assert correct_holm([]) == []


def test_what_is_in_dollars_or_shares_is_what_the_indicators_say() -> None:
    assert {name for name, each in INDICATORS.items() if "dollars" in each.meaning} == set(IN_DOLLARS)
    assert {name for name, each in INDICATORS.items() if "shares" in each.meaning} == set(NOT_COMPARED)


def test_levels_are_compared_in_percent_of_the_entry_price(gold: pl.DataFrame) -> None:
    percent = pl.Series("percent", np.random.default_rng(0).normal(100, 0.3, len(gold)))
    own = gold.with_columns((pl.col("entry_price") * percent / 100.0).alias("ema_9"))
    dear = own.with_columns(pl.col("entry_price", "ema_9") * 7.0)
    answer = ask_indicators(own, dear, ["ema_9"])
    row = answer.metrics["indicators"][0]
    assert (answer.verdict, row["differs"], row["unit"]) == ("good", False, "percent of the entry price")
    assert row["gold_quantiles"][2] == pytest.approx(percent.median(), abs=1e-6)


def test_volume_that_runs_from_the_first_bar_is_not_compared(gold: pl.DataFrame) -> None:
    own, made = (
        add_indicators(gold, seed).with_columns(pl.lit(level).alias("obv")) for seed, level in ((0, 1.0), (1, 9.0))
    )
    answer = ask_indicators(own, made, [*NAMES, "obv"])
    assert answer.metrics["not_compared"] == [{"indicator": "obv", "why": "counts from the first bar"}]
    assert "obv" not in [row["indicator"] for row in answer.metrics["indicators"]]
    assert answer.metrics["missing"] == []
    assert answer.numbers[0] == ("indicators that differ", "0 of 12")

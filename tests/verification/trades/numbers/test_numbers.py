"""A trader's numbers: what is off is named by its family, and a fresh draw is not."""

import numpy as np
import polars as pl
import pytest

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT
from verification.trades.known_laws import simulate_trailing
from verification.trades.numbers.curves import measure_fall
from verification.trades.numbers.question import ask_numbers, say_needed
from verification.trades.numbers.relabel import Sums, measure_gaps
from verification.trades.numbers.terms import Term, expect_given, read_columns
from verification.trades.questions import make_yardstick
from verification.trades.selftest import draw_parts
from verification.trades.yardstick import Yardstick

Golds = tuple[Yardstick, pl.DataFrame]


@pytest.fixture(scope="module")
def held() -> Golds:
    """Give a yardstick of 300 gold trades and as many fresh ones."""
    train, holdout, fresh = draw_parts(pl.concat([simulate_trailing(100), simulate_trailing(101)]), 300, seed=2)
    return make_yardstick(train, holdout, 300, 0), fresh


def change_results(trades: pl.DataFrame, change: pl.Expr) -> pl.DataFrame:
    return trades.with_columns(change.alias("trade_percent_change"))


def test_a_fresh_draw_is_good(held: Golds) -> None:
    answer = ask_numbers(*held)
    assert answer.verdict == GOOD
    assert "would have been noticed 4 times of 5" in answer.reason
    table = {row["key"]: row for row in answer.metrics["table"]}
    wins = (held[1]["trade_percent_change"] > 0.0).mean()
    assert table["win_rate"]["synthetic"]["value"] == pytest.approx(wins)
    assert table["win_rate"]["difference"]["low"] < 0.0 < table["win_rate"]["difference"]["high"]


def test_lost_losers_are_results(held: Golds) -> None:
    place = pl.int_range(pl.len())
    answer = ask_numbers(held[0], held[1].filter((pl.col("trade_percent_change") > 0.0) | (place % 3 == 0)))
    assert answer.verdict == UNDERFIT
    assert "The results" in answer.reason


def test_winners_at_the_very_best_are_paths(held: Golds) -> None:
    best, change = pl.col("best_exit_percent"), pl.col("trade_percent_change")
    lucky = change_results(held[1], pl.when(change > 0.0).then(best).otherwise(change))
    answer = ask_numbers(held[0], lucky)
    assert answer.verdict == UNDERFIT
    assert answer.metrics["families"]["path"] <= answer.metrics["alpha"]
    assert "very best" in answer.reason


def test_worst_losses_that_were_cut_off_are_seen(held: Golds) -> None:
    change = pl.col("trade_percent_change")
    answer = ask_numbers(held[0], held[1].filter(change > change.quantile(0.12)))
    assert answer.verdict == UNDERFIT


def test_wilder_moments_are_of_the_timing(held: Golds) -> None:
    percents = pl.col("^.*_percent$", "trade_percent_change")
    answer = ask_numbers(held[0], held[1].with_columns(percents * 2.0))
    assert answer.verdict == UNDERFIT
    assert answer.metrics["families"]["time"] <= answer.metrics["alpha"]


def test_what_volatility_lets_expect_is_taken_off() -> None:
    wild = np.repeat([1.0, 5.0], 50)
    assert expect_given(wild, wild) == pytest.approx(wild)
    assert expect_given(wild[::-1], wild).sum() == pytest.approx(wild.sum())


def test_too_little_is_said(held: Golds) -> None:
    answer = ask_numbers(held[0], held[1].head(12))
    assert answer.verdict == CANNOT_TELL
    assert "12 synthetic trades, at least 30 are needed" in answer.reason


def test_gaps_are_the_naive_ones() -> None:
    rng = np.random.default_rng(1)
    above, groups = rng.random(60), np.repeat(np.arange(12), 5)
    sums = Sums.take([Term("result", "", above, np.ones(60))], np.ones(60), groups)
    is_gold = np.arange(12) < 5
    found = measure_gaps(sums, is_gold[None, :])
    rows = is_gold[groups]
    assert found.gap[0, 0] == pytest.approx(above[~rows].mean() - above[rows].mean())
    means = above.reshape(12, 5).mean(axis=1)
    expected = means[:5].var(ddof=1) / 5 + means[5:].var(ddof=1) / 7
    assert found.variance[0, 0] == pytest.approx(expected)


def test_what_is_waived_widens_no_error_and_moves_no_gap() -> None:
    rng = np.random.default_rng(3)
    groups, is_late = np.repeat(np.arange(40), 10), np.repeat(np.arange(40) % 2, 10).astype(np.float64)
    noise = rng.normal(size=400)
    term = Term("result", "", noise + 5.0 * is_late, np.ones(400))
    told = np.column_stack([np.ones(400), is_late])
    is_gold = (np.arange(40) < 20)[None, :]
    plain = measure_gaps(Sums.take([term], np.ones(400), groups), is_gold)
    found = measure_gaps(Sums.take([term], np.ones(400), groups, told), is_gold)
    assert found.gap[0, 0] == pytest.approx(plain.gap[0, 0])  # both sides have as many late ones
    assert found.variance[0, 0] < 0.1 * plain.variance[0, 0]


def test_a_win_rate_that_may_be_far_off_is_not_good(held: Golds) -> None:
    is_win = pl.col("trade_percent_change") > 0.0
    doubtful = pl.concat([held[1].filter(is_win).head(30), held[1].filter(~is_win).head(60)]).sort("entry_time")
    answer = ask_numbers(held[0], doubtful)
    assert answer.verdict in (CANNOT_TELL, UNDERFIT)


def test_curves_have_a_band_of_the_golds_own(held: Golds) -> None:
    curves = ask_numbers(*held).metrics["curves"]
    path, results, fall = curves["cumulative"], curves["results"], curves["drawdown"]
    assert path["synthetic"][-1] == pytest.approx(held[1]["trade_percent_change"].sum())
    assert all(low <= high for low, high in zip(path["gold_low"], path["gold_high"], strict=True))
    assert sum(results["gold"]) == pytest.approx(1.0)
    assert 0 <= results["outside"] <= results["outside_by_chance"] < len(results["gold"])
    assert 0.0 < fall["gold"]["low"] <= fall["gold"]["high"]


def test_the_worst_fall_is_from_the_highest_so_far() -> None:
    assert measure_fall(np.array([[1.0, -2.0, 5.0, 4.0], [-1.0, -2.0, -3.0, 0.0]])).tolist() == [3.0, 3.0]


def test_what_a_winner_kept_lies_between_0_and_1(held: Golds) -> None:
    kept = read_columns(held[1]).kept
    assert ((kept >= 0.0) & (kept <= 1.0)).all()


def test_a_smaller_difference_needs_the_square_of_trades() -> None:
    assert say_needed(0.2, 60) == "; for 10 points 240 are needed, gold and synthetic"
    assert not say_needed(0.04, 9_000)

"""The book's ranking: its parts on typed-in numbers, and what is answered when there is too little."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from ffn import calc_deflated_sharpe_ratio, calc_prob_backtest_overfitting
from scipy.stats import spearmanr

from gold_data.sample.build import SAMPLE
from gold_data.store import Gold
from gold_data.trades.ingest import read_gold
from indicators.replay import NEVER, Replays, replay_gold, replay_run
from verification.answers import Answer, Interval, Matrix
from verification.trades.exit_strategies import backtest as strategy_book
from verification.trades.exit_strategies import luck as strategy_search
from verification.trades.exit_strategies.backtest import (
    Part,
    Ranking,
    ask_backtest,
    correlate_ranks,
    draw_weights,
    judge_ranking,
    make_book,
    measure_regret,
    number_rows,
    number_sessions,
    rank_book,
    weigh,
    widen_on_fisher,
)
from verification.trades.exit_strategies.luck import (
    BLOCKS,
    average_by_session,
    count_independent,
    deflate_sharpe,
    measure_pbo,
    measure_sharpes,
    repeat_search,
)

NO_CHANCE = Interval(0.0, -0.2, 0.2)


def make_replays(percents: Matrix, per_session: int = 5) -> Replays:
    """Trades one after another, some per session."""
    days = [date(2024, 1, 1) + timedelta(days=place // per_session) for place in range(percents.shape[1])]
    trades = pl.DataFrame(
        {"trade_id": [str(place) for place in range(len(days))], "session_date": pl.Series(days, dtype=pl.Date)}
    )
    return Replays(trades, percents.astype(np.float32), 0)


def make_part(means: list[float], trades: int = 300, seed: int = 1, spread: float = 0.1) -> Part:
    """Trades whose mean percent under each strategy is known."""
    rng = np.random.default_rng(seed)
    return number_sessions(make_replays(np.array(means)[:, None] + rng.normal(0, spread, (len(means), trades))))


def test_the_book_has_no_strategy_twice_and_no_idle_trailing_stop() -> None:
    book = make_book()
    assert len(set(book)) == len(book) == 156
    assert all(each.stop == NEVER or each.trail > each.stop for each in book)


def test_rank_correlations_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 5, (4, 20)).astype(float), rng.integers(0, 5, (4, 20)).astype(float)
    expected = [spearmanr(one, two).statistic for one, two in zip(left, right, strict=True)]
    np.testing.assert_allclose(correlate_ranks(left, right), expected)
    np.testing.assert_allclose(correlate_ranks(left, right[:1])[2], spearmanr(left[2], right[0]).statistic)


def test_a_row_that_does_not_vary_has_no_rank_correlation() -> None:
    assert np.isnan(correlate_ranks(np.ones((1, 5)), np.arange(5.0)[None])).all()


def test_sessions_are_drawn_whole_and_rows_thinned_to_size() -> None:
    part = make_part([0.0], trades=50)
    weights = draw_weights(part, 50, np.random.default_rng(0), resampled=True)
    assert (weights.sum(axis=1) == 50).all()
    assert (weights.reshape(-1, 10, 5) == weights.reshape(-1, 10, 5)[:, :, :1]).all()
    thinned = draw_weights(part, 10, np.random.default_rng(0), resampled=False)
    assert set(np.unique(thinned)) == {0.0, 1.0}
    assert thinned.sum(axis=1).mean() == pytest.approx(10, abs=0.5)


def test_weighted_means_are_those_of_the_rows_drawn() -> None:
    part = number_sessions(make_replays(np.array([[1.0, 2.0, 6.0], [0.0, 0.0, 0.0]])))
    drawn = weigh(part, np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]]))
    assert drawn.expectancy.tolist() == [[1.5, 0.0], [4.0, 0.0]]
    assert drawn.sharpe[:, 0].tolist() == [3.0, 2.0]
    assert np.isnan(drawn.sharpe[:, 1]).all()


def test_a_fisher_interval_holds_the_value_and_stays_within_one() -> None:
    interval = widen_on_fisher(0.9, np.array([0.5, 0.8, 0.9, 0.99]))
    assert interval.value == pytest.approx(0.9)
    assert -1 < interval.low < 0.9 < interval.high < 1
    assert not widen_on_fisher(0.9, np.array([0.5, np.nan])).is_known


def test_the_same_law_ranks_alike_and_another_does_not() -> None:
    means = np.linspace(-0.2, 0.2, 40).tolist()
    train, holdout = make_part(means, seed=2), make_part(means, seed=3)
    for synthetic, verdict in ((means, "good"), (means[::-1], "noise"), ([*means[20:], *means[:20]], "noise")):
        parts = {"synthetic": make_part(synthetic, seed=4), "train": train, "holdout": holdout}
        assert judge_ranking(rank_book(parts, np.random.default_rng(0))["expectancy"])[0] == verdict


def test_regret_is_what_the_chosen_strategy_gives_away() -> None:
    parts = {
        "synthetic": make_part([0.3, 0.1, 0.0], spread=0.0),
        "train": make_part([0.1, 0.3, 0.0], spread=0.0),
        "holdout": make_part([0.1, 0.4, 0.1], spread=0.0),
    }
    regret = measure_regret(parts, np.random.default_rng(0))
    assert {name: round(each.value, 4) for name, each in regret.items()} == {
        "synthetic": 0.3, "train": 0.0, "random": 0.2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rho", "floor", "loss", "verdict"),
    [
        ((0.7, 0.5, 0.8), (0.7, 0.5, 0.8), (0.0, -0.1, 0.1), "good"),
        ((0.7, 0.5, 0.8), (0.2, -0.1, 0.5), (-0.5, -0.8, 0.1), "good"),
        ((0.4, 0.3, 0.5), (0.9, 0.8, 0.95), (0.5, 0.3, 0.7), "underfit"),
        ((0.0, -0.2, 0.2), (0.9, 0.8, 0.95), (0.9, 0.7, 1.1), "noise"),
        ((0.0, -0.2, 0.2), (0.3, -0.1, 0.6), (0.3, 0.2, 0.9), "cannot tell"),
        ((0.3, -0.2, 0.7), (0.5, 0.1, 0.8), (0.2, -0.5, 0.9), "cannot tell"),
        ((0.7, 0.5, 0.8), (float("nan"),) * 3, (0.0, -0.1, 0.1), "cannot tell"),
    ],
)
def test_verdicts_come_from_intervals(
    rho: tuple[float, ...], floor: tuple[float, ...], loss: tuple[float, ...], verdict: str
) -> None:
    assert judge_ranking(Ranking(Interval(*rho), Interval(*floor), Interval(*loss), NO_CHANCE))[0] == verdict


@pytest.mark.parametrize(
    ("high", "said"), [(0.3, "better than chance: "), (0.05, "as well as gold does, within 0.1: ")]
)
def test_as_well_as_gold_takes_a_bound_on_the_loss(high: float, said: str) -> None:
    rho = Interval(0.452, 0.032, 0.736)
    verdict, reason = judge_ranking(Ranking(rho, Interval(0.5, 0.1, 0.8), Interval(0.0, -0.1, high), NO_CHANCE))
    assert verdict == "good"
    assert said + "rank correlation with held-out gold is 0.45 [0.03, 0.74], that of" in reason


def test_means_by_session_and_sharpe_ratios_are_typed_in() -> None:
    percents = np.array([[1, 2, 3, 4], [1, 1, 1, 1]], np.float32)
    assert average_by_session(percents, np.array([7, 2, 7, 9])).tolist() == [[2, 1], [2, 1], [4, 1]]
    sharpes = measure_sharpes(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]))
    assert sharpes[0] == pytest.approx(2.0)
    assert np.isnan(sharpes[1])


def test_a_search_counts_its_trials_and_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy_search, "REPEATS", 5)
    part = make_part([0.0, 0.0, 0.5], trades=200)
    luck = repeat_search(part.replays.percents, part.sessions, 200, np.random.default_rng(0))
    assert (luck.trials_per_search, luck.searches, luck.trials) == (3, 5, 15)
    assert luck.pbo == [0.0] * 5
    assert min(luck.deflated_sharpe) > 0.95
    assert all(1.0 <= trials <= 3.0 for trials in luck.independent)
    assert repeat_search(part.replays.percents[:, :50], part.sessions[:50], 50, np.random.default_rng(0)).searches == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_probability_of_overfitting_is_that_of_ffn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    returns = rng.normal(size=(rng.integers(2 * BLOCKS, 50), rng.integers(2, 40))) + 0.3 * rng.normal()
    returns[:, 0] = returns[:, 1]  # ties
    for trials in (returns, returns.round()):
        theirs = calc_prob_backtest_overfitting(pd.DataFrame(trials), n_blocks=BLOCKS)
        assert measure_pbo(trials) == pytest.approx(theirs, abs=0, nan_ok=True)


@pytest.mark.parametrize("seed", range(3))
def test_the_deflated_sharpe_ratio_is_that_of_ffn_where_no_trial_is_like_another(seed: int) -> None:
    rng = np.random.default_rng(seed)
    returns, sharpes = rng.standard_t(4, 40) + 0.4, rng.normal(0.0, 0.2, 30)
    theirs = calc_deflated_sharpe_ratio(pd.Series(returns), sharpes, nperiods=1, annualized_trials=False)
    assert deflate_sharpe(returns, sharpes, 30.0) == pytest.approx(theirs, abs=1e-12)
    assert deflate_sharpe(returns, sharpes, 5.0) > theirs  # fewer trials, less luck


def test_strategies_that_are_alike_count_as_fewer() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=(4000, 1))
    assert count_independent(np.tile(one, 12)) == pytest.approx(1.0)
    assert count_independent(rng.normal(size=(4000, 12))) == pytest.approx(12.0, abs=0.3)
    half = one + rng.normal(size=(4000, 12))  # correlations of a half
    assert count_independent(half) == pytest.approx(0.5 + 0.5 * 12, abs=0.3)


def test_what_is_undefined_is_nan_and_warns_not() -> None:
    assert np.isnan(measure_pbo(np.zeros((20, 3))))
    assert np.isnan(measure_pbo(np.zeros((3, 3))))
    assert np.isnan(deflate_sharpe(np.zeros(20), np.array([0.1, 0.2]), 2.0))
    assert np.isnan(deflate_sharpe(np.arange(3.0), np.array([0.1, 0.2]), 2.0))
    assert np.isnan(count_independent(np.zeros((9, 0))))
    assert np.isnan(measure_sharpes(np.zeros((0, 2)))).all()


@pytest.fixture(scope="module")
def sample() -> Gold:
    """Give the sample with its bars."""
    return read_gold(SAMPLE / "trades.csv", SAMPLE / "bars.parquet")


@pytest.fixture
def run_bars(sample: Gold, tmp_path: Path) -> Path:
    """Write the bars of each trade of the sample, by its id, as a run has them."""
    assert sample.bars is not None
    days = sample.rows.select("ticker", day=pl.col("entry_time").dt.date(), row_id="trade_id").sort("row_id")
    bars = sample.bars.with_columns(day=pl.col("timestamp").dt.date())
    days.join(bars, on=["ticker", "day"]).drop("ticker", "day").sort("row_id", "timestamp").write_parquet(
        tmp_path / "bars.parquet"
    )
    return tmp_path / "bars.parquet"


def ask(sample: Gold, run_bars: Path, synthetic: pl.DataFrame, holdout: pl.DataFrame | None = None) -> Answer:
    """Ask with the sample as train part, and as hold-out too unless another is given."""
    held = sample.rows if holdout is None else holdout
    rng = np.random.default_rng(0)
    return ask_backtest(synthetic, run_bars, sample.rows, sample.bars, held, sample.bars, rng)


def test_gold_itself_is_good_and_everything_is_json(
    sample: Gold, run_bars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strategy_search, "REPEATS", 3)
    monkeypatch.setattr(strategy_book, "REPEATS", 50)
    answers = [ask(sample, run_bars, sample.rows) for _ in range(2)]
    assert answers[0] == answers[1]
    assert (answers[0].verdict, len(answers[0].numbers)) == ("good", 3)
    metrics = answers[0].metrics
    assert metrics["rho"]["expectancy"]["rho"]["value"] == pytest.approx(1.0, abs=1e-4)
    assert metrics["regret_percent"]["synthetic"]["value"] == 0.0
    assert metrics["gap_percent"]["synthetic_book"]["value"] == pytest.approx(0.0, abs=1e-5)
    assert metrics["search"]["synthetic"]["trials"] == 3 * 156
    assert "half of the sessions" in metrics["search"]["synthetic"]["is_of"]
    assert {len(column) for column in metrics["strategies"].values()} == {156}
    assert len(json.dumps(metrics, allow_nan=False)) < 50_000


def test_replays_of_the_run_are_those_of_the_gold(sample: Gold, run_bars: Path) -> None:
    assert sample.bars is not None
    book = make_book()[::20]
    own = replay_run(sample.rows, run_bars, book)
    gold = replay_gold(sample.rows.sort("trade_id"), sample.bars, book)
    np.testing.assert_array_equal(own.percents, gold.percents)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_too_few_trades_cannot_be_told_from(sample: Gold, run_bars: Path, count: int) -> None:
    few = sample.rows.head(count)
    for answer in (ask(sample, run_bars, few), ask(sample, run_bars, sample.rows, few)):
        assert answer.verdict == "cannot tell"
        assert f"{count} " in answer.reason
        assert "30" in answer.reason


def test_one_session_cannot_be_resampled(sample: Gold, run_bars: Path) -> None:
    one = pl.concat([sample.rows.head(8)] * 5)
    assert one["session_date"].n_unique() == 1
    answer = ask(sample, run_bars, sample.rows, one)
    assert (answer.verdict, "1 held-out gold session, at least 6" in answer.reason) == ("cannot tell", True)


def test_gold_counts_where_the_controls_reach(sample: Gold, run_bars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy_search, "REPEATS", 3)
    monkeypatch.setattr(strategy_book, "REPEATS", 50)
    shorts = sample.rows.filter(pl.col("trade_type") == "short")
    narrowed = ask_backtest(
        shorts, run_bars, sample.rows, sample.bars, sample.rows, sample.bars, np.random.default_rng(0), ["is_short"]
    )
    assert narrowed.metrics["rows_used"]["train"] <= len(shorts) == narrowed.metrics["gold_in_reach"]["holdout"]
    assert f"Of {2 * len(sample.rows)} gold trades {2 * len(shorts)} count" in narrowed.reason
    assert narrowed.metrics["rho"]["expectancy"]["rho"]["value"] == pytest.approx(1.0, abs=1e-4)


def test_an_outcome_set_on_purpose_cannot_tell(sample: Gold, run_bars: Path) -> None:
    rng, trades = np.random.default_rng(0), sample.rows
    answer = ask_backtest(trades, run_bars, trades, sample.bars, trades, sample.bars, rng, ["trade_percent_change"])
    assert (answer.verdict, "set trade percent change" in answer.reason) == ("cannot tell", True)


def test_constant_prices_rank_nothing(sample: Gold, run_bars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy_search, "REPEATS", 3)
    monkeypatch.setattr(strategy_book, "REPEATS", 50)
    assert sample.bars is not None
    flat = Gold(sample.rows.with_columns(entry_price=10.0), make_flat(sample.bars), sample.rejected, [])
    make_flat(pl.read_parquet(run_bars)).write_parquet(run_bars)
    answer = ask(flat, run_bars, flat.rows)
    assert (answer.verdict, answer.reason) == ("cannot tell", "Strategies do not differ enough to be ranked.")
    assert answer.metrics["search"]["gold"]["deflated_sharpe"]["value"] is None


def make_flat(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.with_columns(pl.lit(10.0).alias(name) for name in ("open", "high", "low", "close"))


def test_without_bars_it_cannot_be_told(sample: Gold, run_bars: Path) -> None:
    rng = np.random.default_rng(0)
    trades = sample.rows
    none = ask_backtest(trades, run_bars, trades, None, trades, None, rng)
    assert (none.verdict, "gold came without bars" in none.reason) == ("cannot tell", True)
    gone = ask(sample, run_bars.with_name("gone.parquet"), trades)
    assert (gone.verdict, "the run has no bars" in gone.reason) == ("cannot tell", True)
    run_bars.write_bytes(b"no parquet")
    assert "cannot be read" in ask(sample, run_bars, trades).reason


def test_rows_of_a_run_are_resampled_one_by_one() -> None:
    part = number_rows(make_replays(np.zeros((1, 7))))
    assert (part.sessions.tolist(), part.groups.tolist()) == ([0] * 5 + [1] * 2, list(range(7)))

"""The search on sets whose worth is known, its trials counted by hand, and its repeatability."""

import numpy as np
import optuna
import polars as pl
import pytest

from tests.verification.trades.exit_model.law import find, make_law, make_synthetic, make_yardstick
from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Interval, Verdict
from verification.trades.exit_model.model import Boosting, Examples, Logistic
from verification.trades.exit_model.scores import Finding
from verification.trades.exit_model.search import (
    FOLDS,
    TRIALS,
    Reading,
    Search,
    Source,
    compare_tuned,
    read_gap,
    tune_recipe,
)
from verification.trades.yardstick import Yardstick


@pytest.fixture(scope="module")
def yardstick() -> Yardstick:
    return make_yardstick()


def make_source(trades: int = 200, days: int = 20, strength: float = 2.0) -> Source:
    rng = np.random.default_rng(4)
    inputs = rng.normal(size=(trades, 3))
    reached = (rng.random(trades) < 1.0 / (1.0 + np.exp(-strength * inputs[:, 0]))).astype(np.int64)
    return Source.split(Examples(inputs, reached, rng.integers(0, days, trades)), np.random.default_rng(5))


def test_folds_hold_back_every_trade_once_and_no_session_twice() -> None:
    source = make_source()
    held = np.concatenate([fold.held_back for fold in source.folds])
    assert sorted(held.tolist()) == list(range(200))
    for fold in source.folds:
        assert not set(source.examples.sessions[fold.held_back]) & set(fold.fit.sessions)
        assert len(fold.fit) + len(fold.held_back) == 200


@pytest.fixture(scope="module")
def search() -> Search:
    return tune_recipe(make_source(), 15, seed=1)


def test_study_counts_its_trials_itself(search: Search) -> None:
    states = [trial["state"] for trial in search.trials]
    assert search.n_trials == len(states) == TRIALS
    assert search.n_pruned == states.count("pruned") > 0
    assert states.count("complete") == TRIALS - search.n_pruned
    assert search.spent == FOLDS * sum(sum(trial["resources"]) for trial in search.trials)


def test_resource_is_training_trades_on_rungs(search: Search) -> None:
    for trial in search.trials:
        assert trial["resources"] == [15, 45, 135][: len(trial["resources"])]
        assert len(trial["losses"]) == len(trial["resources"])
        assert trial["state"] != "complete" or trial["resources"] == [15, 45, 135]


def test_best_recipe_is_the_best_of_the_complete_trials(search: Search) -> None:
    assert search.best == min(trial["losses"][-1] for trial in search.trials if trial["state"] == "complete")
    assert isinstance(search.recipe, Logistic | Boosting)


def test_search_repeats_with_its_seed_only_and_quietly(search: Search, capfd: pytest.CaptureFixture[str]) -> None:
    level = optuna.logging.get_verbosity()
    assert tune_recipe(make_source(), 15, seed=1) == search
    assert tune_recipe(make_source(), 15, seed=2).trials != search.trials
    assert optuna.logging.get_verbosity() == level
    assert capfd.readouterr() == ("", "")


ABOVE, ACROSS = Interval(0.1, 0.05, 0.15), Interval(0.0, -0.1, 0.1)


@pytest.mark.parametrize(
    ("verdict", "gap", "reading"),
    [
        (GOOD, ABOVE, "fit"),
        (GOOD, ACROSS, "fit"),
        (UNDERFIT, ABOVE, "over"),
        (UNDERFIT, ACROSS, "under"),
        (NOISE, ABOVE, "over"),
        (NOISE, Interval(0.1), "under"),
        (CANNOT_TELL, ABOVE, "cannot tell"),
    ],
)
def test_reading_by_the_written_rule(verdict: Verdict, gap: Interval, reading: Reading) -> None:
    assert read_gap(verdict, gap) == reading


@pytest.fixture(scope="module")
def alike(yardstick: Yardstick) -> Finding:
    return find(compare_tuned, yardstick, make_synthetic(1.0, 2000))


def test_trades_of_the_same_law_fit(alike: Finding) -> None:
    assert (alike.verdict, alike.metrics["reading"]) == (GOOD, "fit"), alike.reason


@pytest.mark.parametrize(("strength", "reading"), [(0.0, "under"), (-1.0, "over")])
def test_trades_of_another_law_are_noise(yardstick: Yardstick, strength: float, reading: str) -> None:
    found = find(compare_tuned, yardstick, make_synthetic(strength))
    assert (found.verdict, found.metrics["reading"]) == (NOISE, reading), found.reason


def test_curves_have_both_sources_on_the_same_rungs_and_synthetic_on_more(alike: Finding) -> None:
    metrics, first = alike.metrics, alike.metrics["rungs"][0]
    rungs = {name: [rung["resource"] for rung in curve] for name, curve in metrics["curves"].items()}
    assert rungs["gold"] == metrics["rungs"] == [first * step for step in (1, 3, 9)]
    assert rungs["synthetic"] == [first * step for step in (1, 3, 9, 27)]


def test_too_few_for_the_first_rung_says_so(yardstick: Yardstick) -> None:
    assert "below 10" in find(compare_tuned, yardstick, make_synthetic(1.0, 60)).reason


def test_one_session_cannot_be_held_back(yardstick: Yardstick) -> None:
    trades = make_synthetic(1.0)
    one = trades.with_columns(pl.lit(trades["session_date"][0]).alias("session_date"))
    assert "1 session of synthetic trades to train on" in find(compare_tuned, yardstick, one).reason


def test_trades_of_one_kind_raise_nothing(yardstick: Yardstick) -> None:
    constant = make_synthetic(1.0).with_columns(best_exit_percent=pl.lit(5.0), entry_volatility_percent=pl.lit(0.5))
    assert find(compare_tuned, yardstick, constant).verdict in (NOISE, CANNOT_TELL)


@pytest.mark.slow
def test_fresh_draws_of_the_same_law_are_not_called_bad() -> None:
    verdicts = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        fresh = Yardstick(make_law(rng, 320, 32, 0.6), make_law(rng, 80, 8, 0.6), 400, seed)
        verdicts.append(find(compare_tuned, fresh, make_law(rng, 400, 32, 0.6)).verdict)
    assert sum(verdict in (GOOD, CANNOT_TELL) for verdict in verdicts) >= 19, verdicts

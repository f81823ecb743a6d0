"""The search on sets whose worth is known, its trials counted by hand, and its repeatability."""

import json

import numpy as np
import optuna
import polars as pl
import pytest

from gold_data.sessions import EXCHANGE_ZONE
from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Answer, Interval, Matrix, Verdict
from verification.trades.exit_model.model import Boosting, Examples, Logistic
from verification.trades.exit_model.search import (
    FOLDS,
    TRIALS,
    Reading,
    Search,
    Source,
    ask_search,
    read_gap,
    tune_recipe,
)
from verification.trades.yardstick import Yardstick


def make_law(rng: np.random.Generator, trades: int, sessions: int, strength: float) -> pl.DataFrame:
    """Draw trades whose best exit grows with volatility to the power `strength`."""
    volatility = np.exp(0.5 * rng.normal(size=trades))
    best: Matrix = 0.6 * volatility**strength * np.exp(0.5 * rng.normal(size=trades))
    days = np.sort(rng.integers(0, sessions, trades))
    minutes = rng.integers(0, 360, trades)
    start = pl.lit("2024-03-18 09:35").str.to_datetime(time_unit="us")
    table = pl.DataFrame({"day": days, "minute": minutes, "entry_volatility_percent": volatility})
    return table.select(
        pl.format("t{}", pl.int_range(pl.len())).alias("trade_id"),
        pl.lit("SIM1").alias("ticker"),
        pl.Series("trade_type", rng.choice(["buy", "short"], trades), dtype=pl.String),
        (start + pl.duration(days="day")).dt.date().alias("session_date"),
        (start + pl.duration(days="day", minutes="minute")).dt.replace_time_zone(EXCHANGE_ZONE).alias("entry_time"),
        (start + pl.duration(days="day", minutes=pl.col("minute") + 5))
        .dt.replace_time_zone(EXCHANGE_ZONE)
        .alias("exit_time"),
        pl.lit(10.0).alias("entry_price"),
        pl.lit(10.0).alias("exit_price"),
        "entry_volatility_percent",
        pl.lit(-0.5).alias("worst_exit_percent"),
        pl.Series("best_exit_percent", best),
        pl.lit(0.0).alias("trade_percent_change"),
    )


def make_yardstick(size: int = 400, seed: int = 0) -> Yardstick:
    rng = np.random.default_rng(11)
    return Yardstick(make_law(rng, 480, 48, 1.0), make_law(rng, 160, 16, 1.0), size, seed)


def make_synthetic(strength: float, trades: int = 400) -> pl.DataFrame:
    return make_law(np.random.default_rng(12), trades, 48, strength)


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
def alike(yardstick: Yardstick) -> Answer:
    return ask_search(yardstick, make_synthetic(1.0, 2000))


def test_trades_of_the_same_law_fit(alike: Answer) -> None:
    assert (alike.verdict, alike.metrics["reading"]) == (GOOD, "fit"), alike.reason
    assert len(alike.numbers) == 3


@pytest.mark.parametrize(("strength", "reading"), [(0.0, "under"), (-1.0, "over")])
def test_trades_of_another_law_are_noise(yardstick: Yardstick, strength: float, reading: str) -> None:
    answer = ask_search(yardstick, make_synthetic(strength))
    assert (answer.verdict, answer.metrics["reading"]) == (NOISE, reading), answer.reason


def test_gold_counts_where_the_controls_reach(yardstick: Yardstick) -> None:
    drawn = make_law(np.random.default_rng(13), 4000, 48, 1.0)
    volatile = drawn.filter(pl.col("entry_volatility_percent").is_between(1.0, 1.5))[:400]
    answer = ask_search(yardstick, volatile, ["entry_volatility_percent"])
    assert answer.verdict in (GOOD, CANNOT_TELL), answer.reason
    assert "gold trades" in answer.reason.rsplit("Of 640 ", maxsplit=1)[1]


def test_an_outcome_set_on_purpose_cannot_tell(yardstick: Yardstick) -> None:
    answer = ask_search(yardstick, make_synthetic(0.0), ["holding_minutes"])
    assert (answer.verdict, "controls set holding minutes" in answer.reason) == (CANNOT_TELL, True)


def test_curves_have_both_sources_on_the_same_rungs_and_synthetic_on_more(alike: Answer) -> None:
    metrics, first = alike.metrics, alike.metrics["rungs"][0]
    rungs = {name: [rung["resource"] for rung in curve] for name, curve in metrics["curves"].items()}
    assert rungs["gold"] == metrics["rungs"] == [first * step for step in (1, 3, 9)]
    assert rungs["synthetic"] == [first * step for step in (1, 3, 9, 27)]
    assert len(json.dumps(metrics, allow_nan=False)) < 50_000


def test_same_input_gives_the_same_answer(alike: Answer) -> None:
    assert ask_search(make_yardstick(), make_synthetic(1.0, 2000)) == alike


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_few_synthetic_trades_cannot_tell(yardstick: Yardstick, rows: int) -> None:
    answer = ask_search(yardstick, make_synthetic(1.0).head(rows))
    assert answer.verdict == CANNOT_TELL
    assert answer.reason == f"There are {rows} synthetic trades to train on; below 30 nothing can be told."


def test_too_few_for_the_first_rung_says_so(yardstick: Yardstick) -> None:
    assert "below 10" in ask_search(yardstick, make_synthetic(1.0, 60)).reason


@pytest.mark.parametrize(("train", "holdout"), [(0, 0), (480, 5), (5, 160), (1, 1)])
def test_little_gold_cannot_tell(train: int, holdout: int) -> None:
    whole = make_yardstick()
    small = Yardstick(whole.train.head(train), whole.holdout.head(holdout), 400)
    assert ask_search(small, make_synthetic(1.0)).verdict == CANNOT_TELL


def test_one_session_cannot_be_held_back(yardstick: Yardstick) -> None:
    trades = make_synthetic(1.0)
    one = trades.with_columns(pl.lit(trades["session_date"][0]).alias("session_date"))
    assert "There are 1 sessions of synthetic trades" in ask_search(yardstick, one).reason


def test_trades_of_one_kind_raise_nothing(yardstick: Yardstick) -> None:
    constant = make_synthetic(1.0).with_columns(best_exit_percent=pl.lit(5.0), entry_volatility_percent=pl.lit(0.5))
    assert ask_search(yardstick, constant).verdict in (NOISE, CANNOT_TELL)


@pytest.mark.slow
def test_fresh_draws_of_the_same_law_are_not_called_bad() -> None:
    verdicts = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        fresh = Yardstick(make_law(rng, 320, 32, 0.6), make_law(rng, 80, 8, 0.6), 400, seed)
        verdicts.append(ask_search(fresh, make_law(rng, 400, 32, 0.6)).verdict)
    assert sum(verdict in (GOOD, CANNOT_TELL) for verdict in verdicts) >= 19, verdicts

"""Utility on sets whose worth is known: the same law, noise, and sets too small to tell."""

import json
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from gold_data.sessions import EXCHANGE_ZONE
from verification.answers import CANNOT_TELL, GOOD, NOISE, Answer, Matrix
from verification.trades.exit_model.utility import GOLD, SHUFFLED, SYNTHETIC, ask_utility
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


@pytest.mark.parametrize(("strength", "verdict"), [(1.0, GOOD), (0.0, NOISE), (-1.0, NOISE)])
def test_verdict_on_known_laws(yardstick: Yardstick, strength: float, verdict: str) -> None:
    answer = ask_utility(yardstick, make_synthetic(strength))
    assert answer.verdict == verdict, answer.reason
    assert len(answer.numbers) == 3


def test_noise_references_are_no_better_than_noise(yardstick: Yardstick) -> None:
    for name in ("shuffled_marginals", "uniform_noise"):
        assert ask_utility(yardstick, yardstick.references[name]).verdict in (NOISE, CANNOT_TELL)


def draw_volatile(strength: float) -> pl.DataFrame:
    """Draw trades whose volatility a control kept between 1% and 1.5%: of the gold's upper half."""
    drawn = make_law(np.random.default_rng(13), 4000, 48, strength)
    return drawn.filter(pl.col("entry_volatility_percent").is_between(1.0, 1.5))[:400]


def test_gold_counts_where_the_controls_reach(yardstick: Yardstick) -> None:
    answer = ask_utility(yardstick, draw_volatile(1.0), ["entry_volatility_percent"])
    assert answer.verdict in (GOOD, CANNOT_TELL), answer.reason
    left = answer.metrics["gold_in_reach"]
    assert (left["given"], answer.metrics["controlled"]) == (640, ["entry_volatility_percent"])
    assert 100 < left["train"] < 240
    assert f"Of 640 gold trades {left['train'] + left['holdout']} count" in answer.reason
    assert list_trainings(answer)[GOLD, "held-out gold"]["rows_tested"] == left["holdout"]


def test_controls_that_reach_all_of_the_gold_change_nothing(yardstick: Yardstick) -> None:
    everywhere = pl.concat([yardstick.gold, make_synthetic(1.0)])
    plain, controlled = (ask_utility(yardstick, everywhere, names) for names in ((), ["entry_volatility_percent"]))
    assert (plain.verdict, plain.reason, plain.numbers) == (controlled.verdict, controlled.reason, controlled.numbers)


def test_an_outcome_set_on_purpose_cannot_tell(yardstick: Yardstick) -> None:
    answer = ask_utility(yardstick, make_synthetic(0.0), ["best_exit_percent"])
    assert (answer.verdict, "controls set best exit" in answer.reason) == (CANNOT_TELL, True)


def test_too_little_gold_in_reach_says_so(yardstick: Yardstick) -> None:
    far = make_synthetic(1.0).with_columns(entry_volatility_percent=pl.lit(50.0))
    answer = ask_utility(yardstick, far, ["entry_volatility_percent"])
    assert answer.verdict == CANNOT_TELL
    assert "0 held-out gold trades; below 30" in answer.reason
    assert "Of 640 gold trades 0 count" in answer.reason


def list_trainings(answer: Answer) -> dict[tuple[str, str], dict[str, float]]:
    return {(each["trained_on"], each["tested_on"]): each for each in answer.metrics["trainings"]}


def test_every_training_is_listed_with_its_rows(yardstick: Yardstick) -> None:
    found = list_trainings(ask_utility(yardstick, make_synthetic(1.0)))
    held = "held-out gold"
    rows = {names: (each["rows_trained"], each["rows_tested"]) for names, each in found.items()}
    assert rows == {
        (GOLD, held): (400, 160),  # as many as there are synthetic trades
        (SHUFFLED, held): (400, 160),
        ("uniform noise", held): (400, 160),
        ("base rate of gold", held): (480, 160),
        (SYNTHETIC, held): (400, 160),
        ("gold + synthetic", held): (880, 160),
        (held, SYNTHETIC): (160, 400),
    }


def test_metrics_are_json_and_small(yardstick: Yardstick) -> None:
    metrics = ask_utility(yardstick, make_synthetic(1.0)).metrics
    assert len(json.dumps(metrics, allow_nan=False)) < 50_000
    assert metrics["target"]["threshold"] == 0.6
    assert sum(trades for _, _, trades in metrics["trainings"][0]["curve"]) == 160


def test_same_input_gives_the_same_answer() -> None:
    first, second = (ask_utility(make_yardstick(seed=3), make_synthetic(1.0)) for _ in range(2))
    assert first == second


def test_gold_alone_is_measured_once(yardstick: Yardstick, monkeypatch: pytest.MonkeyPatch) -> None:
    ask_utility(yardstick, make_synthetic(1.0))
    monkeypatch.setattr("verification.trades.exit_model.utility._train_on_gold", None)
    assert ask_utility(yardstick, make_synthetic(0.0)).verdict == NOISE


def test_gold_with_nothing_to_learn_cannot_tell() -> None:
    rng = np.random.default_rng(5)
    blind = Yardstick(make_law(rng, 480, 48, 0.0), make_law(rng, 160, 16, 0.0), 400)
    answer = ask_utility(blind, make_synthetic(0.0))
    assert answer.verdict == CANNOT_TELL
    assert "may be luck" in answer.reason


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_few_synthetic_trades_cannot_tell(yardstick: Yardstick, rows: int) -> None:
    answer = ask_utility(yardstick, make_synthetic(1.0).head(rows))
    assert answer.verdict == CANNOT_TELL
    assert answer.reason == f"There are {rows} synthetic trades to train on; below 30 nothing can be told."


@pytest.mark.parametrize(("train", "holdout"), [(0, 0), (480, 5), (5, 160), (1, 1)])
def test_little_gold_cannot_tell(train: int, holdout: int) -> None:
    whole = make_yardstick()
    small = Yardstick(whole.train.head(train), whole.holdout.head(holdout), 400)
    assert ask_utility(small, make_synthetic(1.0)).verdict == CANNOT_TELL


def test_one_held_out_session_cannot_tell() -> None:
    whole = make_yardstick()
    one = whole.holdout.with_columns(pl.lit(whole.holdout["session_date"][0]).alias("session_date"))
    answer = ask_utility(Yardstick(whole.train, one, 400), make_synthetic(1.0))
    assert "1 held-out sessions; below 4" in answer.reason


def test_constant_synthetic_trades_raise_nothing(yardstick: Yardstick) -> None:
    assert ask_utility(yardstick, pl.concat([make_synthetic(1.0).head(1)] * 100)).verdict in (NOISE, CANNOT_TELL)


def test_unknown_values_are_left_out_and_counted(yardstick: Yardstick) -> None:
    gaps = pl.when(pl.int_range(pl.len()) < 40).then(None).otherwise(pl.col("best_exit_percent"))
    nans = pl.when(pl.int_range(pl.len()) > 379).then(float("nan")).otherwise(pl.col("entry_volatility_percent"))
    spoilt = make_synthetic(1.0).with_columns(gaps.alias("best_exit_percent"), nans.alias("entry_volatility_percent"))
    metrics = ask_utility(yardstick, spoilt).metrics
    assert (metrics["rows_given"], metrics["rows_used"]) == (400, 340)


def test_gold_of_one_day_in_the_future_is_gold_too() -> None:
    whole = make_yardstick()
    moved = whole.holdout.with_columns(pl.col("session_date") + timedelta(days=400))
    assert ask_utility(Yardstick(whole.train, moved, 400), make_synthetic(1.0)).verdict == GOOD


@pytest.mark.slow
def test_fresh_draws_of_the_same_law_are_not_called_bad() -> None:
    verdicts = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        fresh = Yardstick(make_law(rng, 320, 32, 0.6), make_law(rng, 80, 8, 0.6), 400, seed)
        verdicts.append(ask_utility(fresh, make_law(rng, 400, 32, 0.6)).verdict)
    assert sum(verdict in (GOOD, CANNOT_TELL) for verdict in verdicts) >= 19, verdicts

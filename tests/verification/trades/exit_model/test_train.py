"""The plain recipe on sets whose worth is known: the same law, noise, and gold with nothing to learn."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tests.verification.trades.exit_model.law import find, make_law, make_synthetic, make_yardstick
from verification.answers import CANNOT_TELL, GOOD, NOISE, to_json
from verification.trades.exit_model.train import GOLD, SHUFFLED, SYNTHETIC, compare_trained
from verification.trades.yardstick import Yardstick


@pytest.fixture(scope="module")
def yardstick() -> Yardstick:
    return make_yardstick()


@pytest.mark.parametrize(("strength", "verdict"), [(1.0, GOOD), (0.0, NOISE), (-1.0, NOISE)])
def test_verdict_on_known_laws(yardstick: Yardstick, strength: float, verdict: str) -> None:
    found = find(compare_trained, yardstick, make_synthetic(strength))
    assert found.verdict == verdict, found.reason


def test_noise_references_are_no_better_than_noise(yardstick: Yardstick) -> None:
    for name in ("shuffled_marginals", "uniform_noise"):
        assert find(compare_trained, yardstick, yardstick.references[name]).verdict in (NOISE, CANNOT_TELL)


def test_every_training_is_listed_with_its_rows(yardstick: Yardstick) -> None:
    metrics = to_json(find(compare_trained, yardstick, make_synthetic(1.0)).metrics)
    held = "held-out gold"
    rows = {
        (each["trained_on"], each["tested_on"]): (each["rows_trained"], each["rows_tested"])
        for each in metrics["trainings"]
    }
    assert rows == {
        (GOLD, held): (400, 160),  # as many as there are synthetic trades
        (SHUFFLED, held): (400, 160),
        ("uniform noise", held): (400, 160),
        ("base rate of gold", held): (480, 160),
        (SYNTHETIC, held): (400, 160),
        ("gold + synthetic", held): (880, 160),
        (held, SYNTHETIC): (160, 400),
    }
    assert sum(trades for _, _, trades in metrics["trainings"][0]["curve"]) == 160


def test_gold_alone_is_measured_once(yardstick: Yardstick, monkeypatch: pytest.MonkeyPatch) -> None:
    find(compare_trained, yardstick, make_synthetic(1.0))
    monkeypatch.setattr("verification.trades.exit_model.train._train_on_gold", None)
    assert find(compare_trained, yardstick, make_synthetic(0.0)).verdict == NOISE


def test_gold_with_nothing_to_learn_cannot_tell() -> None:
    rng = np.random.default_rng(5)
    blind = Yardstick(make_law(rng, 480, 48, 0.0), make_law(rng, 160, 16, 0.0), 400)
    found = find(compare_trained, blind, make_synthetic(0.0))
    assert found.verdict == CANNOT_TELL
    assert "may be luck" in found.reason


def test_constant_synthetic_trades_raise_nothing(yardstick: Yardstick) -> None:
    constant = pl.concat([make_synthetic(1.0).head(1)] * 100)
    assert find(compare_trained, yardstick, constant).verdict in (NOISE, CANNOT_TELL)


def test_gold_of_one_day_in_the_future_is_gold_too() -> None:
    whole = make_yardstick()
    moved = whole.holdout.with_columns(pl.col("session_date") + timedelta(days=400))
    assert find(compare_trained, Yardstick(whole.train, moved, 400), make_synthetic(1.0)).verdict == GOOD


@pytest.mark.slow
def test_fresh_draws_of_the_same_law_are_not_called_bad() -> None:
    verdicts = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        fresh = Yardstick(make_law(rng, 320, 32, 0.6), make_law(rng, 80, 8, 0.6), 400, seed)
        verdicts.append(find(compare_trained, fresh, make_law(rng, 400, 32, 0.6)).verdict)
    assert sum(verdict in (GOOD, CANNOT_TELL) for verdict in verdicts) >= 19, verdicts

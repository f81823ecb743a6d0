"""The question as a whole: what too little is called, what controls narrow, and the worse of two names."""

import json

import numpy as np
import polars as pl
import pytest

from tests.verification.trades.exit_model.law import make_law, make_synthetic, make_yardstick
from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Answer, Verdict
from verification.trades.exit_model.question import ask_model, take_worse
from verification.trades.yardstick import Yardstick


@pytest.fixture(scope="module")
def yardstick() -> Yardstick:
    return make_yardstick()


@pytest.fixture(scope="module")
def alike(yardstick: Yardstick) -> Answer:
    return ask_model(yardstick, make_synthetic(1.0, 2000))


def test_trades_of_the_same_law_are_good_both_ways(alike: Answer) -> None:
    assert alike.verdict == GOOD, alike.reason
    assert "Tuned by Hyperband: Trained on them" in alike.reason
    told, tuned, _ = (text for _, text in alike.numbers)
    assert "unknown" not in (told, tuned)
    assert alike.metrics["tuned"]["reading"] == "fit"


def test_metrics_are_json_and_small(alike: Answer) -> None:
    assert len(json.dumps(alike.metrics, allow_nan=False)) < 80_000
    assert alike.metrics["target"]["threshold"] == 0.6


def test_same_input_gives_the_same_answer(alike: Answer) -> None:
    assert ask_model(make_yardstick(), make_synthetic(1.0, 2000)) == alike


@pytest.mark.parametrize(
    ("trained", "tuned", "both"),
    [
        (GOOD, CANNOT_TELL, GOOD),
        (CANNOT_TELL, CANNOT_TELL, CANNOT_TELL),
        (GOOD, UNDERFIT, UNDERFIT),
        (UNDERFIT, NOISE, NOISE),
        (CANNOT_TELL, UNDERFIT, UNDERFIT),
    ],
)
def test_the_worse_name_counts(trained: Verdict, tuned: Verdict, both: Verdict) -> None:
    assert take_worse(trained, tuned) == take_worse(tuned, trained) == both


def test_too_few_for_the_first_rung_leaves_it_to_the_plain_recipe(yardstick: Yardstick) -> None:
    answer = ask_model(yardstick, make_synthetic(1.0, 60))
    assert "Tuned by Hyperband: The first rung would have 4 trades" in answer.reason
    assert [text for _, text in answer.numbers][1:] == ["unknown", "unknown"]


def test_gold_counts_where_the_controls_reach(yardstick: Yardstick) -> None:
    drawn = make_law(np.random.default_rng(13), 4000, 48, 1.0)
    volatile = drawn.filter(pl.col("entry_volatility_percent").is_between(1.0, 1.5))[:400]
    answer = ask_model(yardstick, volatile, ["entry_volatility_percent"])
    assert answer.verdict in (GOOD, CANNOT_TELL), answer.reason
    left = answer.metrics["gold_in_reach"]
    assert (left["given"], answer.metrics["controlled"]) == (640, ["entry_volatility_percent"])
    assert 100 < left["train"] < 240
    assert f"Of 640 gold trades {left['train'] + left['holdout']} count" in answer.reason
    assert answer.metrics["trained"]["trainings"][0]["rows_tested"] == left["holdout"]


def test_controls_that_reach_all_of_the_gold_change_nothing(yardstick: Yardstick) -> None:
    everywhere = pl.concat([yardstick.gold, make_synthetic(1.0)])
    plain, controlled = (ask_model(yardstick, everywhere, names) for names in ((), ["entry_volatility_percent"]))
    assert (plain.verdict, plain.reason, plain.numbers) == (controlled.verdict, controlled.reason, controlled.numbers)


@pytest.mark.parametrize(("name", "said"), [("best_exit_percent", "best exit"), ("holding_minutes", "holding minutes")])
def test_an_outcome_set_on_purpose_cannot_tell(yardstick: Yardstick, name: str, said: str) -> None:
    answer = ask_model(yardstick, make_synthetic(0.0), [name])
    assert (answer.verdict, f"controls set {said}" in answer.reason) == (CANNOT_TELL, True)


def test_too_little_gold_in_reach_says_so(yardstick: Yardstick) -> None:
    far = make_synthetic(1.0).with_columns(entry_volatility_percent=pl.lit(50.0))
    answer = ask_model(yardstick, far, ["entry_volatility_percent"])
    assert answer.verdict == CANNOT_TELL
    assert "0 held-out gold trades, at least 30 are needed" in answer.reason
    assert "Of 640 gold trades 0 count" in answer.reason


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_few_synthetic_trades_cannot_tell(yardstick: Yardstick, rows: int) -> None:
    answer = ask_model(yardstick, make_synthetic(1.0).head(rows))
    assert answer.verdict == CANNOT_TELL
    said = "synthetic trade" if rows == 1 else "synthetic trades"
    assert answer.reason.endswith(f" {rows} {said} to train on, at least 30 are needed.")
    assert answer.needs == "30 synthetic trades to train on"


@pytest.mark.parametrize(("train", "holdout"), [(0, 0), (480, 5), (5, 160), (1, 1)])
def test_little_gold_cannot_tell(train: int, holdout: int) -> None:
    whole = make_yardstick()
    small = Yardstick(whole.train.head(train), whole.holdout.head(holdout), 400)
    assert ask_model(small, make_synthetic(1.0)).verdict == CANNOT_TELL


def test_one_held_out_session_cannot_tell() -> None:
    whole = make_yardstick()
    one = whole.holdout.with_columns(pl.lit(whole.holdout["session_date"][0]).alias("session_date"))
    answer = ask_model(Yardstick(whole.train, one, 400), make_synthetic(1.0))
    assert "1 held-out session, at least 4 are needed" in answer.reason


def test_unknown_values_are_left_out_and_counted(yardstick: Yardstick) -> None:
    gaps = pl.when(pl.int_range(pl.len()) < 40).then(None).otherwise(pl.col("best_exit_percent"))
    nans = pl.when(pl.int_range(pl.len()) > 379).then(float("nan")).otherwise(pl.col("entry_volatility_percent"))
    spoilt = make_synthetic(1.0).with_columns(gaps.alias("best_exit_percent"), nans.alias("entry_volatility_percent"))
    metrics = ask_model(yardstick, spoilt).metrics
    assert (metrics["rows_given"], metrics["rows_used"]) == (400, 340)

"""Scores of told chances against naive counting, intervals by sessions, and the rule of the verdict."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Interval, Matrix, Verdict
from verification.trades.exit_model.model import INPUTS, Examples
from verification.trades.exit_model.scores import (
    Contrast,
    Sessions,
    Told,
    contrast_models,
    explain_contrast,
    judge_contrast,
    measure_apart,
    measure_auc,
    measure_log_loss,
    score_chances,
    write_loss,
    write_points,
    write_rounded,
)

ABOVE, BELOW, ACROSS = Interval(0.1, 0.05, 0.15), Interval(-0.1, -0.15, -0.05), Interval(0.0, -0.1, 0.1)


def make_tested(reached: list[int], days: list[int]) -> Examples:
    return Examples(np.zeros((len(reached), len(INPUTS))), np.array(reached, dtype=np.int64), np.array(days))


def draw_tested(trades: int, days: int) -> tuple[Examples, Matrix]:
    rng = np.random.default_rng(3)
    chances = np.round(rng.uniform(0.05, 0.95, trades), 1).clip(0.05, 0.95)
    reached = (rng.random(trades) < chances).astype(int).tolist()
    return make_tested(reached, rng.integers(0, days, trades).tolist()), chances


def test_log_loss_is_of_the_chance_of_what_came() -> None:
    assert measure_log_loss(np.array([1, 0]), np.array([0.8, 0.8])).tolist() == pytest.approx([0.2231436, 1.6094379])


def test_scores_typed_in() -> None:
    tested = make_tested([1, 0, 1, 0], [0, 1, 2, 3])
    scores = score_chances(tested, np.array([0.8, 0.2, 0.6, 0.6]), Sessions(tested.sessions, 0))
    assert scores.brier.value == pytest.approx((0.04 + 0.04 + 0.16 + 0.36) / 4)
    assert scores.auc.value == pytest.approx(3.5 / 4)
    assert scores.told_apart.value == pytest.approx(0.7 - 0.4)
    assert scores.bias.value == pytest.approx(0.05)
    assert scores.told == pytest.approx(0.55)
    assert scores.reached == 0.5
    assert [trades for _, _, trades in scores.curve] == [1, 2, 1]
    assert scores.calibration_error.value == pytest.approx((0.2 + 0.2 + 0.2) / 4)


def test_auc_is_that_of_scikit_learn() -> None:
    tested, chances = draw_tested(200, 20)
    found = measure_auc(tested.reached, chances, Sessions(tested.sessions, 0))
    assert found.value == pytest.approx(roc_auc_score(tested.reached, chances))
    assert 0.0 <= found.low < found.value < found.high <= 1.0


def test_bootstraps_are_those_of_rows_repeated_one_by_one() -> None:
    tested, chances = draw_tested(60, 6)
    sessions = Sessions(tested.sessions, 5)
    apart, mean = measure_apart(tested.reached, chances, sessions)[1], sessions.add_up(chances)
    for number in range(5):
        rows = np.repeat(np.arange(60), sessions.draws[number].astype(int)[tested.sessions])
        drawn, kinds = chances[rows], tested.reached[rows]
        assert apart[number] == pytest.approx(drawn[kinds == 1].mean() - drawn[kinds == 0].mean())
        assert mean[number] == pytest.approx(drawn.sum())


def test_interval_is_wider_where_trades_of_a_session_are_alike() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=20), 10)
    alike, apart = Sessions(np.repeat(np.arange(20), 10), 0), Sessions(np.arange(200), 0)
    wide, narrow = alike.estimate_mean(values), apart.estimate_mean(values)
    assert wide.value == narrow.value
    assert wide.high - wide.low > 2.5 * (narrow.high - narrow.low)


def test_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(1), 0
    for seed in range(200):
        days = np.repeat(np.arange(8), 5)
        found = Sessions(days, seed).estimate_mean(rng.normal(size=8)[days] + rng.normal(size=40))
        held += found.low < 0.0 < found.high
    assert 180 <= held <= 199


def test_error_from_elsewhere_widens() -> None:
    values, sessions = np.arange(10.0), Sessions(np.arange(10), 0)
    assert sessions.estimate_mean(values, 5.0).high > sessions.estimate_mean(values).high + 5.0


@pytest.mark.parametrize("trades", [0, 1, 5])
@pytest.mark.parametrize("reached", [0, 1])
def test_few_trades_of_one_kind_have_no_auc_and_raise_nothing(trades: int, reached: int) -> None:
    tested = make_tested([reached] * trades, list(range(trades)))
    scores = score_chances(tested, np.full(trades, 0.5), Sessions(tested.sessions, 0))
    assert math.isnan(scores.auc.value)
    assert math.isnan(scores.told_apart.value)


def test_one_session_has_estimates_and_no_intervals() -> None:
    tested = make_tested([0, 1] * 20, [7] * 40)
    scores = score_chances(tested, np.tile([0.4, 0.6], 20), Sessions(tested.sessions, 0))
    assert scores.told_apart.value == pytest.approx(0.2)
    assert not any(each.is_known for each in (scores.log_loss, scores.auc, scores.told_apart, scores.bias))


def tell(chances: Matrix, tested: Examples) -> Told:
    return Told(chances, measure_log_loss(tested.reached, chances))


@pytest.mark.parametrize(("share", "verdict"), [(1.0, GOOD), (0.9, GOOD), (0.2, UNDERFIT), (0.0, NOISE)])
def test_model_is_placed_between_nothing_and_gold(share: float, verdict: Verdict) -> None:
    tested, chances = draw_tested(800, 40)
    middle = np.full(800, 0.5)
    gold, synthetic = tell(chances, tested), tell(middle + share * (chances - middle), tested)
    sessions = Sessions(tested.sessions, 0)
    found = contrast_models(tested, sessions, synthetic=synthetic, gold=gold, nothing=tell(middle, tested))
    assert judge_contrast(found) == verdict


def test_kept_is_above_half_of_what_is_taught() -> None:
    tested, chances = draw_tested(200, 10)
    middle = np.full(200, 0.5)
    gold, nothing, sessions = tell(chances, tested), tell(middle, tested), Sessions(tested.sessions, 0)
    found = contrast_models(tested, sessions, synthetic=gold, gold=gold, nothing=nothing)
    assert found.kept.value == pytest.approx(0.5 * found.taught.value)
    assert found.behind_gold == Interval(0.0, 0.0, 0.0)


def make_contrast(**changed: Interval) -> Contrast:
    good = {"knows": ABOVE, "taught": ABOVE, "kept": ABOVE, "short": BELOW}
    return Contrast(**{**good, "behind_nothing": BELOW, "behind_gold": ACROSS, **changed}, stretch=1.3)


@pytest.mark.parametrize(
    ("contrast", "verdict", "part"),
    [
        (make_contrast(), GOOD, "surely more than half"),
        (make_contrast(kept=ACROSS), CANNOT_TELL, "Neither more nor less than half"),
        (make_contrast(kept=BELOW), UNDERFIT, "surely less than half"),
        (make_contrast(kept=Interval(-0.1, -0.19, -0.01)), CANNOT_TELL, "Neither more nor less than half"),
        (make_contrast(short=Interval(0.1, 0.01, 0.19)), GOOD, "surely more than half"),
        (make_contrast(kept=BELOW, knows=ACROSS), NOISE, "surely less than half"),
        (make_contrast(short=ABOVE), UNDERFIT, "surely further off than gold's"),
        (make_contrast(taught=ACROSS, kept=BELOW), CANNOT_TELL, "may be luck"),
        (make_contrast(taught=Interval(0.1)), CANNOT_TELL, "may be luck"),
        (make_contrast(behind_nothing=ABOVE, behind_gold=ABOVE, taught=ACROSS), NOISE, "than without"),
        (make_contrast(behind_nothing=ABOVE), GOOD, "surely more than half"),
    ],
)
def test_verdict_and_its_sentence(contrast: Contrast, verdict: Verdict, part: str) -> None:
    assert judge_contrast(contrast) == verdict
    assert part in explain_contrast(verdict, contrast, "that reach +0.6%", "shuffled gold")


def test_points_are_hundredths_of_a_chance() -> None:
    assert write_points(Interval(0.061, 0.02, 0.1021)) == "6.1 [2.0, 10.2]"
    assert write_points(Interval(0.061)) == "unknown"


def test_numbers_are_rounded_and_zero_has_no_sign() -> None:
    assert write_points(Interval(-0.0001, -0.0261, 0.02)) == "0.0 [-2.6, 2.0]"
    assert write_loss(Interval(-0.00261, -0.0004, 0.1)) == "-0.003 [0.000, 0.100]"
    assert (write_rounded(Interval(0.456), 2), write_rounded(Interval(math.nan), 2)) == ("0.46", "unknown")


def test_a_bad_name_takes_99_percent() -> None:
    assert Sessions(np.arange(11), 0).stretch == pytest.approx(3.169273 / 2.228139)  # Student's t, 10 degrees
    assert Sessions(np.arange(100_000), 0).stretch == pytest.approx(2.575829 / 1.959964, rel=1e-3)
    for bound in (Interval(0.1, 0.02), Interval(math.nan)):
        contrast = make_contrast(kept=bound, short=bound)
        assert not contrast.keeps_less
        assert not contrast.surely_above(Interval(0.1))

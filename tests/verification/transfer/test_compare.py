import numpy as np
import pytest
from scipy.stats import ttest_1samp

from verification.answers import CANNOT_TELL, HELPS, HURTS, NO_GAIN, Interval
from verification.transfer.compare import LIKELY, Gains, compare_losses, decide_transfer

BETTER, WORSE, SAME = Interval(0.1, 0.02, 0.18), Interval(-0.1, -0.18, -0.02), Interval(0.0, -0.1, 0.1)


def test_the_gain_is_the_mean_difference_and_its_interval_students_where_each_session_has_one_trade() -> None:
    rng = np.random.default_rng(3)
    ours, others = rng.random((2, 30))
    gain = compare_losses(ours, others, np.arange(30.0))
    low, high = ttest_1samp(others - ours, 0.0).confidence_interval(0.90)
    assert np.allclose([gain.value, gain.low, gain.high], [(others - ours).mean(), low, high])


def test_the_same_trades_twice_in_a_session_tell_no_more_than_once() -> None:
    rng = np.random.default_rng(4)
    ours, others = rng.random((2, 30))
    once = compare_losses(ours, others, np.arange(30.0))
    twice = compare_losses(np.tile(ours, 2), np.tile(others, 2), np.tile(np.arange(30.0), 2))
    assert np.allclose([once.low, once.high], [twice.low, twice.high])


def test_trades_that_cannot_be_told_are_left_out_of_a_comparison() -> None:
    ours, others, sessions = np.array([0.1, np.nan, 0.3]), np.array([0.2, 0.2, 0.2]), np.array([1.0, 2.0, 3.0])
    assert compare_losses(ours, others, sessions) == compare_losses(ours[[0, 2]], others[[0, 2]], sessions[[0, 2]])
    assert not compare_losses(ours[:1], others[:1], sessions[:1]).is_known


def test_a_likely_bound_lies_nearer_than_a_sure_one() -> None:
    rng = np.random.default_rng(5)
    ours, others = rng.random((2, 30))
    likely = compare_losses(ours, others, np.arange(30.0), LIKELY)
    assert np.allclose([likely.low, likely.high], ttest_1samp(others - ours, 0.0).confidence_interval(0.80))


@pytest.mark.parametrize(
    ("alone", "control", "law", "gold", "sessions", "verdict"),
    [
        (BETTER, BETTER, BETTER, 200, 8, HELPS),
        (BETTER, SAME, BETTER, 200, 8, NO_GAIN),
        (SAME, BETTER, BETTER, 200, 8, NO_GAIN),
        (BETTER, BETTER, SAME, 200, 8, NO_GAIN),
        (BETTER, BETTER, Interval(np.nan), 200, 8, NO_GAIN),
        (WORSE, BETTER, BETTER, 200, 8, HURTS),
        (WORSE, WORSE, WORSE, 199, 8, CANNOT_TELL),
        (BETTER, BETTER, BETTER, 199, 8, CANNOT_TELL),
        (BETTER, BETTER, BETTER, 200, 7, CANNOT_TELL),
    ],
)
def test_the_verdict_is_the_table(
    alone: Interval, control: Interval, law: Interval, gold: int, sessions: int, verdict: str
) -> None:
    found, reason = decide_transfer(Gains(alone, {"jitter": control}, law), gold, sessions)
    assert found == verdict
    assert reason


def test_the_reason_names_the_control_that_does_as_well() -> None:
    gains = Gains(BETTER, {"noise": BETTER, "jitter": SAME}, BETTER)
    assert decide_transfer(gains, 400, 20)[1].endswith(": jitter.")


def test_outcomes_that_contradict_the_golds_are_named_as_the_lack() -> None:
    assert "alone" in decide_transfer(Gains(BETTER, {"noise": BETTER}, WORSE), 400, 20)[1].split("but")[1]

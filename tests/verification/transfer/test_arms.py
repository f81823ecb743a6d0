import numpy as np

from tests.verification.transfer.laws import draw_windows
from verification.transfer.arms import GOLD_ONLY, TRANSFER, draw_noise, jitter, make_arms, shuffle_outcomes
from verification.transfer.windows import CONTEXT, HIGH, LOW, RETURN


def test_only_gold_alone_reads_gold_first_and_controls_are_as_many_as_the_synthetic() -> None:
    rng = np.random.default_rng(0)
    gold = draw_windows(20, rng)
    arms = make_arms(gold, draw_windows(30, rng), rng)
    assert [name for name, arm in arms.items() if arm.parent is gold] == [GOLD_ONLY]
    assert {len(arm.parent) for arm in arms.values() if arm.is_control} == {30}
    assert not arms[TRANSFER].is_control


def test_shuffled_outcomes_are_the_same_ones_under_other_contexts() -> None:
    windows = draw_windows(40, np.random.default_rng(1))
    shuffled = shuffle_outcomes(windows, np.random.default_rng(2))
    assert (shuffled.context == windows.context).all()
    assert sorted(shuffled.excursions[:, 0]) == sorted(windows.excursions[:, 0])
    assert (shuffled.excursions != windows.excursions).any()
    moved = {tuple(row) for row in shuffled.bars[:, CONTEXT:, RETURN]}
    assert moved == {tuple(row) for row in windows.bars[:, CONTEXT:, RETURN]}


def test_bars_of_controls_could_be_bars() -> None:
    rng = np.random.default_rng(3)
    gold = draw_windows(40, rng)
    for made in (jitter(gold, 60, rng), draw_noise(gold, 60, rng)):
        assert (made.bars[..., HIGH] >= made.bars[..., RETURN]).all()
        assert (made.bars[..., LOW] <= made.bars[..., RETURN]).all()
        assert np.isfinite(made.targets).all()

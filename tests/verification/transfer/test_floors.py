import numpy as np

from tests.verification.transfer.laws import draw_windows
from verification.transfer.floors import FLOORS, measure_deviation, measure_weighted, tell_floor
from verification.transfer.windows import CONTEXT, RETURN


def test_measures_are_the_logs_of_plain_and_weighted_deviations() -> None:
    windows = draw_windows(3, np.random.default_rng(0))
    returns = windows.bars[:, :CONTEXT, RETURN]
    weights = np.array([0.94 ** (CONTEXT - 1 - place) for place in range(CONTEXT)])
    weighted = [np.sqrt(np.average(row**2, weights=weights)) for row in returns]
    assert np.allclose(np.exp(measure_deviation(windows)), [np.std(row) for row in returns], rtol=1e-3)
    assert np.allclose(np.exp(measure_weighted(windows)), weighted, rtol=1e-3)


def test_a_line_on_volatility_is_better_than_the_mean_where_the_law_has_one() -> None:
    rng = np.random.default_rng(1)
    gold, held_out = draw_windows(200, rng), draw_windows(100, rng)
    errors = {
        name: np.mean((tell_floor(measure, gold, held_out) - held_out.targets)[:, :2] ** 2)
        for name, (_, measure) in FLOORS.items()
    }
    assert errors["ols"] < 0.8 * errors["mean"]
    assert errors["ewma"] < 0.8 * errors["mean"]


def test_the_mean_is_the_golds_whatever_is_unknown() -> None:
    gold = draw_windows(50, np.random.default_rng(2))
    gold.excursions[:10, 0] = np.nan
    told = tell_floor(None, gold, gold)
    assert np.allclose(told[:, 0], gold.excursions[10:, 0].mean())

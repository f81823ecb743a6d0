"""What a line on volatility tells: the floor under every network. Each is fitted on the gold's train part alone."""

from collections.abc import Callable, Mapping

import numpy as np

from verification.answers import Matrix
from verification.transfer.windows import CONTEXT, RETURN, Windows

DECAY = 0.94  # of RiskMetrics' exponentially weighted variance (J.P. Morgan, 1996)
LEAST = 1e-7  # a context that never moved has a volatility all the same


def measure_deviation(windows: Windows) -> Matrix:
    """Log of the deviation of the context's returns."""
    return np.asarray(np.log(windows.bars[:, :CONTEXT, RETURN].std(axis=1) + LEAST))


def measure_weighted(windows: Windows) -> Matrix:
    """Log of the exponentially weighted deviation of the context's returns: the last bars count most."""
    weights = DECAY ** np.arange(CONTEXT - 1, -1, -1.0)
    variance = (windows.bars[:, :CONTEXT, RETURN] ** 2) @ (weights / weights.sum())
    return np.asarray(np.log(np.sqrt(variance) + LEAST))


MEAN = "mean"
FLOORS: Mapping[str, tuple[str, Callable[[Windows], Matrix] | None]] = {
    MEAN: ("the gold's mean", None),
    "ols": ("a line on log volatility", measure_deviation),
    "ewma": ("a line on log EWMA volatility", measure_weighted),
}


def tell_floor(measure: Callable[[Windows], Matrix] | None, gold: Windows, held_out: Windows) -> Matrix:
    """Fit each target on one measure by least squares, and tell the held-out targets: shape (held-out windows, 4)."""
    told = np.empty((len(held_out), gold.targets.shape[1]))
    for place, target in enumerate(gold.targets.T):
        known = np.isfinite(target)
        if measure is None:
            told[:, place] = target[known].mean()
            continue
        slope, level = np.polyfit(measure(gold)[known], target[known], 1)
        told[:, place] = level + slope * measure(held_out)
    return told

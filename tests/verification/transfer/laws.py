"""A known law: excursions follow the volatility of the last twenty bars, and the trend a little."""

import numpy as np

from verification.answers import Matrix
from verification.transfer.windows import CONTEXT, HORIZON, Windows

TOTAL = CONTEXT + HORIZON


def draw_windows(count: int, rng: np.random.Generator, *, slope: float = 0.9, first_day: int = 0) -> Windows:
    """Draw windows, five a session; `slope` is that of log excursions on log volatility."""
    deviation = np.exp(rng.normal(-7.2, 0.5, (count, 1)) + np.cumsum(rng.normal(0, 0.08, (count, TOTAL)), axis=1))
    steps = np.cumsum(rng.standard_normal((count, TOTAL, 6)) * deviation[..., None] / np.sqrt(6), axis=2)
    moves = steps[..., -1]
    ends = np.maximum(steps.max(axis=2), 0.0), np.minimum(steps.min(axis=2), 0.0)
    volume = 10.0 + np.log(deviation) + 0.5 * rng.standard_normal((count, TOTAL))
    level = slope * (np.log(deviation[:, CONTEXT - 20 : CONTEXT].mean(axis=1)) + 7.2)
    recent = slice(CONTEXT - 30, CONTEXT)
    trend = 0.25 * moves[:, recent].sum(axis=1) / (deviation[:, recent].mean(axis=1) * np.sqrt(30))
    excursions: Matrix = np.column_stack([level + trend, level - trend]) + 0.6 * rng.standard_normal((count, 2))
    sessions = first_day + np.floor(np.arange(count) / 5.0)
    return Windows(np.stack([moves, *ends, volume], axis=-1), excursions, np.full(count, 100.0), sessions)

"""Known laws: excursions follow the volatility before the entry.

`draw_windows`: that of the last twenty bars, and the trend a little. `draw_plain`: that of the whole context, as it can
be measured from its closes, and nothing else.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from verification.answers import Matrix
from verification.transfer.windows import CONTEXT, HORIZON, RETURN, Windows

TOTAL = CONTEXT + HORIZON
USUAL = -7.2  # mean of log volatility of a bar


class Draw(Protocol):
    """Draws windows, five a session; `slope` is that of log excursions on log volatility."""

    def __call__(self, count: int, rng: np.random.Generator, *, slope: float = 0.9, first_day: int = 0) -> Windows: ...


def draw_windows(count: int, rng: np.random.Generator, *, slope: float = 0.9, first_day: int = 0) -> Windows:
    """Draw by the law of the last twenty bars."""
    bars, deviation = _draw_bars(count, rng)
    level = slope * (np.log(deviation[:, CONTEXT - 20 : CONTEXT].mean(axis=1)) - USUAL)
    recent = slice(CONTEXT - 30, CONTEXT)
    trend = 0.25 * bars[:, recent, RETURN].sum(axis=1) / (deviation[:, recent].mean(axis=1) * np.sqrt(30))
    excursions = np.column_stack([level + trend, level - trend]) + 0.6 * rng.standard_normal((count, 2))
    return _make(bars, excursions, first_day)


def draw_plain(count: int, rng: np.random.Generator, *, slope: float = 0.9, first_day: int = 0) -> Windows:
    """Draw by the law of the whole context."""
    bars, _ = _draw_bars(count, rng)
    level = slope * (np.log(bars[:, :CONTEXT, RETURN].std(axis=1)) - USUAL)
    return _make(bars, level[:, None] + 0.5 * rng.standard_normal((count, 2)), first_day)


LAWS: Mapping[str, Draw] = {"recent": draw_windows, "plain": draw_plain}


def _draw_bars(count: int, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    """Draw bars of six steps each, whose log volatility is a random walk; returns them and their volatility."""
    deviation = np.exp(rng.normal(USUAL, 0.5, (count, 1)) + np.cumsum(rng.normal(0, 0.08, (count, TOTAL)), axis=1))
    steps = np.cumsum(rng.standard_normal((count, TOTAL, 6)) * deviation[..., None] / np.sqrt(6), axis=2)
    ends = np.maximum(steps.max(axis=2), 0.0), np.minimum(steps.min(axis=2), 0.0)
    volume = 10.0 + np.log(deviation) + 0.5 * rng.standard_normal((count, TOTAL))
    return np.stack([steps[..., -1], *ends, volume], axis=-1), deviation


def _make(bars: Matrix, excursions: Matrix, first_day: int) -> Windows:
    sessions = first_day + np.floor(np.arange(len(bars)) / 5.0)
    return Windows(bars, excursions, np.full(len(bars), 100.0), sessions)

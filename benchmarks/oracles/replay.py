"""The replay as a loop over trades and bars: slow, and what `backtest` is tested and timed against."""

import math

import numpy as np

from indicators.replay import COST_PERCENT, Paths, Strategy

Bars = list[list[float]]


def list_bars(paths: Paths, trade: int) -> Bars:
    """Return the open, worst, best and close of every minute of one trade; NaN where it has no bar."""
    columns = [matrix[:, trade] for matrix in (paths.open, paths.worst, paths.best, paths.close)]
    bars: Bars = np.column_stack(columns).tolist()
    return bars


def replay_one(bars: Bars, volatility: float, strategy: Strategy) -> float:
    """Return the net percent of a strategy on one trade; see `backtest` for the order within a bar and the fills."""
    stop, target, trail = strategy.stop * volatility, strategy.target * volatility, strategy.trail * volatility
    peak = last = 0.0
    for minute, (opened, worst, best, closed) in enumerate(bars):
        if math.isnan(opened):
            continue
        if minute >= strategy.minutes:
            return opened - COST_PERCENT
        if -worst >= stop or peak - worst >= trail:
            return min(opened, max(-stop, peak - trail)) - COST_PERCENT
        if best >= target:
            return target - COST_PERCENT
        peak, last = max(peak, best), closed
    return last - COST_PERCENT

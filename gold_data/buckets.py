"""Buckets of a gold column: a few values and how often each is drawn, so that together they are like the column."""

import numpy as np
from numpy.typing import NDArray

SIGNIFICANT_DIGITS = 4  # of a bucket: finer than any trader's log, and still readable


def bin_by_quantiles(values: NDArray[np.float64], bins: int) -> dict[float, int]:
    """Count the values in quantile bins, by the median of each bin; bins that fall together are one."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    index = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, max(len(edges) - 2, 0))
    buckets: dict[float, int] = {}
    for i in np.unique(index):
        inside = values[index == i]
        center = float(f"{np.median(inside):.{SIGNIFICANT_DIGITS}g}")
        buckets[center] = buckets.get(center, 0) + len(inside)
    return buckets

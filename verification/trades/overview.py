"""What the report shows beside the answers: distributions, and volatility against exits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from verification.trades.features import EXITS, FEATURES, SKEWED, measure_features

BINS = 30  # of a histogram
TAIL = 0.005  # of the gold, on either side, that a histogram's outermost bins take in
SHOWN_POINTS = 500  # trades of a kind in a scatter plot
SHOWN_EXITS = ("entry_volatility_percent", "worst_exit_percent", "best_exit_percent")


def describe_overview(parts: Mapping[str, pl.DataFrame], rng: np.random.Generator) -> dict[str, Any]:
    """Describe what the report plots of trades that answers no question, as JSON types.

    Args:
        parts: Trade tables by name: gold (train), held_out and synthetic.
        rng: Draws the points that a scatter plot shows.
    """
    return {
        "distributions": bin_features(parts),
        "volatility_exits": {
            name: pick_points(measure_features(trades).drop_nulls().drop_nans(), rng)
            for name, trades in parts.items()
            if name != "held_out"
        },
    }


def bin_features(parts: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """Bin every feature alike for all parts: edges from the gold's quantiles, shares that sum to 1; no empty part."""
    features = {name: measure_features(trades).drop_nulls().drop_nans() for name, trades in parts.items()}
    filled = {name: table for name, table in features.items() if table.height}
    if "gold" not in filled:
        return {}
    binned: dict[str, Any] = {}
    for feature in FEATURES:
        gold = filled["gold"][feature].to_numpy()
        low, high = np.quantile(gold, [TAIL, 1.0 - TAIL])
        high = high if high > low else low + 1.0
        edges = (np.geomspace if feature in SKEWED and low > 0.0 else np.linspace)(low, high, BINS + 1)
        binned[feature] = {"bins": edges.tolist()} | {
            name: share_bins(table[feature].to_numpy(), edges) for name, table in filled.items()
        }
    return binned


def share_bins(
    values: np.ndarray[Any, np.dtype[np.float64]], edges: np.ndarray[Any, np.dtype[np.float64]]
) -> list[float]:
    """Return each bin's share of the values; what lies beyond an end is in the bin at that end."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return [float(share) for share in counts / max(len(values), 1)]


def pick_points(features: pl.DataFrame, rng: np.random.Generator) -> dict[str, list[float]]:
    """Pick at most SHOWN_POINTS trades for a scatter plot, the same ones in every column."""
    places = np.sort(rng.permutation(features.height)[:SHOWN_POINTS])
    return {name: features[name].gather(places.tolist()).round(4).to_list() for name in (*SHOWN_EXITS, *EXITS[3:])}

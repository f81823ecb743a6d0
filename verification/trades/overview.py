"""What the report shows beside the answers: distributions, volatility against exits, the funnel, what stages cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from verification.trades.features import EXITS, FEATURES, measure_features

BINS = 30  # of a histogram
TAIL = 0.005  # of the gold, on either side, that a histogram's outermost bins take in
SHOWN_POINTS = 500  # trades of a kind in a scatter plot
SHOWN_EXITS = ("entry_volatility_percent", "worst_exit_percent", "best_exit_percent")
CHECKED = r"^- \[[a-z_]+\]"  # how a critique of the checks begins; a judge's names a criterion and its score


def describe_overview(
    parts: Mapping[str, pl.DataFrame], ledger: pl.DataFrame, usage: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """Describe everything the report plots that answers no question, as JSON types.

    Args:
        parts: Trade tables by name: gold (train), held_out and synthetic.
        ledger: The run's; empty where it has none.
        usage: The run's; empty where it has none.
        rng: Draws the points that a scatter plot shows.
    """
    return {
        "distributions": bin_features(parts),
        "volatility_exits": {
            name: pick_points(measure_features(trades).drop_nulls().drop_nans(), rng)
            for name, trades in parts.items()
            if name != "held_out"
        },
        "funnel": count_funnel(ledger),
        "stages": sum_stages(usage),
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
        edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
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


def count_funnel(ledger: pl.DataFrame) -> list[tuple[str, int]]:
    """Count candidates stage by stage, each a part of the one before up to acceptance, then accepted in all by pass."""
    if ledger.is_empty():
        return []
    first = pl.col("critiques").list.first()
    usable = (pl.col("status") != "failed") | pl.col("critiques").list.len().gt(0)
    checked = usable & ~first.str.contains(CHECKED).fill_null(value=False)
    accepted = pl.col("status") == "accepted"
    passes = range(1, max([1, *ledger["refine_passes"].to_list()]) + 1)
    stages: list[tuple[str, pl.Expr]] = [
        ("candidates", pl.lit(value=True)),
        ("generated", usable),
        ("passed the checks at once", checked),
        ("accepted at once", accepted & (pl.col("refine_passes") == 0)),
        *((f"accepted after refine {n}", accepted & (pl.col("refine_passes") <= n)) for n in passes),
    ]
    return [(name, ledger.filter(condition).height) for name, condition in stages]


def sum_stages(usage: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Sum requests, tokens, seconds and cost of each stage; a sum is null where any part of it is."""
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for part in usage.get("by_stage", []):
        parts.setdefault(part["stage"], []).append(part)
    summed = ("requests", "prompt_tokens", "completion_tokens", "request_seconds", "cost")
    return [
        {"stage": stage} | {name.removeprefix("request_"): _add([part.get(name) for part in rows]) for name in summed}
        for stage, rows in parts.items()
    ]


def _add(values: Sequence[float | None]) -> float | None:
    return None if None in values else sum(value for value in values if value is not None)

"""What the report shows beside the answers."""

import numpy as np
import polars as pl
import pytest

from verification.trades.overview import bin_features, pick_points, share_bins


def test_bins_take_in_what_lies_beyond_them() -> None:
    assert share_bins(np.array([-9.0, 0.5, 1.5, 9.0]), np.array([0.0, 1.0, 2.0])) == [0.5, 0.5]


def test_shares_of_a_feature_sum_to_one(gold: pl.DataFrame) -> None:
    binned = bin_features({"gold": gold, "synthetic": gold[:50], "held_out": gold.clear()})
    assert set(binned["best_exit_percent"]) == {"bins", "gold", "synthetic"}
    for feature in binned.values():
        assert sum(feature["gold"]) == pytest.approx(1.0)
        assert len(feature["bins"]) == len(feature["gold"]) + 1


def test_no_gold_is_no_distribution(gold: pl.DataFrame) -> None:
    assert bin_features({"gold": gold.clear(), "synthetic": gold}) == {}


def test_points_stay_together() -> None:
    features = pl.DataFrame(
        {
            name: [float(row) for row in range(900)]
            for name in ("entry_volatility_percent", "worst_exit_percent", "best_exit_percent", "holding_minutes")
        }
    )
    points = pick_points(features, np.random.default_rng(0))
    assert len(points["best_exit_percent"]) == 500
    assert points["worst_exit_percent"] == points["best_exit_percent"] == points["entry_volatility_percent"]

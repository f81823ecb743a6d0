"""What the report shows beside the answers."""

import numpy as np
import polars as pl
import pytest

from verification.trades.overview import bin_features, count_funnel, pick_points, share_bins, sum_stages


def make_ledger(*rows: tuple[str, int, list[str]]) -> pl.DataFrame:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "status": pl.String,
        "refine_passes": pl.Int64,
        "critiques": pl.List(pl.String),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_the_funnel_counts_each_stage() -> None:
    checks, judge = "- [session_hours] entry_time 08:48:37", "- [realism 2/5, at least 4 wanted] far beyond"
    ledger = make_ledger(
        ("accepted", 0, []),
        ("accepted", 0, []),
        ("accepted", 1, [checks]),
        ("accepted", 2, [judge, judge]),
        ("rejected", 2, [judge, judge, judge]),
        ("failed", 0, []),
    )
    assert count_funnel(ledger) == [
        ("candidates", 6),
        ("generated", 5),
        ("passed the checks at once", 4),
        ("accepted at once", 2),
        ("accepted after refine 1", 3),
        ("accepted after refine 2", 4),
    ]


def test_a_run_without_a_ledger_has_no_funnel() -> None:
    assert count_funnel(pl.DataFrame()) == []


def test_bins_take_in_what_lies_beyond_them() -> None:
    assert share_bins(np.array([-9.0, 0.5, 1.5, 9.0]), np.array([0.0, 1.0, 2.0])) == [0.5, 0.5]


def test_stages_are_summed_and_unknown_stays_unknown() -> None:
    parts = [
        {"stage": "generate", "requests": 3, "prompt_tokens": 10, "completion_tokens": None, "request_seconds": 1.5},
        {"stage": "generate", "requests": 2, "prompt_tokens": 20, "completion_tokens": 7, "request_seconds": 0.5},
    ]
    assert sum_stages({"by_stage": parts}) == [
        {
            "stage": "generate",
            "requests": 5,
            "prompt_tokens": 30,
            "completion_tokens": None,
            "seconds": 2.0,
            "cost": None,
        }
    ]


def test_nothing_spent_is_no_stage() -> None:
    assert sum_stages({}) == []


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

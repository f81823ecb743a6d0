"""What controls set is found, and brought to one law on both sides; nothing else is."""

import numpy as np
import polars as pl
import pytest

from designer_configs.compile.controls import Control
from verification.trades.waiving import Waived, count_effective, find_waived, sort_in, weigh_sides

VOLATILITY = "entry_volatility_percent"


def declare(name: str, values: list[object], weights: list[float], field: str | None = None) -> Control:
    params = {"values": values, "weights": weights}
    rule = {"field": field, "tolerance": 0.05} if field else None
    return Control({"name": name, "sampler_type": "category", "params": params}, "", rule, rule)


def test_a_number_has_buckets_around_its_declared_values(gold: pl.DataFrame) -> None:
    control = declare("aim", [0.3, 0.5, 0.9], [1, 1, 1], VOLATILITY)
    (found,) = find_waived([control], gold, gold)
    assert (found.feature, found.is_inside) == (VOLATILITY, True)
    assert found.edges == pytest.approx((0.4, 0.7))
    assert found.reach == pytest.approx((0.1, 1.3))


def test_the_direction_is_waived_only_where_its_shares_are_not_the_golds(gold: pl.DataFrame) -> None:
    shorts = float((gold["trade_type"] == "short").mean() or 0.0)  # type: ignore[arg-type]
    same = declare("side", ["buy", "short"], [1 - shorts, shorts], "trade_type")
    other = declare("side", ["buy", "short"], [0.95, 0.05], "trade_type")
    assert find_waived([same], gold, gold) == ()
    assert find_waived([other], gold, gold)[0].feature == "is_short"


def test_a_control_without_a_field_shows_what_it_sets(gold: pl.DataFrame) -> None:
    hour = gold["entry_time"].dt.hour()
    asked = gold.with_columns(part=pl.when(hour < 12).then(pl.lit("early")).otherwise(pl.lit("late")))
    (found,) = find_waived([declare("part", ["early", "late"], [1, 1])], gold, asked)
    assert found.feature == "entry_minute"
    assert found.edges is not None
    assert found.edges[0] == pytest.approx(720, abs=20)
    mood = gold.with_columns(part=pl.Series(np.arange(len(gold)) % 2).cast(pl.String))
    assert find_waived([declare("part", ["0", "1"], [1, 1])], gold, mood) == ()


def test_weights_give_every_bucket_one_share_on_both_sides(gold: pl.DataFrame) -> None:
    waived = Waived(VOLATILITY, "aim", (0.5, 0.7), is_inside=True)
    skewed = gold.filter((pl.col(VOLATILITY) > 0.5) | (pl.int_range(pl.len()) % 3 == 0))
    sides = weigh_sides(gold, skewed, [waived])
    tables = gold, skewed
    shares = [
        np.bincount(sort_in(table, waived), weights=weights) / weights.sum()
        for table, weights in zip(tables, sides, strict=True)
    ]
    means = [
        np.average(table[VOLATILITY].log().to_numpy(), weights=weights)
        for table, weights in zip(tables, sides, strict=True)
    ]
    assert shares[0] == pytest.approx(shares[1], abs=1e-4)
    assert means[0] == pytest.approx(means[1], abs=1e-4)
    assert [side.mean() for side in sides] == pytest.approx([1.0, 1.0])
    assert max(side.max() for side in sides) < 3.0
    assert len(skewed) > count_effective(sides[1]) > 0.9 * len(skewed)


def test_gold_that_no_row_reaches_counts_for_nothing(gold: pl.DataFrame) -> None:
    waived = Waived(VOLATILITY, "aim", (0.5,))
    own, _ = weigh_sides(gold, gold.filter(pl.col(VOLATILITY) > 0.5), [waived])
    assert (own[(gold[VOLATILITY] < 0.5).to_numpy()] == 0.0).all()
    assert weigh_sides(gold, gold, [])[0].tolist() == [1.0] * len(gold)

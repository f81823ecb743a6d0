"""Support and resistance: pivots once they are known, and the price where most was traded."""

import polars as pl
import pytest

from indicators.vpa.levels import find_levels
from indicators.vpa.measures import measure_bars
from tests.indicators.vpa.walks import Row, calm_rows, tell_bars

FLAT: Row = (100.0, 100.5, 99.5, 100.0, 1000.0)
PEAK: Row = (100.0, 103.0, 99.5, 100.0, 1000.0)
PIT: Row = (100.0, 100.5, 97.0, 100.0, 1000.0)


def find_last(rows: list[Row]) -> dict[str, object]:
    return find_levels(measure_bars(tell_bars(rows))).row(-1, named=True)


@pytest.mark.parametrize(("after", "price"), [(2, None), (3, 103.0), (47, 103.0), (48, None)])
def test_a_peak_is_resistance_from_three_bars_later_until_it_leaves_the_lookback(
    after: int, price: float | None
) -> None:
    slope = [(100.0 + n / 100, 100.5 + n / 100, 99.5 + n / 100, 100.0 + n / 100, 1000.0) for n in range(60)]
    found = find_last([*slope, PEAK, *[(102.9, 102.95 + n / 1000, 102.9, 102.92, 1.0) for n in range(after)]])
    assert (found["resistance"] if found["resistance_source"] == "pivot" else None) == price


def test_the_nearest_pivots_are_taken_and_measured() -> None:
    far: Row = (100.0, 105.0, 95.0, 100.0, 1000.0)
    gap = [(100.0, 100.5, 99.5, 100.0, 1000.0)] * 8
    found = find_last([*calm_rows(50), far, *gap, PEAK, *gap, PIT, *gap, (100.0, 100.0, 100.0, 100.0, 1.0)])
    assert (found["resistance_source"], found["support_source"]) == ("pivot", "pivot")
    assert (found["resistance"], found["support"]) == (100.5, 99.5)


def test_the_price_where_most_was_traded_is_the_middle_of_its_tenth() -> None:
    """The range goes from 90 to 110, in tenths of 2; most is traded at 95, in the tenth from 94 to 96."""
    ends: list[Row] = [(90.0, 90.0, 90.0, 90.0, 100.0), (110.0, 110.0, 110.0, 110.0, 100.0)]
    found = find_last(
        [*calm_rows(20), *ends, *[(95.0, 95.0, 95.0, 95.0, 100.0)] * 30, *[(101.0, 101.0, 101.0, 101.0, 50.0)] * 18]
    )
    assert (found["volume_price"], found["volume_price_share"]) == (95.0, 0.73)
    assert (found["support"], found["support_source"], found["support_percent"]) == (95.0, "pivot", 5.94)


def test_a_market_that_stands_still_has_no_levels() -> None:
    found = find_last([(100.0, 100.0, 100.0, 100.0, 0.0)] * 60)
    names = ("support", "support_source", "support_spreads", "support_percent", "volume_price", "volume_price_share")
    assert [found[name] for name in names] == [None] * 6


def test_without_a_typical_spread_distance_is_in_percent_alone() -> None:
    still = [(100.0, 100.0, 100.0, 100.0, 10.0)] * 60
    found = find_last([*still, (102.0, 102.0, 102.0, 102.0, 10.0)])
    assert (found["support"], found["support_spreads"], found["support_percent"]) == (100.1, None, 1.86)


def test_levels_are_null_while_the_lookback_is_short() -> None:
    found = find_levels(measure_bars(tell_bars([*calm_rows(49), PEAK])))
    assert found.select(pl.col("support", "resistance", "volume_price").null_count()).row(0) == (50, 50, 50)

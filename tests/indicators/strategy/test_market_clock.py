"""Sessions and longer bars of a strategy are those of its ticker's market."""

from datetime import date

import numpy as np
import pytest

from gold_data.sessions import Market
from indicators.strategy.clock import DAY, DayClock, number_groups, read_day_clock


@pytest.mark.parametrize(
    ("market", "clock"),
    [
        ("XNYS", DayClock(0, 570)),
        ("XETR", DayClock(0, 540)),
        ("24/7", DayClock(0, 0)),
        ("CMES", DayClock(-420, -420)),
    ],
)
def test_a_market_s_days_begin_and_open(market: str, clock: DayClock) -> None:
    assert read_day_clock(Market(market), date(2025, 3, 3)) == clock


def test_an_evening_of_futures_belongs_to_the_next_day_and_hours_are_counted_from_its_opening() -> None:
    monday = 20_150 * DAY
    minutes = monday + np.array([-430, -420, -361, -360, 0, 1000], np.int64)
    clock = DayClock(-420, -420)
    assert (number_groups(minutes, "1d", clock) - 20_150).tolist() == [-1, 0, 0, 0, 0, 0]
    hours = number_groups(minutes, "1h", clock)
    assert (np.diff(hours) > 0).tolist() == [True, False, True, True, True]

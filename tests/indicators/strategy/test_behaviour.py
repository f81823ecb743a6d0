"""Behaviour cells of trades that are typed in."""

import math

import pytest

from indicators.strategy.behaviour import ALL_CELLS, name_cell
from indicators.strategy.executor import Trade


def make_trades(count: int, held: int, longs: int) -> list[Trade]:
    sides = [1] * longs + [-1] * (count - longs)
    return [Trade(0, held, side, 1.0, 1.0, "signal", math.nan) for side in sides]


@pytest.mark.parametrize(
    ("count", "held", "longs", "cell"),
    [
        (19, 4, 19, "seldom, brief, long"),
        (20, 5, 0, "often, medium, short"),
        (59, 14, 30, "often, medium, both"),
        (60, 0, 20, "incessant, brief, both"),
        (5, 15, 1, "seldom, lasting, short"),
        (6, 200, 4, "seldom, lasting, long"),
    ],
)
def test_a_cell_is_named_by_rate_holding_time_and_side(count: int, held: int, longs: int, cell: str) -> None:
    assert name_cell(make_trades(count, held, longs), 1000) == cell
    assert cell in ALL_CELLS


def test_what_trades_incessantly_cannot_hold_long() -> None:
    assert len(ALL_CELLS) == 24

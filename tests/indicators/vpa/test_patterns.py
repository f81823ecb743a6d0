"""Each pattern on bars that show it, and on the same bars with one thing missing."""

from collections.abc import Mapping

import polars as pl
import pytest

from indicators.vpa.measures import measure_bars
from indicators.vpa.patterns import PATTERNS, find_patterns
from tests.indicators.vpa.walks import Row, calm_rows, make_walk, tell_bars

FALL = calm_rows(61, 130.0, -0.5)  # the last closes at 100, low 99.5
RISE = calm_rows(61, 70.0, 0.5)  # the last closes at 100, high 100.5
CALM = calm_rows(61)  # the last closes at 100; range 99.5 to 100.6

# What comes before, the bars that show the pattern, and one bar instead of the last that does not.
CASES: Mapping[str, tuple[list[Row], list[Row], Row]] = {
    "selling_climax": (FALL, [(99.8, 99.8, 96.0, 98.5, 9000)], (99.8, 99.8, 96.0, 96.5, 9000)),
    "buying_climax": (RISE, [(100.2, 104.0, 100.2, 101.5, 9000)], (100.2, 104.0, 100.2, 103.5, 9000)),
    "spring": (CALM, [(99.7, 100.2, 98.7, 100.1, 900)], (99.7, 100.2, 98.7, 99.4, 900)),
    "upthrust": (CALM, [(100.3, 101.6, 99.9, 100.2, 900)], (100.3, 101.6, 99.9, 101.5, 900)),
    "test": (
        CALM,
        [(99.7, 100.2, 98.7, 100.1, 900), *calm_rows(4), (99.9, 100.0, 99.2, 99.8, 200)],
        (99.9, 100.0, 99.2, 99.8, 3000),
    ),
    "stopping_volume": (FALL, [(99.9, 99.9, 99.0, 99.6, 9000)], (99.9, 99.9, 99.0, 99.1, 9000)),
    "no_supply": (CALM, [(100.0, 100.1, 99.9, 99.99, 200)], (100.0, 100.1, 99.9, 99.99, 1500)),
    "no_demand": (CALM, [(100.0, 100.1, 99.95, 100.02, 200)], (100.0, 100.1, 99.95, 100.02, 1500)),
}


def find_at_the_end(rows: list[Row]) -> list[str]:
    found = find_patterns(measure_bars(tell_bars(rows)))
    return [name for name in PATTERNS if found.get_column(name).last()]


@pytest.mark.parametrize("name", CASES)
def test_a_pattern_is_found_where_it_shows(name: str) -> None:
    before, shown, _ = CASES[name]
    assert name in find_at_the_end([*before, *shown])


@pytest.mark.parametrize("name", CASES)
def test_a_pattern_is_not_found_where_one_thing_is_missing(name: str) -> None:
    before, shown, other = CASES[name]
    assert name not in find_at_the_end([*before, *shown[:-1], other])


@pytest.mark.parametrize(
    ("step", "busy", "found"),
    [(-0.5, 1, ["accumulation"]), (-0.5, 0, []), (0.5, 0, ["distribution"]), (0.5, 1, [])],
)
def test_a_phase_needs_the_move_before_and_the_volume_of_its_side(step: float, busy: int, found: list[str]) -> None:
    """A move of 31 bars, then 20 bars up and down by 0.1 in turn: up-bars or down-bars are busy."""
    moved = calm_rows(41, 100.0, step)
    end = moved[-1][3]
    closes = [end + (0.1 if step < 0 else -0.1) * (number % 2) for number in range(1, 21)]
    range_rows = [
        (close, close + 0.5, close - 0.5, close, 3000.0 if number % 2 == (busy if step < 0 else 1 - busy) else 1000.0)
        for number, close in enumerate(closes, start=1)
    ]
    assert [
        name for name in find_at_the_end([*moved, *range_rows]) if name in ("accumulation", "distribution")
    ] == found


def test_a_sign_counts_for_twenty_bars() -> None:
    spring = CASES["spring"][1]
    found = find_patterns(measure_bars(tell_bars([*CALM, *spring, *calm_rows(25)]))).tail(25)
    assert found.get_column("strength_age").to_list() == [*range(1, 21), *[None] * 5]
    assert found.get_column("strength_low").to_list() == [98.7] * 20 + [None] * 5


def test_no_pattern_is_found_before_the_lookback_is_full() -> None:
    before, shown, _ = CASES["spring"]
    assert find_at_the_end([*before[-49:], *shown]) == []
    assert find_at_the_end([*before[-50:], *shown]) == ["spring"]


def test_the_leading_pattern_is_the_first_in_order() -> None:
    found = find_patterns(measure_bars(make_walk(4000, 1))).filter(pl.col("pattern") != "none")
    firsts = [next(name for name in PATTERNS if row[name]) for row in found.iter_rows(named=True)]
    assert found.height > 100
    assert found.get_column("pattern").cast(pl.String).to_list() == firsts


@pytest.mark.parametrize(
    "pair",
    [
        ("accumulation", "distribution"),
        ("buying_climax", "selling_climax"),
        ("selling_climax", "stopping_volume"),
        ("spring", "upthrust"),
        ("no_demand", "no_supply"),
    ],
)
def test_patterns_that_exclude_each_other_never_meet(pair: tuple[str, str]) -> None:
    bars = pl.concat([make_walk(3000, seed, f"T{seed}") for seed in range(2)])
    found = find_patterns(measure_bars(bars))
    assert found.filter(pl.all_horizontal(pair)).is_empty()
    assert found.filter(pl.any_horizontal(pair)).height > 10

"""What is filled, when and at which price; and that no strategy knows the future."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.oracles.strategy import Bar, walk_strategy
from indicators.strategy.bar_set import BarSet
from indicators.strategy.bar_suite import make_walks, trade_on
from indicators.strategy.clock import lay_out
from indicators.strategy.conventions import Conventions
from indicators.strategy.executor import LONG, SHORT, Trade, find_trades
from indicators.strategy.prices import Prices, shift
from indicators.strategy.sampler import draw_strategy
from indicators.strategy.series import SERIES
from indicators.strategy.signals import evaluate
from indicators.strategy.tree import Document

FLAT: Bar = (100, 100, 100, 100)
ALL = Conventions()
POSITIONS = ("LONG", "SHORT", "LONG_SHORT_COMBINED")


def make_bars(*bars: Bar, interval: str = "1m") -> BarSet:
    """Lay bars (open, high, low, close) out from 9:30 on a Monday on."""
    opened, high, low, close = (np.array(column, float) for column in zip(*bars, strict=True))
    prices = Prices(opened, high, low, close, np.full(len(bars), 100.0))
    return BarSet("literal", interval, lay_out(len(bars), interval), prices)


def trade(
    document: Document, bars: BarSet, buys: str, sells: str, conventions: Conventions = ALL
) -> list[tuple[Any, ...]]:
    """Trade where the sides hold at the bars marked by x; give all of each trade but its risk."""
    flags = [np.array([mark == "x" for mark in marks.ljust(len(bars), ".")]) for marks in (buys, sells)]
    return [tuple(each[:6]) for each in find_trades(document, bars, flags[0], flags[1], conventions)]


def long(**exits: Any) -> Document:
    """Give a long strategy with such exits."""
    return {"position_type": "LONG", **exits}


def test_a_stop_by_range_needs_a_range() -> None:
    still = make_bars(*[FLAT] * 30)
    assert trade(long(atr_stop={"multiple": 2, "length": 5}), still, "x" * 30, "") == []


@pytest.mark.parametrize(
    ("document", "bars", "buys", "sells", "expected"),
    [
        # a signal is filled at the next open, both ways
        (long(), [FLAT, (101, 102, 100, 101), FLAT, (105, 105, 99, 100)], "x", "..x", (1, 3, 1, 101, 105, "signal")),
        # the last bar closes at its close
        (long(), [FLAT, (101, 102, 100, 101), (101, 103, 101, 103)], "x", "", (1, 2, 1, 101, 103, "end")),
        # a stop counts on the entry bar
        (long(stop_loss={"percent": 1}), [FLAT, (100, 100, 98, 99), FLAT], "x", "", (1, 1, 1, 100, 99, "stop")),
        # a gap through the stop fills at the open
        (long(stop_loss={"percent": 1}), [FLAT, FLAT, (97, 98, 96, 97)], "x", "", (1, 2, 1, 100, 97, "stop")),
        # a gap over the target fills at the open
        (long(take_profit={"percent": 1}), [FLAT, FLAT, (104, 105, 103, 104)], "x", "", (1, 2, 1, 100, 104, "target")),
        # both reached: the stop counts, even if the open is over the target
        (
            long(stop_loss={"percent": 1}, take_profit={"percent": 1}),
            [FLAT, FLAT, (104, 105, 98, 104)],
            "x",
            "",
            (1, 2, 1, 100, 99, "stop"),
        ),
        # what is due at the open comes before the stop
        (long(stop_loss={"percent": 1}), [FLAT, FLAT, (99.5, 100, 90, 91)], "x", ".x", (1, 2, 1, 100, 99.5, "signal")),
        # the time stop is at the open
        (long(exit_after_bars=2), [FLAT, FLAT, FLAT, (102, 103, 90, 91)], "x", "", (1, 3, 1, 100, 102, "time")),
        # trailing: below the best of earlier bars, its own high does not raise it
        (
            long(trailing={"percent": 10}),
            [FLAT, (100, 120, 100, 120), (120, 121, 107, 109)],
            "x",
            "",
            (1, 2, 1, 100, 108, "trailing"),
        ),
        # the nearer of stop and trailing stop
        (
            long(trailing={"percent": 10}, stop_loss={"percent": 1}),
            [FLAT, FLAT, (100, 100, 80, 81)],
            "x",
            "",
            (1, 2, 1, 100, 99, "stop"),
        ),
        # a short's stop is above
        (
            {"position_type": "SHORT", "stop_loss": {"percent": 1}},
            [FLAT, FLAT, (102, 103, 101, 102)],
            "",
            "x",
            (1, 2, -1, 100, 102, "stop"),
        ),
    ],
)
def test_a_position_is_left_where_the_documentation_says(
    document: Document, bars: list[Bar], buys: str, sells: str, expected: tuple[Any, ...]
) -> None:
    assert trade(document, make_bars(*bars), buys, sells) == [pytest.approx(expected)]


def test_both_sides_on_one_bar_open_nothing_and_close_a_long() -> None:
    bars = make_bars(*[FLAT] * 6)
    assert trade(long(), bars, "x", "x") == []
    assert [each[:2] for each in trade(long(), bars, "x.x", "..x")] == [(1, 3)]


def test_a_combined_strategy_turns_round_and_cancels_both_sides() -> None:
    document = {"position_type": "LONG_SHORT_COMBINED"}
    found = trade(document, make_bars(*[FLAT] * 8), "x.x", "..x.x")
    assert [each[:3] for each in found] == [(1, 5, LONG), (5, 7, SHORT)]


def test_a_session_opens_and_closes_within_its_times() -> None:
    bars = make_bars(*[(100, 101, 99, 100 + number) for number in range(20)], interval="30m")
    document = long(session={"from": "10:00", "to": "12:00"})
    found = trade(document, bars, "x" * 20, "")
    assert [each[:2] + each[5:] for each in found] == [(1, 4, "session"), (14, 17, "session")]


def test_dates_limit_what_is_traded_and_not_what_is_known() -> None:
    bars = make_bars(*[(100, 101, 99, 100)] * 10, interval="1d")
    document = long(start_date="2024-01-03", end_date="2024-01-05")
    assert [each[:2] for each in trade(document, bars, "x" * 10, "")] == [(2, 4)]


def test_an_order_without_the_range_for_its_stop_is_not_filled() -> None:
    bars = make_bars(*[(100, 101, 99, 100)] * 20)
    found = trade(long(atr_stop={"multiple": 3, "length": 5}), bars, "x" * 20, "")
    assert [each[:2] for each in found] == [(5, 19)]


@pytest.mark.parametrize(("ties", "expected"), [(True, [False, False, True]), (False, [False, False, False])])
def test_ties_at_a_cross(ties: bool, expected: list[bool]) -> None:
    bars = make_bars((9, 9, 9, 9), (10, 10, 10, 10), (11, 11, 11, 11))
    condition = {"cross_over": [{"CLOSE": {}}, 10]}
    flags = evaluate(condition, make_bars((11, 11, 11, 11), *[(10, 10, 10, 10), (11, 11, 11, 11)]), Conventions(ties))
    assert flags.tolist() == expected
    assert evaluate(condition, bars, Conventions(ties)).tolist() == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"up": {"series": {"CLOSE": {}}, "bars": 3}}, "..x...x"),
        ({"down": {"series": {"CLOSE": {}}, "bars": 2}}, "..xxx.."),
        ({"intra": {"series": {"CLOSE": {}}, "percent": 10}}, ".x...xx"),
        ({"change": {"series": {"CLOSE": {}}, "percent": -20, "bars": 2}}, "....x.."),
        ({"after": {"condition": {"intra": {"series": {"CLOSE": {}}, "percent": 10}}, "bars": 1}}, "..x...x"),
        ({"greater": [{"SMA": {"length": 2}}, 10]}, ".xxx..x"),
        ({"less": [{"CLOSE": {}}, {"PRIOR_LOW": {"length": 2}}]}, "...xx.."),
    ],
)
def test_conditions_hold_where_they_should(condition: Document, expected: str) -> None:
    closes = (10, 11, 11, 9.5, 8, 10, 12)
    bars = make_bars(*[(close, close, close, close) for close in closes])
    assert "".join("x" if flag else "." for flag in evaluate(condition, bars, ALL)) == expected


def test_longer_bars_are_seen_only_when_they_are_complete() -> None:
    bars = make_bars(*[(close, close, close, close) for close in range(1, 13)])
    values = bars.take({"CLOSE": {"timeframe": "5m"}})
    assert isinstance(values, np.ndarray)
    assert np.nan_to_num(values).tolist() == [0] * 5 + [5] * 5 + [10] * 2


CENT = st.integers(95, 105).map(float)
BARS = st.lists(st.tuples(CENT, CENT, CENT, CENT), min_size=2, max_size=25)
PERCENTS = st.none() | st.sampled_from([1, 2, 4])


@given(
    BARS,
    st.randoms(use_true_random=False),
    st.sampled_from(POSITIONS),
    PERCENTS,
    PERCENTS,
    PERCENTS,
    st.none() | st.integers(1, 4),
)
def test_the_loop_over_bars_trades_the_same(
    corners: list[Bar], rng: random.Random, position: str, stop: Any, trail: Any, target: Any, after: Any
) -> None:
    rows = [(a, max(a, b, c, d), min(a, b, c, d), b) for a, b, c, d in corners]
    exits = {"stop_loss": stop, "trailing": trail, "take_profit": target}
    document: Document = {"position_type": position} | {key: {"percent": each} for key, each in exits.items() if each}
    document |= {"exit_after_bars": after} if after else {}
    buys, sells = ([rng.random() < 0.4 for _ in rows] for _ in range(2))
    found = find_trades(document, make_bars(*rows), np.array(buys), np.array(sells))
    expected = walk_strategy(document, rows, buys, sells)
    assert [tuple(each[:6]) for each in found] == [pytest.approx(tuple(each[:6])) for each in expected]


def draw_trades(count: int) -> Iterator[tuple[Trade, BarSet]]:
    """Draw strategies and give what they trade on random walks, each with its bars."""
    walks = list(make_walks(seed=7))
    for seed in range(count):
        bars = walks[seed % len(walks)]
        yield from ((each, bars) for each in trade_on(draw_strategy(random.Random(seed)), bars))


def assert_fills_can_be(trades: Iterator[tuple[Trade, BarSet]]) -> int:
    """Hold every fill against its bar, and every stop against its entry; count the trades."""
    count = 0
    for each, bars in trades:
        for bar, price in ((each.entry_bar, each.entry_price), (each.exit_bar, each.exit_price)):
            assert bars.prices.low[bar] <= price <= bars.prices.high[bar], each
        if each.reason == "stop":
            assert each.side * (each.exit_price - each.entry_price) < 0, each
        count += 1
    return count


def corrupt_after(bars: BarSet, cut: int, rng: np.random.Generator) -> BarSet:
    """Replace every bar from `cut` on by something else."""
    factor = rng.uniform(0.3, 3, len(bars) - cut)
    changed = {name: np.append(values[:cut], values[cut:] * factor) for name, values in vars(bars.prices).items()}
    return BarSet(bars.name, bars.interval, bars.minutes, Prices(**changed))


def list_moved(count: int) -> list[int]:
    """List seeds of strategies of which a trade before a random cut moves when later bars are others, or gone."""
    walks, moved = list(make_walks(seed=8)), []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        document, bars = draw_strategy(random.Random(seed)), walks[seed % len(walks)]
        cut = int(rng.integers(100, len(bars)))
        shorter = BarSet(
            "cut", bars.interval, bars.minutes[:cut], Prices(*(each[:cut] for each in vars(bars.prices).values()))
        )
        before = [each for each in trade_on(document, bars) if each.exit_bar < cut - 1]
        for other in (corrupt_after(bars, cut, rng), shorter):
            if [each for each in trade_on(document, other) if each.exit_bar < cut - 1] != before:
                moved.append(seed)
    return moved


def test_fills_lie_within_their_bars_and_stops_lose() -> None:
    assert assert_fills_can_be(draw_trades(100)) > 1_000


def test_no_trade_before_a_cut_depends_on_what_comes_after() -> None:
    assert list_moved(60) == []


def test_a_series_that_looks_ahead_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def compute_lagging_span(prices: Prices, length: int) -> Any:
        return -shift(-prices.close[::-1], length)[::-1]

    kind = replace(SERIES["SMA"], compute=partial(lambda prices, **_: compute_lagging_span(prices, 25)))
    monkeypatch.setitem(SERIES, "SMA", kind)
    assert list_moved(60) != []


@pytest.mark.slow
def test_100000_fills_lie_within_their_bars_and_stops_lose() -> None:
    assert assert_fills_can_be(draw_trades(3_500)) > 100_000


@pytest.mark.slow
def test_1000_strategies_know_nothing_of_what_comes_after_a_cut() -> None:
    assert list_moved(1_000) == []

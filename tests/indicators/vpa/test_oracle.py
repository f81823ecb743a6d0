"""Every row is what a plain loop over the cut series finds, on random walks and on wild bars."""

import random

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from benchmarks.oracles.vpa import end_of, explain_bar, read_series
from indicators.vpa.context import build_context
from indicators.vpa.patterns import PATTERNS
from tests.indicators.vpa.walks import Row, calm_rows, make_walk, tell_bars


def list_disagreements(bars: pl.DataFrame, ladder: tuple[str, ...], rows: pl.DataFrame) -> list[object]:
    """Name the cells that a plain loop has otherwise."""
    found: list[object] = []
    for row in rows.iter_rows(named=True):
        until = end_of(row["timestamp"], row["timeframe"])
        cut = [bar for bar in read_series(bars, row["ticker"]) if end_of(bar.timestamp, ladder[0]) <= until]
        theirs = explain_bar(cut, ladder, row["ticker"], row["timeframe"])
        assert list(theirs) == list(row)
        found += [(row["timestamp"], name, row[name], theirs[name]) for name in row if row[name] != theirs[name]]
    return found


@pytest.mark.parametrize(("every", "ladder", "count"), [("1m", ("1m", "5m", "15m"), 1000), ("1d", ("1d", "1w"), 500)])
def test_rows_are_those_of_a_plain_loop(every: str, ladder: tuple[str, ...], count: int) -> None:
    bars = pl.concat([make_walk(count, 11, "A", every), make_walk(count, 12, "B", every)])
    context = build_context(bars, ladder)
    rows = context[random.Random(1).sample(range(context.height), 8)]
    assert list_disagreements(bars, ladder, rows) == []


def test_every_pattern_is_where_a_plain_loop_finds_it() -> None:
    bars = pl.concat(make_walk(4000, seed, f"T{seed}") for seed in range(5))
    context = build_context(bars, ("1m",))
    rows = context.group_by("pattern", maintain_order=True).head(1).select(context.columns)
    assert set(rows.get_column("pattern")) == {"none", *PATTERNS}
    assert list_disagreements(bars, ("1m",), rows) == []


@pytest.mark.slow
def test_five_hundred_rows_are_those_of_a_plain_loop() -> None:
    bars = pl.concat(make_walk(4000, seed, f"T{seed}") for seed in range(3))
    ladder = ("1m", "5m", "1h")
    context = build_context(bars, ladder)
    assert list_disagreements(bars, ladder, context[random.Random(2).sample(range(context.height), 500)]) == []


PRICES = st.sampled_from([0.01, 9.99, 10.0, 10.01, 10.5, 5000.0])
VOLUMES = st.sampled_from([0.0, 1.0, 100.0, 1e12])


@st.composite
def draw_rows(draw: st.DrawFn) -> list[Row]:
    """52 to 80 bars of a few prices and volumes: much is equal, some stands still, some jumps by 5000."""
    quiet = draw(st.booleans())
    price = st.sampled_from([10.0, 10.01]) if quiet else PRICES
    rows = []
    for _ in range(draw(st.integers(52, 80))):
        prices = sorted(draw(st.lists(price, min_size=4, max_size=4)))
        rows.append((prices[1], prices[3], prices[0], prices[2], draw(VOLUMES)))
    return rows


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(draw_rows())
@example([(10.0, 10.0, 10.0, 10.0, 0.0)] * 60)
@example([*calm_rows(60), (5000.0, 5000.0, 0.01, 0.01, 1e12), *calm_rows(3)])
def test_wild_bars_are_what_a_plain_loop_finds(rows: list[Row]) -> None:
    bars = tell_bars(rows)
    bars = bars.filter(pl.int_range(pl.len()) % 7 != 3) if len(rows) > 70 else bars
    context = build_context(bars, ("1m",))
    assert list_disagreements(bars, ("1m",), context.tail(1)) == []
    traded = context.filter(pl.col("signal") != "HOLD")
    side = pl.when(pl.col("signal") == "BUY").then(1).otherwise(-1)
    close = pl.col("current_candle").struct.field("close")
    assert traded.filter((side * (pl.col("target") - close) <= 0) | (side * (close - pl.col("stop")) <= 0)).is_empty()
    assert traded.get_column("strength").null_count() == 0

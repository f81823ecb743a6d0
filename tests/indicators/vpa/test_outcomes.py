"""What came after a bar, on bars where it can be told by heart."""

import polars as pl
import pytest

from indicators.vpa.context import build_context
from indicators.vpa.outcomes import HORIZONS, build_outcomes
from tests.indicators.vpa.walks import Row, calm_rows, make_walk, tell_bars

AFTER: list[Row] = [(100.0, 110.0, 95.0, 104.0, 1.0), *[(104.0, 105.0, 90.0, 102.0, 1.0)] * 4]


def test_percent_from_the_close_to_what_came() -> None:
    first = build_outcomes(tell_bars([*calm_rows(51), *AFTER]), ("1m",)).row(0, named=True)
    assert first["change_percent_1"] == pytest.approx(4.0)
    assert (first["highest_percent_1"], first["lowest_percent_1"]) == (pytest.approx(10.0), pytest.approx(-5.0))
    assert first["change_percent_5"] == pytest.approx(2.0)
    assert (first["highest_percent_5"], first["lowest_percent_5"]) == (pytest.approx(10.0), pytest.approx(-10.0))
    assert first["change_percent_20"] is None


def test_rows_are_those_of_the_context() -> None:
    bars = pl.concat([make_walk(400, 2, "B"), make_walk(300, 1, "A")])
    keys = ("ticker", "timeframe", "timestamp")
    outcomes = build_outcomes(bars, ("1m", "5m"))
    assert outcomes.select(keys).equals(build_context(bars, ("1m", "5m")).select(keys))


def test_the_last_bars_of_a_ticker_have_no_outcome() -> None:
    """The next ticker's bars are not what came after."""
    bars = pl.concat([tell_bars(calm_rows(80), "A"), tell_bars(calm_rows(80, 900.0), "B")])
    outcomes = build_outcomes(bars, ("1m",)).filter(pl.col("ticker") == "A")
    known = [outcomes.get_column(f"change_percent_{horizon}").is_not_null().to_list() for horizon in HORIZONS]
    assert known == [[True] * (30 - horizon) + [False] * horizon for horizon in HORIZONS]
    assert outcomes.select(pl.col("highest_percent_20").max()).item() < 1


def test_context_has_no_outcome() -> None:
    assert not [name for name in build_context(make_walk(60, 1)).columns if "percent_" in name or "outcome" in name]

"""What is measured at bars whose answer can be told by heart."""

from itertools import pairwise

import polars as pl
import pytest

from indicators.vpa.measures import measure_bars
from tests.indicators.vpa.walks import Row, calm_rows, tell_bars

CALM = calm_rows(50)


def measure_last(*rows: Row) -> dict[str, object]:
    return measure_bars(tell_bars([*CALM, *rows])).row(-1, named=True)


def test_nothing_is_known_before_fifty_bars() -> None:
    measured = measure_bars(tell_bars(calm_rows(52)))
    for name in measured.columns[9:]:
        if name not in ("_spread", "_previous_close", "trend_validation"):
            assert measured.get_column(name).is_not_null().to_list() == [False] * 50 + [True] * 2, name


@pytest.mark.parametrize(
    ("volume", "percentile", "ratio", "kind"),
    [(1000, 50, 1, "average"), (2500, 100, 2.5, "very_high"), (10, 0, 0.01, "very_low")],
)
def test_volume_is_ranked_among_the_bars_before(volume: float, percentile: float, ratio: float, kind: str) -> None:
    found = measure_last((100, 100.5, 99.5, 100, volume))
    assert (found["volume_percentile"], found["volume_ratio"], found["volume_class"]) == (percentile, ratio, kind)


def test_classes_end_where_the_page_says() -> None:
    """Volumes 1 to 50 come first: one of 5.5 stands above five of them, and so on."""
    rows = [(100.0, 100.5, 99.5, 100.0, float(number)) for number in range(1, 51)]
    bars = [
        measure_bars(tell_bars([*rows, (100, 100.5, 99.5, 100, below + 0.5)]))
        for below in (4, 5, 14, 15, 35, 36, 45, 46)
    ]
    kinds = [bar.get_column("volume_class").last() for bar in bars]
    assert kinds == ["very_low", "low", "low", "average", "average", "high", "high", "very_high"]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ((100, 100, 100, 100, 1), "flat"),
        ((100.6, 101, 99, 100.8, 1), "hammer"),
        ((99.2, 101, 99, 99.4, 1), "shooting_star"),
        ((100, 101, 99, 100.1, 1), "doji"),
        ((99, 101, 99, 101, 1), "wide_up"),
        ((101, 101, 99, 99, 1), "wide_down"),
        ((99.9, 100.1, 99.9, 100.1, 1), "narrow_up"),
        ((100.4, 100.5, 99.5, 99.6, 1), "average_down"),
    ],
)
def test_candles_have_their_names(row: Row, kind: str) -> None:
    assert measure_last(row)["candle_class"] == kind


def test_a_bar_without_spread_has_no_shares() -> None:
    found = measure_last((100, 100, 100, 100, 0))
    names = ("close_position", "body_share", "upper_wick_share", "lower_wick_share")
    assert [found[name] for name in names] == [None] * 4
    assert (found["spread_ratio"], found["spread_class"], found["volume_ratio"]) == (0.0, "flat", 0.0)


def test_where_nothing_was_traded_before_there_is_no_ratio() -> None:
    still = [(100.0, 100.0, 100.0, 100.0, 0.0)] * 50
    found = measure_bars(tell_bars([*still, (100, 101, 99, 101, 500)])).row(-1, named=True)
    assert (found["volume_ratio"], found["spread_ratio"], found["typical_spread"]) == (None, None, 0.0)
    assert (found["volume_class"], found["up_volume_share"]) == ("very_high", 1.0)


@pytest.mark.parametrize(("step", "status", "change"), [(1.0, "up", 20.0), (-1.0, "down", -20.0)])
def test_a_straight_line_is_a_strong_trend(step: float, status: str, change: float) -> None:
    """The close of 20 bars ago is 100 in both."""
    closes = [100 + step * (number - 30) for number in range(51)]
    rows = [(close, close + 0.5, close - 0.5, close, 1.0) for close in closes]
    found = measure_bars(tell_bars(rows)).row(-1, named=True)
    assert (found["trend_status"], found["trend_strength"], found["efficiency"]) == (status, "strong", 1.0)
    assert found["change_percent"] == change


def test_a_walk_that_leads_nowhere_is_sideways() -> None:
    found = measure_last((100, 100.5, 99.5, 100, 1000))
    assert (found["trend_status"], found["trend_strength"], found["trend_validation"]) == ("sideways", "weak", None)
    assert (found["efficiency"], found["change_percent"], found["up_volume_share"]) == (0.0, 0.0, 0.5)


@pytest.mark.parametrize(("busy", "validation"), [(9000.0, "confirmed"), (10.0, "not_confirmed")])
def test_volume_confirms_a_trend_or_does_not(busy: float, validation: str) -> None:
    """Two steps up of 0.3 and one down of 0.2, again and again: up, with most or least of the volume on up-bars."""
    closes = [100.0]
    for number in range(60):
        closes.append(round(closes[-1] + (-0.2 if number % 3 == 2 else 0.3), 2))
    rows = [
        (close, close + 0.5, close - 0.5, close, busy if close > before else 1000.0)
        for before, close in pairwise(closes)
    ]
    found = measure_bars(tell_bars(rows)).row(-1, named=True)
    assert (found["trend_status"], found["trend_validation"]) == ("up", validation)


def test_series_do_not_see_each_other() -> None:
    alone = measure_bars(tell_bars(calm_rows(60, 100.0), "B"))
    both = measure_bars(pl.concat([tell_bars(calm_rows(60, 900.0, 3.0), "A"), tell_bars(calm_rows(60, 100.0), "B")]))
    assert both.tail(10).equals(alone.tail(10))

"""What an indicator is on bars where the answer is known."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from indicators import technicals
from indicators.bars import list_minutes, list_sessions
from indicators.errors import IndicatorError
from indicators.technicals import INDICATORS, attach_technicals

MakeBars = Callable[..., pl.DataFrame]
Walk = Callable[[int, int], list[float]]
NAMES = [
    *("atr_14", "atr_28", "adx_7", "adx_14", "adx_28", "plus_di_14", "minus_di_14", "rsi_14"),
    *("macd", "macd_signal", "macd_hist", "bb_high_20", "bb_low_20", "bb_percent_20", "bb_width_20"),
    *("ema_9", "ema_20", "ema_50", "stoch_k_14", "stoch_d_3", "cci_20", "obv", "vwap_session", "mfi_14"),
    "volatility_ratio",
]


def test_every_promised_name_is_there() -> None:
    assert list(INDICATORS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_value_first_appears_after_the_warm_up(name: str, make_bars: MakeBars, walk_closes: Walk) -> None:
    known = attach_technicals(make_bars(walk_closes(80, 1)), [name]).get_column(name).is_not_null()
    assert known.to_list() == [number >= INDICATORS[name].warm_up for number in range(80)]


def test_a_series_shorter_than_the_warm_up_has_no_values(make_bars: MakeBars) -> None:
    valued = attach_technicals(make_bars([100.0, 100.5, 99.75]), NAMES)
    assert [name for name in NAMES if valued.get_column(name).null_count() < 3] == ["obv", "vwap_session"]


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("atr_14", 0.5),
        ("atr_28", 0.5),
        ("volatility_ratio", 1.0),
        ("adx_28", 0.0),
        ("plus_di_14", 0.0),
        ("rsi_14", 100.0),
        ("macd_hist", 0.0),
        ("bb_high_20", 100.0),
        ("bb_width_20", 0.0),
        ("bb_percent_20", None),
        ("ema_50", 100.0),
        ("stoch_k_14", 50.0),
        ("stoch_d_3", 50.0),
        ("obv", 6000.0),
        ("vwap_session", 100.0),
        ("mfi_14", None),
    ],
)
def test_an_unchanged_close_gives(name: str, last: float | None, make_bars: MakeBars) -> None:
    assert attach_technicals(make_bars([100.0] * 60), [name]).get_column(name).last() == pytest.approx(last)


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("atr_14", 0.0),
        ("adx_14", 0.0),
        ("minus_di_14", 0.0),
        ("volatility_ratio", None),
        ("stoch_k_14", None),
        ("stoch_d_3", None),
    ],
)
def test_bars_without_any_range_give(name: str, last: float | None, make_bars: MakeBars) -> None:
    flat = make_bars([100.0] * 60).with_columns(high="close", low="close")
    assert attach_technicals(flat, [name]).get_column(name).last() == last


def test_a_rise_of_a_quarter_per_bar_gives(make_bars: MakeBars) -> None:
    bars = make_bars([100 + number / 4 for number in range(60)])
    last = attach_technicals(bars, ["atr_14", "plus_di_14", "minus_di_14", "adx_14", "rsi_14", "stoch_k_14", "mfi_14"])
    assert last.select(pl.nth(range(7, 14))).row(-1) == pytest.approx((0.5, 50, 0, 100, 100, 100 * 3.5 / 3.75, 100))


def test_balance_volume_starts_with_the_first_bar_and_adds_unchanged_closes(make_bars: MakeBars) -> None:
    bars = make_bars([10, 11, 11, 10.5, 12])
    assert attach_technicals(bars, ["obv"]).get_column("obv").to_list() == [100, 200, 300, 200, 300]


def test_session_price_starts_at_the_opening_and_ends_with_the_session(make_bars: MakeBars) -> None:
    early_close = make_bars([10, 20, 30, 40], start="2024-07-03 12:58")
    opening = make_bars([50, 10, 20, 60], start="2024-07-05 09:29").with_columns(volume=pl.Series([9.0, 0, 1, 3]))
    values = attach_technicals(pl.concat([early_close, opening]), ["vwap_session"]).get_column("vwap_session")
    assert values.to_list() == pytest.approx([10, 15, None, None, None, None, 20, 50])


def test_session_price_is_null_on_a_closed_day(make_bars: MakeBars) -> None:
    saturday = make_bars([10, 20], start="2024-03-09 10:00")
    assert attach_technicals(saturday, ["vwap_session"]).get_column("vwap_session").to_list() == [None, None]


def test_series_know_nothing_of_each_other(make_bars: MakeBars, walk_closes: Walk) -> None:
    one, two = make_bars(walk_closes(70, 1), "AIG"), make_bars(walk_closes(70, 2), "IBM")
    both = attach_technicals(pl.concat([two, one]).sample(fraction=1, shuffle=True, seed=3), NAMES)
    assert both.equals(pl.concat([attach_technicals(one, NAMES), attach_technicals(two, NAMES)]))


def test_batches_change_nothing(make_bars: MakeBars, walk_closes: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    bars = pl.concat(make_bars(walk_closes(40, seed), f"row-{seed}", by="row_id") for seed in range(5))
    whole = attach_technicals(bars, NAMES, by="row_id")
    monkeypatch.setattr(technicals, "BATCH_BARS", 60)
    assert attach_technicals(bars, NAMES, by="row_id").equals(whole)


def test_later_bars_change_nothing(make_bars: MakeBars, walk_closes: Walk) -> None:
    bars = make_bars(walk_closes(90, 4))
    assert attach_technicals(bars, NAMES).head(70).equals(attach_technicals(bars.head(70), NAMES))


def test_only_what_is_named_is_computed(make_bars: MakeBars, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(bars: pl.LazyFrame) -> pl.LazyFrame:
        raise AssertionError(bars)

    for name in set(NAMES) - {"ema_9"}:
        monkeypatch.setitem(INDICATORS, name, replace(INDICATORS[name], compute=fail))
    assert attach_technicals(make_bars([1.0] * 9), ["ema_9"]).columns[-1] == "ema_9"


def test_no_bars_give_no_values(make_bars: MakeBars) -> None:
    empty = attach_technicals(make_bars([1.0]).clear(), ["atr_14", "vwap_session"])
    assert empty.shape == (0, 9)
    assert empty.schema["atr_14"] == pl.Float64


@pytest.mark.parametrize(
    ("names", "bend", "message"),
    [
        (["sma_5"], pl.col("close"), "Unknown indicators sma_5"),
        (["obv"], pl.col("close").alias("obv"), "There are columns obv already"),
        (["obv"], pl.col("close").cast(pl.Float32), "`close` should be Float64 and is Float32"),
        (["obv"], pl.col("timestamp").first(), "2 bars stand twice for one `ticker` and minute: IBM 2024-03-05 09:30"),
        (["obv"], pl.col("timestamp").dt.convert_time_zone("UTC"), "`timestamp` should be"),
    ],
)
def test_what_cannot_be_is_refused(names: list[str], bend: pl.Expr, message: str, make_bars: MakeBars) -> None:
    with pytest.raises(IndicatorError, match=message):
        attach_technicals(make_bars([1.0, 2, 3]).with_columns(bend), names)


def test_sessions_end_early_before_a_holiday() -> None:
    hours = list_sessions(date(2024, 7, 3), date(2024, 7, 5))
    assert [f"{opens:%d %H:%M} {closes:%H:%M}" for opens, closes in hours.iter_rows()] == [
        "03 09:30 13:00",
        "05 09:30 16:00",
    ]


def test_minutes_know_their_session() -> None:
    minutes = list_minutes(date(2024, 7, 3), date(2024, 7, 5))
    assert minutes.height == 210 + 390
    assert minutes.select("session_start", "session_end").row(209) == (0, 210)
    assert minutes.select("session_start", "session_end").row(210) == (210, 600)

"""Which bar's values a trade gets."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from indicators import attach
from indicators.attach import attach_indicators, attach_price_paths
from indicators.errors import IndicatorError
from indicators.price_path.build import build_price_paths
from indicators.technicals import INDICATORS, attach_technicals

MakeBars = Callable[..., pl.DataFrame]
MakeTrade = Callable[..., dict[str, object]]
Frame = Callable[..., pl.DataFrame]
Walk = Callable[[int, int], list[float]]


@pytest.mark.parametrize(
    ("entry", "obv"),
    [("09:30:59", None), ("09:31:00", 100), ("09:31:59", 100), ("09:32:00", 200), ("09:33:00", 100), ("15:00:00", 100)],
)
def test_the_last_bar_complete_at_the_entry_counts(
    entry: str, obv: float | None, make_bars: MakeBars, make_trade: MakeTrade, frame_trades: Frame
) -> None:
    trades = frame_trades(make_trade(entry_time=f"2024-03-05 {entry}"))
    assert attach_indicators(trades, make_bars([10, 11, 10]), ["obv"]).get_column("obv").to_list() == [obv]


def test_values_are_null_while_warming_up(make_bars: MakeBars, make_trade: MakeTrade, frame_trades: Frame) -> None:
    trades = frame_trades(
        make_trade("a", entry_time="2024-03-05 09:43"), make_trade("b", entry_time="2024-03-05 09:44")
    )
    assert attach_indicators(trades, make_bars([10] * 40), ["atr_14"]).get_column("atr_14").to_list() == [None, 0.5]


def test_every_trade_has_its_own_bars_by_row_id(
    make_bars: MakeBars, make_trade: MakeTrade, frame_trades: Frame
) -> None:
    bars = pl.concat([make_bars([5, 6], "a", by="row_id"), make_bars([5, 4, 3], "b", by="row_id")])
    trades = frame_trades(make_trade("b"), make_trade("none"), make_trade("a"))
    attached = attach_indicators(trades, bars, ["obv"])
    assert attached.select("row_id", "obv").rows() == [("b", -100), ("none", None), ("a", 200)]


def test_trades_of_a_ticker_share_its_bars(make_bars: MakeBars, make_trade: MakeTrade, frame_trades: Frame) -> None:
    bars = pl.concat([make_bars([5, 6], "SPY"), make_bars([5, 6, 7, 8], "IBM")])
    trades = frame_trades(
        make_trade(ticker="IBM", entry_time="2024-03-05 09:35"),
        make_trade(ticker="SPY", entry_time="2024-03-05 09:35"),
        make_trade(ticker="IBM", entry_time="2024-03-05 09:31"),
    )
    attached = attach_indicators(trades, bars, ["obv"])
    assert attached.get_column("obv").to_list() == [400, 200, 100]
    assert attached.drop("obv").equals(trades)


def test_corrupting_every_later_bar_moves_nothing(
    make_bars: MakeBars, make_trade: MakeTrade, frame_trades: Frame, walk_closes: Walk
) -> None:
    bars, names = make_bars(walk_closes(120, 5)), list(INDICATORS)
    trades = frame_trades(
        *(make_trade(entry_time=f"2024-03-05 {time}") for time in ("10:40:20", "10:55:00", "11:05:59"))
    )
    for number in range(trades.height):
        later = pl.col("timestamp").dt.offset_by("1m") > trades.item(number, "entry_time")
        corrupted = bars.with_columns(
            pl.when(later).then(pl.col(name) * 3 + 7).otherwise(name).alias(name) for name in bars.columns[2:]
        )
        assert attach_indicators(trades[number], corrupted, names).equals(
            attach_indicators(trades[number], bars, names)
        )


def test_it_is_what_the_bars_have(
    make_bars: MakeBars, make_trade: MakeTrade, frame_trades: Frame, walk_closes: Walk
) -> None:
    bars, names = make_bars(walk_closes(120, 5)), list(INDICATORS)
    trades = frame_trades(make_trade(entry_time="2024-03-05 10:40:20"))
    at_bar = attach_technicals(bars, names).filter(pl.col("timestamp").dt.strftime("%H:%M") == "10:39").select(names)
    assert attach_indicators(trades, bars, names).select(names).equals(at_bar)


def test_batches_change_nothing(
    make_bars: MakeBars, make_trade: MakeTrade, frame_trades: Frame, walk_closes: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = pl.concat(make_bars(walk_closes(70, seed), f"row-{seed}", by="row_id") for seed in range(5))
    trades = frame_trades(*(make_trade(f"row-{seed}", entry_time="2024-03-05 10:35") for seed in (3, 0, 4, 1, 2)))
    whole = attach_indicators(trades, bars, ["adx_14", "cci_20"])
    monkeypatch.setattr(attach, "BATCH_BARS", 100)
    assert attach_indicators(trades, bars, ["adx_14", "cci_20"]).equals(whole)


def test_no_trades_and_no_bars(make_bars: MakeBars, make_trade: MakeTrade, frame_trades: Frame) -> None:
    trades, bars = frame_trades(make_trade()), make_bars([10.0])
    assert attach_indicators(trades.clear(), bars, ["obv"]).schema["obv"] == pl.Float64
    assert attach_indicators(trades, bars.clear(), ["obv"]).get_column("obv").to_list() == [None]


def test_trades_without_zoned_entry_times_are_refused(
    make_bars: MakeBars, make_trade: MakeTrade, frame_trades: Frame
) -> None:
    naive = frame_trades(make_trade()).with_columns(pl.col("entry_time").dt.replace_time_zone(None))
    with pytest.raises(IndicatorError, match="Trades need `entry_time`"):
        attach_indicators(naive, make_bars([10.0]), ["obv"])


def test_names_that_cannot_be_are_refused(make_bars: MakeBars, make_trade: MakeTrade, frame_trades: Frame) -> None:
    trades = frame_trades(make_trade())
    with pytest.raises(IndicatorError, match="Unknown indicators sma_5"):
        attach_indicators(trades, make_bars([10.0]).clear(), ["sma_5"])
    with pytest.raises(IndicatorError, match="There are columns obv already"):
        attach_indicators(trades.with_columns(obv=1.0), make_bars([10.0]), ["obv"])


def test_paths_and_indicators_in_one_go_are_the_same(
    make_trade: MakeTrade, frame_trades: Frame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indicators.price_path.build.BATCH_BARS", 300)
    trades = frame_trades(*(make_trade(f"row-{number}") for number in (4, 1, 3, 2, 5)))
    names = ["atr_14", "vwap_session"]
    attached, fallback = attach_price_paths(trades, trades, None, names, tmp_path / "bars.parquet", seed=1)
    paths = build_price_paths(trades, trades, None, seed=1)
    assert pl.read_parquet(tmp_path / "bars.parquet").equals(paths.bars)
    assert attached.equals(attach_indicators(trades, paths.bars, names))
    assert fallback == ["row-1", "row-2", "row-3", "row-4", "row-5"]


def test_a_failed_path_leaves_no_file(make_trade: MakeTrade, frame_trades: Frame, tmp_path: Path) -> None:
    trades = frame_trades(make_trade(entry_price=-1.0))
    with pytest.raises(IndicatorError, match="a price at or below 0"):
        attach_price_paths(trades, trades, None, ["obv"], tmp_path / "bars.parquet", seed=1)
    assert not list(tmp_path.iterdir())

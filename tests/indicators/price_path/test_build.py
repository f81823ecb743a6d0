"""The bars rebuilt around a synthetic trade."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.errors import IndicatorError
from indicators.price_path import build as price_path
from indicators.price_path.build import PricePaths, build_price_paths, iter_price_paths
from indicators.technicals import attach_technicals

MakeBars = Callable[..., pl.DataFrame]
MakeTrade = Callable[..., dict[str, Any]]
Frame = Callable[..., pl.DataFrame]
Walk = Callable[[int, int], list[float]]
Gold = tuple[pl.DataFrame, pl.DataFrame]
NO_DONORS = pl.DataFrame(schema={"trade_id": pl.String})


@pytest.fixture(scope="module")
def gold(make_bars: MakeBars, walk_closes: Walk, make_trade: MakeTrade, frame_trades: Frame) -> Gold:
    """Donors: one too early in the bars, one that serves, one of a ticker without bars. Bars: three whole sessions."""
    early = make_trade(trade_id="gold-0001", entry_time="2024-02-29 10:00")
    good = make_trade(trade_id="gold-0002", entry_time="2024-03-04 12:00")
    donors = frame_trades(early, good, make_trade(trade_id="gold-0003", ticker="AIG"))
    days = ("2024-02-29", "2024-03-01", "2024-03-04")
    return donors, pl.concat(make_bars(walk_closes(390, seed), start=f"{day} 09:30") for seed, day in enumerate(days))


def split(paths: PricePaths, trade: dict[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Cut one trade's bars into those before the entry, in the trade, and after the exit."""
    own = paths.bars.filter(pl.col("row_id") == trade["row_id"])
    complete = pl.col("timestamp").dt.offset_by("1m")
    before, after = complete <= trade["entry_time"], pl.col("timestamp") >= trade["exit_time"]
    return own.filter(before), own.filter(~before & ~after), own.filter(after)


def name_minutes(bars: pl.DataFrame) -> tuple[str, str]:
    """Name the first and the last minute."""
    named = bars.get_column("timestamp").dt.strftime("%d %H:%M")
    return named[0], named[-1]


def test_a_path_ends_at_the_entry_with_the_volatility_asked_for(
    make_trade: MakeTrade, frame_trades: Frame, gold: Gold
) -> None:
    trade = make_trade(gold_example_ids=["gold-0002"], entry_volatility_percent=0.7)
    paths = build_price_paths(frame_trades(trade), *gold, seed=1)
    before, _, _ = split(paths, trade)
    last = attach_technicals(before, ["atr_14"], by="row_id").select("atr_14", "close").row(-1)
    assert paths.fallback_row_ids == []
    assert (100 * last[0] / 100, last[1]) == (pytest.approx(0.7, rel=1e-9), 100.0)


@settings(max_examples=40)
@given(side=st.sampled_from(["buy", "short"]), volatility=st.floats(0.02, 3.0), price=st.floats(1.0, 3000.0))
def test_bars_before_the_entry_have_the_donors_law_whatever_is_asked(
    side: str, volatility: float, price: float, make_trade: MakeTrade, frame_trades: Frame, gold: Gold
) -> None:
    prices = {"entry_price": price, "exit_price": price * (1.005 if side == "buy" else 0.995)}
    asked = {"trade_type": side, "entry_volatility_percent": volatility, "gold_example_ids": ["gold-0002"]}
    trade = make_trade(**asked, **prices)
    before, _, _ = split(build_price_paths(frame_trades(trade), *gold, seed=1), trade)
    donors, bars = gold
    own = bars.filter(pl.col("timestamp") < donors.item(1, "entry_time")).tail(120)
    ranges = [before.select(pl.col("high") - pl.col("low")), own.select(pl.col("high") - pl.col("low"))]
    stretch = (ranges[0].sum().item() / ranges[1].sum().item()) * (1 if side == "buy" else -1)
    swapped = {"open": "open", "high": "high" if side == "buy" else "low", "low": "low" if side == "buy" else "high"}
    for name, of in {**swapped, "close": "close"}.items():
        moved = (own[of] - own["close"][-1]) * stretch
        assert (before[name] - price).to_list() == pytest.approx(moved.to_list(), rel=1e-6, abs=1e-6 * price)


def test_a_donor_of_the_other_side_is_turned_over(make_trade: MakeTrade, frame_trades: Frame, gold: Gold) -> None:
    buy, short = (make_trade(kind, trade_type=kind, gold_example_ids=["gold-0002"]) for kind in ("buy", "short"))
    short |= {"exit_price": 99.5}
    paths = build_price_paths(frame_trades(buy, short), *gold, seed=1)
    up, down = (split(paths, trade)[0] for trade in (buy, short))
    assert (up.get_column("close") - 100).to_list() == pytest.approx((100 - down.get_column("close")).to_list())
    assert (up.get_column("high") - 100).to_list() == pytest.approx((100 - down.get_column("low")).to_list())


@pytest.mark.parametrize(
    ("entry", "exit_", "expected"),
    [
        ("05 10:00:20", "05 10:10:40", [("04 14:30", "05 09:59"), ("05 10:00", "05 10:10"), ("05 10:11", "05 11:10")]),
        ("05 09:30:00", "05 09:31:00", [("04 14:00", "04 15:59"), ("05 09:30", "05 09:30"), ("05 09:31", "05 10:30")]),
        ("05 09:30:20", "05 09:30:25", [("04 14:00", "04 15:59"), ("05 09:30", "05 09:30"), ("05 09:31", "05 10:30")]),
        ("05 10:00:50", "05 10:01:10", [("04 14:30", "05 09:59"), ("05 10:00", "05 10:01"), ("05 10:02", "05 11:01")]),
        ("05 15:59:00", "05 16:00:00", [("05 09:30", "05 15:58"), ("05 15:59", "05 15:59"), None]),
        ("05 14:00:00", "05 15:30:00", [("05 09:30", "05 13:59"), ("05 14:00", "05 15:29"), ("05 15:30", "05 15:59")]),
        ("05 15:58:30", "06 09:31:10", [("05 09:30", "05 15:57"), ("05 15:58", "06 09:31"), ("06 09:32", "06 10:31")]),
    ],
)
def test_bars_stand_at_regular_minutes(
    entry: str,
    exit_: str,
    expected: list[tuple[str, str] | None],
    make_trade: MakeTrade,
    frame_trades: Frame,
) -> None:
    trade = make_trade(entry_time=f"2024-03-{entry}", exit_time=f"2024-03-{exit_}")
    parts = split(build_price_paths(frame_trades(trade), NO_DONORS, None, seed=1), trade)
    assert [name_minutes(part) if part.height else None for part in parts] == expected
    assert pl.concat(parts).get_column("timestamp").is_sorted()


def test_the_session_before_may_close_early(make_trade: MakeTrade, frame_trades: Frame) -> None:
    trade = make_trade(entry_time="2024-07-05 09:45", exit_time="2024-07-05 09:50")
    before, _, _ = split(build_price_paths(frame_trades(trade), NO_DONORS, None, seed=1), trade)
    assert name_minutes(before.head(105)) == ("03 11:15", "03 12:59")
    assert name_minutes(before.tail(15)) == ("05 09:30", "05 09:44")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (99.7, 100.8, 100.5)),
        ({"trade_type": "short", "exit_price": 99.5}, (99.2, 100.3, 99.5)),
        ({"exit_time": "2024-03-05 10:00:25"}, (99.7, 100.8, 100.5)),
        ({"worst_exit_percent": 0.2}, (100.2, 100.8, 100.5)),
        ({"worst_exit_percent": -0.6, "best_exit_percent": -0.1, "exit_price": 99.5}, (99.4, 99.9, 99.5)),
        ({"exit_price": 100.81}, (99.7, 100.81, 100.81)),
        ({"exit_price": 99.69}, (99.69, 100.8, 99.69)),
        ({"worst_exit_percent": 0.0, "best_exit_percent": 0.0, "exit_price": 100.0}, (100, 100, 100)),
        ({"entry_volatility_percent": 0.0}, (99.7, 100.8, 100.5)),
    ],
)
def test_bars_in_the_trade_touch_worst_and_best_and_end_at_the_exit(
    changes: dict[str, Any],
    expected: tuple[float, float, float],
    make_trade: MakeTrade,
    frame_trades: Frame,
    gold: Gold,
) -> None:
    trade = make_trade(gold_example_ids=["gold-0002"], **changes)
    _, inside, after = split(build_price_paths(frame_trades(trade), *gold, seed=1), trade)
    found = inside.select(pl.col("low").min(), pl.col("high").max(), pl.col("close").last()).row(0)
    assert found == pytest.approx(expected, rel=1e-12)
    assert after.height == 60


def test_a_donor_that_does_not_serve_is_passed_over(make_trade: MakeTrade, frame_trades: Frame, gold: Gold) -> None:
    examples = ["gold-0001", "gold-0003", "gold-9999", "gold-0002"]
    trade, alone = make_trade("a", gold_example_ids=examples), make_trade("b", gold_example_ids=examples[:3])
    paths = build_price_paths(frame_trades(trade, alone), *gold, seed=1)
    only_good = build_price_paths(frame_trades(make_trade("a", gold_example_ids=["gold-0002"])), *gold, seed=1)
    assert paths.fallback_row_ids == ["b"]
    assert paths.bars.filter(pl.col("row_id") == "a").equals(only_good.bars)


@pytest.mark.parametrize(
    "bend",
    [
        pl.col("open", "high", "low", "close") * 0 + 50,  # no range: nothing to stretch
        (pl.col("open", "high", "low", "close") - 99) * 1e-3 + pl.int_range(pl.len()),  # a stretch leads below zero
        pl.col("timestamp").dt.offset_by("-10d"),  # nothing within five days of the donor's entry
        pl.col("timestamp").dt.offset_by("8h"),  # outside regular hours
    ],
)
def test_without_a_donor_that_serves_the_row_is_named(
    bend: pl.Expr, make_trade: MakeTrade, frame_trades: Frame, gold: Gold
) -> None:
    trade = make_trade(gold_example_ids=["gold-0002"], entry_volatility_percent=2.0)
    donors, donor_bars = gold
    paths = build_price_paths(frame_trades(trade), donors, donor_bars.with_columns(bend), seed=1)
    assert paths.fallback_row_ids == ["row-1"]
    assert paths.bars.equals(build_price_paths(frame_trades(trade), donors, None, seed=1).bars)


def test_the_fallback_trades_most_at_the_sessions_ends(make_trade: MakeTrade, frame_trades: Frame) -> None:
    rows = [
        make_trade(f"row-{number}", entry_time="2024-03-05 15:50", exit_time="2024-03-05 15:59:30")
        for number in range(20)
    ]
    bars = build_price_paths(frame_trades(*rows), NO_DONORS, None, seed=1).bars
    hourly = bars.group_by(pl.col("timestamp").dt.hour().alias("hour")).agg(pl.col("volume").mean()).sort("hour")
    assert hourly.get_column("volume").arg_min() == 3
    assert hourly.get_column("volume")[0] > 2 * hourly.get_column("volume")[3]


@pytest.mark.parametrize("volatility", [5.0, 40.0])
def test_the_fallback_survives_any_volatility(volatility: float, make_trade: MakeTrade, frame_trades: Frame) -> None:
    trade = make_trade(entry_volatility_percent=volatility)
    paths = build_price_paths(frame_trades(trade), NO_DONORS, None, seed=1)
    before, _, _ = split(paths, trade)
    assert paths.bars.get_column("low").min() >= 10  # type: ignore[operator]
    assert attach_technicals(before, ["atr_14"], by="row_id").item(-1, "atr_14") == pytest.approx(volatility, rel=1e-9)


def test_a_row_has_the_same_path_in_any_company(
    make_trade: MakeTrade,
    frame_trades: Frame,
    gold: Gold,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examples = [["gold-0002", "gold-0001"], ["gold-0003"], []]
    rows = [make_trade(f"row-{number}", gold_example_ids=examples[number % 3]) for number in range(7)]
    whole = build_price_paths(frame_trades(*rows), *gold, seed=3)
    monkeypatch.setattr(price_path, "BATCH_BARS", 1)
    single = list(iter_price_paths(frame_trades(*reversed(rows)), *gold, seed=3))
    assert len(single) == 7
    assert pl.concat(batch.bars for batch in single).equals(whole.bars)


def test_the_seed_changes_the_path(make_trade: MakeTrade, frame_trades: Frame) -> None:
    one, two = (build_price_paths(frame_trades(make_trade()), NO_DONORS, None, seed=seed) for seed in (1, 2))
    assert not one.bars.equals(two.bars)


def test_no_trades_have_no_bars(make_trade: MakeTrade, frame_trades: Frame) -> None:
    paths = build_price_paths(frame_trades(make_trade()).clear(), NO_DONORS, None, seed=1)
    assert paths.bars.is_empty()
    assert paths.bars.columns == ["row_id", "timestamp", "open", "high", "low", "close", "volume"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"entry_price": 0.0}, "row-1 .* a price at or below 0.* entry_price 0.0"),
        ({"worst_exit_percent": -100.0}, "a price at or below 0"),
        ({"best_exit_percent": float("inf")}, "missing or not finite"),
        ({"exit_price": None}, "missing or not finite"),
        ({"entry_volatility_percent": -0.1}, "volatility is below 0"),
        ({"exit_time": "2024-03-05 09:50:00"}, "no regular minute lies between"),
        ({"entry_time": "2024-03-05 16:00", "exit_time": "2024-03-05 16:30"}, "no regular minute lies between"),
    ],
)
def test_a_trade_that_no_bars_can_have_is_named(
    changes: dict[str, Any], message: str, make_trade: MakeTrade, frame_trades: Frame
) -> None:
    trades = frame_trades(make_trade(**changes)).cast({"exit_price": pl.Float64})
    with pytest.raises(IndicatorError, match=message):
        build_price_paths(trades, NO_DONORS, None, seed=1)


def test_a_row_id_may_stand_once(make_trade: MakeTrade, frame_trades: Frame) -> None:
    with pytest.raises(IndicatorError, match="its row_id stands twice"):
        build_price_paths(frame_trades(make_trade(), make_trade()), NO_DONORS, None, seed=1)

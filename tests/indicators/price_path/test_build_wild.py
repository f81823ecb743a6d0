"""Everything the design promises of price paths, on trades and donors of every kind."""

from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.bars import list_minutes
from indicators.price_path.build import build_price_paths
from indicators.technicals import attach_technicals

ZONE = ZoneInfo("America/New_York")
TIMES = dict.fromkeys(("entry_time", "exit_time"), pl.Datetime("us", "America/New_York"))
OPENINGS = [
    datetime(2024, 7, day, 9, 30, tzinfo=ZONE) for day in (2, 3, 5, 8)
]  # the 3rd closes early, the 4th is a holiday
PERCENTS = st.floats(-30, 30).map(lambda value: round(value, 2))


@st.composite
def wild_trades(draw: st.DrawFn) -> dict[str, Any]:
    """One trade that obeys the rules, percents rounded on their own, held overnight or for seconds."""
    opening = draw(st.sampled_from(OPENINGS))
    seconds = draw(st.integers(0, 12_599))
    held = draw(st.integers(1, 12_600 - seconds))
    later = draw(st.sampled_from(OPENINGS))
    entry = opening + timedelta(seconds=seconds)
    leave = later + timedelta(seconds=seconds + held) if later > opening else entry + timedelta(seconds=held)
    price, change = draw(st.floats(0.5, 3000)), draw(PERCENTS)
    side = draw(st.sampled_from([1, -1]))
    slips = draw(st.tuples(*[st.sampled_from([-0.01, 0, 0, 0.3, 4])] * 2))
    return {
        "gold_example_ids": draw(
            st.lists(st.sampled_from(["gold-1", "gold-2", "gold-3", "gold-4", "gold-9"]), max_size=3)
        ),
        "trade_type": "buy" if side == 1 else "short",
        "entry_time": entry,
        "exit_time": leave,
        "entry_price": price,
        "exit_price": price * (1 + side * change / 100),
        "entry_volatility_percent": draw(st.sampled_from([0.0, 0.02, 0.3, 1.1, 6.0])),
        "worst_exit_percent": change - slips[0],
        "best_exit_percent": change + slips[1],
    }


@cache
def make_gold() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Donors on a calm ticker, a wild one, a flat one; a third of the minutes is missing, others are out of hours."""
    rng = np.random.default_rng(5)
    minutes = list_minutes(date(2024, 6, 27), date(2024, 7, 2)).get_column("minute")
    parts = []
    for ticker, size in (("CALM", 2e-4), ("FLAT", 0.0), ("WILD", 0.02)):
        close = pl.Series(50 * np.exp(np.cumsum(size * rng.standard_t(3, len(minutes)))))
        high, low = (
            close * (1 + size * pl.Series(rng.random(len(close)))),
            close * (1 - size * pl.Series(rng.random(len(close)))),
        )
        columns = {
            "ticker": [ticker] * len(close),
            "timestamp": minutes,
            "open": close,
            "high": high,
            "low": low,
            "close": close,
        }
        parts.append(pl.DataFrame(columns).with_columns(volume=pl.Series(rng.integers(0, 3, len(close)).astype(float))))
    bars = pl.concat(parts)
    early = bars.head(60).with_columns(pl.col("timestamp").dt.offset_by("-3h"))
    entries = [
        datetime(2024, *moment, tzinfo=ZONE)
        for moment in ((7, 1, 12, 0, 30), (7, 2, 15, 59, 0), (6, 28, 9, 30, 0), (7, 2, 10, 0, 0))
    ]
    donors = pl.DataFrame(
        {
            "trade_id": ["gold-1", "gold-2", "gold-3", "gold-4"],
            "ticker": ["CALM", "WILD", "WILD", "FLAT"],
            "trade_type": ["buy", "short", "buy", "short"],
            "entry_time": pl.Series(entries, dtype=TIMES["entry_time"]),
        }
    )
    return donors, pl.concat([early, bars.sample(fraction=0.66, seed=1)])


@settings(max_examples=40, deadline=None)
@given(st.lists(wild_trades(), min_size=1, max_size=6), st.booleans(), st.integers(0, 3))
def test_paths_keep_every_promise(rows: list[dict[str, Any]], with_bars: bool, seed: int) -> None:
    trades = pl.DataFrame(
        [{"row_id": f"row-{number}"} | row for number, row in enumerate(rows)],
        schema_overrides={**TIMES, "gold_example_ids": pl.List(pl.String)},
    )
    donors, bars = make_gold()
    paths = build_price_paths(trades, donors, bars if with_bars else None, seed=seed)
    assert set(paths.bars.get_column("row_id")) == set(trades.get_column("row_id"))
    assert_bars_are_bars(paths.bars)
    known = paths.bars.join(trades, on="row_id", maintain_order="left")
    complete = pl.col("timestamp").dt.offset_by("1m")
    assert_before_the_entry(known.filter(complete <= pl.col("entry_time")))
    assert_in_the_trade(known.filter(complete > pl.col("entry_time"), pl.col("timestamp") < pl.col("exit_time")))


def assert_bars_are_bars(bars: pl.DataFrame) -> None:
    """Prices in order and above 0, volume, and every regular minute from the first to the last."""
    assert bars.filter(pl.col("low") > pl.min_horizontal("open", "close")).is_empty()
    assert bars.filter(pl.col("high") < pl.max_horizontal("open", "close")).is_empty()
    assert bars.filter((pl.col("low") <= 0) | (pl.col("volume") < 1)).is_empty()
    calendar = list_minutes(date(2024, 6, 1), date(2024, 7, 31)).select(timestamp="minute").with_row_index("number")
    steps = bars.join(calendar, on="timestamp", how="left", maintain_order="left").select(
        pl.col("number").cast(pl.Int64).diff().over("row_id").drop_nulls()
    )
    assert set(steps.to_series()) == {1}


def assert_before_the_entry(known: pl.DataFrame) -> None:
    """120 bars or more, the last close the entry price, the volatility asked for."""
    valued = (
        attach_technicals(known, ["atr_14"], by="row_id")
        .group_by("row_id", maintain_order=True)
        .agg(pl.all().last(), pl.len())
    )
    assert valued.get_column("len").min() >= 120  # type: ignore[operator]
    assert valued.get_column("close").to_list() == valued.get_column("entry_price").to_list()
    reached = 100 * valued.get_column("atr_14") / valued.get_column("close")
    np.testing.assert_allclose(reached, valued.get_column("entry_volatility_percent"), rtol=1e-9)


def assert_in_the_trade(known: pl.DataFrame) -> None:
    """Worst, best and exit are touched, and nothing lies beyond them."""
    side = pl.when(pl.col("trade_type") == "buy").then(1).otherwise(-1)
    ends = [pl.col("entry_price") * (1 + side * pl.col(f"{end}_exit_percent") / 100) for end in ("worst", "best")]
    found = known.group_by("row_id", maintain_order=True).agg(
        pl.col("low").min(),
        pl.col("high").max(),
        pl.col("close", "exit_price").last(),
        *(end.last().alias(f"end-{number}") for number, end in enumerate(ends)),
    )
    lowest, highest = (turn("exit_price", "end-0", "end-1") for turn in (pl.min_horizontal, pl.max_horizontal))
    low, high = found.select(lowest.alias("low"), highest.alias("high")).get_columns()
    np.testing.assert_allclose(found.get_column("low"), low, rtol=1e-12)
    np.testing.assert_allclose(found.get_column("high"), high, rtol=1e-12)
    assert found.get_column("close").to_list() == found.get_column("exit_price").to_list()

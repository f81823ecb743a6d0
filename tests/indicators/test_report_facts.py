"""Facts of stock reports: against plain loops, cut at random bars, and the cone's promise on real ones."""

import math
import time
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from indicators.errors import IndicatorError
from indicators.report_facts import (
    FACTS,
    WARM_UP,
    build_facts,
    build_outcomes,
    find_length,
    print_fact,
    recommend,
)
from tests.conftest import ROOT

NEW_YORK = ZoneInfo("America/New_York")
REAL = ROOT.parent / "shared/real/minute_bars.parquet"


def walk(ticker: str, count: int, seed: int, price: float = 50.0, **span: Any) -> pl.DataFrame:
    """Draw a random walk of bars, some without volume and some that do not move."""
    rng, rows = Random(seed), []
    start = datetime(2024, 10, 1, 9, 30, tzinfo=NEW_YORK)
    for place in range(count):
        opened, price = price, price * math.exp(rng.choice((0.0, rng.gauss(0, 0.002))))
        high, low = max(opened, price) * (1 + rng.random() / 1000), min(opened, price) * (1 - rng.random() / 1000)
        moment = start + (span or {"minutes": 1})["minutes"] * timedelta(minutes=place)
        rows.append((ticker, moment, opened, high, low, price, float(rng.choice((0, rng.randint(1, 9000))))))
    names = ("ticker", "timestamp", "open", "high", "low", "close", "volume")
    stamp = pl.Datetime("us", "America/New_York")
    return pl.DataFrame(rows, names, orient="row").with_columns(pl.col("timestamp").cast(stamp))


def test_facts_are_those_of_a_plain_loop() -> None:
    bars = pl.concat([walk("A", 400, 1), walk("SPY", 400, 2, 400.0)])
    facts = build_facts(bars, "SPY").filter(pl.col("ticker") == "A").to_dicts()
    rows = bars.filter(pl.col("ticker") == "A").to_dicts()
    close = [row["close"] for row in rows]
    other = bars.filter(pl.col("ticker") == "SPY")["close"].to_list()
    assert len(facts) == 400 - WARM_UP
    for place, row in zip(range(WARM_UP, 400), facts, strict=True):
        up = sum(rows[i]["volume"] for i in range(place - 19, place + 1) if close[i] > close[i - 1])
        moved = sum(rows[i]["volume"] for i in range(place - 19, place + 1) if close[i] != close[i - 1])
        change = 100 * (close[place] / close[place - 20] - 1)
        index = 100 * (other[place] / other[place - 20] - 1)
        assert row["close"] == round(close[place], 2)
        assert row["sma_60"] == pytest.approx(sum(close[place - 59 : place + 1]) / 60, abs=0.0051)
        assert row["high_60"] == pytest.approx(max(r["high"] for r in rows[place - 59 : place + 1]), abs=0.0051)
        assert row["change_20"] == pytest.approx(change, abs=0.0051)
        assert row["relative_strength_20"] == pytest.approx(change - index, abs=0.0051)
        assert row["up_volume_share"] == pytest.approx(100 * up / moved, abs=0.51)


def test_the_cone_is_that_of_a_plain_loop() -> None:
    bars = walk("A", 420, 7)
    logs = [math.log(value) for value in bars["close"]]
    steps = [0.0, *(b - a for a, b in pairwise(logs))]

    def deviate(place: int) -> float:
        last = steps[place - 59 : place + 1]
        mean = sum(last) / 60
        return math.sqrt(sum((step - mean) ** 2 for step in last) / 59)

    row = build_facts(bars).row(-1, named=True)
    misses = sorted(abs(logs[i] - logs[i - 5]) / (deviate(i - 5) * math.sqrt(5)) for i in range(170, 420))
    position = 0.8 * (len(misses) - 1)
    below = int(position)
    width = misses[below] + (position - below) * (misses[below + 1] - misses[below])
    reach = width * deviate(419) * math.sqrt(5)
    assert row["cone_low_5"] == pytest.approx(math.exp(logs[-1] - reach), abs=0.0051)
    assert row["cone_high_5"] == pytest.approx(math.exp(logs[-1] + reach), abs=0.0051)


def count_differences(bars: pl.DataFrame, index: str, draws: int) -> int:
    """Cut series at random bars, and count facts that differ from those of the whole series."""
    whole, rng, wrong = build_facts(bars, index), Random(11), 0
    for _ in range(draws):
        ticker, moment = whole.select("ticker", "timestamp").row(rng.randrange(whole.height))
        mine = pl.col("ticker").is_in([ticker, index]) & (pl.col("timestamp") <= moment)
        here = (pl.col("ticker") == ticker) & (pl.col("timestamp") == moment)
        wrong += not build_facts(bars.filter(mine), index).filter(here).equals(whole.filter(here))
    return wrong


def test_a_series_that_is_cut_has_the_same_facts() -> None:
    bars = pl.concat([walk("A", 300, 3), walk("B", 300, 4, 0.4), walk("SPY", 300, 5, 400.0)])
    assert count_differences(bars, "SPY", 12) == 0


@pytest.mark.slow
def test_a_thousand_cut_series_have_the_same_facts() -> None:
    early = pl.col("timestamp") < pl.datetime(2024, 10, 10, time_zone="America/New_York")
    bars = pl.read_parquet(ROOT / "gold_data/sample/bars.parquet").filter(early)
    assert count_differences(bars, "SIM1", 1000) == 0


@pytest.mark.skipif(not REAL.is_file(), reason="the real minute bars are not here")
def test_the_cone_holds_on_real_minutes() -> None:
    stamp = pl.col("timestamp").dt.cast_time_unit("us")
    bars = pl.read_parquet(REAL).with_columns(stamp, pl.col("volume").cast(pl.Float64))
    facts = (
        build_facts(bars, "SPY").join(build_outcomes(bars), on=["ticker", "timestamp"]).drop_nulls("return_percent_5")
    )
    came = pl.col("close") * (1 + pl.col("return_percent_5") / 100)
    held = facts.group_by("ticker").agg(came.is_between("cone_low_5", "cone_high_5").mean())["close"]
    assert held.is_between(0.70, 0.90).all(), held.to_list()


def test_one_pass_is_a_hundred_times_quicker_than_row_by_row() -> None:
    bars = pl.concat([walk("A", 6000, 1), walk("B", 6000, 2)])
    build_facts(bars)
    start = time.process_time()
    rows = build_facts(bars).height
    once = (time.process_time() - start) / rows
    start = time.process_time()
    for end in (2000, 4000, 6000):
        build_facts(bars.head(6000).slice(end - 400, 400)).tail(1)
    assert (time.process_time() - start) / 3 > 100 * once


@pytest.mark.parametrize(
    ("up", "down", "age", "said"),
    [
        (4, 0, 0, ("BUY", "high", "usual")),
        (3, 0, 0, ("BUY", "medium", "usual")),
        (3, 1, 0, ("BUY", "medium", "usual")),
        (2, 0, 0, ("BUY", "low", "usual")),
        (0, 4, 0, ("SELL", "high", "usual")),
        (1, 3, 0, ("SELL", "medium", "usual")),
        (0, 0, 0, ("HOLD", "high", "usual")),
        (1, 0, 0, ("HOLD", "medium", "usual")),
        (1, 1, 0, ("HOLD", "low", "conflict")),
        (2, 2, 0, ("HOLD", "low", "conflict")),
        (1, 2, 0, ("HOLD", "low", "conflict")),
        (4, 0, 30, ("BUY", "high", "usual")),
        (4, 0, 31, ("HOLD", "low", "stale")),
    ],
)
def test_the_written_rule(up: int, down: int, age: int, said: tuple[str, str, str]) -> None:
    votes = pl.DataFrame({"groups_up": [float(up)], "groups_down": [float(down)], "bar_age": [float(age)]})
    assert recommend(votes, 30).select("recommendation", "confidence", "situation").row(0) == said


def test_facts_print_with_sign_and_unit() -> None:
    assert print_fact("close", 0.012345) == "$0.012345"
    assert print_fact("change_1", 0.0) == "+0.00%"
    assert print_fact("relative_strength_20", -1.5) == "-1.50 percentage points"
    assert print_fact("groups_up", 3.0) == "3 of 4"
    assert print_fact("bar_age", 390.0) == "390 bars"


def test_a_rounded_fact_prints_as_itself() -> None:
    facts = build_facts(pl.concat([walk("A", 250, 9), walk("B", 250, 8, 0.02)]))
    for row in facts.select(*FACTS).to_dicts():
        for name, value in row.items():
            if value is not None and FACTS[name].unit != "dollars":
                shown = float("".join(c for c in print_fact(name, value).replace(" of 4", "") if c in "0123456789.-"))
                assert shown == value, (name, value)


def test_an_index_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(IndicatorError, match="index_ticker: the bars have no QQQ; they have A"):
        build_facts(walk("A", 130, 1), "QQQ")


def test_bars_that_do_not_move_have_facts() -> None:
    still = walk("A", 200, 1).with_columns(open=5.0, high=5.0, low=5.0, close=5.0, volume=0.0)
    row = build_facts(still).row(-1, named=True)
    assert row["cone_low_5"] == row["cone_high_5"] == 5.0
    assert row["volume_ratio"] is None
    assert row["range_position"] is None


def test_days_are_told_from_minutes() -> None:
    midnights = walk("A", 3, 1).with_columns(pl.col("timestamp").dt.truncate("1d") + pl.duration(days=pl.int_range(3)))
    assert find_length(midnights) == timedelta(days=1)
    assert find_length(walk("A", 3, 1)) == timedelta(minutes=1)

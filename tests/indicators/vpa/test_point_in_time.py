"""Nothing in a context knows what comes after its bar, nor where the file began, nor in which order it stood."""

import random
from collections.abc import Sequence

import polars as pl
import pytest

from indicators.vpa import context
from indicators.vpa.context import build_context
from indicators.vpa.timeframes import end_bars
from tests.indicators.vpa.walks import make_walk

LADDER = ("1m", "5m", "15m")  # an hour's lookback alone would take 3,000 bars


def find_changed_by_cutting(bars: pl.DataFrame, ladder: Sequence[str], count: int, seed: int) -> list[str]:
    """Cut series at random rows, each under a name of its own, and name the rows that come out different.

    The last bar of a cut is the first that shows, by its end, that the row's own bar is finished.
    """
    whole = build_context(bars, ladder)
    rows = random.Random(seed).choices(range(whole.height), k=count)
    ended = whole[rows].with_row_index("cut").with_columns(pl.format("cut {}", "cut").alias("cut"))
    ends = pl.coalesce(pl.when(pl.col("timeframe") == name).then(end_bars(name)) for name in ladder)
    cut = (
        bars.join(ended.select("ticker", "cut", until=ends), on="ticker")
        .filter((end_bars(ladder[0]).shift(1).over("cut") < pl.col("until")).fill_null(True))
        .select(pl.col("cut").alias("ticker"), *bars.columns[1:])
    )
    known = build_context(cut, ladder).rename({"ticker": "cut"})
    last = ended.select("cut", "timeframe").join(
        known.group_by("cut", "timeframe", maintain_order=True).last(), on=["cut", "timeframe"], how="left"
    )
    wanted = ended.select(last.columns)
    assert last.height == count
    return [repr(a) for a, b in zip(wanted.rows(), last.rows(), strict=True) if repr(a) != repr(b)]


def make_walks(count: int, every: str = "1m") -> pl.DataFrame:
    return pl.concat(make_walk(count, seed, f"T{seed}", every) for seed in range(4))


def test_a_series_cut_at_a_bar_gives_the_same_bytes() -> None:
    assert find_changed_by_cutting(make_walks(880), LADDER, 40, seed=1) == []


def test_days_cut_at_a_day_give_the_same_bytes() -> None:
    assert find_changed_by_cutting(make_walks(430, "1d"), ("1d", "1w"), 20, seed=2) == []


@pytest.mark.slow
def test_a_thousand_cuts_give_the_same_bytes() -> None:
    assert find_changed_by_cutting(make_walks(4000), ("1m", "5m", "1h"), 500, seed=3) == []
    assert find_changed_by_cutting(make_walks(900, "1d"), ("1d", "1w"), 500, seed=4) == []


def test_a_single_series_cut_by_itself_gives_the_same_row() -> None:
    bars = make_walk(400, 5)
    whole = build_context(bars, ("1m",))
    for bar in (50, 70, 399):
        assert repr(build_context(bars.head(bar + 1), ("1m",)).row(-1)) == repr(whole.row(bar - 50))


def test_a_corrupted_future_changes_nothing_before() -> None:
    bars = make_walks(500)
    cut = bars.get_column("timestamp").sort()[1400]
    later = pl.col("timestamp") >= cut
    junk = bars.with_columns(
        pl.when(later).then(pl.col("close") * 1000 + 7).otherwise(name).alias(name)
        for name in ("open", "high", "close")
    ).with_columns(low=pl.when(later).then(0.01).otherwise("low"), volume=pl.when(later).then(9e12).otherwise("volume"))
    ends = pl.coalesce(pl.when(pl.col("timeframe") == name).then(end_bars(name)) for name in LADDER)
    before, same = (build_context(frame, LADDER).filter(ends <= cut) for frame in (bars, junk))
    assert before.height > 800
    assert repr(before.rows()) == repr(same.rows())


def test_the_order_of_bars_does_not_matter() -> None:
    bars = make_walks(300)
    assert build_context(bars.sample(fraction=1, shuffle=True, seed=1), LADDER).equals(build_context(bars, LADDER))


def test_the_cut_into_batches_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = make_walks(120)
    whole = build_context(bars, ("1m",))
    monkeypatch.setattr(context, "BATCH_BARS", 1)
    assert build_context(bars, ("1m",)).equals(whole)


def test_where_the_file_begins_does_not_matter() -> None:
    """A bar's context reaches back 71 bars: 20 for signs, 50 for what each is held against, and one close before."""
    bars = make_walk(500, 6)
    whole = build_context(bars, ("1m",))
    for last in (120, 499):
        assert repr(build_context(bars[last - 71 : last + 1], ("1m",)).row(-1)) == repr(whole.row(last - 50))

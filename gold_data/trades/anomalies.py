"""What is odd about minute bars that can be used: gaps, bars where there should be none, splits."""

from datetime import timedelta

import polars as pl

from gold_data.markets import USUAL, Markets

# An overnight jump counts as that of a split when it is within this share of a whole ratio.
SPLIT_TOLERANCE = 0.03
STAMP, DAY = pl.col("timestamp"), pl.col("timestamp").dt.date()


def find_anomalies(bars: pl.DataFrame, markets: Markets = USUAL) -> dict[str, int]:
    """Count what is odd by kind, kinds that are not there left out; none of it makes a bar unusable.

    Args:
        bars: Sorted by ticker and minute.
        markets: Where tickers are traded.
    """
    days = markets.find_days(bars.get_column("ticker"), bars.get_column("timestamp"))
    dated = bars.select("ticker", "timestamp", session_date=days)
    placed = dated.rename({"session_date": "day"}).hstack(markets.list_sessions(dated))
    rests = STAMP.is_between("pauses", "resumes", closed="left").fill_null(value=False)
    regular = placed.filter(STAMP.is_between("opens", "closes", closed="left"), ~rests)
    minutes = STAMP.diff().over("ticker", "day").dt.total_minutes() - 1
    gaps, missing = regular.select((minutes > 0).sum(), missing=minutes.filter(minutes > 0).sum()).row(0)
    kinds = {
        "gap between bars of one regular session": gaps,
        "minute without a bar in those gaps": missing,
        "bar outside regular hours (kept)": placed.filter(pl.col("opens").is_not_null()).height - regular.height,
        "bar on a day the exchange is closed (kept)": placed.get_column("opens").null_count(),
    }
    return {kind: count for kind, count in kinds.items() if count}


def find_splits(bars: pl.DataFrame, markets: Markets = USUAL) -> pl.DataFrame:
    """Find where a ticker's first price of a day is a whole multiple, or part, of the last one of the day before.

    Args:
        bars: Sorted by ticker and minute.
        markets: Where tickers are traded; a day is a trading day of the market.

    Returns:
        One row per jump: `ticker`, `day`, the prices `before` and `open`, their `whole` ratio, and `forward` where the
        price fell.
    """
    dated = bars.with_columns(day=markets.find_days(bars.get_column("ticker"), bars.get_column("timestamp")))
    days = dated.group_by("ticker", "day", maintain_order=True).agg(pl.col("open").first(), pl.col("close").last())
    before = pl.col("close").shift(1).over("ticker")
    up, down = pl.col("open") / before, before / pl.col("open")
    ratio = pl.max_horizontal(up, down)
    jumps = days.with_columns(before=before, whole=ratio.round(), forward=down > up).filter(
        (pl.col("whole") >= 2) & ((ratio / ratio.round() - 1).abs() <= SPLIT_TOLERANCE)
    )
    return jumps.select("ticker", "day", "open", "before", "whole", "forward")


def say_splits(jumps: pl.DataFrame) -> list[str]:
    """Say each jump that `find_splits` found."""
    return [
        f"{ticker} on {day}: {before:g} to {opening:g} overnight, as after a "
        f"{f'{whole:g}-for-1' if forward else f'1-for-{whole:g}'} split; its bars are taken as they stand, and trades "
        "held over that night are rejected"
        for ticker, day, opening, before, whole, forward in jumps.rows()
    ]


def find_finest_step(bars: pl.DataFrame) -> tuple[timedelta, int]:
    """Find the shortest time between two bars of a ticker's day, and from how many pairs; endless where there is none.

    Args:
        bars: Sorted by ticker and minute.
    """
    step, pairs = (
        bars.select(STAMP.diff().over("ticker", DAY).alias("step"))
        .select(pl.col("step").min(), pl.col("step").count().alias("pairs"))
        .row(0)
    )
    return timedelta.max if step is None else step, pairs

"""Minute bars for synthetic trades, rebuilt around each from a human trade's own bars.

1. `build_price_paths`, `iter_price_paths`   trades in, their bars out: at once, or in batches of bounded size
2. before the entry    a block of the donor's bars, stretched to the trade's volatility, that ends at its entry price
3. in the trade        the donor's next bars, bent to the exit price and the worst and best percent
4. after the exit      the donor's next bars, stretched like those before, from the exit price on

Bars stand at the minutes of the market's sessions without a gap. Before the entry there is every minute of the session,
so that `vwap_session` is that of the session, and 120 bars at the least, the first of them in the session before where
it must be: twice what the slowest indicator needs for its first value (`adx_28`, 56). Where the donor has fewer bars
than the session has minutes, those it has are taken, if they are 120. After the exit there are 60 minutes, or those
left of the session.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from gold_data.markets import USUAL, Markets
from gold_data.sessions import LONGEST_CLOSURE, NEW_YORK, Market
from indicators.bars import TIMESTAMP, VALUES, list_minutes
from indicators.errors import IndicatorError
from indicators.price_path.donors import Source, give_direction, hash_row, locate_donors, walk_randomly
from indicators.price_path.shape import shape_paths

LEAST_BEFORE = 120
MOST_AFTER = 60
BATCH_BARS = 150_000
NUMBERS = ("entry_price", "exit_price", "entry_volatility_percent", "worst_exit_percent", "best_exit_percent")
BARS_SCHEMA = {"row_id": pl.String(), "timestamp": TIMESTAMP} | dict.fromkeys(VALUES, pl.Float64())


@dataclass(frozen=True)
class PricePaths:
    """Bars of synthetic trades, sorted by `row_id` and `timestamp`; and the rows whose shape is the fallback's."""

    bars: pl.DataFrame
    fallback_row_ids: list[str]


def build_price_paths(
    trades: pl.DataFrame, donors: pl.DataFrame, donor_bars: pl.DataFrame | None, *, seed: int
) -> PricePaths:
    """Rebuild the minute bars of all trades at once; see `iter_price_paths`."""
    batches = list(iter_price_paths(trades, donors, donor_bars, seed=seed))
    bars = pl.concat([pl.DataFrame(schema=BARS_SCHEMA), *(batch.bars for batch in batches)])
    return PricePaths(bars, [row_id for batch in batches for row_id in batch.fallback_row_ids])


def iter_price_paths(
    trades: pl.DataFrame,
    donors: pl.DataFrame,
    donor_bars: pl.DataFrame | None,
    *,
    seed: int,
    market: Market = NEW_YORK,
    markets: Markets = USUAL,
) -> Iterator[PricePaths]:
    """Rebuild the minute bars of trades, in order of `row_id`, in batches of about `BATCH_BARS` bars.

    Of a trade's `gold_example_ids` the donor is drawn by a hash of `row_id` and seed; a row's path needs no other
    row. The next of them is tried where the donor has no bars, fewer than 120 before its entry, no range in them, or
    where the stretch would lead below a tenth of the entry price. Where none serves, or without donor bars, the shape
    is a random walk (`donors.walk_randomly`), and the batch names the row.

    Every bar has low <= open, close <= high, prices above 0 and a volume of 1 or more. Before the entry, 100 x
    ATR(14) / last close equals `entry_volatility_percent` to 1e-9, and the last close is the entry price. Bars in the
    trade touch the prices of `worst_exit_percent` and `best_exit_percent`, stay between them, and the last closes at
    the exit price. Where the exit price lies beyond one of the two, as rounded percents allow, it takes its place.
    Where entry price lies beyond one, bars in the trade keep away from it. A bar that holds the entry counts as in
    the trade as a whole.

    Args:
        trades: One row per trade: `row_id`, `gold_example_ids`, `trade_type` and the core fields, times zoned.
        donors: Gold trades, one row each: `trade_id`, `ticker`, `trade_type`, `entry_time`.
        donor_bars: Minute bars of the donors' tickers, or None. Only their sessions are used, minutes missing or not.
        seed: Changes every choice and every walk.
        market: That of the trades.
        markets: Those of the donors.

    Raises:
        IndicatorError: A trade that no bars can have (named with its values), or bars that `sort_bars` refuses.
    """
    if trades.is_empty():
        return
    minutes = _list_minutes_around(trades, market)
    paths = _plan_paths(trades, minutes, seed)
    source = None if donor_bars is None else locate_donors(donors, donor_bars, markets)
    count = pl.sum_horizontal("before_wanted", "inside_bars", "after_bars")
    for batch in paths.with_columns(batch=(count.cum_sum() - count) // BATCH_BARS).partition_by("batch"):
        yield _build_batch(batch, source, minutes)


def _list_minutes_around(trades: pl.DataFrame, market: Market) -> pl.DataFrame:
    first, last = (market.find_days(trades.get_column(name)) for name in ("entry_time", "exit_time"))
    return list_minutes(first.min() - timedelta(days=LONGEST_CLOSURE), last.max(), market)  # type: ignore[operator, arg-type]


def _plan_paths(trades: pl.DataFrame, minutes: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return one row per path, in order of `row_id`: its numbers, where its parts lie in the calendar, its hash."""
    rows = trades.select("row_id", "gold_example_ids", "trade_type", "entry_time", "exit_time", *NUMBERS).sort("row_id")
    starts, begins, ends = minutes.select("minute", "session_start", "session_end").get_columns()
    entry_minute = starts.search_sorted(rows.get_column("entry_time").dt.offset_by("-1m"), side="right").cast(pl.Int64)
    exit_minute = starts.search_sorted(rows.get_column("exit_time"), side="left").cast(pl.Int64)
    entry, leave, direction = pl.col("entry_price"), pl.col("exit_price"), give_direction()
    extremes = [entry * (1 + direction * pl.col(f"{end}_exit_percent") / 100) for end in ("worst", "best")]
    paths = rows.with_columns(
        direction=direction,
        lowest=pl.min_horizontal(leave, *extremes),
        highest=pl.max_horizontal(leave, *extremes),
        entry_minute=entry_minute,
        inside_bars=exit_minute - entry_minute,
        hash=pl.Series([hash_row(row_id, seed) for row_id in rows.get_column("row_id")], dtype=pl.Int64),
    )
    _refuse_impossible(paths)
    return paths.with_columns(
        before_wanted=(entry_minute - begins.gather(entry_minute)).clip(lower_bound=LEAST_BEFORE),
        inside_minute=entry_minute,
        after_minute=exit_minute,
        after_bars=(ends.gather(exit_minute - 1) - exit_minute).clip(upper_bound=MOST_AFTER),
    )


def _refuse_impossible(paths: pl.DataFrame) -> None:
    faults = {
        "a number is missing or not finite": ~pl.all_horizontal(pl.col(NUMBERS).is_finite().fill_null(value=False)),
        "the volatility is below 0": pl.col("entry_volatility_percent") < 0,
        "a price at or below 0": pl.min_horizontal("entry_price", "lowest") <= 0,
        "no regular minute lies between entry and exit": ~(pl.col("inside_bars") >= 1).fill_null(value=False),
        "its row_id stands twice": pl.col("row_id").is_duplicated(),
    }
    for fault, is_faulty in faults.items():
        for row in paths.filter(is_faulty).head(1).iter_rows(named=True):
            shown = ", ".join(f"{name} {row[name]}" for name in ("entry_time", "exit_time", *NUMBERS))
            raise IndicatorError(f"Trade {row['row_id']} can have no bars: {fault}. {shown}. Mend it or leave it out.")


def _build_batch(paths: pl.DataFrame, source: Source | None, minutes: pl.DataFrame) -> PricePaths:
    starts = minutes.get_column("minute")
    examples = pl.col("gold_example_ids")
    parts = [pl.DataFrame(schema=BARS_SCHEMA)]
    pending = paths
    if source is not None:
        for number in range(paths.select(examples.list.len().max()).item() or 0):
            drawn = examples.list.get((pl.col("hash") + number) % examples.list.len(), null_on_oob=True)
            pending = _build_from(pending.with_columns(donor_id=drawn), source, starts, parts)
    fallback = pending.get_column("row_id").to_list()
    for folded in (False, True):
        walks = walk_randomly(pending, minutes, folded=folded)
        pending = _build_from(pending.with_columns(donor_id="row_id"), walks, starts, parts)
    return PricePaths(pl.concat(parts).sort("row_id", "timestamp"), fallback)


def _build_from(paths: pl.DataFrame, source: Source, starts: pl.Series, parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Add the bars of the paths that their donors serve to `parts`, and return the other paths."""
    parts.append(shape_paths(_place_blocks(paths, source), source, starts))
    return paths.join(parts[-1].select("row_id").unique(), on="row_id", how="anti", maintain_order="left")


def _place_blocks(paths: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Say where in the source each part's bars are; paths whose donor has too few bars drop out.

    The bars in the trade follow the donor's entry, and those after the exit follow them; where the donor's bars end
    earlier, its last ones are taken.
    """
    first, anchor, end = pl.col("first"), pl.col("anchor"), pl.col("end")
    return (
        paths.join(source.donors, on="donor_id", maintain_order="left")
        .with_columns(
            turn=pl.col("direction") * pl.col("donor_direction"),
            before_bars=pl.min_horizontal("before_wanted", anchor - first),
            inside_place=pl.min_horizontal(anchor, end - pl.col("inside_bars")),
            after_place=pl.min_horizontal(anchor + pl.col("inside_bars"), end - pl.col("after_bars")),
        )
        .filter(pl.col("before_bars") >= LEAST_BEFORE, pl.col("inside_place") > first, pl.col("after_place") > first)
        .with_columns(
            before_place=anchor - pl.col("before_bars"),
            before_minute=pl.col("entry_minute") - pl.col("before_bars"),
            before_reference=anchor - 1,
            inside_reference=pl.col("inside_place") - 1,
            after_reference=pl.col("after_place") - 1,
        )
    )

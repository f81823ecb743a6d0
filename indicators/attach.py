"""Attaches indicators: to trades at their entries, and to price paths as they are built."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from files.whole_file import write_whole
from gold_data.markets import USUAL, Markets
from gold_data.sessions import NEW_YORK, Market
from indicators.bars import TIMESTAMP, iter_series, sort_bars
from indicators.errors import IndicatorError
from indicators.price_path.build import BARS_SCHEMA, iter_price_paths
from indicators.technicals import BATCH_BARS, attach_technicals, check_names


def attach_indicators(
    trades: pl.DataFrame, bars: pl.DataFrame, names: Sequence[str], market: Market = NEW_YORK
) -> pl.DataFrame:
    """Return the trades, in their order, with one Float64 column per name: the value known at the entry.

    That is the value at the last bar complete at the entry (`timestamp` + 1 minute <= `entry_time`), however long ago
    that was; later bars are not read. It is null while the indicator warms up, where it has no value, and for a trade
    without a bar before its entry. Bars with a `row_id` belong to the trade of that id; without, to every trade of
    their `ticker`. They are worked through in batches of whole series: beyond bars and result, memory holds one
    batch, or the longest series.

    Raises:
        IndicatorError: Trades without the columns for it, names that `check_names` refuses, or bars that `sort_bars`
            does.
    """
    by = "row_id" if "row_id" in bars.columns else "ticker"
    expected = {by: pl.String(), "entry_time": TIMESTAMP}
    if wrong := [name for name, dtype in expected.items() if trades.schema.get(name) != dtype]:
        raise IndicatorError(f"Trades need {', '.join(f'`{name}` as {expected[name]}' for name in wrong)}.")
    check_names(names, trades.columns)
    entries = trades.select(by, "entry_time").with_row_index("trade").sort("entry_time")
    found = [entries.select("trade").clear().with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)]
    for series in iter_series(sort_bars(bars, by), by, BATCH_BARS):
        found.append(_read_at_entries(entries.join(series, on=by, how="semi"), series, names, by, market))
    values = entries.select("trade").sort("trade").join(pl.concat(found), on="trade", how="left", maintain_order="left")
    return trades.hstack(values.drop("trade"))


def _read_at_entries(
    entries: pl.DataFrame, bars: pl.DataFrame, names: Sequence[str], by: str, market: Market
) -> pl.DataFrame:
    last = entries.group_by(by).agg(pl.col("entry_time").last().alias("_last_entry"))
    complete = pl.col("timestamp").dt.offset_by("1m")
    known = bars.join(last, on=by, maintain_order="left").filter(complete <= pl.col("_last_entry"))
    priced = attach_technicals(known.drop("_last_entry"), names, by, market)
    valued = priced.select(by, *names, complete.alias("_complete"))
    return entries.join_asof(valued, left_on="entry_time", right_on="_complete", by=by, check_sortedness=False).select(
        "trade", *names
    )


def attach_price_paths(
    trades: pl.DataFrame,
    donors: pl.DataFrame,
    donor_bars: pl.DataFrame | None,
    names: Sequence[str],
    bars_file: Path,
    *,
    seed: int,
    markets: Markets = USUAL,
) -> tuple[pl.DataFrame, list[str]]:
    """Build the price paths of synthetic trades batch by batch, write their bars, and attach indicators to the trades.

    The same as `build_price_paths` and `attach_indicators` together, for more trades than memory has room for bars, and
    for the trades of each market by themselves.

    Returns:
        The trades with one column per name, and the ids of rows whose path has the fallback's shape.

    Raises:
        IndicatorError: As `iter_price_paths` and `attach_indicators`.
    """
    empty = pl.DataFrame(schema=BARS_SCHEMA)
    parts = [attach_indicators(trades.clear(), empty, names)]
    fallback: list[str] = []
    schema = empty.to_arrow().schema
    with write_whole(bars_file) as partial, pq.ParquetWriter(partial, schema) as file:  # type: ignore[no-untyped-call]
        for market, tickers in markets.group(trades.get_column("ticker")).items():
            own = trades.filter(pl.col("ticker").is_in(tickers))
            for paths in iter_price_paths(own, donors, donor_bars, seed=seed, market=market, markets=markets):
                file.write_table(paths.bars.to_arrow())
                entered = own.join(paths.bars, on="row_id", how="semi")
                parts.append(attach_indicators(entered, paths.bars, names, market))
                fallback += paths.fallback_row_ids
    values = pl.concat(parts).select("row_id", *names)
    return trades.join(values, on="row_id", how="left", maintain_order="left"), fallback

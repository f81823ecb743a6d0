"""The context of every bar: what is known of it when it ends, and the signal that follows by written rules.

1. For every timeframe, from the highest down: bars (made from those given), measures, levels, patterns.
2. Each bar is given the last bar of every higher timeframe that is finished when it ends, then its signal.
3. What was found is packed into the parts that reference 002 has in an example's input.

Nothing is read that comes after the bar: the context of a series cut at a bar is that of the whole one to the last bit.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from gold_data.sessions import NEW_YORK, Market
from indicators.bars import iter_series, sort_bars
from indicators.technicals import BATCH_BARS
from indicators.vpa.levels import find_levels
from indicators.vpa.measures import TREND_STATUS, is_known, measure_bars
from indicators.vpa.pack import SUMMARY, pack_context
from indicators.vpa.patterns import find_patterns
from indicators.vpa.signal import decide_signals
from indicators.vpa.timeframes import MINUTE_LADDER, TIMEFRAME, check_timeframes, end_bars, gather_bars


def build_context(
    bars: pl.DataFrame, timeframes: Sequence[str] = MINUTE_LADDER, market: Market = NEW_YORK
) -> pl.DataFrame:
    """Return one row per ticker, timeframe and bar, from a ticker's 51st bar of that timeframe on, sorted by the three.

    `bars` in any order: `ticker`, `timestamp` (start of the bar, exchange's zone) and OHLCV as numbers, of the first of
    `timeframes`; bars of the others are made from them. They are taken as checked: finite, prices above 0, low <= open,
    close <= high, volume 0 or more; whatever bars there are count as neighbours, over nights and gaps.

    Columns: `ticker`, `timeframe`, `timestamp`; `signal`, `strength`, `pattern`, `stop`, `target`, `fired_rules`; the
    parts `current_candle`, `recent_candles` (the 5 before, oldest first), `vpa_metrics`, `trend_analysis`,
    `pattern_analysis`, `support_resistance`, `multi_timeframe_context`. What each holds, and where it is null:
    docs/vpa.md. The last has each higher timeframe's last finished bar, once that has a full lookback itself. Days and
    weeks are those of the `market`.

    Raises:
        IndicatorError: Bars that `sort_bars` or timeframes that `check_timeframes` refuses.
    """
    return pl.concat(list(iter_context(bars, timeframes, market)), rechunk=False)


def iter_context(
    bars: pl.DataFrame, timeframes: Sequence[str] = MINUTE_LADDER, market: Market = NEW_YORK
) -> Iterator[pl.DataFrame]:
    """Give the rows of `build_context` in frames of whole tickers: memory holds the bars and one frame.

    Raises:
        IndicatorError: As `build_context`.
    """
    ordered = sort_bars(bars, "ticker")
    check_timeframes(ordered, timeframes, market)
    if ordered.is_empty():
        yield _build_batch(ordered, timeframes, market)
    for batch in iter_series(ordered, "ticker", BATCH_BARS):
        yield _build_batch(batch, timeframes, market)


def _build_batch(bars: pl.DataFrame, timeframes: Sequence[str], market: Market) -> pl.DataFrame:
    higher: list[pl.DataFrame] = []
    parts = []
    for timeframe in reversed(timeframes):
        gathered = gather_bars(bars, timeframes[0], timeframe, market)
        found = gathered.pipe(measure_bars).pipe(find_levels).pipe(find_patterns)
        ends = end_bars(timeframe, market)
        decided = decide_signals(_join_higher(found, ends, higher))
        parts.append(pack_context(decided, timeframe, [summary.columns[1] for summary in higher]))
        higher.insert(0, _summarise(found, timeframe, ends))
    rows = pl.concat(reversed(parts), rechunk=False)
    return rows if bars.get_column("ticker").n_unique() < 2 else rows.sort("ticker", "timeframe", "timestamp")


def _summarise(found: pl.DataFrame, timeframe: str, ends: pl.Expr) -> pl.DataFrame:
    """Return when each bar with a full lookback ends, and what the bars of lower timeframes are told of it."""
    named = found.filter(is_known()).with_columns(timeframe=pl.lit(timeframe, TIMEFRAME))
    return named.select("ticker", pl.struct(*SUMMARY).alias(timeframe), _ends=ends)


def _join_higher(found: pl.DataFrame, ends: pl.Expr, higher: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Add the summaries of higher timeframes by their names, null without one, and `higher_trend`, that of the next."""
    joined = found.with_columns(_ends=ends)
    for summary in higher:
        joined = joined.join_asof(summary, on="_ends", by="ticker", check_sortedness=False)
    known = [pl.col(summary.columns[1]).struct.field("trend_status") for summary in higher[:1]]
    return joined.with_columns(higher_trend=pl.coalesce(*known, pl.lit(None, TREND_STATUS)))

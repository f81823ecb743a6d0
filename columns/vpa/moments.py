"""Gold rows of explanations: every bar with a full lookback and what is known at it; and what came after."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from gold_data.clocks import MOMENT, put_on_clock
from gold_data.errors import GoldError
from gold_data.markets import USUAL, Markets
from gold_data.sessions import Market
from gold_data.store import SESSION
from indicators.errors import IndicatorError
from indicators.vpa.bars_file import choose_timeframes
from indicators.vpa.context import build_context
from indicators.vpa.measures import LOOKBACK
from indicators.vpa.outcomes import build_outcomes

GOLD_ID, CELL, HIGHER = "gold_id", "cell", "multi_timeframe_context"
WITHOUT_STRENGTH = "NONE"  # of a HOLD: reference 002 has a text there
DECIDED = (SESSION, CELL, "ticker", "timeframe", "timestamp", "signal", "strength", "pattern", "stop", "target")
INPUT = (
    *("current_candle", "recent_candles", "vpa_metrics", "trend_analysis", "pattern_analysis", "support_resistance"),
    HIGHER,
)


def choose_bars(bars: pl.DataFrame, options: Mapping[str, Any], markets: Markets = USUAL) -> pl.DataFrame:
    """Choose the bars that a profile asks for: its tickers, and no day after its last.

    Raises:
        GoldError: the file has no bar of a ticker, or none that early.
    """
    if (tickers := options["tickers"]) is not None:
        known = bars["ticker"].unique().sort().to_list()
        if missing := [ticker for ticker in tickers if ticker not in known]:
            raise GoldError(
                f"tickers: the gold's bars have none of {', '.join(missing)}; they have {', '.join(known)}: name those"
            )
        bars = bars.filter(pl.col("ticker").is_in(tickers))
    if (last := options["end_date"]) is not None:
        bars = bars.filter(markets.find_days(bars["ticker"], bars["timestamp"]) <= _read_day("end_date", last))
    return bars


def choose_ladder(bars: pl.DataFrame, options: Mapping[str, Any], markets: Markets = USUAL) -> tuple[str, ...]:
    """Choose the timeframes, from that of the bars to the highest."""
    return tuple(options["timeframes"] or choose_timeframes(bars, markets))


def build_rows(bars: pl.DataFrame, options: Mapping[str, Any], markets: Markets = USUAL) -> pl.DataFrame:
    """Make gold rows of bars: an id, the session in which the bar was over, the cell, the signal, and the context.

    The context has plain types, moments as text on the market's clock, and the higher timeframes by name, so that it
    reads as JSON. The session is the last one of its market that has a bar before the row's own bar ends: a week's is
    not the Monday it began.

    Raises:
        GoldError: the bars are not of these timeframes, or no row is left.
    """
    ladder = choose_ladder(bars, options, markets)
    place = pl.int_range(pl.len()).over("ticker", "timeframe")
    try:
        contexts = [(market, own, build_context(own, ladder, market)) for market, own in markets.split(bars)]
    except IndicatorError as exc:
        raise GoldError(f"timeframes: {exc}") from exc
    rows = pl.concat(
        _write_plainly(
            _add_sessions(context.filter(place >= options["min_lookback"] - LOOKBACK), own, market), ladder, market
        )
        for market, own, context in contexts
    )
    if (primary := options["primary_timeframe"]) is not None:
        if primary not in ladder:
            raise GoldError(f"primary_timeframe: {primary} is none of the timeframes {', '.join(ladder)}: name one")
        rows = rows.filter(pl.col("timeframe") == primary)
    if (first := options["start_date"]) is not None:
        rows = rows.filter(pl.col(SESSION) >= _read_day("start_date", first))
    if rows.is_empty():
        raise GoldError(
            f"no bar is left to explain: of {bars.height} bars none from start_date to end_date has "
            f"{options['min_lookback']} bars of its ticker and timeframe before it; bring more bars, or ask for fewer"
        )
    return rows


def _add_sessions(context: pl.DataFrame, bars: pl.DataFrame, market: Market) -> pl.DataFrame:
    local = pl.col("timestamp").dt.convert_time_zone(market.zone_name)
    last = context.select(local.dt.offset_by(pl.col("timeframe").cast(pl.String)).dt.offset_by("-1us")).to_series()
    days = market.find_days(bars["timestamp"]).unique().sort().alias(SESSION).to_frame()
    placed = context.with_row_index("_place").with_columns(market.find_days(last).alias("_until")).sort("_until")
    joined = placed.join_asof(days, left_on="_until", right_on=SESSION, coalesce=False)
    return joined.sort("_place").drop("_place", "_until")


def _write_plainly(rows: pl.DataFrame, ladder: Sequence[str], market: Market) -> pl.DataFrame:
    rows = put_on_clock(rows, market.zone_name)
    with_text = pl.element().struct.with_fields(pl.field("timestamp").dt.to_string(MOMENT))
    of_timeframe = pl.element().struct.field("timeframe")
    higher = [
        pl.col(HIGHER).list.eval(with_text.filter(of_timeframe == name)).list.first().alias(name) for name in ladder[1:]
    ]
    written = rows.with_columns(
        name_bar(),
        pl.col("timestamp").dt.to_string(MOMENT),
        pl.col("strength").cast(pl.String).fill_null(WITHOUT_STRENGTH),
        pl.col("recent_candles").list.eval(with_text),
        *([pl.struct(higher).alias(HIGHER)] if higher else []),
    ).with_columns(pl.concat_str("signal", "strength", "pattern", separator=" ").alias(CELL))
    parts = [name for name in INPUT if higher or name != HIGHER]  # Parquet has no struct without fields
    named = written.select(GOLD_ID, *DECIDED, "fired_rules", *parts)
    return named.cast({name: make_plain(kind) for name, kind in named.schema.items()})


def name_bar() -> pl.Expr:
    """Name a bar by ticker, timeframe and start; with the offset, for an hour comes twice where the clocks go back."""
    moment = pl.col("timestamp").dt.to_string(f"{MOMENT}%z")
    return pl.concat_str("ticker", "timeframe", moment, separator=" ").alias(GOLD_ID)


def make_plain(kind: pl.DataType) -> pl.DataType:
    """Give a type with text for every enumeration in it."""
    if isinstance(kind, pl.Struct):
        return pl.Struct({field.name: make_plain(field.dtype) for field in kind.fields})  # type: ignore[arg-type]
    if isinstance(kind, pl.List):
        return pl.List(make_plain(kind.inner))  # type: ignore[arg-type]
    return pl.String() if isinstance(kind, pl.Enum) else kind


def _read_day(key: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise GoldError(f"{key}: {text} is no day of the calendar: give one, such as 2024-10-01") from exc


def find_outcomes(
    rows: pl.DataFrame, bars: pl.DataFrame | None, options: Mapping[str, Any], markets: Markets = USUAL
) -> pl.DataFrame:
    """Find what came after the bars of rows, by `row_id`: as far as the train part's bars reach, null beyond."""
    assert bars is not None, "a profile must bring bars"
    there = bars.filter(pl.col("ticker").is_in(rows["ticker"].to_list()))
    ladder = choose_ladder(bars, options, markets)
    outcomes = pl.concat(
        put_on_clock(build_outcomes(own, ladder, market), market.zone_name).with_columns(name_bar()).drop("timestamp")
        for market, own in markets.split(there)
    )
    joined = rows.select("row_id", GOLD_ID).join(outcomes, on=GOLD_ID, how="left", maintain_order="left")
    return joined.drop(GOLD_ID, "ticker", "timeframe")

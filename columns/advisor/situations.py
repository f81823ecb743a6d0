"""Gold rows of recommendations: situations, measured at every bar, or every one there may be."""

import itertools
from collections.abc import Mapping
from typing import Any

import polars as pl

from gold_data.clocks import MOMENT, put_on_clock
from gold_data.errors import GoldError
from gold_data.markets import USUAL, Markets
from gold_data.sessions import Market
from gold_data.store import SESSION
from indicators.errors import IndicatorError
from indicators.regimes import REGIMES, VOLATILITIES, measure_regimes
from indicators.vpa.bars_file import choose_timeframes

GOLD_ID, MARKET = "gold_id", "market"
PARTS = ("symbol", "timeframe", "regime", "volatility")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SPY", "AAPL", "EURUSD", "ES=F")
TIMEFRAMES = ("1m", "5m", "1h", "1d")
COPIES = 5  # of each situation without bars: whatever part of them is held out, each is left


def list_situations(options: Mapping[str, Any]) -> pl.DataFrame:
    """List every situation of the profile's symbols and timeframes: nothing is measured, and no number is given."""
    symbols, timeframes = options["symbols"] or SYMBOLS, options["timeframes"] or TIMEFRAMES
    cells = [*itertools.product(symbols, timeframes, REGIMES, VOLATILITIES)] * COPIES
    rows = pl.DataFrame(cells, schema=dict.fromkeys(PARTS, pl.String), orient="row")
    return _name_rows(rows, pl.format("situation-{}", pl.int_range(pl.len())))


def measure_situations(bars: pl.DataFrame, options: Mapping[str, Any], markets: Markets = USUAL) -> pl.DataFrame:
    """Measure the situation at every bar of the profile's symbols and timeframes, by what is known when it ends.

    Raises:
        GoldError: the bars have none of a symbol, are of other timeframes, or are too few.
    """
    if (symbols := options["symbols"]) is not None:
        known = bars["ticker"].unique().sort().to_list()
        if missing := [name for name in symbols if name not in known]:
            raise GoldError(f"symbols: the bars have none of {', '.join(missing)}; they have {', '.join(known)}")
        bars = bars.filter(pl.col("ticker").is_in(symbols))
    try:
        timeframes = tuple(options["timeframes"] or choose_timeframes(bars, markets))
        measured = [(market, measure_regimes(own, timeframes, market)) for market, own in markets.split(bars)]
    except IndicatorError as exc:
        raise GoldError(f"timeframes: {exc}") from exc
    rows = pl.concat(_write_plainly(own, market) for market, own in measured)
    if rows.is_empty():
        raise GoldError(
            f"no situation can be measured on {bars.height} bars: a symbol needs more than 114 of a timeframe"
        )
    return rows


def _write_plainly(measured: pl.DataFrame, market: Market) -> pl.DataFrame:
    """Give situations an id, the session in which they are, and the moment as text, all on their market's clock."""
    days = market.find_days(measured["ends"].dt.offset_by("-1us")).alias(SESSION)
    rows = put_on_clock(measured, market.zone_name).with_columns(days).rename({"ticker": "symbol", "ends": "as_of"})
    named = _name_rows(rows, pl.format("{} {} {}", "symbol", "timeframe", pl.col("as_of").dt.to_string(f"{MOMENT}%z")))
    return named.with_columns(pl.col("as_of").dt.to_string(MOMENT)).drop("timestamp")


def _name_rows(rows: pl.DataFrame, name: pl.Expr) -> pl.DataFrame:
    market = pl.concat_str(*PARTS, separator=" ").alias(MARKET)
    rest = [column for column in rows.columns if column not in PARTS]
    return rows.select(name.alias(GOLD_ID), *PARTS, *rest, market)

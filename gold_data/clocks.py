"""How moments and money are shown: on the clock and in the currency of the tickers' markets."""

from collections.abc import Iterable, Sequence

import polars as pl

from gold_data.markets import Markets
from gold_data.sessions import EXCHANGE_ZONE

CLOCK, TIME_OF_DAY = "zone", "%H:%M:%S"
MOMENT = f"%Y-%m-%dT{TIME_OF_DAY}"  # as prompts and gold rows have it
# What descriptions say of New York, and what of other markets.
OF_NEW_YORK = {"exchange time": "on the clock of its market", "dollars": "in the currency of its market"}


def show_clocks(trades: pl.DataFrame, markets: Markets, times: Sequence[str]) -> pl.DataFrame:
    """Show a table's times on the clock of its markets; where they have several, each row's is named in `zone`."""
    shown = show_zone(trades, markets, times)
    zones = {ticker: markets.find(ticker).zone_name for ticker in trades.get_column("ticker").unique()}
    if len(set(zones.values())) <= 1:
        return shown
    return shown.with_columns(pl.col("ticker").replace_strict(zones, return_dtype=pl.String).alias(CLOCK))


def write_clock(rows: pl.DataFrame, name: str) -> pl.Expr:
    """Write moments as times of day, HH:MM:SS: on the clock of their column, or of the zone that each row names."""
    moment = pl.col(name)
    if CLOCK not in rows.columns:
        return moment.dt.strftime(TIME_OF_DAY).alias(name)
    clocks = [
        pl.when(pl.col(CLOCK) == zone).then(moment.dt.convert_time_zone(zone).dt.strftime(TIME_OF_DAY))
        for zone in rows.get_column(CLOCK).unique().sort()
    ]
    return pl.coalesce(clocks).alias(name)


def show_zone(
    trades: pl.DataFrame, markets: Markets, times: Sequence[str], of: Iterable[str] | None = None
) -> pl.DataFrame:
    """Show a table's times on the clock of its markets; in UTC where those of the tickers (`of`, or its own) differ."""
    zone = markets.name_zone(trades.get_column("ticker").unique().to_list() if of is None else of)
    return trades if zone == EXCHANGE_ZONE else trades.with_columns(pl.col(times).dt.convert_time_zone(zone))


def put_on_clock(table: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Put all moments of a table on a clock, those in lists and structs too; moments they remain."""
    return table.cast({name: _place_type(kind, zone) for name, kind in table.schema.items()})


def _place_type(kind: pl.DataType, zone: str) -> pl.DataType:
    if isinstance(kind, pl.Struct):
        return pl.Struct({field.name: _place_type(field.dtype, zone) for field in kind.fields})  # type: ignore[arg-type]
    if isinstance(kind, pl.List):
        return pl.List(_place_type(kind.inner, zone))  # type: ignore[arg-type]
    is_moment = isinstance(kind, pl.Datetime) and kind.time_zone is not None
    return pl.Datetime("us", zone) if is_moment else kind


def say_elsewhere(text: str) -> str:
    """Give a description for trades that are made elsewhere than in New York."""
    for usual, other in OF_NEW_YORK.items():
        text = text.replace(usual, other)
    return text

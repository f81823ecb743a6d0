"""The data card of the sample gold, written from the sample itself."""

from collections.abc import Mapping

import dataframely as dy
import polars as pl

from gold_data.bars import Bars
from gold_data.sample.market import TAIL_FREEDOM
from gold_data.sessions import EXCHANGE_ZONE, session_hours
from gold_data.trades.schema import GoldTrades

CARD = """\
# Sample gold

**This data is simulated.** No human made these trades and no exchange saw these prices. The tickers do not exist; only
the calendar is real. It is here so that the pipeline runs at once on gold of the right shape. What comes out of it says
nothing about any market or trader, and nothing in it is advice.

Written by `python -m gold_data.sample.build` (seed {seed}), this card too; `--check` tells whether the files still are
what it makes.

## `trades.csv`: one row per round trip
{trade_count} trades in {traded} of {sessions} sessions, {first} to {last}, sorted by entry: {buys} buys and {shorts}
shorts, held from {hold_low} to {hold_high} (median {hold_median}).

| column | meaning | in this file |
|---|---|---|
{trade_columns}

## `bars.parquet`: one row per ticker and minute
{bar_count} bars: {tickers} tickers x {sessions} sessions, regular hours only, no minute missing.
Early closes: {early}.

| column | meaning | in this file |
|---|---|---|
{bar_columns}

## How it was made
- **Prices** (`gold_data/sample/market.py`): one price every 5 seconds, in cents. Volatility clusters from minute to
  minute and from session to session, and is U-shaped over the day, as volume is. A minute's return has fat tails
  (Student t, {freedom:g} degrees of freedom). Sessions open with a gap, and a weak pull keeps every ticker near
  a usual price of its own.
- **Trader** (`gold_data/sample/trader.py`): one position at a time, never overnight. Enters some seconds after a bar
  that shows momentum, or a pullback in a trend, at the price of that moment, and lets most chances pass. Stop and
  target are drawn for each trade as multiples of the volatility at the entry, so that exits widen with it; where
  neither is met, patience ends the trade.
- **Volatility at the entry** is 100 x ATR(14) / close at the last bar complete at the entry, ATR as the library `ta`
  defines it over the ticker's whole series.
- **Worst and best exit percent** come from the highs and lows of all bars whose minute overlaps the trade. They can lie
  outside what happened between the very seconds of entry and exit.

## Your own instead
```
make generate GOLD_TRADES=my.csv GOLD_BARS=my.parquet
make generate GOLD_TRADES=my.csv GOLD_BARS=
```
`my.csv` (or Parquet) needs the columns of `trades.csv` above; the last may be missing, for it is computed anyhow. Times
carry an offset, or are exchange time ({zone}). Rows that break a rule are left out and listed, each with its line.
`my.parquet` (or CSV) needs the columns of `bars.parquet`. Bars only feed the price paths: without them, as in the
second line, a stated fallback shape takes their place.
"""


def write_card(trades: pl.DataFrame, bars: pl.DataFrame, seed: int) -> str:
    """Write the card of a sample, from its columns as they stand in the files."""
    days = bars["timestamp"].dt.date().unique().sort()
    hours = {day: session_hours(day) for day in days}
    usual = max(found for found in hours.values() if found)
    held = (trades["exit_time"] - trades["entry_time"]).dt.total_seconds().sort()
    return CARD.format(
        seed=seed,
        trade_count=trades.height,
        traded=trades["entry_time"].dt.date().n_unique(),
        sessions=len(days),
        first=days[0],
        last=days[-1],
        buys=trades.filter(pl.col("trade_type") == "buy").height,
        shorts=trades.filter(pl.col("trade_type") == "short").height,
        hold_low=f"{held[0]} seconds",
        hold_high=f"{held[-1] / 60:.0f} minutes",
        hold_median=f"{held[len(held) // 2] / 60:.1f} minutes",
        trade_columns=_list_columns(GoldTrades.columns(), trades),
        bar_count=f"{bars.height:,}",
        tickers=bars["ticker"].n_unique(),
        early=", ".join(f"{day} at {found[1]:%H:%M}" for day, found in hours.items() if found and found != usual),
        bar_columns=_list_columns(Bars.columns(), bars),
        freedom=TAIL_FREEDOM,
        zone=EXCHANGE_ZONE,
    )


def _list_columns(columns: Mapping[str, dy.Column], frame: pl.DataFrame) -> str:
    return "\n".join(
        f"| `{name}` | {column.description} | {_say_content(frame[name])} |"
        for name, column in columns.items()
        if name in frame.columns
    )


def _say_content(values: pl.Series) -> str:
    if values.dtype == pl.String:
        return ", ".join(values.unique().sort())
    low, *_, high = values.sort()
    if isinstance(values.dtype, pl.Datetime):
        return f"{low:%Y-%m-%d %H:%M:%S} to {high:%Y-%m-%d %H:%M:%S}"
    return f"{low:,.10g} to {high:,.10g}"

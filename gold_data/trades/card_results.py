"""The sections of a data card that stand there only where there is something to say: markets, the trader's numbers."""

import polars as pl

from gold_data.markets import Markets
from gold_data.trades.card_tables import write_table
from gold_data.trades.carried import result_r
from gold_data.trades.schema import CARRIED, CARRIED_TEXTS

MOST_VALUES = 12  # of a text column


def describe_markets(trades: pl.DataFrame, markets: Markets) -> str:
    """Say where the gold's tickers are traded; nothing of New York's regular hours."""
    if markets.is_usual:
        return ""
    rows = []
    for ticker, count in sorted(trades.get_column("ticker").value_counts().rows()):
        market, instrument = markets.find(ticker), markets.find_instrument(ticker)
        numbers = ("" if value is None else f"{value:g}" for value in (instrument.multiplier, instrument.tick))
        rows.append((ticker, market.name, market.zone_name, *numbers, count))
    return "## Markets\n\n" + write_table(("ticker", "market", "clock", "multiplier", "tick", "trades"), rows)


def describe_results(trades: pl.DataFrame, markets: Markets) -> str:
    """Say what the log states beside the trades, and the results that follow; nothing where it states nothing."""
    given = [name for name in CARRIED if name in trades.columns]
    if not given:
        return ""
    counts = [(f"`{name}`", trades.height - trades.get_column(name).null_count()) for name in given]
    text = "## The trader's numbers\n\n" + write_table(("carried", "trades that state it"), counts)
    results = list(_list_results(trades, markets))
    if results:
        text += "\n" + write_table(("result", "trades", "sum", "mean", "median", "above 0"), results)
    for name in CARRIED_TEXTS:
        if name in given:
            values = trades.get_column(name).drop_nulls().value_counts(sort=True).rows()[:MOST_VALUES]
            text += f"\n`{name}`: " + ", ".join(f"{value} ({count})" for value, count in values) + ".\n"
    return text


def _list_results(trades: pl.DataFrame, markets: Markets) -> list[tuple[object, ...]]:
    multipliers = markets.list_multipliers(trades.get_column("ticker"))
    sign = pl.when(pl.col("trade_type") == "short").then(-1.0).otherwise(1.0)
    found: dict[str, pl.Series] = {}
    if "quantity" in trades.columns:
        worth = pl.col("ticker").replace_strict(multipliers, default=None, return_dtype=pl.Float64)
        gross = sign * (pl.col("exit_price") - pl.col("entry_price")) * pl.col("quantity") * worth
        found["gross, money"] = trades.select(gross).to_series()
        if "fees" in trades.columns:
            found["net of fees, money"] = trades.select(gross - pl.col("fees")).to_series()
    if "stop" in trades.columns:
        found["R, multiples of the risk to the stop"] = result_r(trades, multipliers)
    return [_sum_up(name, values.drop_nulls()) for name, values in found.items() if values.count()]


def _sum_up(name: str, values: pl.Series) -> tuple[object, ...]:
    numbers = (float(str(number)) for number in (values.sum(), values.mean(), values.median()))
    won = int((values > 0).sum())
    return name, len(values), *(f"{number:.2f}" for number in numbers), f"{won / len(values):.0%}"

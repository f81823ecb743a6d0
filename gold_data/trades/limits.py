"""The bounds that depend on the trader, taken from the train part of the gold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from gold_data.markets import USUAL, Markets, read_markets

Range = tuple[float, float]

# How far beyond the prices of the train part a price may lie: this share of their range on either side, because a
# ticker that moved so far during the train sessions moves on in the sessions after them; but no less than this share
# of the price, because a gold of one or two sessions shows next to no range, and a usual day moves a share by less.
PRICE_MARGIN_OF_RANGE = 0.25
PRICE_MARGIN_OF_PRICE = 0.03
PERCENT_ROUNDING = 0.01  # percents are rounded or cut to two decimals, each on its own


@dataclass(frozen=True, slots=True)
class GoldLimits:
    """What the gold allows.

    `price_ranges` gives the lowest and highest price of each known ticker, margin included; empty while the gold itself
    is being read, when any ticker goes at any price. With `holds_overnight` an exit may be in the session after the
    entry's; with `spans_entry` the excursions are measured from the entry itself, so that worst <= 0 <= best.
    `volatility_range` is the gold's own, without margin; it is said to the models and refuses nothing.
    `markets` says where each ticker is traded.
    """

    price_ranges: Mapping[str, Range]
    holds_overnight: bool
    volatility_range: Range
    spans_entry: bool = False
    markets: Markets = USUAL

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "GoldLimits":
        """Read the limits of a gold folder's facts, which `describe_limits` gave."""
        ranges = {ticker: (low, high) for ticker, (low, high) in facts["price_ranges"].items()}
        low, high = facts["volatility_range"]
        markets = read_markets(facts.get("markets"), "the gold's facts")
        if (disguise := facts.get("disguise")) is not None:
            markets = markets.disguise(disguise["codes"], disguise["weeks"])
        return cls(ranges, facts["holds_overnight"], (low, high), facts.get("spans_entry", False), markets)


def derive_limits(trades: pl.DataFrame, markets: Markets = USUAL) -> GoldLimits:
    """Derive the limits from gold trades: give it the train part only, or the held-out sessions leak."""
    prices = (
        trades.group_by("ticker")
        .agg(
            low=pl.min_horizontal(pl.col("entry_price").min(), pl.col("exit_price").min()),
            high=pl.max_horizontal(pl.col("entry_price").max(), pl.col("exit_price").max()),
        )
        .sort("ticker")
    )
    volatility = trades["entry_volatility_percent"].to_list()
    overnight = markets.find_days(trades["ticker"], trades["exit_time"]) != trades["session_date"]
    spans = (trades["worst_exit_percent"] <= PERCENT_ROUNDING) & (trades["best_exit_percent"] >= -PERCENT_ROUNDING)
    return GoldLimits(
        price_ranges={ticker: _widen(low, high) for ticker, low, high in prices.iter_rows()},
        holds_overnight=bool(overnight.any()),
        volatility_range=(min(volatility), max(volatility)),
        spans_entry=bool(spans.all()),
        markets=markets,
    )


def describe_limits(train: pl.DataFrame, markets: Markets = USUAL) -> dict[str, Any]:
    """Describe the limits of the train part as plain data: the facts of a trader's gold."""
    limits = derive_limits(train, markets)
    return {
        "price_ranges": dict(limits.price_ranges),
        "holds_overnight": limits.holds_overnight,
        "volatility_range": limits.volatility_range,
        "spans_entry": limits.spans_entry,
    }


def _widen(low: float, high: float) -> Range:
    margin = max(PRICE_MARGIN_OF_RANGE * (high - low), PRICE_MARGIN_OF_PRICE * high)
    return max(round(low - margin, 4), 0.0), round(high + margin, 4)

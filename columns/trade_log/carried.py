"""What accepted trades take from the gold beyond their fields: size, fees, stop, target, setup, tags, account.

A trade takes it from the first of its grounding seeds that is of its ticker, in its setup where a control asked for
one, or else from a train trade of the ticker. A stop and a target keep their distance from the entry, in percent; what
a control asked of setup, tags or account stands.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import polars as pl

from gold_data.markets import Markets
from gold_data.trades.carried import result_r
from gold_data.trades.schema import CARRIED, CARRIED_TEXTS

DECIMALS = 4  # of a price whose step is not known
LEVELS = ("stop", "target")


def carry_from_gold(trades: pl.DataFrame, train: pl.DataFrame, markets: Markets, seed: int) -> pl.DataFrame:
    """Add the carried columns that the gold has, and `result_r` where it has stops.

    Args:
        trades: Accepted trades, with `row_id` and, where there were any, `gold_example_ids`.
        train: The gold's train part.
        markets: Where tickers are traded, and in which steps.
        seed: The run's.
    """
    given = [name for name in CARRIED if name in train.columns]
    wanted = [name for name in given if name not in trades.columns]
    if not given or trades.is_empty():
        return trades
    donors = {str(row["trade_id"]): row for row in train.to_dicts()}
    by_ticker: dict[str, list[str]] = {}
    for name, row in donors.items():
        by_ticker.setdefault(row["ticker"], []).append(name)
    rows = []
    for trade in trades.to_dicts():
        name = _choose_donor(trade, donors, by_ticker.get(trade["ticker"], []), seed)
        donor = donors.get(name, {}) if name else {}
        rows.append({column: _carry(column, trade, donor, markets) for column in wanted})
    kinds = {name: train.schema[name] for name in wanted}
    carried = trades.hstack(pl.DataFrame(rows, kinds)) if wanted else trades
    if "stop" not in carried.columns:
        return carried
    return carried.hstack([result_r(carried, markets.list_multipliers(carried["ticker"]))])


def _choose_donor(trade: dict[str, Any], donors: dict[str, dict[str, Any]], others: Sequence[str], seed: int) -> str:
    asked = {name: trade[name] for name in CARRIED_TEXTS if trade.get(name) is not None}
    examples = [name for name in trade.get("gold_example_ids") or [] if name in donors]
    pool = [name for name in examples if donors[name]["ticker"] == trade["ticker"]]
    for names in (pool, list(others)):
        fitting = [name for name in names if all(donors[name].get(key) == value for key, value in asked.items())]
        if chosen := fitting or (names if names is not pool else []):
            return chosen[0] if names is pool else chosen[_hash(trade["row_id"], seed) % len(chosen)]
    return ""


def _hash(row_id: str, seed: int) -> int:
    return int.from_bytes(blake2b(f"carried:{seed}:{row_id}".encode(), digest_size=8).digest())


def _carry(column: str, trade: dict[str, Any], donor: dict[str, Any], markets: Markets) -> object:
    value = donor.get(column)
    if value is None or column not in LEVELS:
        return value
    distance = value / donor["entry_price"] - 1.0
    turn = 1.0 if donor["trade_type"] == trade["trade_type"] else -1.0
    level = trade["entry_price"] * (1.0 + turn * distance)
    tick = markets.find_instrument(trade["ticker"]).tick
    rounded = round(round(level / tick) * tick, 10) if tick else round(level, DECIMALS)
    return rounded if rounded > 0 else None

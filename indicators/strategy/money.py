"""What trades were worth: shares by the size that was asked for, commissions at both ends, net dollars and percent.

An order never costs more than the equity there is. Once that is used up, later trades have no shares and no result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from indicators.strategy.executor import Trade
from indicators.strategy.schema import DEFAULTS
from indicators.strategy.tree import Document


class Booking(NamedTuple):
    """One trade's shares, its commissions and net result in dollars, and the result in percent of the entry value."""

    shares: float
    costs: float
    net: float
    net_percent: float


@dataclass(frozen=True)
class Account:
    """What a strategy's trades came to: one booking each, and the net result in percent of the initial capital."""

    bookings: tuple[Booking, ...]
    net_percent: float


def book_trades(document: Document, trades: Sequence[Trade]) -> Account:
    """Book trades one after the other, each sized by the equity that the ones before have left."""
    capital = document.get("initial_capital", DEFAULTS["initial_capital"])
    ((size, amount),) = document.get("order_size", DEFAULTS["order_size"]).items()
    ((fee, rate),) = document.get("trade_commissions", DEFAULTS["trade_commissions"]).items()
    equity, bookings = float(capital), list[Booking]()
    for trade in trades:
        wanted = {
            "contracts": amount,
            "usd": amount / trade.entry_price,
            "percent": equity * amount / 100 / trade.entry_price,
            "risk_percent": equity * amount / 100 / trade.risk,
        }[size]
        shares = max(min(wanted, equity / trade.entry_price), 0.0)
        paid = trade.entry_price + trade.exit_price
        costs = shares * (2 * rate if fee == "usd" else paid * rate / 100)
        net = trade.side * (trade.exit_price - trade.entry_price) * shares - costs
        equity += net
        bookings.append(Booking(shares, costs, net, 100 * net / (shares * trade.entry_price) if shares else 0.0))
    return Account(tuple(bookings), 100 * (equity - capital) / capital)

"""The result of one strategy on one set of bars: its trades, what they were worth, how often each side held."""

from dataclasses import dataclass

from indicators.strategy.bar_set import BarSet
from indicators.strategy.conventions import OURS
from indicators.strategy.executor import Trade, find_trades
from indicators.strategy.money import Account, book_trades
from indicators.strategy.signals import find_signals
from indicators.strategy.tree import Document


@dataclass(frozen=True)
class Result:
    """Trades in order of time, the account they were booked in, and on how many bars each side held."""

    trades: tuple[Trade, ...]
    account: Account
    buy_bars: int
    sell_bars: int


def run_strategy(document: Document, bars: BarSet) -> Result:
    """Execute a sound strategy on bars of its own interval, and book its trades."""
    buys, sells = find_signals(document, bars, OURS)
    trades = find_trades(document, bars, buys, sells)
    return Result(tuple(trades), book_trades(document, trades), int(buys.sum()), int(sells.sum()))

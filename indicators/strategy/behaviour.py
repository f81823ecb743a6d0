"""Behaviour cells: how often a strategy trades, how long it holds, which side it trades, told from its trades.

A cell is named by a word of each, such as `often, brief, long`. What trades at every turn cannot hold long, so of 27
cells `ALL_CELLS` has 24.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import product

from indicators.strategy.executor import Trade

RATES: Mapping[str, float] = {"seldom": 0, "often": 20, "incessant": 60}  # least trades per 1,000 bars
HOLDS: Mapping[str, float] = {"brief": 0, "medium": 5, "lasting": 15}  # least bars from entry to exit, on average
SIDES: Mapping[str, float] = {"short": 0, "both": 1 / 3, "long": 2 / 3}  # least share of long trades
_DIMENSIONS = (RATES, HOLDS, SIDES)
ALL_CELLS = tuple(", ".join(words) for words in product(*_DIMENSIONS) if words[:2] != ("incessant", "lasting"))

Rank = Callable[[str], float]  # of a cell: the lower, the sooner it is wanted


def name_cell(trades: Sequence[Trade], bars: int) -> str:
    """Name the cell of trades, one at least, on so many bars."""
    held, long = sum(trade.exit_bar - trade.entry_bar for trade in trades), sum(trade.side > 0 for trade in trades)
    measured = (1000 * len(trades) / bars, held / len(trades), long / len(trades))
    return ", ".join(_find_word(words, value) for words, value in zip(_DIMENSIONS, measured, strict=True))


def _find_word(words: Mapping[str, float], value: float) -> str:
    return list(words)[bisect_right(list(words.values()), value) - 1]

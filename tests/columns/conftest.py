"""Small gold folders, made from a file as a trader's would be."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gold_data.store import write_gold
from gold_data.trades.ingest import read_gold

MakeGold = Callable[..., Path]
HEADER = (
    "ticker,trade_type,entry_time,exit_time,entry_price,exit_price,"
    "entry_volatility_percent,worst_exit_percent,best_exit_percent\n"
)


@pytest.fixture
def make_gold(tmp_path: Path) -> MakeGold:
    """Give a function that stores trades (session, ticker, volatility), the second half of the sessions held out.

    The trade of line n is a buy at 100 + n dollars that is left a dollar higher, n minutes after 10:00.
    """

    def make(*trades: tuple[str, str, float]) -> Path:
        lines = [
            f"{ticker},buy,{day}T10:00:00,{day}T10:{n:02d}:00,{100 + n},{101 + n},{volatility},-0.5,1.5\n"
            for n, (day, ticker, volatility) in enumerate(trades, start=1)
        ]
        (tmp_path / "trades.csv").write_text(HEADER + "".join(lines), encoding="utf-8")
        return write_gold(read_gold(tmp_path / "trades.csv", None), tmp_path / "gold", 0.5).folder

    return make

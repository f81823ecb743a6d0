"""The package `wickra-backtest` as an oracle: its engine on a strategy's spec and the same bars."""

import importlib.util
from datetime import date, timedelta
from typing import Any

from benchmarks.oracles.strategy_tst import OracleTrade
from indicators.strategy.bar_set import BarSet
from indicators.strategy.clock import DAY
from indicators.strategy.tree import Document
from indicators.strategy.wickra_form import write_wickra

WHY_ABSENT = "wickra-backtest is not installed: it is a test extra"
CAPITAL = 1e9  # so that a size never meets the equity


def is_installed() -> bool:
    """Tell whether the package can be imported."""
    return importlib.util.find_spec("wickra_backtest") is not None


def trade_spec(spec: dict[str, Any], bars: BarSet, waits: int) -> list[OracleTrade]:
    """Return its trades; no signal counts before bar `waits`."""
    engine: Any = importlib.import_module("wickra_backtest")
    prices = bars.prices
    columns = (prices.open, prices.high, prices.low, prices.close, prices.volume)
    report = engine.run(*columns, spec={**spec, "warmup": waits}, capital=CAPITAL)
    return [
        OracleTrade(
            each["entry_time"], each["exit_time"], 1 if each["qty"] > 0 else -1, each["entry_price"], each["exit_price"]
        )
        for each in report["trades"]
    ]


def trade_document(document: Document, bars: BarSet, waits: int) -> list[OracleTrade]:
    """Return its trades of a strategy."""
    return trade_spec(write_wickra(document), bars, waits)


def start_after(document: Document, bars: BarSet, waits: int) -> Document:
    """Let a strategy trade from the day of bar `waits` + 1 on: its first signal that counts is that of bar `waits`."""
    day = date(1970, 1, 1) + timedelta(days=int(bars.minutes[waits + 1]) // DAY)
    return {**document, "start_date": day.isoformat()}

"""The package `trading-strategy-tester` as an oracle: its own conditions, exits and trades, on bars that are given it.

It is asked in its text form, which is parsed and never run. Its download is replaced by the bars; its plots are left
out unless the whole package is timed. Two of its habits are known and undone or left out by who compares:

- `EMA` and `CHAIKIN_OSC` have values from the first bar on; here as everywhere else none before `length` bars.
- A position open at the end is closed at the last bar's open, and one opened there is forgotten.
"""

import ast
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import pandas as pd

from indicators.strategy.bar_set import BarSet
from indicators.strategy.clock import DAY, lay_out

WHY_ABSENT = "trading-strategy-tester is not installed: it is a test extra (pip install --no-deps)"


class OracleTrade(NamedTuple):
    """Entry bar, exit bar, side 1 or -1, prices."""

    entry_bar: int
    exit_bar: int
    side: int
    entry_price: float
    exit_price: float


def is_installed() -> bool:
    """Tell whether the package can be imported."""
    return importlib.util.find_spec("trading_strategy_tester") is not None


@cache
def load_names() -> dict[str, Any]:
    """Import the package, without what only its downloads and models need, and return its names."""
    for absent in ("yfinance", "ollama"):
        if importlib.util.find_spec(absent) is None:
            sys.modules[absent] = types.ModuleType(absent)
    names: dict[str, Any] = {"datetime": datetime}
    for module in ("", ".conditions", ".trading_series"):
        names |= vars(importlib.import_module(f"trading_strategy_tester{module}"))
    _wait_for_length()
    return names


def _wait_for_length() -> None:
    """Make its `ema` null until it has seen `length` bars."""
    chaikin = importlib.import_module("trading_strategy_tester.indicators.volume.chaikin_osc")
    series = importlib.import_module("trading_strategy_tester.trading_series.ma_series.ema_series")

    def ema(series: Any, length: int = 9, offset: int = 0) -> Any:
        return series.ewm(span=length, adjust=False, min_periods=length).mean().shift(offset)

    vars(chaikin)["ema"] = vars(series)["ema"] = ema


def build(text: str) -> Any:
    """Return the package's own object for a text of calls, names and constants."""
    return _build(ast.parse(text, mode="eval").body, load_names())


def _build(node: ast.expr, names: dict[str, Any]) -> Any:
    match node:
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            given = {str(each.arg): _build(each.value, names) for each in keywords}
            return names[name](*(_build(each, names) for each in args), **given)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            return getattr(names[name], attribute)
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_build(operand, names)
    raise ValueError(f"not understood: {ast.dump(node)}")


class Download:
    """Stands in for its download: gives the bars."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Take the frame that every ticker is given."""
        self.frame = frame

    def download_ticker(self, ticker: str) -> pd.DataFrame:
        """Return a copy, as each call of the package's own does."""
        del ticker
        return self.frame.copy()

    def delete_temp_files(self) -> None:
        """Have nothing to delete."""


def frame_bars(bars: BarSet) -> pd.DataFrame:
    """Return bars as its download does: one row a weekday."""
    days = pd.DatetimeIndex((lay_out(len(bars), "1d") // DAY).astype("datetime64[D]"))
    prices = bars.prices
    columns = {"Close": prices.close, "High": prices.high, "Low": prices.low, "Open": prices.open}
    return pd.DataFrame({"Adj Close": prices.close, **columns, "Volume": prices.volume}, index=days)


def trade_text(text: str, frame: pd.DataFrame) -> list[OracleTrade]:
    """Return the trades of a strategy in its text form."""
    strategy, download = build(text), Download(frame)
    df = download.download_ticker("")
    conditions = importlib.import_module("trading_strategy_tester.conditions.trade_conditions")
    judged = conditions.TradeConditions(strategy.buy_condition, strategy.sell_condition, download)
    evaluated = judged.evaluate_conditions(df)
    for exits, name in ((strategy.take_profit, "set_take_profit"), (strategy.stop_loss, "set_stop_loss")):
        if exits is not None:
            getattr(exits, name)(evaluated, strategy.position_type_enum)
    strategy.position_type.clean_buy_sell_columns(evaluated)
    module = importlib.import_module("trading_strategy_tester.trade.trade")
    made = module.create_all_trades(
        evaluated, strategy.order_size, strategy.initial_capital, strategy.trade_commissions
    )
    place = {day: number for number, day in enumerate(frame.index)}
    return [
        OracleTrade(
            place[each.entry_date],
            place[each.exit_date],
            1 if each.long else -1,
            float(each.entry_price),
            float(each.exit_price),
        )
        for each in made
    ]


@contextmanager
def whole_package(frame: pd.DataFrame) -> Iterator[Callable[[str], Any]]:
    """Give a function that executes a text as its users do, plots and statistics included."""
    load_names()
    module = importlib.import_module("trading_strategy_tester.strategy.strategy")
    original = module.DownloadModule
    vars(module)["DownloadModule"] = lambda *_: Download(frame)
    try:
        yield lambda text: build(text).execute()
    finally:
        vars(module)["DownloadModule"] = original

"""One strategy of a file on the bars of a file: its trades and a trader's numbers."""

import math
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import polars as pl

from gold_data.bars import read_bars
from gold_data.errors import GoldError
from gold_data.markets import USUAL, Markets
from gold_data.sessions import EXCHANGE_ZONE
from indicators.errors import IndicatorError
from indicators.strategy.bar_set import BarSet, read_bar_set
from indicators.strategy.clock import INTERVALS, measure_interval
from indicators.strategy.errors import Problem, StrategyError
from indicators.strategy.grammar import read_strategy
from indicators.strategy.result import Result, run_strategy
from indicators.strategy.schema import DEFAULTS
from indicators.strategy.tree import Document

SHOWN_TICKERS = 8
LEAST_DECIMALS = 3


@dataclass(frozen=True)
class Numbers:
    """A trader's numbers; percents are net of commissions, None where there is nothing to measure.

    `average_percent`: of what a trade opened with. `profit_factor`: dollars won over dollars lost.
    `worst_drawdown_percent`: deepest fall of the closed equity below its best before, of that best.
    """

    trades: int
    trades_per_1000_bars: float
    net_dollars: float
    net_percent: float
    average_percent: float | None
    win_percent: float | None
    average_win_percent: float | None
    average_loss_percent: float | None
    profit_factor: float | None
    worst_drawdown_percent: float
    average_bars_held: float | None
    long_percent: float | None


@dataclass(frozen=True)
class StrategyRun:
    """What a strategy did on a file: its bars and interval, a row per trade, a trader's numbers, notes on the bars."""

    ticker: str
    bars: int
    interval: str
    trades: pl.DataFrame
    result: Result
    numbers: Numbers
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in a table and a few lines."""
        numbers, result = self.numbers, self.result
        rows = [
            f"{each['entry_time']:%Y-%m-%d %H:%M} {each['side']:5} {each['entry_price']:>10.4f} -> "
            f"{each['exit_time']:%Y-%m-%d %H:%M} {each['exit_price']:>10.4f} {each['reason']:8} "
            f"{each['net_percent']:>+8.3f}%"
            for each in self.trades.iter_rows(named=True)
        ]
        return "\n".join(
            [
                *rows,
                f"{self.ticker}: {self.bars:,} bars of {self.interval}; buys on {result.buy_bars:,}, sells on "
                f"{result.sell_bars:,}; {numbers.trades} trades, {numbers.trades_per_1000_bars:.1f} per 1,000 bars",
                f"net {numbers.net_dollars:+,.2f} dollars, {_write_percent(numbers.net_percent)} of the capital, worst "
                f"drawdown {_write_percent(numbers.worst_drawdown_percent, '')}; "
                f"{_show(numbers.average_percent, '%', '+')} a trade",
                f"won {_show(numbers.win_percent, '%')} of the trades, {_show(numbers.average_win_percent, '%')} each; "
                f"lost {_show(numbers.average_loss_percent, '%')} each; profit factor {_show(numbers.profit_factor)}; "
                f"held {_show(numbers.average_bars_held)} bars; {_show(numbers.long_percent, '%')} long",
                *self.notes,
            ]
        )


def run_strategy_file(strategy: Path, bars: Path, markets: Markets = USUAL) -> StrategyRun:
    """Execute the strategy of a JSON file on the bars of its ticker, joined to its interval where they are shorter.

    Times of day and days are those of the ticker's market.

    Raises:
        IndicatorError: A file that cannot be read; a strategy with faults, each named; no bars of its ticker, or bars
            longer than its interval.
    """
    if strategy.exists() and not strategy.is_file():  # a pipe would be waited for
        raise IndicatorError(f"{strategy} is no regular file. Name a JSON file with one strategy.")
    try:
        text = strategy.read_text(encoding="utf-8-sig")  # an editor may begin it with a mark
    except (OSError, UnicodeDecodeError) as exc:
        raise IndicatorError(f"{strategy} cannot be read: {exc}. Name a JSON file with one strategy.") from exc
    document = read_strategy(text, str(strategy))
    try:
        frame, notes = read_bars(bars, markets)
    except GoldError as exc:
        raise IndicatorError(str(exc)) from exc
    own = frame.filter(pl.col("ticker") == document["ticker"])
    if own.is_empty():
        known = frame["ticker"].unique().sort().to_list()
        more = f" and {len(known) - SHOWN_TICKERS} more" if len(known) > SHOWN_TICKERS else ""
        raise IndicatorError(
            f"{bars} has no bars of {document['ticker']}, which {strategy} trades; it has "
            f"{', '.join(known[:SHOWN_TICKERS])}{more}. Change the ticker or give other bars."
        )
    market = markets.find(document["ticker"])
    own_bars = _fit(document, read_bar_set(document["ticker"], "1m", own, market))
    result = run_strategy(document, own_bars)
    numbers = measure_numbers(document, result, len(own_bars))
    trades = frame_trades(result, own_bars, market.zone_name)
    return StrategyRun(document["ticker"], len(own_bars), own_bars.interval, trades, result, numbers, tuple(notes))


def _fit(document: Document, bars: BarSet) -> BarSet:
    """Join bars to the strategy's interval; their own is the longest that fits between all neighbours."""
    wanted = document.get("interval", DEFAULTS["interval"])
    gap = int(np.diff(bars.minutes).min()) if len(bars) > 1 else 1
    own = max((name for name in INTERVALS if measure_interval(name) <= gap), key=measure_interval)
    if measure_interval(wanted) < measure_interval(own):
        found = f"the bars are of {own}, longer than {wanted}; give shorter bars or another interval"
        raise StrategyError([Problem("$.interval", "bars", found)])
    if wanted == own:
        return BarSet(bars.name, own, bars.minutes, bars.prices, clock=bars.clock)
    return bars.make_longer(wanted)[1]


def frame_trades(result: Result, bars: BarSet, zone: str = EXCHANGE_ZONE) -> pl.DataFrame:
    """Return one row per trade in order of time: times are those of the bars' starts, on the clock of their market."""
    columns = ("entry_bar", "exit_bar", "side", "entry_price", "exit_price", "reason")
    rows = [(*trade[:6], *booked) for trade, booked in zip(result.trades, result.account.bookings, strict=True)]
    schema = {
        **dict.fromkeys(columns[:3], pl.Int64),
        **dict.fromkeys(columns[3:5], pl.Float64),
        "reason": pl.String,
        **dict.fromkeys(("shares", "costs", "net", "net_percent"), pl.Float64),
    }
    moments = (
        pl.Series(bars.minutes * 60_000_000).cast(pl.Datetime("us")).dt.replace_time_zone(zone, ambiguous="earliest")
    )
    frame = pl.DataFrame(rows, schema, orient="row")
    return frame.with_columns(
        side=pl.when(pl.col("side") > 0).then(pl.lit("long")).otherwise(pl.lit("short")),
        entry_time=moments.gather(frame["entry_bar"]),
        exit_time=moments.gather(frame["exit_bar"]),
    )


def measure_numbers(document: Document, result: Result, bars: int) -> Numbers:
    """Return a trader's numbers of a result on so many bars."""
    bookings, trades = result.account.bookings, result.trades
    wins, losses = ([each for each in bookings if side * each.net > 0] for side in (1, -1))
    lost = -sum(each.net for each in losses)
    capital = document.get("initial_capital", DEFAULTS["initial_capital"])
    equity = np.array(list(accumulate((each.net for each in bookings), initial=float(capital))))
    best = np.maximum.accumulate(equity)
    return Numbers(
        trades=len(trades),
        trades_per_1000_bars=1000 * len(trades) / bars,
        net_dollars=sum(each.net for each in bookings),
        net_percent=result.account.net_percent,
        average_percent=_average([each.net_percent for each in bookings]),
        win_percent=100 * len(wins) / len(trades) if trades else None,
        average_win_percent=_average([each.net_percent for each in wins]),
        average_loss_percent=_average([each.net_percent for each in losses]),
        profit_factor=sum(each.net for each in wins) / lost if lost else None,
        worst_drawdown_percent=float(np.max(100 * (best - equity) / best)),
        average_bars_held=_average([each.exit_bar - each.entry_bar for each in trades]),
        long_percent=_average([100.0 * (each.side > 0) for each in trades]),
    )


def _average(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _write_percent(value: float, sign: str = "+") -> str:
    """Write three decimals, and three digits of what is smaller: one share moves little of a million."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:{sign}.{max(digits, LEAST_DECIMALS)}f}%"


def _show(value: float | None, unit: str = "", sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.2f}{unit}"

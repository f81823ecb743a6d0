"""One run of bars as strategies see it: prices, a clock, and every series computed once for all strategies.

The bars are taken as bars of any interval (`at`): a strategy then counts in bars, and only sessions and longer bars
look at the clock. Longer bars are made of these; one counts from the first bar of the next on, so it is complete
wherever it is seen.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gold_data import sessions
from gold_data.sessions import Market
from indicators.bars import VALUES
from indicators.strategy.clock import DAY, NEW_YORK, DayClock, Minutes, lay_out, number_groups, read_day_clock
from indicators.strategy.errors import Problem, StrategyError
from indicators.strategy.prices import Prices, Values
from indicators.strategy.series import SERIES, Kind

MOST_KEPT = 512  # series of one run of bars: 4 MB of 1,000 bars
Flags = NDArray[np.bool_]


class Kept:
    """Values by key, computed when first asked for; beyond MOST_KEPT the longest unused go."""

    def __init__(self) -> None:
        """Start empty."""
        self._values: OrderedDict[Hashable, Values] = OrderedDict()

    def take(self, key: Hashable, compute: Callable[[], Values]) -> Values:
        """Return the values of a key."""
        if key in self._values:
            self._values.move_to_end(key)
        else:
            self._values[key] = compute()
            if len(self._values) > MOST_KEPT:
                self._values.popitem(last=False)
        return self._values[key]


class Listed(NamedTuple):
    """Open, high, low and close of every bar."""

    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]


class BarSet:
    """Bars in order of time, each once: `prices`, `minutes` at which they start, their `interval`, a `name`."""

    def __init__(
        self,
        name: str,
        interval: str,
        minutes: Minutes,
        prices: Prices,
        *,
        kept: Kept | None = None,
        clock: DayClock = NEW_YORK,
    ) -> None:
        """Take bars that are sound; `kept` holds series of the same prices already."""
        self.name, self.interval, self.minutes, self.prices, self.clock = name, interval, minutes, prices, clock
        self._kept, self._kept_longer = kept or Kept(), Kept()
        self._views: dict[str, BarSet] = {}
        self._longer: dict[str, tuple[Minutes, BarSet]] = {}

    def __len__(self) -> int:
        """Count the bars."""
        return len(self.minutes)

    @cached_property
    def mirrored(self) -> Prices:
        """The prices as a short sees them: below 0, high and low changed over."""
        prices = self.prices
        return Prices(-prices.open, -prices.low, -prices.high, -prices.close, prices.volume)

    @cached_property
    def listed(self) -> dict[int, Listed]:
        """Prices as Python's own numbers, which a loop reads faster: of a long (1) as they are, of a short mirrored."""
        return {
            side: Listed(*(values.tolist() for values in (each.open, each.high, each.low, each.close)))
            for side, each in ((1, self.prices), (-1, self.mirrored))
        }

    def at(self, interval: str) -> "BarSet":
        """Take the same bars as bars of another interval, laid out on weekdays from 9:30 to 16:00."""
        if interval == self.interval:
            return self
        if interval not in self._views:
            minutes = lay_out(len(self), interval)
            self._views[interval] = BarSet(self.name, interval, minutes, self.prices, kept=self._kept)
        return self._views[interval]

    def take(self, series: Any) -> Values | float:
        """Return a series' value at every bar, NaN where it has none; a number as it is."""
        if not isinstance(series, dict):
            return float(series)
        ((name, given),) = series.items()
        parameters = SERIES[name].defaults | given
        timeframe = parameters.pop("timeframe", None)
        key = (name, *parameters.values())
        if timeframe is None:
            return self._kept.take(key, lambda: _compute(SERIES[name], self.prices, parameters))
        return self._kept_longer.take((timeframe, *key), lambda: self._look_back(name, parameters, timeframe))

    def _look_back(self, name: str, parameters: dict[str, Any], timeframe: str) -> Values:
        numbers, longer = self.make_longer(timeframe)
        values = longer.take({name: parameters})
        assert isinstance(values, np.ndarray)
        return np.concatenate([[np.nan], values])[numbers]

    def make_longer(self, interval: str) -> tuple[Minutes, "BarSet"]:
        """Return the number of the longer bar that every bar lies in, and the longer bars."""
        if interval not in self._longer:
            self._longer[interval] = self._join(interval)
        return self._longer[interval]

    def _join(self, interval: str) -> tuple[Minutes, "BarSet"]:
        groups = number_groups(self.minutes, interval, self.clock)
        begins = np.concatenate([[True], np.diff(groups) != 0])
        starts = np.flatnonzero(begins)
        ends = np.append(starts[1:], len(self)) - 1
        prices = self.prices
        joined = Prices(
            prices.open[starts],
            np.maximum.reduceat(prices.high, starts),
            np.minimum.reduceat(prices.low, starts),
            prices.close[ends],
            np.add.reduceat(prices.volume, starts),
        )
        return np.cumsum(begins) - 1, BarSet(self.name, interval, self.minutes[starts], joined, clock=self.clock)

    def mark_session(self, start: str, end: str) -> tuple[Flags, Minutes]:
        """Return which bars start between two times, and for each such bar the last one of its day."""
        opened, closed = (int(text[:2]) * 60 + int(text[3:]) for text in (start, end))
        inside = (self.minutes % DAY >= opened) & (self.minutes % DAY < closed)
        places = np.flatnonzero(inside)
        days = self.clock.find_days(self.minutes[places])
        last = np.zeros(len(self), np.int64)
        last[places] = places[np.searchsorted(days, days, side="right") - 1]
        return inside, last


def _compute(kind: Kind, prices: Prices, parameters: dict[str, Any]) -> Values:
    with np.errstate(divide="ignore", invalid="ignore"):
        values = kind.compute(prices, **parameters)
    return np.where(np.isfinite(values), values, np.nan)


def read_bar_set(name: str, interval: str, frame: pl.DataFrame, market: Market = sessions.NEW_YORK) -> BarSet:
    """Make a set of the bars of one ticker: `timestamp` (start, exchange time) and OHLCV, in any order.

    Raises:
        StrategyError: No bar, a moment twice, or values that no bar has.
    """
    frame = frame.sort("timestamp")
    local = frame["timestamp"].dt.convert_time_zone(market.zone_name)
    moments = local.dt.replace_time_zone(None).dt.epoch("us") // 60_000_000
    columns = [frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy() for column in VALUES]
    prices, minutes = Prices(*columns), moments.to_numpy().astype(np.int64)
    if not len(frame):
        raise StrategyError([Problem("$", "bars", "there is no bar")], name)
    if (np.diff(minutes) == 0).any():
        raise StrategyError([Problem("$", "bars", "two bars start at one moment; keep one of each")], name)
    sound = np.isfinite(columns).all(axis=0) & (prices.low > 0) & (prices.volume >= 0)
    sound &= prices.low <= np.minimum(prices.open, prices.close)
    sound &= prices.high >= np.maximum(prices.open, prices.close)
    if not sound.all():
        row = int(np.argmin(sound))
        found = ", ".join(f"{column} {values[row]:g}" for column, values in zip(VALUES, columns, strict=True))
        message = (
            f"{int((~sound).sum())} of {len(frame)} bars cannot be, the first at {frame['timestamp'][row]}: {found}"
        )
        raise StrategyError([Problem("$", "bars", message)], name)
    return BarSet(name, interval, minutes, prices, clock=read_day_clock(market, local.dt.date()[0]))

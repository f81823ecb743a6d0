"""What a network sees of a trade, and what it is to tell: 60 bars before the entry, and what came after.

A bar is four numbers: logs of close, high and low over the close of the bar before it, and log(1 + volume).
The context is the last 60 bars before the one that holds the entry; nothing from that bar on is in it. Targets are
natural logarithms:

| target | what it is |
|---|---|
| `log_best` | best exit percent, at least 0.01 |
| `log_worst` | -worst exit percent, at least 0.01 |
| `log_range` | log high less log low over the 5 bars from the entry's on; null where they are not all there |
| `log_return` | log of the close of the fifth of them over the last close of the context; null likewise |
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from verification.answers import Matrix

CONTEXT, HORIZON = 60, 5  # bars
TARGETS = ("log_best", "log_worst", "log_range", "log_return")
PRIMARY, SECONDARY = slice(0, 2), slice(2, 3)
LEAST_PERCENT = 0.01  # two decimals are stated
LEAST_RANGE = 1e-5  # of a bar that never moved
RETURN, HIGH, LOW, VOLUME = range(4)


@dataclass(frozen=True)
class Windows:
    """Trades as a network is given them.

    `bars` has shape (trades, 65, 4), NaN where a bar after the entry is missing; `excursions` (trades, 2) are
    `log_best` and `log_worst`, NaN where the trade is none (resampled bars); `closes` (trades,) is the last close of
    the context; `sessions` (trades,) numbers the trades' days.
    """

    bars: Matrix
    excursions: Matrix
    closes: Matrix
    sessions: Matrix

    def __len__(self) -> int:
        return len(self.bars)

    @property
    def context(self) -> Matrix:
        """Log return, log range and volume of the bars before the entry's: shape (trades, 60, 3)."""
        before = self.bars[:, :CONTEXT]
        spread = np.log(before[..., HIGH] - before[..., LOW] + LEAST_RANGE)
        return np.stack([before[..., RETURN], spread, before[..., VOLUME]], axis=-1)

    @property
    def targets(self) -> Matrix:
        """TARGETS: shape (trades, 4)."""
        after = self.bars[:, CONTEXT:]
        closes = np.cumsum(after[..., RETURN], axis=1)
        starts = closes - after[..., RETURN]
        spread = (starts + after[..., HIGH]).max(axis=1) - (starts + after[..., LOW]).min(axis=1)
        return np.column_stack([self.excursions, np.log(spread + LEAST_RANGE), closes[:, -1]])

    def take(self, places: np.ndarray) -> "Windows":
        """Take the trades of some places."""
        return Windows(self.bars[places], self.excursions[places], self.closes[places], self.sessions[places])


def take_windows(trades: pl.DataFrame, bars: pl.DataFrame, key: str) -> Windows:
    """Take the windows of trades; those with fewer than 61 bars before their entry's are left out.

    Args:
        trades: `key`, `session_date`, `entry_time`, `best_exit_percent`, `worst_exit_percent`.
        bars: `key`, `timestamp`, `open`, `high`, `low`, `close`, `volume`; of a ticker, or of one trade alone.
        key: `ticker` or `row_id`.
    """
    series = {name[0]: _read_series(part) for name, part in bars.sort("timestamp").group_by(key)}
    found = []
    for name, day, entry, best, worst in trades.select(
        key,
        pl.col("session_date").cast(pl.Int32),
        _to_microseconds("entry_time"),
        "best_exit_percent",
        "worst_exit_percent",
    ).iter_rows():
        stamps, closes, moves = series.get(name, _NOTHING)
        at = int(np.searchsorted(stamps, entry, side="right")) - 1  # the bar that holds the entry
        if at <= CONTEXT:
            continue
        window = np.full((CONTEXT + HORIZON, 4), np.nan)
        there = moves[at - CONTEXT : at + HORIZON]
        window[: len(there)] = there
        ends = np.log(np.maximum([best, -worst], LEAST_PERCENT))
        found.append((window, ends, closes[at - 1], day))
    if not found:
        return Windows(np.empty((0, CONTEXT + HORIZON, 4)), np.empty((0, 2)), np.empty(0), np.empty(0))
    windows, excursions, last, days = zip(*found, strict=True)
    return Windows(np.stack(windows), np.stack(excursions), np.array(last), np.array(days, dtype=np.float64))


_NOTHING = (np.empty(0), np.empty(0), np.empty((0, 4)))


def _to_microseconds(name: str) -> pl.Expr:
    return pl.col(name).dt.cast_time_unit("us").dt.timestamp("us")


def _read_series(bars: pl.DataFrame) -> tuple[Matrix, Matrix, Matrix]:
    """Read stamps, closes and the four numbers of each bar; the first, with none before it, is never in a window."""
    stamps = bars.select(_to_microseconds("timestamp")).to_series().to_numpy()
    high, low, close, volume = (bars[name].cast(pl.Float64).to_numpy() for name in ("high", "low", "close", "volume"))
    before = np.concatenate([close[:1], close[:-1]])
    told = [np.log(price / before) for price in (close, high, low)]
    return stamps, close, np.column_stack([*told, np.log1p(volume)])


def join_windows(*parts: Windows) -> Windows:
    """Put windows one after another."""
    names = ("bars", "excursions", "closes", "sessions")
    return Windows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def resample_blocks(gold: Windows, count: int, rng: np.random.Generator, *, length: int = 13) -> Windows:
    """Make windows of blocks of consecutive gold bars, each from a window drawn anew; they have no excursions."""
    whole = gold.bars[np.isfinite(gold.bars).all(axis=(1, 2))]
    total = CONTEXT + HORIZON
    starts = rng.integers(0, total - length + 1, (count, total // length))
    of = rng.integers(0, len(whole), starts.shape)
    places = starts[..., None] + np.arange(length)
    bars = whole[of[..., None], places].reshape(count, total, 4)
    return Windows(bars, np.full((count, 2), np.nan), np.ones(count), np.arange(count, dtype=np.float64))

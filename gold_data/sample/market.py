"""A simulated market for the sample gold: one-minute bars of made-up tickers, and the prices inside the minutes."""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import polars as pl

from gold_data.bars import Bars
from gold_data.sessions import EXCHANGE_ZONE, next_session, session_hours

FIRST_SESSION = date(2024, 10, 1)  # the 60 sessions from here hold two early closes: 29 November and 24 December
SESSIONS = 60
STEPS = 12  # prices in a minute, one per 5 seconds

# The price each ticker is drawn back to, dollars, and the usual standard deviation of its return in a minute, percent.
TICKERS = {
    "SIM1": (5.0, 0.85),
    "SIM2": (7.0, 0.50),
    "SIM3": (10.0, 0.70),
    "SIM4": (14.0, 0.45),
    "SIM5": (20.0, 0.65),
    "SIM6": (29.0, 0.55),
    "SIM7": (42.0, 0.75),
    "SIM8": (60.0, 0.60),
}

PULL = 0.004  # share of the way back to its usual price that a ticker is drawn in a minute
TAIL_FREEDOM = 5.0  # degrees of freedom of the Student t that a minute's return follows, given its volatility
SESSION_LEVEL = (0.7, 0.16)  # persistence and shock, from session to session, of log volatility
CLUSTERING = (0.97, 0.06)  # the same from minute to minute
TREND = (0.985, 0.012)  # the same of the drift, in standard deviations of a minute's return
GAP_PERCENT = 1.6
SHARES = 40_000.0  # usual volume of a minute

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Market:
    """`bars` of all tickers, and by ticker the `prices` behind them: one row per bar, one column per 5 seconds."""

    bars: pl.DataFrame
    prices: dict[str, Array]


def simulate_market(rng: np.random.Generator) -> Market:
    """Simulate all tickers over all sessions, regular hours only."""
    frames, prices = [], {}
    for ticker, (anchor, deviation) in TICKERS.items():
        level, place, paths = 0.0, 0.0, []
        for day in list_sessions():
            level = SESSION_LEVEL[0] * level + SESSION_LEVEL[1] * rng.standard_normal()
            shape = _shape_day(count_minutes(day)) * np.exp(level + _wander(rng, day, CLUSTERING))
            place += 0.01 * GAP_PERCENT * rng.standard_t(TAIL_FREEDOM)
            walk = _walk(rng, day, place, 0.01 * deviation * shape)
            place = walk[-1, -1]
            paths.append(np.round(anchor * np.exp(walk), 2))
            frames.append(_build_bars(rng, ticker, day, paths[-1]))
        prices[ticker] = np.concatenate(paths)
    return Market(Bars.validate(pl.concat(frames)), prices)


def list_sessions() -> list[date]:
    """List the sample's sessions."""
    days = [FIRST_SESSION]
    while len(days) < SESSIONS and (later := next_session(days[-1])) is not None:
        days.append(later)
    return days


def count_minutes(day: date) -> int:
    """Count the regular minutes of a session."""
    opens, closes = session_hours(day) or (datetime.min.time(), datetime.min.time())
    return (closes.hour - opens.hour) * 60 + closes.minute - opens.minute


def _shape_day(minutes: int) -> Array:
    after, before = np.arange(minutes), np.arange(minutes)[::-1]
    return 0.75 + 0.85 * np.exp(-after / 30.0) + 0.35 * np.exp(-before / 25.0)


def _wander(rng: np.random.Generator, day: date, habit: tuple[float, float]) -> Array:
    persistence, shock = habit
    shocks = shock * rng.standard_normal(count_minutes(day))
    return np.array(list(accumulate(shocks, lambda level, step: persistence * level + step)))


def _walk(rng: np.random.Generator, day: date, start: float, scale: Array) -> Array:
    minutes = len(scale)
    # One mixing variable per minute: given it the steps are normal, over all minutes their sum is a Student t.
    tail = np.sqrt((TAIL_FREEDOM - 2.0) / rng.chisquare(TAIL_FREEDOM, minutes))
    drift = _wander(rng, day, TREND) / STEPS
    steps = rng.standard_normal((minutes, STEPS)) / np.sqrt(STEPS) * tail[:, None] + drift[:, None]
    inside = np.cumsum(steps * scale[:, None], axis=1)
    places = list(accumulate(inside[:-1, -1], lambda place, move: (1.0 - PULL) * place + move, initial=start))
    walk: Array = (1.0 - PULL) * np.array(places)[:, None] + inside
    return walk


def _build_bars(rng: np.random.Generator, ticker: str, day: date, path: Array) -> pl.DataFrame:
    minutes = len(path)
    opens, _ = session_hours(day) or (datetime.min.time(), None)
    high, low = path.max(axis=1), path.min(axis=1)
    move = (high - low) / path[:, 0]
    activity = (move / move.mean()) ** 0.7 * np.exp(0.35 * rng.standard_normal(minutes))
    volume = 100.0 * np.ceil(SHARES / 100.0 * _shape_day(minutes) * activity + 1.0)
    start = pl.datetime(day.year, day.month, day.day, opens.hour, opens.minute, time_zone=EXCHANGE_ZONE)
    return pl.DataFrame({"open": path[:, 0], "high": high, "low": low, "close": path[:, -1], "volume": volume}).select(
        ticker=pl.lit(ticker),
        timestamp=start + pl.duration(minutes=pl.int_range(pl.len())),
        open="open",
        high="high",
        low="low",
        close="close",
        volume="volume",
    )

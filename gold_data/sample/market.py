"""A simulated market for sample gold: one-minute bars of made-up tickers, and the prices inside the minutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import polars as pl

from gold_data.bars import Bars
from gold_data.sessions import EXCHANGE_ZONE, NEW_YORK
from gold_data.sessions import Market as Exchange

CENT, CENTS = 0.01, 2
STEPS = 12  # prices in a minute, one per 5 seconds

PULL = 0.004  # share of the way back to its usual price that a ticker is drawn in a minute
TAIL_FREEDOM = 5.0  # degrees of freedom of the Student t that a minute's return follows, given its volatility
SESSION_LEVEL = (0.7, 0.16)  # persistence and shock, from session to session, of log volatility
CLUSTERING = (0.97, 0.06)  # the same from minute to minute
TREND = (0.985, 0.012)  # the same of the drift, in standard deviations of a minute's return
SHARES = 40_000.0  # usual volume of a minute

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """What is simulated.

    `tickers` have the price each is drawn back to and the usual standard deviation of its return in a minute, percent;
    `tick` is the step of prices, `gap_percent` what sessions open away from the last close.
    """

    tickers: Mapping[str, tuple[float, float]]
    first_session: date
    sessions: int
    exchange: Exchange = NEW_YORK
    tick: float = 0.01
    gap_percent: float = 1.6


STOCKS = Scene(
    {
        "SIM1": (5.0, 0.85),
        "SIM2": (7.0, 0.50),
        "SIM3": (10.0, 0.70),
        "SIM4": (14.0, 0.45),
        "SIM5": (20.0, 0.65),
        "SIM6": (29.0, 0.55),
        "SIM7": (42.0, 0.75),
        "SIM8": (60.0, 0.60),
    },
    first_session=date(2024, 10, 1),  # the 60 sessions from here hold two early closes: 29 November and 24 December
    sessions=60,
)


@dataclass(frozen=True)
class Market:
    """`bars` of all tickers, and by ticker the `prices` behind them: one row per bar, one column per 5 seconds."""

    bars: pl.DataFrame
    prices: dict[str, Array]


def simulate_market(rng: np.random.Generator, scene: Scene = STOCKS) -> Market:
    """Simulate all tickers over all sessions of a scene."""
    frames, prices = [], {}
    for ticker, (anchor, deviation) in scene.tickers.items():
        level, place, paths = 0.0, 0.0, []
        for day in list_sessions(scene):
            minutes = count_minutes(scene.exchange, day)
            level = SESSION_LEVEL[0] * level + SESSION_LEVEL[1] * rng.standard_normal()
            shape = _shape_day(minutes) * np.exp(level + _wander(rng, minutes, CLUSTERING))
            place += 0.01 * scene.gap_percent * rng.standard_t(TAIL_FREEDOM)
            walk = _walk(rng, place, 0.01 * deviation * shape)
            place = walk[-1, -1]
            paths.append(put_on_ticks(anchor * np.exp(walk), scene.tick))
            frames.append(_build_bars(rng, ticker, day, paths[-1], scene.exchange))
        prices[ticker] = np.concatenate(paths)
    return Market(Bars.validate(pl.concat(frames)), prices)


def put_on_ticks(prices: Array, tick: float) -> Array:
    """Put prices on the nearest ticks, to the cent where a tick is one."""
    return np.round(prices if tick == CENT else np.round(prices / tick) * tick, CENTS)


def list_sessions(scene: Scene = STOCKS) -> list[date]:
    """List a scene's sessions."""
    days = [scene.first_session]
    while len(days) < scene.sessions and (later := scene.exchange.find_next(days[-1])) is not None:
        days.append(later)
    return days


def count_minutes(exchange: Exchange, day: date) -> int:
    """Count the minutes of a session."""
    session = exchange.find_session(day)
    return 0 if session is None else int((session.closes - session.opens).total_seconds()) // 60


def _shape_day(minutes: int) -> Array:
    after, before = np.arange(minutes), np.arange(minutes)[::-1]
    return 0.75 + 0.85 * np.exp(-after / 30.0) + 0.35 * np.exp(-before / 25.0)


def _wander(rng: np.random.Generator, minutes: int, habit: tuple[float, float]) -> Array:
    persistence, shock = habit
    shocks = shock * rng.standard_normal(minutes)
    return np.array(list(accumulate(shocks, lambda level, step: persistence * level + step)))


def _walk(rng: np.random.Generator, start: float, scale: Array) -> Array:
    minutes = len(scale)
    # One mixing variable per minute: given it the steps are normal, over all minutes their sum is a Student t.
    tail = np.sqrt((TAIL_FREEDOM - 2.0) / rng.chisquare(TAIL_FREEDOM, minutes))
    drift = _wander(rng, minutes, TREND) / STEPS
    steps = rng.standard_normal((minutes, STEPS)) / np.sqrt(STEPS) * tail[:, None] + drift[:, None]
    inside = np.cumsum(steps * scale[:, None], axis=1)
    places = list(accumulate(inside[:-1, -1], lambda place, move: (1.0 - PULL) * place + move, initial=start))
    walk: Array = (1.0 - PULL) * np.array(places)[:, None] + inside
    return walk


def _build_bars(rng: np.random.Generator, ticker: str, day: date, path: Array, exchange: Exchange) -> pl.DataFrame:
    minutes, session = len(path), exchange.find_session(day)
    assert session is not None, "it is a session's path"
    high, low = path.max(axis=1), path.min(axis=1)
    move = (high - low) / path[:, 0]
    activity = (move / move.mean()) ** 0.7 * np.exp(0.35 * rng.standard_normal(minutes))
    volume = 100.0 * np.ceil(SHARES / 100.0 * _shape_day(minutes) * activity + 1.0)
    start = pl.lit(session.opens).dt.replace_time_zone(exchange.zone_name).dt.convert_time_zone(EXCHANGE_ZONE)
    return pl.DataFrame({"open": path[:, 0], "high": high, "low": low, "close": path[:, -1], "volume": volume}).select(
        ticker=pl.lit(ticker),
        timestamp=start + pl.duration(minutes=pl.int_range(pl.len())),
        open="open",
        high="high",
        low="low",
        close="close",
        volume="volume",
    )

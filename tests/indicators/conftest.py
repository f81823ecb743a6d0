"""Literal bars and trades that several tests start from."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

ZONE = ZoneInfo("America/New_York")
TIMESTAMP = pl.Datetime("us", "America/New_York")
MakeBars = Callable[..., pl.DataFrame]
MakeTrade = Callable[..., dict[str, object]]


@pytest.fixture(scope="session")
def make_bars() -> MakeBars:
    """Bars of one series from closes alone: open = close, high and low a quarter away, 100 shares, from 09:30 on."""

    def make(
        closes: list[float], ticker: str = "IBM", start: str = "2024-03-05 09:30", by: str = "ticker"
    ) -> pl.DataFrame:
        first = datetime.fromisoformat(start).replace(tzinfo=ZONE)
        minutes = [first + timedelta(minutes=number) for number in range(len(closes))]
        close = pl.Series(closes, dtype=pl.Float64)
        return pl.DataFrame(
            {
                by: [ticker] * len(closes),
                "timestamp": pl.Series(minutes, dtype=TIMESTAMP),
                "open": close,
                "high": close + 0.25,
                "low": close - 0.25,
                "close": close,
                "volume": [100.0] * len(closes),
            }
        )

    return make


@pytest.fixture(scope="session")
def walk_closes() -> Callable[[int, int], list[float]]:
    """Closes of a seeded random walk around 100, in cents."""

    def walk(count: int, seed: int) -> list[float]:
        steps = np.random.default_rng(seed).normal(0, 0.05, count)
        return [float(close) for close in np.round(100 + np.cumsum(steps), 2)]

    return walk


@pytest.fixture(scope="session")
def make_trade() -> MakeTrade:
    """One accepted row, 10:00:20 to 10:10:40 on a Tuesday, a buy from 100 to 100.5; keywords change it."""

    def make(row_id: str = "row-1", **changes: object) -> dict[str, object]:
        times = {
            name: datetime.fromisoformat(str(changes.pop(name, moment))).replace(tzinfo=ZONE)
            for name, moment in (("entry_time", "2024-03-05 10:00:20"), ("exit_time", "2024-03-05 10:10:40"))
        }
        return {
            "row_id": row_id,
            "gold_example_ids": ["gold-0001"],
            "ticker": "IBM",
            "trade_type": "buy",
            **times,
            "entry_price": 100.0,
            "exit_price": 100.5,
            "entry_volatility_percent": 0.2,
            "worst_exit_percent": -0.3,
            "best_exit_percent": 0.8,
            **changes,
        }

    return make


@pytest.fixture(scope="session")
def frame_trades() -> Callable[..., pl.DataFrame]:
    """Put rows together as accepted trades."""

    def frame(*rows: dict[str, object]) -> pl.DataFrame:
        return pl.DataFrame(list(rows), schema_overrides={"entry_time": TIMESTAMP, "exit_time": TIMESTAMP})

    return frame

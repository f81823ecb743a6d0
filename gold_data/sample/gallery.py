"""Builds the gold of docs/gallery anew: `python -m gold_data.sample.gallery`; `--check` only compares.

Contracts on an exchange, coins that never close, and days of stocks: simulated, as the sample gold is, and as little as
a profile needs to run. It says nothing about any market or trader.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from gold_data.bars import Bars
from gold_data.sample.build import write_bars
from gold_data.sample.market import TAIL_FREEDOM, Scene, list_sessions, put_on_ticks, simulate_market
from gold_data.sample.trader import Habit, simulate_trades
from gold_data.sessions import EXCHANGE_ZONE, Market

SEED = 20250203
GALLERY = Path(__file__).parents[2] / "docs" / "gallery" / "gold"
DAYS = "days.parquet"
DAY_LEVEL = (0.9, 0.12)  # persistence and shock of log volatility from day to day
DAY_RANGE = 0.6  # standard deviations of a day's return that its high and low lie beyond open and close
SHARES = 4_000_000.0  # usual volume of a day


@dataclass(frozen=True)
class Told:
    """A market's scene, and who trades in it."""

    scene: Scene
    habit: Habit


TOLD = {
    "futures": Told(
        Scene(
            {"SIMF1": (5200.0, 0.035), "SIMF2": (18_000.0, 0.05)},
            first_session=date(2025, 2, 3),
            sessions=20,
            exchange=Market("CMES", (time(8, 30), time(15))),
            tick=0.25,
            gap_percent=0.3,
        ),
        Habit(volatility=(0.01, 0.2), attention=0.4),
    ),
    "crypto": Told(
        Scene(
            {"SIMC1": (420.0, 0.08), "SIMC2": (23.0, 0.11)},
            first_session=date(2025, 2, 3),
            sessions=10,
            exchange=Market("24/7"),
            gap_percent=0.0,
        ),
        Habit(volatility=(0.02, 0.5), attention=0.4),
    ),
}
STOCKS = Scene({"SIMD1": (40.0, 1.6), "SIMD2": (90.0, 1.1), "SIMD3": (15.0, 2.2)}, date(2022, 1, 3), sessions=700)


def build_gallery(folder: Path) -> None:
    """Build the gallery's gold in a folder that exists."""
    for name, told in TOLD.items():
        rng, scene = np.random.default_rng([SEED, *name.encode()]), told.scene
        market = simulate_market(rng, scene)
        write_bars(market.bars, folder / f"{name}_bars.parquet")
        trades = simulate_trades(rng, market, told.habit, scene.exchange)
        trades.write_csv(folder / f"{name}_trades.csv", datetime_format="%Y-%m-%dT%H:%M:%S%:z")
    write_bars(simulate_days(np.random.default_rng([SEED, *b"days"]), STOCKS), folder / DAYS)


def simulate_days(rng: np.random.Generator, scene: Scene) -> pl.DataFrame:
    """Simulate daily bars, each at midnight of its day: a walk whose volatility clusters, with fat tails."""
    frames, days = [], list_sessions(scene)
    for ticker, (anchor, deviation) in scene.tickers.items():
        shocks = DAY_LEVEL[1] * rng.standard_normal(len(days))
        level = np.exp(np.array(list(accumulate(shocks, lambda before, step: DAY_LEVEL[0] * before + step))))
        scale = 0.01 * deviation * level
        closes = np.cumsum(scale * rng.standard_t(TAIL_FREEDOM, len(days)) * 0.7)
        opens = np.concatenate([[0.0], closes[:-1]]) + 0.3 * scale * rng.standard_normal(len(days))
        beyond = DAY_RANGE * scale * np.abs(rng.standard_normal((2, len(days))))
        walks = [opens, np.maximum(opens, closes) + beyond[0], np.minimum(opens, closes) - beyond[1], closes]
        names = ("open", "high", "low", "close")
        prices = {n: put_on_ticks(anchor * np.exp(walk), scene.tick) for n, walk in zip(names, walks, strict=True)}
        volume = 100.0 * np.ceil(SHARES / 100.0 * level * np.exp(0.4 * rng.standard_normal(len(days))))
        start = pl.Series("timestamp", days, pl.Date).cast(pl.Datetime("us")).dt.replace_time_zone(EXCHANGE_ZONE)
        frames.append(pl.DataFrame({"ticker": [ticker] * len(days), "timestamp": start, **prices, "volume": volume}))
    return Bars.validate(pl.concat(frames))


def compare_gallery(folder: Path) -> list[str]:
    """Name the files that do not hold the values they should; their bytes depend on the libraries."""
    with TemporaryDirectory() as fresh:
        build_gallery(Path(fresh))
        wanted = sorted(Path(fresh).iterdir())
        return [path.name for path in wanted if not _is_same(folder / path.name, path)]


def _is_same(found: Path, wanted: Path) -> bool:
    if not found.is_file():
        return False
    read = pl.read_parquet if wanted.suffix == ".parquet" else pl.read_csv
    try:
        assert_frame_equal(read(found), read(wanted), rel_tol=1e-12)
    except AssertionError:
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the gallery's gold, or with `--check` compare it: 1 where it differs."""
    parser = argparse.ArgumentParser(prog="python -m gold_data.sample.gallery", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is there, write nothing")
    if not parser.parse_args(arguments).check:
        GALLERY.mkdir(parents=True, exist_ok=True)
        build_gallery(GALLERY)
        print(f"{GALLERY}: {', '.join(sorted(path.name for path in GALLERY.iterdir()))}")
        return 0
    differences = compare_gallery(GALLERY)
    if differences:
        print(f"Not what their script makes: {', '.join(differences)}. Run `python -m gold_data.sample.gallery`")
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main())

"""What really came after a signal: by class, with intervals, against chance. No claim that a signal earns money.

A signal came right at a horizon if the close h bars later had moved its way: up after BUY, down after SELL. Chance is
what a bar picked at random would have had: the share of all bars of the train part after which price moved that way, of
each row's own ticker and timeframe. Rows of neighbouring bars share what came after them and are not independent:
intervals are from days drawn with replacement (B. Efron, "Bootstrap methods", 1979).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from indicators.vpa.bars_file import choose_timeframes
from indicators.vpa.outcomes import HORIZONS, build_outcomes
from verification.answers import CANNOT_TELL, GOOD, Answer, Interval, Verdict, to_json
from verification.inputs import FinishedRun

QUESTION, TITLE = "outcomes", "What followed a signal?"
SIDES = {"BUY": 1, "SELL": -1}
DRAWS = 1_000
LEAST_DAYS = 5
SERIES = ["ticker", "timeframe"]
LEAST_ROWS = 10
UNKNOWN = Interval(float("nan"))


@dataclass(frozen=True)
class Followed:
    """A class of signals at a horizon: its rows with an outcome, their days, how often it came right, and by chance."""

    signal: str
    strength: str
    horizon: int
    rows: int
    days: int
    right: Interval
    chance: float
    mean_percent: Interval

    @property
    def differs(self) -> bool:
        """Whether chance lies outside the interval."""
        return self.right.is_known and not self.right.low <= self.chance <= self.right.high


def ask_outcomes(run: FinishedRun, seed: int) -> Answer:
    """Ask how often each class of signal was followed by a move its way, against chance.

    Good means that it could be measured, and nothing of what was found: a signal that does no better than chance is as
    good a lesson as any. Cannot tell where no class has LEAST_ROWS rows on LEAST_DAYS days.
    """
    rows = read_outcomes(run).join(measure_chance(run), on=SERIES, how="left", maintain_order="left")
    found = measure_classes(rows, np.random.default_rng([seed, *b"outcomes"]))
    known = [each for each in found if each.right.is_known]
    verdict, reason = _judge(known)
    widest = max(known, key=lambda each: abs(each.right.value - each.chance), default=None)
    numbers = (
        ("classes of signal and horizon that could be measured", f"{len(known)} of {len(found)}"),
        ("of them with chance outside their interval", str(sum(each.differs for each in known))),
        (
            f"furthest from chance{f': {_name(widest)}' if widest else ''}",
            "unknown" if widest is None else f"{say_right(widest)}",
        ),
    )
    listed = [{**to_json(each), "differs": each.differs} for each in found]
    return Answer(QUESTION, TITLE, verdict, reason, numbers, to_json({"rows": rows.height, "classes": listed}))


def _name(followed: Followed) -> str:
    return f"{followed.strength} {followed.signal}, {followed.horizon} bars"


def say_right(followed: Followed) -> str:
    """Write how often a class came right, with its interval, beside chance."""
    value, low, high = (100 * each for each in (followed.right.value, followed.right.low, followed.right.high))
    return f"{value:.0f}% [{low:.0f}, {high:.0f}], chance {100 * followed.chance:.0f}%"


def read_outcomes(run: FinishedRun) -> pl.DataFrame:
    """Read what came after the accepted rows' bars, beside their signals; no row where the run has no such table."""
    wanted = ["row_id", "signal", "strength", "session_date", *SERIES]
    changes = [f"change_percent_{horizon}" for horizon in HORIZONS]
    try:
        outcomes = pl.read_parquet(run.folder / "outcomes.parquet", glob=False).select("row_id", *changes)
        return run.accepted.select(wanted).join(outcomes, on="row_id", how="inner", maintain_order="left")
    except (PolarsError, OSError):
        kinds = dict.fromkeys(wanted, pl.String) | dict.fromkeys(changes, pl.Float64)
        return pl.DataFrame(schema=kinds)


def measure_chance(run: FinishedRun) -> pl.DataFrame:
    """Measure by ticker and timeframe after which share of the train part's bars price had moved up, and down.

    Columns: `ticker`, `timeframe`, and `<signal>_<horizon>`.
    """
    names = [f"{signal}_{horizon}" for signal in SIDES for horizon in HORIZONS]
    if run.bars is None or run.bars.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(SERIES, pl.String) | dict.fromkeys(names, pl.Float64))
    markets = run.markets
    ladder = tuple(run.profile.options.get("timeframes") or choose_timeframes(run.bars, markets))
    moved = {f"{signal}_{horizon}": side * _change(horizon) for signal, side in SIDES.items() for horizon in HORIZONS}
    shares = [(change > 0).mean().alias(name) for name, change in moved.items()]
    came = pl.concat(build_outcomes(own, ladder, market) for market, own in markets.split(run.bars))
    return came.with_columns(pl.col(SERIES).cast(pl.String)).group_by(SERIES).agg(shares)


def _change(horizon: int) -> pl.Expr:
    return pl.col(f"change_percent_{horizon}")


def measure_classes(rows: pl.DataFrame, rng: np.random.Generator) -> list[Followed]:
    """Measure every class of signal and strength, and each signal as a whole, at every horizon."""
    found = []
    for signal in SIDES:
        mine = rows.filter(pl.col("signal") == signal)
        for strength in ("any", "STRONG", "MODERATE", "WEAK"):
            some = mine if strength == "any" else mine.filter(pl.col("strength") == strength)
            found += [_measure(some, signal, strength, horizon, rng) for horizon in HORIZONS]
    return found


def _measure(rows: pl.DataFrame, signal: str, strength: str, horizon: int, rng: np.random.Generator) -> Followed:
    there = rows.filter(_change(horizon).is_not_null()).with_columns(_moved=SIDES[signal] * _change(horizon))
    days = there.group_by("session_date", maintain_order=True).agg(
        rows=pl.len(), right=(pl.col("_moved") > 0).sum(), moved=pl.col("_moved").sum()
    )
    mean = there[f"{signal}_{horizon}"].mean()
    chance = float(mean) if isinstance(mean, float) else float("nan")
    if there.height < LEAST_ROWS or days.height < LEAST_DAYS:
        return Followed(signal, strength, horizon, there.height, days.height, UNKNOWN, chance, UNKNOWN)
    counts = [days[column].to_numpy().astype(np.float64) for column in ("rows", "right", "moved")]
    right, moved = (bound_ratio(part, counts[0], rng) for part in counts[1:])
    return Followed(signal, strength, horizon, there.height, days.height, right, chance, moved)


def bound_ratio(part: Any, whole: Any, rng: np.random.Generator) -> Interval:
    """Give the ratio of two sums over days with its 95% interval, from days drawn with replacement."""
    drawn = rng.integers(0, len(whole), (DRAWS, len(whole)))
    ratios = part[drawn].sum(axis=1) / whole[drawn].sum(axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Interval(float(part.sum() / whole.sum()), float(low), float(high))


def _judge(known: Sequence[Followed]) -> tuple[Verdict, str]:
    if not known:
        return CANNOT_TELL, f"No class of signal has {LEAST_ROWS} rows with an outcome on {LEAST_DAYS} days or more."
    differing = [each for each in known if each.differs]
    expected = 0.05 * len(known)
    said = f"Of {len(known)} classes and horizons, {len(differing)} have chance outside their 95% interval; about "
    said += f"{expected:.1f} would by luck alone"
    named = "; ".join(f"{_name(each)}: {say_right(each)}" for each in differing[:3])
    return GOOD, f"{said}{f' ({named})' if named else ''}. It is no claim that a signal earns money."

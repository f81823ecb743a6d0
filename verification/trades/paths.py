"""Are the price paths like the market's? FinVal's gates on windows of minute returns around the entries.

FinVal (0.6) passes half-copied gold and impossible rows, fails draws of one law below some 400 paths, and takes NaN. So
it never decides alone: NaN is refused here, and a gate counts only where the gold's own halves pass it.

What this can show: whether the stretch to another volatility, and the bending of the bars in the trade to its worst,
best and exit price, left paths as the market makes them. What it cannot: whether a path is new. Synthetic bars are
blocks of the gold's own bars, so that nearness to gold paths (FinVal's memorization) is how they are made.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from finval import validate_paths
from finval.core.thresholds import HARD_GATES
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Verdict, to_json

QUESTION = "paths"
TITLE = "Are the price paths like the market's?"

BEFORE, AFTER = 30, 30  # minutes of returns up to the bar of the entry, and from it on
LEAST_PATHS = 400  # a side; below it FinVal fails draws of one law
CAP = 800  # paths a side
ASKED = 3 * CAP  # trades whose bars are read; some have none that reach so far in their session
SPLITS = 2  # of the gold's sessions into halves: FinVal takes seconds for each
CLEARLY = 1.25  # times FinVal's line, and the worst of the gold's halves: a gate failed by less may be chance
SHOWN = 5  # paths a side that the report draws

GATES = (  # what FinVal measures on returns of one price; energy distance, which says what KS does, is too slow
    "marginal_ks",
    "tail_quantiles",
    "far_tail_quantiles",
    "marginal_skew",
    "acf_returns",
    "volatility_clustering",
    "leverage_effect",
    "variance_term_structure",
    "extreme_clustering",
    "regime_conditional",
    "c2st",
    "memorization",
)
LEVEL_GATES = ("drawdown_distribution",)  # and on price levels
BY_MAKING = {"memorization": "Synthetic paths are made of gold bars, so nearness says nothing."}

Paths = NDArray[np.float64]  # paths x minutes, log returns in percent, signed in the trade's direction


def ask_paths(
    gold_trades: pl.DataFrame,
    gold_bars: pl.DataFrame | None,
    synthetic: pl.DataFrame,
    bars_file: Path,
    rng: np.random.Generator,
) -> Answer:
    """Ask FinVal whether windows of returns around the entries have the market's law.

    A window is the BEFORE minutes up to the bar of the entry and the AFTER minutes from it on, in one session and
    without a gap. Trades without such a window are left out, on both sides.

    Args:
        gold_trades: Trade table.
        gold_bars: Minute bars of the gold's tickers, or None.
        synthetic: Trade table.
        bars_file: The run's bars by `row_id`; only those of the trades asked for are read.
        rng: Draws trades and halves.
    """
    if gold_bars is None or not bars_file.is_file():
        lacking = "The gold has no bars" if gold_bars is None else f"The run has no {bars_file.name}"
        return _refuse(f"{lacking}, so there are no paths to compare.", 0, 0, 0)
    drawn = synthetic[rng.permutation(len(synthetic))[:ASKED]]
    try:
        bars = _read_bars(drawn, bars_file)
    except PolarsError as exc:
        return _refuse(f"{bars_file.name} cannot be read as bars of a run: {type(exc).__name__}.", 0, 0, 0)
    gold, sessions = cut_windows(gold_trades, gold_bars, "ticker")
    made, _ = cut_windows(drawn, bars, "row_id")
    broken = int((~np.isfinite(made)).any(axis=1).sum()) + int((~np.isfinite(gold)).any(axis=1).sum())
    if broken or min(len(gold), len(made)) < LEAST_PATHS:
        needs = f"FinVal needs {LEAST_PATHS} a side, without a return that is no number ({broken} have one)"
        return _refuse(f"{len(made)} synthetic and {len(gold)} gold paths; {needs}.", len(gold), len(made), broken)
    size = min(len(gold), len(made), CAP)
    chosen = rng.permutation(len(gold))[:size]
    found = measure_gates(made[rng.permutation(len(made))[:size]], gold[chosen])
    halves = [measure_gates(*halve) for halve in _split(gold[chosen], sessions[chosen], rng)]
    gates = [_judge_gate(name, gate, [half[name] for half in halves]) for name, gate in found.items()]
    verdict, reason = _judge(gates, size)
    metrics = {
        "gold_paths": len(gold),
        "synthetic_paths": len(made),
        "rows_used": size,
        "minutes_before": BEFORE,
        "minutes_after": AFTER,
        "gates": gates,
        "note": "Synthetic bars are blocks of the gold's own, rescaled: new paths are not to be expected.",
        "shown": {"gold": np.cumsum(gold[:SHOWN], axis=1), "synthetic": np.cumsum(made[:SHOWN], axis=1)},
    }
    return Answer(QUESTION, TITLE, verdict, reason, _count(gates, size, verdict), to_json(metrics))


def cut_windows(trades: pl.DataFrame, bars: pl.DataFrame, by: str) -> tuple[Paths, NDArray[np.int64]]:
    """Cut a window of returns around each entry; and the number of each window's session.

    Windows are in the order of `trade_id`. Those that a bar is missing from, or that would reach into another session,
    are left out. A return is NaN where a close is no positive number.

    Args:
        trades: Trade table.
        bars: Minute bars.
        by: `ticker` where bars belong to all trades of a ticker, `row_id` where to the trade of that id.
    """
    entries = trades.with_columns(pl.col("trade_id").alias("row_id")).select(
        "trade_id", by, "trade_type", "session_date", minute=pl.col("entry_time").dt.truncate("1m")
    )
    offsets = pl.DataFrame({"offset": np.arange(-BEFORE - 1, AFTER)})
    wanted = entries.unique("trade_id").join(offsets, how="cross")
    wanted = wanted.with_columns(timestamp=pl.col("minute") + pl.duration(minutes=pl.col("offset")))
    known = bars.select(by, "timestamp", "close").unique([by, "timestamp"])
    closes = wanted.join(known, on=[by, "timestamp"]).filter(pl.col("timestamp").dt.date() == pl.col("session_date"))
    whole = closes.filter(pl.len().over("trade_id") == len(offsets)).sort("trade_id", "offset")
    direction = pl.when(pl.col("trade_type") == "short").then(-1.0).otherwise(1.0)
    price = pl.when(pl.col("close") > 0.0).then(pl.col("close")).log()
    steps = whole.select("session_date", "offset", step=100.0 * direction * price.diff().over("trade_id"))
    steps = steps.filter(pl.col("offset") > -BEFORE - 1)
    sessions = steps["session_date"].rank("dense").cast(pl.Int64).to_numpy()[:: BEFORE + AFTER]
    return steps["step"].to_numpy().astype(np.float64).reshape(-1, BEFORE + AFTER), sessions


def measure_gates(made: Paths, gold: Paths) -> dict[str, dict[str, Any]]:
    """Measure every gate of FinVal on paths against others: value (less is nearer), threshold, passed, hard or not.

    Drawdowns are measured on price levels that start at 1, everything else on the returns.
    """
    returns = validate_paths(made[:, :, None], gold[:, :, None], metrics=list(GATES)).metrics
    levels = [np.exp(np.cumsum(paths, axis=1) / 100.0)[:, :, None] for paths in (made, gold)]
    drawdowns = validate_paths(*levels, metrics=list(LEVEL_GATES)).metrics
    return {name: _read_gate(gate) for name, gate in (returns | drawdowns).items()}


def _read_gate(gate: Any) -> dict[str, Any]:
    usable = bool(gate.applicable and gate.assessable and np.isfinite(gate.value))
    threshold = gate.thresholds.get("acceptable")
    return {
        "gate": gate.name,
        "value": float(gate.value) if usable else None,
        "threshold": threshold,
        "passed": bool(gate.passed) if usable else None,
        "hard": gate.name in HARD_GATES,
    }


def _judge_gate(name: str, gate: Mapping[str, Any], halves: list[dict[str, Any]]) -> dict[str, Any]:
    """Say of one gate whether it was passed, clearly failed, or says nothing."""
    values = [half["value"] for half in halves if half["value"] is not None]
    gold_passes = bool(halves) and all(half["passed"] is True for half in halves)
    says: Verdict = CANNOT_TELL
    if gold_passes and gate["value"] is not None and name not in BY_MAKING:
        far = CLEARLY * max(gate["threshold"], *values)
        says = GOOD if gate["passed"] else UNDERFIT if gate["value"] > far else CANNOT_TELL
    return dict(gate) | {
        "gold_passes": gold_passes,
        "gold_values": values,
        "verdict": says,
        "why": _say_why(name, gate, gold_passes) if says == CANNOT_TELL else "",
    }


def _say_why(name: str, gate: Mapping[str, Any], gold_passes: bool) -> str:
    """Say why a gate does not count."""
    if name in BY_MAKING:
        return BY_MAKING[name]
    if gate["value"] is None:
        return "FinVal could not measure it."
    return (
        "It is failed by so little that it may be chance." if gold_passes else "The gold's own halves do not pass it."
    )


def _split(gold: Paths, sessions: NDArray[np.int64], rng: np.random.Generator) -> list[tuple[Paths, Paths]]:
    days = np.unique(sessions)
    halves = []
    for _ in range(SPLITS):
        is_left = np.isin(sessions, rng.permutation(days)[: len(days) // 2])
        size = min(int(is_left.sum()), int((~is_left).sum()))
        halves.append((gold[is_left][:size], gold[~is_left][:size]))
    return [halve for halve in halves if len(halve[0]) >= LEAST_PATHS // 4]


def _read_bars(trades: pl.DataFrame, bars_file: Path) -> pl.DataFrame:
    ids = trades.get_column("trade_id").unique().implode()
    wanted = pl.scan_parquet(bars_file).select("row_id", "timestamp", "close").filter(pl.col("row_id").is_in(ids))
    return wanted.collect(engine="streaming")


def _judge(gates: list[dict[str, Any]], size: int) -> tuple[Verdict, str]:
    failed = [gate["gate"] for gate in gates if gate["verdict"] == UNDERFIT]
    asked = [gate for gate in gates if gate["verdict"] != CANNOT_TELL]
    if failed:
        return UNDERFIT, (
            f"{len(failed)} of {len(asked)} gates that the gold's own halves pass are clearly failed by {size} "
            f"synthetic paths: {', '.join(failed)}."
        )
    if 2 * len(asked) < len(gates):
        return CANNOT_TELL, f"Only {len(asked)} of {len(gates)} gates say anything about {size} paths of this gold."
    return GOOD, (
        f"{size} synthetic paths pass the {len(asked)} gates of {len(gates)} that say anything about this gold; their "
        "bars are the gold's own, rescaled, so this shows no more than that rescaling did not spoil them."
    )


def _count(gates: list[dict[str, Any]], size: int, verdict: Verdict) -> tuple[tuple[str, str], ...]:
    """List the numbers behind the verdict; where too few gates say anything, how many do comes first."""
    told = [gate["verdict"] for gate in gates]
    asked = len(told) - told.count(CANNOT_TELL)
    failed, telling = (
        ("gates clearly failed", f"{told.count(UNDERFIT)} of {asked}"),
        ("gates that count", f"{asked} of {len(told)}"),
    )
    first = (telling, failed) if verdict == CANNOT_TELL else (failed, telling)
    return *first, ("paths a side", str(size))


def _refuse(reason: str, gold: int, made: int, broken: int) -> Answer:
    sides = sorted((("synthetic paths", made), ("gold paths", gold)), key=lambda side: side[1])
    counts = [*sides, ("paths with NaN", broken)] if not broken else [("paths with NaN", broken), *sides]
    numbers = tuple((label, f"{count:,}") for label, count in counts)
    metrics = {"gold_paths": gold, "synthetic_paths": made, "broken_paths": broken, "rows_used": 0, "gates": []}
    return Answer(QUESTION, TITLE, CANNOT_TELL, reason, numbers, metrics)

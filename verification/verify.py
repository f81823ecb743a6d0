"""Asks every question of a run, decides, and writes `metrics.json` and `report.html`."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from files.whole_file import write_whole
from indicators.attach import attach_indicators
from verification.answers import Answer, to_json
from verification.conditional import ask_conditional
from verification.diversity import Declared, ask_diversity
from verification.exit_model import use_one_thread
from verification.fidelity import ask_fidelity
from verification.hyperband import ask_search
from verification.indicator_law import ask_indicators
from verification.inputs import TRADE_COLUMNS, FinishedRun, read_run
from verification.judge_calibration import read_answer
from verification.memorisation import ask_memorisation
from verification.overview import describe_overview
from verification.paths import ask_paths
from verification.report import write_report
from verification.strategy_book import ask_backtest
from verification.utility import ask_utility
from verification.validity import ask_validity
from verification.verdict import decide
from verification.yardstick import Yardstick

SCHEMA_VERSION = 1
Tell = Callable[[str], None]


def verify_run(folder: Path, tell: Tell, *, seed: int = 0) -> dict[str, Any]:
    """Verify a run; `metrics.json` and `report.html` are written into its folder, each whole or not at all.

    Args:
        folder: The run's.
        tell: Called with the title of each question before it is asked.
        seed: Fixes every draw.

    Returns:
        What `metrics.json` holds.

    Raises:
        VerificationError: the folder holds no run that could be verified.
    """
    run = read_run(folder)
    usable = drop_unknown(run.synthetic)
    yardstick = make_yardstick(run.train, run.holdout, usable.height, seed)
    answers = ask_about_trades(
        yardstick, run.synthetic, usable, declared=run.declared, controlled=run.controlled, tell=tell
    )
    answers += ask_about_bars(run, yardstick, usable, tell)
    overall = decide(answers, usable.height, yardstick.train.height)
    parts = {"gold": yardstick.train, "held_out": yardstick.holdout, "synthetic": usable}
    plots = describe_overview(parts, run.ledger, run.usage, yardstick.make_rng("overview"))
    metrics: dict[str, Any] = to_json(
        {
            "schema_version": SCHEMA_VERSION,
            "run": describe_run(run, yardstick, usable.height),
            "overall": overall,
            "answers": answers,
            "plots": plots,
        }
    )
    write_metrics(metrics, folder)
    return metrics


def make_yardstick(train: pl.DataFrame, holdout: pl.DataFrame, size: int, seed: int) -> Yardstick:
    """Make the yardstick of a gold's two parts, for so many synthetic trades."""
    columns = ["trade_id", *TRADE_COLUMNS]
    return Yardstick(drop_unknown(train.select(columns)), drop_unknown(holdout.select(columns)), max(size, 1), seed)


def drop_unknown(trades: pl.DataFrame) -> pl.DataFrame:
    """Drop trades of which something is null or not finite: `validity` counts them, no other question can use them."""
    numbers = [name for name in TRADE_COLUMNS if trades.schema[name].is_float()]
    known = [pl.col(TRADE_COLUMNS).is_not_null(), pl.col(numbers).is_finite()]
    return trades.filter(pl.all_horizontal(known))


def ask_about_trades(
    yardstick: Yardstick,
    synthetic: pl.DataFrame,
    usable: pl.DataFrame,
    *,
    declared: Sequence[Declared] = (),
    controlled: Sequence[str] = (),
    tell: Tell = lambda _: None,
) -> list[Answer]:
    """Ask what trade tables alone can answer; `usable` is what `drop_unknown` leaves of `synthetic`."""
    questions: list[tuple[str, Callable[[], Answer]]] = [
        ("validity", lambda: ask_validity(yardstick, synthetic)),
        ("fidelity", lambda: ask_fidelity(yardstick, usable, controlled)),
        ("exits", lambda: ask_conditional(yardstick, usable)),
        ("diversity", lambda: ask_diversity(yardstick, usable, declared, controlled)),
        ("memorisation", lambda: ask_memorisation(yardstick, usable)),
        ("utility", lambda: ask_utility(yardstick, usable, controlled)),
        ("search", lambda: ask_search(yardstick, usable, controlled)),
    ]
    return _ask(questions, tell)


def ask_about_bars(run: FinishedRun, yardstick: Yardstick, usable: pl.DataFrame, tell: Tell) -> list[Answer]:
    """Ask what takes bars as well, and what the judge's calibration says where the run has one."""
    names, parts = run.profile.indicators, [part for part in (run.bars, run.holdout_bars) if part is not None]
    bars = pl.concat(parts) if parts else None
    gold = (yardstick.train, run.bars, yardstick.holdout, run.holdout_bars)
    rng = yardstick.make_rng
    questions: list[tuple[str, Callable[[], Answer]]] = [
        ("backtest", lambda: ask_backtest(usable, run.bars_file, *gold, rng("backtest"), run.controlled)),
        ("paths", lambda: ask_paths(yardstick.gold, bars, usable, run.bars_file, rng("paths"))),
    ]
    if bars is not None:
        questions.append(
            (
                "indicators",
                lambda: ask_indicators(attach_indicators(yardstick.gold, bars, names), usable, names, run.controlled),
            )
        )
    if run.calibration is not None:
        calibration = run.calibration
        questions.append(("judge", lambda: read_answer(calibration)))
    return _ask(questions, tell)


def _ask(questions: Sequence[tuple[str, Callable[[], Answer]]], tell: Tell) -> list[Answer]:
    answers = []
    with use_one_thread():
        for name, ask in questions:
            tell(name)
            answers.append(ask())
    return answers


def describe_run(run: FinishedRun, yardstick: Yardstick, usable: int) -> dict[str, Any]:
    """Say what was verified: the run, its counts, and what was missing or left out."""
    synthetic = run.synthetic.height
    notes = list(run.notes)
    if usable < synthetic:
        notes.append(
            f"{synthetic - usable} accepted trades have values that are missing or not finite: `validity` counts them"
        )
    if run.bars is None:
        notes.append("the gold came without bars: nothing can be said of price paths, indicators and strategies")
    return {
        "name": run.folder.resolve().name,
        "profile": run.profile.description,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "synthetic": synthetic,
        "gold_train": yardstick.train.height,
        "gold_holdout": yardstick.holdout.height,
        "seed": yardstick.seed,
        "controlled": list(run.controlled),
        "notes": notes,
    }


def write_metrics(metrics: dict[str, Any], folder: Path) -> None:
    """Write `metrics.json` and `report.html` into a folder."""
    with write_whole(folder / "metrics.json") as partial:
        partial.write_text(json.dumps(metrics, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    write_report(metrics, folder / "report.html")

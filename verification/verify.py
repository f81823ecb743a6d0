"""Asks every question of a run, decides, and writes `metrics.json` and `report.html`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from files.whole_file import write_whole
from verification.answers import to_json
from verification.ask import Tell
from verification.inputs import FinishedRun, read_run
from verification.report.report import write_report
from verification.trades.overview import describe_overview
from verification.trades.questions import ask_about_bars, ask_about_trades, drop_unknown, make_yardstick
from verification.trades.yardstick import Yardstick
from verification.verdict import decide

SCHEMA_VERSION = 1


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

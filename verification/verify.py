"""Asks every question of a run, decides, and writes `metrics.json` and `report.html`.

Which questions those are is the dataset's (`dataset.yaml: questions`); nothing here knows what a row is.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from columns.checks.losses import Losses, count_losses, describe_losses, say_uneven
from columns.declared import WHOLE
from files.hashes import write_recorded
from verification.answers import Answer, to_json
from verification.ask import Tell, ask_in_turn
from verification.funnel import count_funnel, quote_failures, sum_stages
from verification.inputs import FinishedRun, read_run
from verification.judge.calibration import QUESTION, read_answer
from verification.questions import Questioned, load_questions
from verification.report.plots import Drawing
from verification.report.report import write_report
from verification.verdict import decide

SCHEMA_VERSION = 1
NOTHING: Mapping[str, Callable[[FinishedRun, int], Answer]] = {}


def verify_run(
    folder: Path, tell: Tell, *, seed: int = 0, also: Mapping[str, Callable[[FinishedRun, int], Answer]] = NOTHING
) -> dict[str, Any]:
    """Verify a run; `metrics.json` and `report.html` are written into its folder, each whole or not at all.

    Args:
        folder: The run's.
        tell: Called with the title of each question before it is asked.
        seed: Fixes every draw.
        also: Questions that a person asked for besides, by name; they decide nothing.

    Returns:
        What `metrics.json` holds.

    Raises:
        VerificationError: the folder holds no run that could be verified, or its dataset names no questions.
    """
    run = read_run(folder)
    questions = load_questions(run.dataset.questions, run.dataset.name, run.profile.dataset.root)
    asked = questions.ask(run, tell, seed)
    further = ask_in_turn([(name, partial(ask, run, seed)) for name, ask in also.items()], tell)
    answers = [*asked.answers, *further, *read_calibration(run, tell)]
    overall = decide(answers, questions.DECIDING, asked.used, asked.train, run.dataset.nouns)
    losses = read_losses(run)
    taken = {"losses": describe_losses(losses), "funnel": count_funnel(run.ledger), "stages": sum_stages(run.usage)}
    metrics: dict[str, Any] = to_json(
        {
            "schema_version": SCHEMA_VERSION,
            "run": describe_run(run, asked, [*say_uneven(losses), *quote_failures(run.ledger)], seed),
            "overall": overall,
            "deciding": questions.DECIDING.names,
            "summary": asked.summary,
            "answers": answers,
            "plots": {**asked.plots, **taken},
        }
    )
    write_metrics(metrics, questions.PLOTS, folder)
    return metrics


def read_losses(run: FinishedRun) -> list[Losses]:
    """Read how candidates were lost over each control's values; nothing where a run has no ledger or no plans."""
    plans = sorted(run.folder.glob("rounds/*/plan.parquet"))
    if run.ledger.is_empty() or not plans:
        return []
    planned = pl.concat([pl.scan_parquet(path, glob=False) for path in plans], how="diagonal_relaxed")
    return count_losses(run.ledger.lazy(), planned, [control.name for control in run.controls])


def read_calibration(run: FinishedRun, tell: Tell) -> list[Answer]:
    """Read what the judge's calibration says, where the run has one."""
    if run.calibration is None:
        return []
    tell(QUESTION)
    return [read_answer(run.calibration)]


def describe_form(run: FinishedRun) -> dict[str, str]:
    """Say in which form rows were asked for; nothing of a dataset that has only one."""
    if not any("forms" in column for column in run.profile.dataset.columns.values()):
        return {}
    form = run.profile.form
    return {"form": form if form == WHOLE else f"{form}: models gave a part, code worked out the rest (docs/models.md)"}


def describe_run(run: FinishedRun, asked: Questioned, noted: Sequence[str], seed: int) -> dict[str, Any]:
    """Say what was verified: the run, its counts, and what was missing, left out or noted."""
    return {
        "name": run.folder.resolve().name,
        "profile": run.profile.description,
        "dataset": run.dataset.name,
        "nouns": run.dataset.nouns,
        **describe_form(run),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "synthetic": run.accepted.height,
        "gold_train": asked.train,
        "gold_holdout": asked.holdout,
        "seed": seed,
        **asked.about,
        "notes": [*run.notes, *noted, *asked.notes],
    }


def write_metrics(metrics: dict[str, Any], drawings: Sequence[Drawing], folder: Path) -> None:
    """Write `metrics.json` and `report.html` into a folder."""
    text = json.dumps(metrics, indent=1, allow_nan=False) + "\n"
    write_recorded(text.encode(), folder / "metrics.json", folder)
    write_report(metrics, drawings, folder / "report.html")

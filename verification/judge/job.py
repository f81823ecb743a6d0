"""Asks a profile's judge about gold rows, some with planted faults, in one Data Designer job.

The job has the profile's own columns: the sentences of the controls and whatever else the plan writes for the prompt,
the checks and the judge, with its prompt, its model and its parameters. Only the rows come from elsewhere. Where a
candidate has sampled controls and a generator's row, a row here has the controls that its gold row obeys, and that row.
A control that is tied to no field has no such value: its sentence is left out. Which faults there are, and how they are
planted, is the dataset's (`faults.py`).

The judge is asked about the rows that the checks let pass, as in a run; about the others too where that is asked for,
so that its own catch rate is known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from data_designer.config.custom_column import custom_column_generator

from columns.rendering import read_fence
from designer_configs.compile.controls import Control
from designer_configs.compile.native import NO_CONTROL, CompiledProfile, add_seed, say_control
from designer_configs.compile.profile import Profile
from gold_data.errors import GoldError
from gold_data.store import GoldFolder
from jobs.errors import BackendError
from jobs.job import ROW_ID, Job, PlacedBackend
from jobs.library.speed import quicken_library
from jobs.request import Request, Send
from jobs.requests.guard import guard_requests
from jobs.requests.halt import Halt
from verification.dataset import Dataset, read_dataset
from verification.judge.faults import PLANTED, Fault, PlannedRow, load_faults

TRIES = 3
UNTOUCHED_PER_FAULT = 5  # times the rows of a fault are left untouched: 60, whose rate of rejects is known to 5 points
JOB = "judge_calibration"

Answered = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """One row as it was judged: the scores of each try by criterion, None where no usable answer came.

    There are no tries of a row that the judge was not asked about.
    """

    fault: str | None
    gold_id: str
    rules: tuple[str, ...]
    tries: tuple[Mapping[str, int] | None, ...]


@dataclass(frozen=True)
class JudgePlan:
    """What a calibration is going to ask; `controls_left_out` are tied to no field of a row.

    With `judges_all` the judge is asked about rows that the checks refuse, too.
    """

    profile: Profile
    compiled: CompiledProfile
    dataset: Dataset
    faults: Sequence[Fault]
    seed: int
    rows: Sequence[PlannedRow]
    controls_left_out: tuple[str, ...]
    judges_all: bool = False

    @property
    def requests(self) -> int:
        """Number of requests, not counting answers that are sent back because they do not parse."""
        return len(self.judged) * TRIES

    @property
    def judged(self) -> list[PlannedRow]:
        """Rows that the judge is asked about."""
        return [row for row in self.rows if self.judges_all or not row.rules]

    @property
    def judge(self) -> str:
        """Name of the judge's model."""
        column = next(c for c in self.compiled.generate["columns"] if c["name"] == self.dataset.judge)
        return self.profile.models[column["model_alias"]].model


def plan_calibration(
    profile: Profile,
    compiled: CompiledProfile,
    gold: GoldFolder,
    rows_per_fault: int,
    seed: int,
    *,
    judges_all: bool = False,
) -> JudgePlan:
    """Draw gold rows and plant faults: of each kind as many as asked, or as the gold can have.

    Raises:
        VerificationError: the dataset has no judge, or brings no faults.
        GoldError: no gold row has another one to be compared with.
    """
    dataset = read_dataset(profile)
    brought = load_faults(dataset)
    stage = brought.set_stage(compiled, gold, seed)
    rows = []
    for fault in (None, *brought.FAULTS):
        wanted = rows_per_fault * (UNTOUCHED_PER_FAULT if fault is None else 1)
        rng = make_rng(seed, "untouched" if fault is None else fault.name)
        for _, row in zip(range(wanted), stage.plant_rows(fault, rng), strict=False):
            rows.append(row)
    if not rows:
        raise GoldError(
            f"{gold.train.height} gold {dataset.noun} to draw from: a judge compares a {dataset.noun} with others, and "
            "there is no other. Give at least 2 that differ"
        )
    left_out = tuple(stage.controls_left_out)
    return JudgePlan(profile, compiled, dataset, brought.FAULTS, seed, rows, left_out, judges_all)


def make_rng(seed: int, purpose: str) -> np.random.Generator:
    """Return a generator of its own for each purpose."""
    return np.random.default_rng([seed, *purpose.encode()])


def build_job(plan: JudgePlan, seeds: Path) -> dict[str, Any]:
    """Build the native config: the profile's columns from the controls' sentences to the judge, on planted rows."""
    given = {name for row in plan.judged for name in row.seed}
    plan_columns, generate = plan.compiled.plan["columns"], plan.compiled.generate["columns"]
    planned = [c for c in plan_columns if c["column_type"] != "sampler" and c["name"] not in given]
    left_out = [c for c in plan.compiled.controls if c.name in plan.controls_left_out]
    asked = _pick_asked(plan.dataset, generate)
    columns = [
        *(_leave_out(column, left_out) for column in planned),
        {"name": plan.dataset.row, "column_type": "custom", "generator_function": make_reader(plan.dataset)},
        *({key: value for key, value in column.items() if key != "skip"} for column in asked),
    ]
    return add_seed({"model_configs": _pick_models(plan.compiled.generate, asked), "columns": columns}, seeds)


def make_reader(dataset: Dataset) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Make the column that puts a planted row where the generator's would be.

    An object comes from fenced JSON: a table's own column could not leave a field out.
    """

    @custom_column_generator(required_columns=[PLANTED])  # type: ignore[untyped-decorator]
    def read_planted_row(row: dict[str, Any]) -> dict[str, Any]:
        return row | {dataset.row: row[PLANTED] if dataset.schema is None else read_fence(row[PLANTED])}

    made: Callable[[dict[str, Any]], dict[str, Any]] = read_planted_row
    return made


def build_question(plan: JudgePlan) -> dict[str, Any]:
    """Build the config by which a backend asks the judge alone whether it is there."""
    asked = [c for c in _pick_asked(plan.dataset, plan.compiled.whole["columns"]) if c.get("model_alias") is not None]
    return {"model_configs": _pick_models(plan.compiled.whole, asked), "columns": asked}


def _pick_asked(dataset: Dataset, columns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pick the columns after the row's: the checks and the judge."""
    place = next(at for at, column in enumerate(columns) if column["name"] == dataset.row)
    return list(columns[place + 1 :])


def _leave_out(column: dict[str, Any], controls: Sequence[Control]) -> dict[str, Any]:
    """Take the sentences of controls out of the column that has all of them."""
    if column["column_type"] != "expression":
        return column
    text = str(column["expr"])
    for control in controls:
        text = text.replace(say_control(control), "")
    lines = [line for line in text.splitlines() if line.strip()]
    return column | {"expr": "\n".join(lines) or NO_CONTROL}


def _pick_models(config: Mapping[str, Any], columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    used = {column.get("model_alias") for column in columns}
    return [model for model in config["model_configs"] if model["alias"] in used]


def judge_rows(plan: JudgePlan, backend: PlacedBackend, folder: Path, tell: Answered) -> list[JudgedRow]:
    """Ask the judge TRIES times about every row that it is to judge, each time in a request of its own.

    Args:
        plan: What is asked.
        backend: Where the job runs.
        folder: An existing folder for the job's seed rows.
        tell: Called with the number of rows and tries answered so far, from the library's thread.

    Raises:
        BackendError: the judge cannot be reached, or gave no usable answer at all.
    """
    keyed = {f"{number:05d}-{attempt}": row for attempt in range(TRIES) for number, row in enumerate(plan.judged)}
    seeds = folder / f"{JOB}.parquet"
    pl.DataFrame([{ROW_ID: key, **row.seed} for key, row in keyed.items()], infer_schema_length=None).write_parquet(
        seeds
    )
    answered: set[str] = set()

    async def count(request: Request, send: Send) -> Any:
        response = await send()
        if request.row_id is not None:
            answered.add(request.row_id)
            tell(len(answered))
        return response

    halt = Halt()
    try:
        with guard_requests(plan.profile, backend.place, halt, count, get_job=lambda: JOB), quicken_library():
            backend.check_models(build_question(plan))
            result = backend.run(Job(JOB, build_job(plan, seeds.resolve()), len(keyed)))
    except KeyboardInterrupt:
        if halt.reason is None:
            raise
        raise halt.reason from None
    judgements = {str(row[ROW_ID]): row[str(plan.dataset.judge)] for row in result.rows}
    if all(_read_scores(said) is None for said in judgements.values()):
        reasons = [lost.message for lost in result.lost.values()]
        reasons += [str(part["reasoning"]) for said in judgements.values() for part in said.values()]
        said = f"the first failed: {reasons[0]}"
        raise BackendError(f"the judge gave no usable answer to any of {len(keyed)} requests; {said}")
    tries = {
        id(row): tuple(_read_scores(judgements.get(f"{number:05d}-{attempt}")) for attempt in range(TRIES))
        for number, row in enumerate(plan.judged)
    }
    return [JudgedRow(row.fault, row.gold_id, row.rules, tries.get(id(row), ())) for row in plan.rows]


def _read_scores(judgement: Mapping[str, Any] | None) -> Mapping[str, int] | None:
    if judgement is None or any(said["score"] is None for said in judgement.values()):
        return None  # the judge gave no usable answer
    return {name: int(said["score"]) for name, said in judgement.items()}

"""Asks a profile's judge about gold rows, some with planted faults, in one Data Designer job.

The job has the profile's own columns: the sentences of the controls and whatever else the plan writes for the prompt,
the checks and the judge, with its prompt, its model and its parameters. Only the rows come from elsewhere. Where a
candidate has sampled controls and a generator's row, a row here has the controls that its gold row obeys, and that row.
A control that is tied to no field has no such value: its sentence is left out. Which faults there are, and how they are
planted, is the dataset's (`faults.py`).

The judge is asked about the rows that the checks let pass, as in a run; about the others too where that is asked for,
so that its own catch rate is known. Checks that hang on what another model makes of a row are run in the job: one that
they refuse the first time was caught by them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    shows: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """Number of requests at most, not counting answers that are sent back because they do not parse."""
        return len(self.judged) * TRIES * len(self.models_asked)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The columns after the row's that the job makes: checks, what they need, and the judge."""
        given = {name for row in self.judged for name in row.seed}
        return [c for c in _pick_asked(self.dataset, self.compiled.generate["columns"]) if c["name"] not in given]

    @property
    def models_asked(self) -> list[dict[str, Any]]:
        """Those of them that ask a model, the judge's last."""
        return [column for column in self.asked if column.get("model_alias") is not None]

    @property
    def late_checks(self) -> list[str]:
        """Checks that come after a model has been asked, and so are known in the job alone."""
        names = [column["name"] for column in self.asked]
        first = min(names.index(column["name"]) for column in self.models_asked)
        checks = {column["name"] for column in self.asked if column["column_type"] == "row-checks"}
        return [name for name in names[first:] if name in checks]

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
    return JudgePlan(profile, compiled, dataset, brought.FAULTS, seed, rows, left_out, judges_all, stage.shows)


def make_rng(seed: int, purpose: str) -> np.random.Generator:
    """Return a generator of its own for each purpose."""
    return np.random.default_rng([seed, *purpose.encode()])


def build_job(plan: JudgePlan, seeds: Path) -> dict[str, Any]:
    """Build the native config: the profile's columns from the controls' sentences to the judge, on planted rows."""
    given = {name for row in plan.judged for name in row.seed}
    plan_columns = plan.compiled.plan["columns"]
    planned = [c for c in plan_columns if c["column_type"] != "sampler" and c["name"] not in given]
    left_out = [c for c in plan.compiled.controls if c.name in plan.controls_left_out]
    columns = [
        *(_leave_out(column, left_out) for column in planned),
        {"name": plan.dataset.row, "column_type": "custom", "generator_function": make_reader(plan.dataset)},
        *(_show_planted(_leave_skip(column, plan), plan) for column in plan.asked),
    ]
    return add_seed({"model_configs": _pick_models(plan.compiled.generate, plan.asked), "columns": columns}, seeds)


def _leave_skip(column: dict[str, Any], plan: JudgePlan) -> dict[str, Any]:
    """Let a column be skipped only by a check that the job makes first; where all are judged, by none."""
    when = column.get("skip", {}).get("when", "")
    if not plan.judges_all and any(f"{name}.passed" in when for name in plan.late_checks):
        return column
    return {key: value for key, value in column.items() if key != "skip"}


def _show_planted(column: dict[str, Any], plan: JudgePlan) -> dict[str, Any]:
    """Show a column what was planted in the place of what the others are shown."""
    prompt = str(column.get("prompt", ""))
    for name, other in plan.shows.get(column["name"], {}).items():
        prompt = re.sub(rf"\{{\{{\s*{name}\s*\}}\}}", f"{{{{ {other} }}}}", prompt)
    return column | {"prompt": prompt} if "prompt" in column else column


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
    return {"model_configs": _pick_models(plan.compiled.whole, plan.models_asked), "columns": plan.models_asked}


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
    answered: set[tuple[str, str]] = set()

    async def count(request: Request, send: Send) -> Any:
        response = await send()
        if request.row_id is not None:
            answered.add((request.row_id, request.column))
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
    made = {str(row[ROW_ID]): row for row in result.rows}
    judgements = {key: said for key, row in made.items() if (said := row[str(plan.dataset.judge)]) is not None}
    if (judgements or result.lost) and all(_read_scores(said) is None for said in judgements.values()):
        reasons = [lost.message for lost in result.lost.values()]
        reasons += [str(part["reasoning"]) for said in judgements.values() for part in said.values()]
        said = f"the first failed: {reasons[0]}"
        raise BackendError(f"the judge gave no usable answer to any of {len(keyed)} requests; {said}")
    judged = {id(row): _read_tries(plan, row, number, made) for number, row in enumerate(plan.judged)}
    return [judged.get(id(row)) or JudgedRow(row.fault, row.gold_id, row.rules, ()) for row in plan.rows]


def _read_tries(plan: JudgePlan, row: PlannedRow, number: int, made: Mapping[str, Mapping[str, Any]]) -> JudgedRow:
    """Read what came of a row each time: what a check refused the first time, the judge is not asked about in a run."""
    keys = [f"{number:05d}-{attempt}" for attempt in range(TRIES)]
    refused = [_find_refusal(plan, made.get(key, {})) for key in keys]
    rules, judge = row.rules or refused[0], str(plan.dataset.judge)
    tries = [
        _read_scores(made.get(key, {}).get(judge))
        for key, by in zip(keys, refused, strict=True)
        if plan.judges_all or not by
    ]
    return JudgedRow(row.fault, row.gold_id, rules, tuple(tries) if plan.judges_all or not refused[0] else ())


def _find_refusal(plan: JudgePlan, made: Mapping[str, Any]) -> tuple[str, ...]:
    """Find the rules of the first check of the job that refused a row."""
    checked = (made[name] for name in plan.late_checks if made.get(name) is not None)
    broken: list[Any] = next((check["violations"] for check in checked if not check["passed"]), [])
    return tuple(str(violation["rule"]) for violation in broken)


def _read_scores(judgement: Mapping[str, Any] | None) -> Mapping[str, int] | None:
    if judgement is None or any(said["score"] is None for said in judgement.values()):
        return None  # the judge gave no usable answer
    return {name: int(said["score"]) for name, said in judgement.items()}

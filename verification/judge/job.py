"""Asks a profile's judge about gold trades, some with planted faults, in one Data Designer job.

The job has the profile's own columns: the sentences of the controls and the rules as the plan writes them, the checks
and the judge, with its prompt, its model and its parameters. Only the rows come from elsewhere. Where a candidate has
sampled controls and a generator's trade, a row here has the controls that its gold trade obeys, and that trade. A
control that is tied to no field of a trade has no such value: its sentence is left out.

Gold is held against gold without itself: a row's own trade, and every twin with the same numbers, is not among its
examples and not among the trades it may not copy. The fault `stale copy` is the exception, for there the trade that
was copied is known and shown. The judge is asked about every row, those too that the checks refuse, so that its own
catch rate is known; in a run it never sees those.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from data_designer.config.custom_column import custom_column_generator

from columns.rendering import fence_json, read_fence
from columns.types.configs import ROW_KEY, MatchRule
from columns.types.gold_examples import GoldSampler
from designer_configs.compile.controls import Control
from designer_configs.compile.native import CompiledProfile, add_seed, say_control
from designer_configs.compile.profile import Profile
from gold_data.buckets import SIGNIFICANT_DIGITS
from gold_data.errors import GoldError
from gold_data.store import SESSION, GoldFolder
from gold_data.trades.limits import GoldLimits
from gold_data.trades.rules import Expectation, Fingerprint, fingerprint
from jobs.errors import BackendError
from jobs.job import ROW_ID, Job, PlacedBackend
from jobs.library.speed import quicken_library
from jobs.request import Request, Send
from jobs.requests.guard import guard_requests
from jobs.requests.halt import Halt
from verification.judge.fault_changes import Core, Scene, Trader
from verification.judge.planted_faults import FAULTS, Fault, find_violations, plant_fault

TRIES = 3
UNTOUCHED_PER_FAULT = 5  # times the rows of a fault are left untouched: 60, whose rate of rejects is known to 5 points
MOST_TRIED = 2_000  # gold trades in which a fault is tried before it counts as one that this trader cannot have
PLANTED = "planted_trade"
JUDGE = "judge"
TRADE = "trade"
NO_CONTROL = "- Nothing beyond the rules."
JOB = "judge_calibration"

Answered = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One row to be judged: its fault (None: untouched), its gold trade, the rules it breaks, and its seed columns."""

    fault: str | None
    trade_id: str
    rules: tuple[str, ...]
    seed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """One row as it was judged: the scores of each try by criterion, None where no usable answer came."""

    fault: str | None
    trade_id: str
    rules: tuple[str, ...]
    tries: tuple[Mapping[str, int] | None, ...]


@dataclass(frozen=True)
class JudgePlan:
    """What a calibration is going to ask; `controls_left_out` are tied to no field of a trade."""

    profile: Profile
    compiled: CompiledProfile
    seed: int
    rows: Sequence[PlannedRow]
    controls_left_out: tuple[str, ...]

    @property
    def requests(self) -> int:
        """Number of requests, not counting answers that are sent back because they do not parse."""
        return len(self.rows) * TRIES


def plan_calibration(
    profile: Profile, compiled: CompiledProfile, gold: GoldFolder, rows_per_fault: int, seed: int
) -> JudgePlan:
    """Draw gold trades and plant faults: of each kind as many as asked, or as the gold can have.

    Raises:
        GoldError: no gold trade has another one to be compared with.
    """
    stage = _Stage(compiled, gold, seed)
    rows = []
    for fault in (None, *FAULTS):
        wanted = rows_per_fault * (UNTOUCHED_PER_FAULT if fault is None else 1)
        rng = make_rng(seed, "untouched" if fault is None else fault.name)
        for _, row in zip(range(wanted), stage.plant_rows(fault, rng), strict=False):
            rows.append(row)
    if not rows:
        raise GoldError(
            f"{gold.train.height} gold trade to draw from: a judge compares a trade with others of the trader, and "
            "there is no other. Give at least 2 that differ in their prices or percents"
        )
    return JudgePlan(profile, compiled, seed, rows, tuple(control.name for control in stage.free))


def make_rng(seed: int, purpose: str) -> np.random.Generator:
    """Return a generator of its own for each purpose."""
    return np.random.default_rng([seed, *purpose.encode()])


class _Stage:
    """The gold trades with all that a row of the job needs to know of them."""

    def __init__(self, compiled: CompiledProfile, gold: GoldFolder, seed: int) -> None:
        self._seed, self._train = seed, gold.train
        self._trader = Trader.describe(gold.train, GoldLimits.from_facts(gold.facts))
        self._marks: list[Fingerprint] = [fingerprint(row) for row in self._trader.rows]
        self._ids = gold.train["trade_id"].to_list()
        self._known = dict(zip(self._marks, self._ids, strict=True))
        self._twins = np.unique(np.array(self._marks), axis=0, return_inverse=True)[1].reshape(-1)
        self._tied = {c.name: (c, str(rule["field"])) for c in compiled.controls if (rule := c.check or c.match)}
        self.free = [control for control in compiled.controls if control.name not in self._tied]
        examples = next(c for c in compiled.plan["columns"] if c["column_type"] == "gold-examples")
        self._examples, self._k = str(examples["name"]), int(examples["k"])
        self._match = [MatchRule(**rule) for rule in examples["match"]]

    def plant_rows(self, fault: Fault | None, rng: np.random.Generator) -> Iterator[PlannedRow]:
        """Plant a fault in gold trades, one after the other in an order of its own; None leaves them untouched."""
        for place in rng.permutation(len(self._ids))[:MOST_TRIED]:
            core, sampled = self._trader.rows[place], self._sample_controls(int(place))
            scene = Scene.set_up(self._trader, self._train[SESSION][int(place)], list(self._expect(sampled)))
            planted = core if fault is None else plant_fault(fault, core, scene, self._known, rng)
            if planted is None:
                continue
            is_copy = fault is not None and fault.is_copy
            key = int(rng.integers(0, 1_000_000_000))
            examples = self._draw_examples(int(place), sampled, key, shows_itself=is_copy)
            if not examples:
                continue
            seed = {SESSION: scene.session_date.isoformat(), ROW_KEY: key, **sampled}
            seed |= {self._examples: fence_json(examples), PLANTED: fence_json(planted)}
            rules = find_violations(planted, scene, self._known, None if is_copy else self._marks[place])
            yield PlannedRow(fault.name if fault else None, self._ids[place], tuple(rules), seed)

    def _sample_controls(self, place: int) -> dict[str, Any]:
        """Give every control that is tied to a field the value that the gold trade has there."""
        row = self._train.row(place, named=True) | self._trader.rows[place]
        return {name: _round_value(row[field]) for name, (_, field) in self._tied.items()}

    def _expect(self, sampled: Mapping[str, Any]) -> Iterator[Expectation]:
        for name, (control, _) in self._tied.items():
            if control.check is not None:
                yield Expectation(control.check["field"], sampled[name], control.check.get("tolerance"))

    def _draw_examples(self, place: int, sampled: dict[str, Any], key: int, *, shows_itself: bool) -> list[Core]:
        """Draw the grounding seeds as the plan does, from the gold without the trade; a copy stands beside its own."""
        others = np.flatnonzero(self._twins != self._twins[place])
        if not len(others):
            return []
        drawn = GoldSampler(self._train[others], self._match, self._k).draw(sampled, f"{self._seed}:{key}")
        examples = [self._trader.rows[others[at]] for at in drawn]
        return [self._trader.rows[place], *examples[1:]] if shows_itself else examples


def _round_value(value: object) -> object:
    """Give a gold trade's value as a control samples it: few digits of a number, text for anything else."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if isinstance(value, int | float) else str(value)


@custom_column_generator(required_columns=[PLANTED])  # type: ignore[untyped-decorator]
def read_planted_trade(row: dict[str, Any]) -> dict[str, Any]:
    """Put the planted trade where the generator's would be; a table's own column could not leave a field out."""
    return row | {TRADE: read_fence(row[PLANTED])}


def build_job(plan: JudgePlan, seeds: Path) -> dict[str, Any]:
    """Build the native config: the profile's columns from the controls' sentences to the judge, on planted rows."""
    planned = [c for c in plan.compiled.plan["columns"] if c["column_type"] not in ("sampler", "gold-examples")]
    left_out = [c for c in plan.compiled.controls if c.name in plan.controls_left_out]
    asked = [c for c in plan.compiled.generate["columns"] if c["name"] != TRADE]
    columns = [
        *(_leave_out(column, left_out) for column in planned),
        {"name": TRADE, "column_type": "custom", "generator_function": read_planted_trade},
        *({key: value for key, value in column.items() if key != "skip"} for column in asked),
    ]
    return add_seed({"model_configs": _pick_models(plan.compiled.generate, asked), "columns": columns}, seeds)


def build_question(compiled: CompiledProfile) -> dict[str, Any]:
    """Build the config by which a backend asks the judge alone whether it is there."""
    asked = [c for c in compiled.whole["columns"] if c.get("model_alias") is not None and c["name"] != TRADE]
    return {"model_configs": _pick_models(compiled.whole, asked), "columns": asked}


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
    """Ask the judge TRIES times about every row, each time in a request of its own.

    Args:
        plan: What is asked.
        backend: Where the job runs.
        folder: An existing folder for the job's seed rows.
        tell: Called with the number of rows and tries answered so far, from the library's thread.

    Raises:
        BackendError: the judge cannot be reached, or gave no usable answer at all.
    """
    keyed = {f"{number:05d}-{attempt}": row for attempt in range(TRIES) for number, row in enumerate(plan.rows)}
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
            backend.check_models(build_question(plan.compiled))
            result = backend.run(Job(JOB, build_job(plan, seeds.resolve()), len(keyed)))
    except KeyboardInterrupt:
        if halt.reason is None:
            raise
        raise halt.reason from None
    if not result.rows:
        said = next(iter(result.lost.values())).message
        raise BackendError(f"the judge gave no usable answer to any of {len(keyed)} requests; the first failed: {said}")
    judgements = {str(row[ROW_ID]): row[JUDGE] for row in result.rows}
    return [
        JudgedRow(
            row.fault,
            row.trade_id,
            row.rules,
            tuple(_read_scores(judgements.get(f"{number:05d}-{attempt}")) for attempt in range(TRIES)),
        )
        for number, row in enumerate(plan.rows)
    ]


def _read_scores(judgement: Mapping[str, Any] | None) -> Mapping[str, int] | None:
    return None if judgement is None else {name: int(said["score"]) for name, said in judgement.items()}

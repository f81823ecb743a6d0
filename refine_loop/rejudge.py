"""Another judge, rubric or acceptance over the rows of a finished run: drafts and refinements are the old run's.

Each candidate of the old run that has a row is checked and judged again as it stands, in a run's folder of its own.
Where nothing but `acceptance` differs, its scores stand and nothing is sent.
"""

import contextlib
import json
import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from columns.dataset import load_dataset
from columns.declared import find_column_file
from designer_configs.compile.check import check_environment
from designer_configs.compile.checks.project import PROJECT_ROOT, Project
from designer_configs.compile.native import CompiledProfile, add_seed, compile_profile, write_config
from designer_configs.compile.profile import Profile
from designer_configs.errors import ConfigError
from files.secret_text import mask_secrets
from files.whole_file import write_text
from gold_data.folder import FACTS, TRAIN
from gold_data.store import GoldFolder, load_gold
from jobs.job import Job, JobResult, PlacedBackend
from jobs.library.log import log_library_to
from jobs.library.speed import quicken_library
from jobs.requests.halt import Halt
from jobs.requests.journal import AnswerJournal
from refine_loop.agreement import Agreement, compare_verdicts
from refine_loop.booking import Book, Candidate, close_candidate, load_kept
from refine_loop.engines import open_backend
from refine_loop.errors import RunError, RunInputError, explain_stop
from refine_loop.nodes import count_seconds
from refine_loop.record.candidate import read_ledger
from refine_loop.record.events import EventLog, Observer
from refine_loop.record.outputs import Outcome, write_outputs
from refine_loop.record.provenance import (
    CODE,
    DISTRIBUTIONS,
    DOCUMENT,
    REJUDGED,
    begin_record,
    hash_code,
    hash_files,
    read_versions,
    write_native,
    write_profile,
    write_provenance,
)
from refine_loop.rounds import Rounds
from refine_loop.run import check_unused
from refine_loop.run_lock import lock_folder
from refine_loop.state import ENDS, START_STATE, build_candidate_schema
from refine_loop.steering import steer_run

OF_ROWS = ("controls", "dataset", "form", "gold", "run")  # keys of a profile that rows of any dataset were made by
REFINED = "refined_"  # how the name of a refiner's answer begins
KEPT_OF_OLD = ("retry_count", "edits", "undone_edits")  # how a row came to be what it is


@dataclass(frozen=True)
class Rejudged:
    """The new run, and how far its verdicts agree with the old ones."""

    outcome: Outcome
    agreement: Agreement


@dataclass(frozen=True)
class _Work:
    old: Path
    folder: Path
    profile: Profile
    compiled: CompiledProfile
    gold: GoldFolder
    book: Book

    @property
    def rounds(self) -> Rounds:
        return Rounds(self.folder / "rounds", self.profile.dataset)


def rejudge_run(
    old: Path, before: Profile, profile: Profile, folder: Path, *, endpoint: str | None, observe: Observer
) -> Rejudged:
    """Judge the rows of a finished run again, by another profile of the same dataset, into a new folder.

    Raises:
        RunInputError: the old run has no ledger, the profile is of another dataset or judges no otherwise, or its rows
            cannot be judged alone.
        ConfigError: a key that the profile names is not set.
        BackendError, RunError: the models cannot be reached, or a job failed as a whole; nothing is left behind.
    """
    ledger = read_ledger(old)
    _check_folder(old)
    _check_dataset(old, before, profile)
    _check_changes(before, profile)
    if problems := check_environment(profile):
        raise ConfigError(problems)
    check_unused(folder)
    is_same_rubric = _has_same_rubric(old, before, profile)
    if is_same_rubric and profile.acceptance == before.acceptance:
        what = "another judge (--set models.judge.model=x), acceptance (--set acceptance.CRITERION=5) or --profile"
        raise RunInputError(
            f"nothing that judges the rows of {old} would differ, and a copy would come of it: name {what}"
        )
    profile = keep_law(before, profile, max(1, ledger.height))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with lock_folder(folder):
            shutil.copytree(old / "gold", folder / "gold")
            begin_record(folder)
            gold = load_gold(folder / "gold")
            compiled = compile_profile(profile, gold)
            book = Book(load_dataset(profile.dataset.folder), profile.acceptance)
            work = _Work(old, folder, profile, compiled, gold, book)
            config = None if is_same_rubric else build_judging(compiled, profile)
            with _open_judging(work, config, endpoint, observe) as judging:
                outcome = _judge_all(work, judging)
            agreement = compare_verdicts(ledger, read_ledger(folder), profile.dataset.criteria)
            found = {"from": str(old.resolve())} | agreement.to_json()
            write_text(json.dumps(found, indent=1) + "\n", folder / REJUDGED)
            return Rejudged(outcome, agreement)
    except BaseException as exc:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(exc, KeyboardInterrupt | OSError):
            raise RunError(f"{explain_stop(exc, old)}\nNothing is left of it; {old} is as it was") from exc
        raise


def _check_changes(before: Profile, profile: Profile) -> None:
    """Refuse changes of what the rows were made from: they would change nothing."""
    wrote = [f"models.{role}" for role in profile.models if role != _name_judge(profile)]
    kept = (*OF_ROWS, *before.options, *wrote)
    for change in profile.changes:
        key = change.partition("=")[0].strip()
        if key != "gold.disguise" and any(f"{key}.".startswith(f"{name}.") for name in kept):
            raise RunInputError(f"--set {change}: rows that are judged again have their {key} already: drop it")


def _name_judge(profile: Profile) -> str | None:
    """Name the role that judges, where the dataset has one."""
    judge = profile.dataset.find_column(profile.dataset.judge)
    return None if judge is None else str(judge["model_alias"])


def keep_law(before: Profile, profile: Profile, rows: int) -> Profile:
    """Give a profile what the rows were made from and the models that wrote them: of these it brings the judge alone.

    What models were shown in disguise stays so, unless a change on the command line takes it off.
    """
    is_said = any(change.partition("=")[0].strip() == "gold.disguise" for change in profile.changes)
    run = replace(before.run, accepted=rows, max_candidates=rows)
    models, documents = dict(profile.models), dict(profile.document["models"])
    for role in (models.keys() & before.models.keys()) - {_name_judge(profile)}:
        models[role], documents[role] = before.models[role], before.document["models"][role]
    kept = {key: before.document[key] for key in ("controls", "form", *before.options)}
    disguise = profile.gold.disguise or (before.gold.disguise and not is_said)
    document = {
        **profile.document,
        **kept,
        "models": documents,
        "gold": {**before.document["gold"], "disguise": disguise},
        "run": dict(vars(run)),
    }
    return replace(
        profile,
        controls=before.controls,
        form=before.form,
        options=before.options,
        models=models,
        gold=replace(before.gold, disguise=disguise),
        run=run,
        document=document,
    )


def _check_folder(old: Path) -> None:
    """Refuse a folder that lacks what the rows were made from, before another is begun."""
    rounds = sorted(old.glob("rounds/*")) or [old / "rounds/001"]
    needed = [old / "gold" / FACTS, old / "gold" / TRAIN, *(place / "plan.parquet" for place in rounds)]
    try:
        if missing := [path for path in needed if not path.is_file()]:
            raise RunInputError(
                f"{old} is damaged: {missing[0].relative_to(old)} is missing; its rows cannot be judged"
            )
        read_provenance(old)
        json.loads(needed[0].read_bytes())
        for path in (needed[1], *old.glob("rounds/*/*.parquet")):
            pl.scan_parquet(path, glob=False).collect_schema()
    except (OSError, ValueError, PolarsError) as exc:
        raise RunInputError(f"{old} is damaged and its rows cannot be judged: {exc}") from exc


def read_provenance(old: Path) -> Mapping[str, Any]:
    """Read what a run was made from.

    Raises:
        ValueError: it is no JSON object.
        OSError: it cannot be read.
    """
    path = old / "provenance.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(told, dict):
        raise ValueError(f"{path} holds no JSON object")
    return told


def _check_dataset(old: Path, before: Profile, profile: Profile) -> None:
    """Refuse a profile whose rows are others; a copy of the dataset with another rubric has the same."""
    then, now = before.dataset, profile.dataset
    if (then.name, then.row, then.schema, then.keep) != (now.name, now.row, now.schema, now.keep):
        raise RunInputError(f"{old} has rows of {then.name}, and the profile makes others, of {now.name}")
    known = Project(now.root, PROJECT_ROOT).list_controls(now.folder)
    if missing := [use.name for use in before.controls if use.name not in known]:
        raise RunInputError(f"{old} was made with the control {missing[0]}, and {now.folder} finds none of that name")


def _has_same_rubric(old: Path, before: Profile, after: Profile) -> bool:
    """Tell whether the same judge would be asked the same: by its model, and by the content of its column's file."""
    dataset = after.dataset
    judge = dataset.find_column(dataset.judge)
    if judge is None:
        return True
    entry = next(name for name, column in dataset.columns.items() if column is judge)
    asked = hash_files([find_column_file(dataset.folder, entry)])
    known = read_provenance(old).get("sha256", {})
    is_same_file = all(known.get(name) == digest for name, digest in asked.items())
    # How a provider is asked for a form, and what it understands, makes no other judge.
    models = [replace(p.models[judge["model_alias"]], structured_output="auto", dialect=()) for p in (before, after)]
    return is_same_file and models[0] == models[1]


def build_judging(compiled: CompiledProfile, profile: Profile) -> dict[str, Any]:
    """Build the job that checks and judges rows as they stand: the last stage without what writes them or is kept.

    Raises:
        RunInputError: a model would write something of a row anew.
    """
    dataset, stage = profile.dataset, compiled.refine or compiled.generate
    kept = {*dataset.keep, *(f"{REFINED}{name}" for name in dataset.keep)}
    given = {dataset.refined_row if compiled.refine else dataset.row, *kept}
    columns = [column for column in stage["columns"] if column["name"] not in given]
    if asked := [c["name"] for c in columns if "model_alias" in c and c["name"] != dataset.judge]:
        raise RunInputError(
            f"rows of {dataset.name} cannot be judged alone: {', '.join(asked)} would be asked of a model again"
        )
    return {**stage, "columns": columns}


@dataclass(frozen=True)
class _Judging:
    """Where rows are judged: `config` is None where their scores stand."""

    config: dict[str, Any] | None
    backend: PlacedBackend
    log: EventLog
    journal: AnswerJournal


@contextlib.contextmanager
def _open_judging(
    work: _Work, config: dict[str, Any] | None, endpoint: str | None, observe: Observer
) -> Iterator[_Judging]:
    profile, folder, halt = work.profile, work.folder, Halt()
    with (
        log_library_to(folder / "data_designer.log", verbose=False),
        EventLog(folder / "events.jsonl", observe) as log,
        open_backend(profile, endpoint, folder, log, halt) as backend,
        AnswerJournal(folder / "rounds", trace=folder / "trace" if profile.trace == "full" else None) as journal,
        steer_run(profile, backend, halt, log, journal),
        quicken_library(),
    ):
        try:
            yield _Judging(config, backend, log, journal)
        except KeyboardInterrupt:
            raise halt.reason or KeyboardInterrupt from None


def _judge_all(work: _Work, judging: _Judging) -> Outcome:
    log = judging.log
    log.write("run_started", resumed=False, accepted=0)
    if judging.config is not None:
        judging.backend.check_models(_pick_judge(work))
    planned = accepted = 0
    for number, candidates in _read_old(work):
        plan = pl.read_parquet(work.old / "rounds" / f"{number:03d}" / "plan.parquet", glob=False).to_dicts()
        work.rounds.write_plan(number, plan)
        settled = _judge_round(work, judging, number, candidates)
        work.rounds.write_pass(number, 0, settled)
        work.rounds.write_settled(number, settled)
        judging.journal.close_settled()
        ended = Counter(str(candidate["status"]) for candidate in settled)
        planned, accepted = planned + len(settled), accepted + ended["accepted"]
        state = START_STATE | {"round": number, "planned": planned, "accepted": accepted}
        log.write("round_settled", **state, ended={status: ended[status] for status in ENDS})
    _write_inputs(work)
    outcome = write_outputs(work.folder, work.profile, work.gold, "accepted")
    log.write("run_finished", stopped_by="accepted", **outcome.counts)
    return outcome


def _pick_judge(work: _Work) -> dict[str, Any]:
    judge = work.profile.dataset.judge
    return {**work.compiled.whole, "columns": [c for c in work.compiled.whole["columns"] if c["name"] == judge]}


def _read_old(work: _Work) -> Iterator[tuple[int, list[Candidate]]]:
    """Read the old run's candidates as they ended, with what a candidate of the new one has a place for."""
    blank = dict.fromkeys(build_candidate_schema(work.profile.dataset))
    for number, ended in Rounds(work.old / "rounds", work.profile.dataset).iter_ended():
        if ended.height:
            yield number, [blank | {k: v for k, v in c.items() if k in blank} for c in ended.to_dicts()]


def _judge_round(work: _Work, judging: _Judging, number: int, old: list[Candidate]) -> list[Candidate]:
    """Judge a round's rows again; what has none, and what no judge had seen where the scores stand, ends as it did."""
    has_row = [
        c for c in old if c["generated_row"] is not None and (judging.config is not None or _was_judged(c, work))
    ]
    if judging.config is None:
        result = JobResult([_give_scores(c, work) for c in has_row])
    else:
        result = _run_job(work, judging, number, has_row)
    scored = dict.fromkeys(work.profile.dataset.criteria)
    blank = [c | scored | {"status": "open", "reason": None, "judge_critique": None, "critiques": []} for c in has_row]
    booked = {c["row_id"]: c for c in work.book.book_result(blank, result, 0)}
    ended = [booked.get(c["row_id"], c) | {key: c[key] for key in KEPT_OF_OLD} for c in old]
    return [close_candidate(c, "judged again") if c["status"] == "open" else c for c in ended]


def _run_job(work: _Work, judging: _Judging, number: int, candidates: list[Candidate]) -> JobResult:
    if not candidates or judging.config is None:
        return JobResult([])
    plans = {row["row_id"]: row for row in work.rounds.read_plan(number)}
    seeds = work.rounds.write_seeds(number, 0, [_seed_row(work, plans[c["row_id"]], c) for c in candidates])
    name, job = f"{number:03d}_generate", add_seed(judging.config, seeds)
    write_config(job, work.folder / "jobs" / f"{name}.yaml", f"Job {name} as it was sent.")
    judging.log.start_job(name, len(candidates))
    started = time.monotonic()
    result = judging.backend.run(Job(name, job, len(candidates)))
    seconds, returned = count_seconds(started), len(result.rows)
    judging.log.write("job_finished", job=name, rows=len(candidates), returned=returned, seconds=seconds)
    beside = (f"{work.profile.dataset.row}__edits", f"{work.profile.dataset.row}__undone")
    return JobResult([{k: v for k, v in row.items() if k not in beside} for row in result.rows], result.lost)


def _was_judged(candidate: Candidate, work: _Work) -> bool:
    return all(candidate[name] is not None for name in work.profile.dataset.criteria)


def _give_scores(candidate: Candidate, work: _Work) -> dict[str, Any]:
    """Give a row as a job would have returned it, with the scores that it has."""
    dataset = work.profile.dataset
    reasons = candidate["judge_critique"] or ""
    judgement = {name: {"score": candidate[name], "reasoning": reasons} for name in dataset.criteria}
    passed = {name: {"passed": True, "violations": []} for name in dataset.checks}
    kept = {name: load_kept(candidate[name]) for name in dataset.keep}
    row = {"row_id": candidate["row_id"], dataset.row: candidate["generated_row"], **passed, **kept}
    return row | ({} if dataset.judge is None else {dataset.judge: judgement})


def _seed_row(work: _Work, plan_row: dict[str, Any], candidate: Candidate) -> dict[str, Any]:
    """Write a row of the job's seed: a refinement's, with the row itself as the refiner's answer."""
    dataset = work.profile.dataset
    kept = {name: load_kept(candidate[name]) for name in dataset.keep}
    if work.compiled.refine is None:
        return {**plan_row, **kept, dataset.row: candidate["generated_row"]}
    whole = candidate | {"judge_critique": "", "criticised_fields": list(dataset.fields)}
    return {**work.book.seed_refinement(plan_row, whole), **kept, dataset.refined_row: candidate["generated_row"]}


def _write_inputs(work: _Work) -> None:
    """Write what the run was made from; the profile comes last, as in any run."""
    old = read_provenance(work.old)
    files = [work.old / "ledger.parquet", work.profile.path]
    described = {
        **old,
        "command_line": mask_secrets(shlex.join(["tradelogs", *sys.argv[1:]])),
        "profile": old.get("profile") if work.profile.path.parent == work.old else work.profile.name,
        "changes": [mask_secrets(change) for change in work.profile.changes],
        DOCUMENT: work.profile.to_yaml(),
        "sha256": {**old.get("sha256", {}), **hash_files(files)},
        CODE: hash_code(),
        "versions": read_versions(DISTRIBUTIONS),
        "rejudged_from": str(work.old.resolve()),
    }
    write_provenance(described, work.folder)
    write_native(work.folder, work.profile, work.compiled)
    write_profile(work.profile, work.folder)

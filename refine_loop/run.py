"""One run, from a profile to its folder."""

import os
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from columns.dataset import load_dataset
from columns.errors import DatasetError
from designer_configs.compile.check import check_environment, check_gold_files
from designer_configs.compile.controls import find_foreign_buckets
from designer_configs.compile.native import CompiledProfile, compile_profile
from designer_configs.compile.profile import Profile, load_profile
from designer_configs.errors import ConfigError
from files.shown_text import write_command
from files.whole_file import name_full_disk, sync_tree
from gold_data.store import Gold, GoldFolder, load_gold, take_rows, write_gold
from jobs.errors import BackendError
from jobs.job import PlacedBackend
from jobs.library.log import log_library_to
from jobs.library.speed import import_ahead, quicken_library
from jobs.library.versions import describe_untried, find_untried
from jobs.requests.halt import Halt
from jobs.requests.journal import AnswerJournal
from refine_loop.checkpoints import open_checkpoints
from refine_loop.context import RunContext
from refine_loop.engines import open_backend, watch_server
from refine_loop.errors import STORAGE_ERRORS, RunError, RunInputError, explain_stop
from refine_loop.extension import extend_run
from refine_loop.graph import builder
from refine_loop.nodes import find_stop_reason, reopen_state
from refine_loop.pace import describe_slow, measure_pace
from refine_loop.record.damage import mend_run
from refine_loop.record.events import EventLog, Observer, iter_events
from refine_loop.record.metrics import observe_run
from refine_loop.record.outputs import Outcome, write_outputs
from refine_loop.record.provenance import PROFILE_FILE, write_inputs, write_native
from refine_loop.record.runs import is_run
from refine_loop.recovery import THREAD, check_checkpoints, drop_checkpoints, rebuild_state
from refine_loop.run_lock import lock_folder
from refine_loop.state import START_STATE, StopReason
from refine_loop.steering import steer_run

EVENTS = "events.jsonl"
LONGEST_FOLDER = 480  # bytes of a path: SQLite takes 512, its file's name and `-journal` included
FORM = "structured_output"  # the event that remembers in which form a role's answers are asked for


def name_run_folder(profile: Profile, runs: Path) -> Path:
    """Name a new run's folder: `<profile>-<UTC time>`."""
    return runs / f"{profile.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def start_run(
    profile: Profile, folder: Path, endpoint: str | None, observe: Observer, *, verbose: bool = False
) -> Outcome:
    """Run a profile in a new folder; `endpoint` takes the place of the provider's where it is given.

    Raises:
        RunInputError, ConfigError, GoldError: something given cannot be used; the folder is not left behind.
        BackendError: the models cannot be reached, or the first job failed as a whole; no folder is left behind.
        RunError: a later job failed as a whole, or the run was stopped while it wrote its results; it can go on.
    """
    check_unused(folder)
    with import_ahead():
        gold = read_checked_gold(profile)
        _claim_folder(folder)
        with lock_folder(folder):
            return _begin_run(profile, gold, folder, endpoint, observe, verbose=verbose)


def check_unused(folder: Path) -> None:
    """Check that a folder can become a run's.

    Raises:
        RunInputError: its path is too long or leads nowhere, or something is there already.
    """
    if folder.is_symlink() and not folder.exists():
        raise RunInputError(f"{folder} is a link that leads nowhere: name another with --out")
    try:
        size = len(os.fsencode(folder.resolve()))
        is_taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as exc:  # a name that is too long, a folder that may not be looked into
        raise RunInputError(f"{folder} cannot be used ({exc.strerror}): name another with --out") from exc
    if size > LONGEST_FOLDER:
        message = f"{folder} is too long: {size} bytes, the limit is {LONGEST_FOLDER}, for SQLite opens no longer path"
        raise RunInputError(f"{message}: name another with --out")
    if is_taken:
        raise RunInputError(f"{folder} is there already and not empty: name another with --out, or go on with resume")


def _claim_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "gold").mkdir()  # whoever makes it has claimed the folder
    except FileExistsError as exc:
        raise RunInputError(f"another run has just begun in {folder}: name another with --out") from exc
    except OSError as exc:
        raise RunInputError(f"{folder} cannot be made ({exc.strerror}): name another with --out") from exc


def _begin_run(
    profile: Profile, gold: Gold, folder: Path, endpoint: str | None, observe: Observer, *, verbose: bool
) -> Outcome:
    try:
        stored = keep_gold(gold, profile, folder)
        compiled = compile_profile(profile, stored)
        write_inputs(folder, profile, compiled, gold)
        observe(describe_gold(gold, stored, name_gold_rows(profile)))
        return _run_loop(_Prepared(profile, compiled, stored, folder), endpoint, observe, verbose=verbose)
    except BaseException as exc:
        if has_plan(folder):
            raise
        shutil.rmtree(folder, ignore_errors=True)  # nothing was generated: nothing is left that looks like a run
        if isinstance(exc, STORAGE_ERRORS):
            raise RunError(f"{explain_stop(exc, folder)}\nNothing was generated, and nothing is left") from exc
        raise


def prepare_resume(folder: Path) -> list[str]:
    """Hold a run against what was recorded of it before it goes on, and make room for what is made anew.

    Gives what is to be said of it.

    Raises:
        RunInputError: something is damaged that cannot be made anew, or another process is at work in the folder.
    """
    if not is_run(folder):
        return []  # which whoever loads its profile says
    with lock_folder(folder):
        said = mend_run(folder)
        if (lost := check_checkpoints(folder)) is not None:
            drop_checkpoints(folder)
            said.append(f"{lost}: the rounds say how far the run is")
    return said


def resume_run(
    profile: Profile,
    folder: Path,
    endpoint: str | None,
    observe: Observer,
    *,
    verbose: bool = False,
    may_mix: bool = False,
) -> Outcome:
    """Go on with a run that was cut short, or to more rows; a run that is done is only counted again.

    `profile` may ask for more than the run's own, see `extend_run`; `prepare_resume` comes before.

    Raises:
        RunInputError: another process is at work in the folder, it cannot be written to, or another run is asked for.
        ConfigError: a key that the profile names is not set.
        BackendError, RunError: as `start_run` does.
    """
    if problems := check_environment(profile):
        raise ConfigError(problems)
    with lock_folder(folder):
        said = extend_run(profile, folder, may_mix=may_mix)
        stored = load_gold(folder / "gold")
        run = _Prepared(profile, compile_profile(profile, stored), stored, folder)
        write_native(folder, profile, run.compiled)
        if said is not None:
            observe({"event": "went_on", "said": said})
        return _run_loop(run, endpoint, observe, verbose=verbose)


def keep_gold(gold: Gold, profile: Profile, folder: Path) -> GoldFolder:
    """Write the gold into a run's folder, down to the disk.

    Raises:
        StorageError: it does not fit.
    """
    with name_full_disk(folder / "gold"):
        stored = write_gold(gold, folder / "gold", profile.gold.holdout, profile.gold.embargo)
    sync_tree(folder / "gold")
    return stored


def has_plan(folder: Path) -> bool:
    """Tell whether a run has got so far that there is something to go on with."""
    return any(folder.glob("rounds/*/plan.parquet"))


def load_run_profile(folder: Path, overrides: Mapping[str, Any] | None = None) -> Profile:
    """Load the profile a run was started with, or that it shall go on with.

    Raises:
        RunInputError: the folder holds no run.
    """
    try:
        has_profile, has_gold = ((folder / name).exists() for name in (PROFILE_FILE, "gold"))
    except OSError as exc:  # a name that is too long, a folder that may not be looked into
        raise RunInputError(f"{folder} cannot be read ({exc.strerror}): name the folder of a run") from exc
    if has_profile:
        return load_profile(str(folder / PROFILE_FILE), overrides)
    if has_plan(folder):
        raise RunInputError(f"{folder} has lost {PROFILE_FILE}: put it back from a copy; what was made is still there")
    if has_gold:
        raise RunInputError(f"{folder}: the run was cut before it had begun. Delete the folder, and start it again")
    raise RunInputError(f"{folder} holds no run to go on with: name the folder that `tradelogs generate` printed")


@dataclass(frozen=True)
class _Prepared:
    """A run that is ready to go: its inputs are checked and stored in its folder."""

    profile: Profile
    compiled: CompiledProfile
    gold: GoldFolder
    folder: Path


def _run_loop(run: _Prepared, endpoint: str | None, observe: Observer, *, verbose: bool) -> Outcome:
    halt = Halt()
    try:
        with (
            log_library_to(run.folder / "data_designer.log", verbose=verbose),
            observe_run(run.profile, run.folder, observe) as observe_all,
            EventLog(run.folder / EVENTS, observe_all) as log,
            open_backend(run.profile, endpoint, run.folder, log, halt) as backend,
            watch_server(endpoint, halt),
        ):
            stopped_by = _drive_graph(run, backend, log, halt)
            if halt.reason is not None:
                log.write("run_halted", why=str(halt.reason))
                if isinstance(halt.reason, BackendError) and has_plan(run.folder):
                    write_outputs(run.folder, run.profile, run.gold, stopped_by)  # of what has ended, and what it cost
                raise halt.reason
            outcome = write_outputs(run.folder, run.profile, run.gold, stopped_by)
            log.write("run_finished", stopped_by=stopped_by, **outcome.counts)
        return outcome
    except (BackendError, DatasetError, OSError, sqlite3.Error, KeyboardInterrupt) as exc:
        if not has_plan(run.folder):
            if halt.reason is not None:
                raise halt.reason from exc
            raise
        why = explain_stop(halt.reason or exc, run.folder)
        resume = write_command("tradelogs", "resume", run.folder)
        raise RunError(f"{why}\nWhat there is, is kept. Go on with it: {resume}") from exc


def _drive_graph(run: _Prepared, backend: PlacedBackend, log: EventLog, halt: Halt) -> StopReason:
    context = RunContext(run.profile, run.compiled, backend, run.folder, log)
    trace = run.folder / "trace" if run.profile.trace == "full" else None
    with (
        open_checkpoints(run.folder / "checkpoints.sqlite") as checkpoints,
        AnswerJournal(run.folder / "rounds", trace=trace) as journal,
        steer_run(run.profile, backend, halt, log, journal, gold=run.gold),
        quicken_library(),
    ):
        journal.close_settled()
        if (untried := find_untried()) is not None:
            log.write("library_untried", version=untried, said=describe_untried(untried))
        graph = builder.compile(checkpointer=checkpoints)
        before = graph.get_state(THREAD)
        if before.created_at is None and has_plan(run.folder):
            before = _rebuild_checkpoint(graph, context)
        if before.values.get("stop_reason") is not None and not before.next:
            reopened = reopen_state(before.values, context)
            if (done := reopened["stop_reason"]) is not None:
                return done
            graph.update_state(THREAD, reopened, as_node="settle")
        check_models(backend, run.profile, pick_models(run.compiled), log, run.folder)
        begin = START_STATE if before.created_at is None else None
        log.write("run_started", resumed=begin is None, accepted=before.values.get("accepted", 0))
        try:
            for _ in graph.stream(begin, THREAD, context=context, stream_mode="updates", durability="sync"):
                journal.close_settled()
        except KeyboardInterrupt:
            if not has_plan(run.folder):
                raise
            return "interrupted"
        stopped_by: StopReason = graph.get_state(THREAD).values["stop_reason"]
        return stopped_by


def _rebuild_checkpoint(graph: Any, context: RunContext) -> Any:
    """Make the last checkpoint anew, of a run that has lost them; whatever its rounds say is known from then on."""
    state, node = rebuild_state(context.folder / "rounds")
    if node == "settle":
        state = state | {"stop_reason": find_stop_reason(state, context)}
    graph.update_state(THREAD, state, as_node=node)
    return graph.get_state(THREAD)


def check_models(backend: PlacedBackend, profile: Profile, config: dict[str, Any], log: EventLog, folder: Path) -> None:
    """Ask every model for one short answer, and once a run in which form it gives answers; say which are slow."""
    forms = getattr(backend, "forms", None)
    if forms is None:  # a service has its own way
        backend.check_models(config)
        return
    forms.remember({event["role"]: event["mode"] for event in iter_events(folder / EVENTS) if event["event"] == FORM})
    before = set(forms.findings)
    backend.check_models(config)
    for role in forms.findings.keys() - before:
        found = forms.findings[role]
        log.write(FORM, role=role, mode=found.mode, tried=dict(found.tried))
    paces = {} if has_plan(folder) else measure_pace(iter_events(folder / EVENTS))
    for model, said in describe_slow(profile, paces).items():
        log.write("provider_warned", model=model, said=said)


def pick_models(compiled: CompiledProfile) -> dict[str, Any]:
    """Pick one column of each role, so that every model is asked; the whole flow has none of the refiner's."""
    columns = [*compiled.whole["columns"], *(compiled.refine or {"columns": []})["columns"]]
    by_role = {column["model_alias"]: column for column in columns if "model_alias" in column}
    return {"model_configs": compiled.whole["model_configs"], "columns": list(by_role.values())}


def name_gold_rows(profile: Profile) -> str:
    """Name gold rows for people: by their file's key, or as rows are called."""
    key = profile.dataset.rows_key
    return profile.dataset.nouns if key in (None, "rows") else str(key)


def describe_gold(gold: Gold, stored: GoldFolder, nouns: str) -> dict[str, Any]:
    """Describe what was read, for the display: how many rows, and those that were left out with their lines."""
    rejected = [
        f"line {row['line']}: {row['rule']}: {row['found']} (limit: {row['limit']})" for row in gold.rejected.to_dicts()
    ]
    return {
        "event": "gold_read",
        "nouns": nouns,
        "train": stored.train.height,
        "holdout": stored.holdout.height,
        "left_out": gold.rejected["line"].n_unique(),
        "rejected": rejected,
        "rejected_file": str(stored.folder / "rejected_rows.csv"),
        "notes": gold.notes,
    }


def read_checked_gold(profile: Profile) -> Gold:
    """Read a profile's gold, and hold the profile against it and against the environment, before anything is started.

    Raises:
        GoldError: the gold cannot be read.
        DatasetError: the dataset's own Python cannot be used.
        ConfigError: a key is not set, a file of gold is not there, or a control's buckets lie outside the gold.
    """
    if problems := check_gold_files(profile):
        raise ConfigError(problems)
    gold = load_dataset(profile.dataset.folder).read_gold(profile.gold)
    train = take_rows(gold, "train", profile.gold.holdout, profile.gold.embargo)
    if problems := check_environment(profile) + find_foreign_buckets(profile, train):
        raise ConfigError(problems)
    return gold

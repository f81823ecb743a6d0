"""One run, from a profile to its folder."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver

from designer_configs.backend import LibraryBackend, log_library_to
from designer_configs.check import check_environment
from designer_configs.compile import CompiledProfile, compile_profile
from designer_configs.controls import find_foreign_buckets
from designer_configs.errors import BackendError, ConfigError
from designer_configs.library_shim import spare_repeated_work, watch_requests
from designer_configs.profile import Profile, load_profile
from gold_data.ingest import Gold, read_gold
from gold_data.splits import take_part
from gold_data.store import GoldFolder, load_gold, split_gold, write_gold
from refine_loop.errors import RunError, RunInputError
from refine_loop.events import EventLog, Observer
from refine_loop.graph import build_graph
from refine_loop.nodes import Nodes
from refine_loop.outputs import Outcome, write_outputs
from refine_loop.provenance import write_inputs
from refine_loop.state import START_STATE, StopReason

THREAD: RunnableConfig = {"configurable": {"thread_id": "run"}, "recursion_limit": 1_000_000}


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
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunInputError(f"{folder} is there already and not empty: name another with --out, or go on with resume")
    gold = read_checked_gold(profile)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "gold").mkdir()  # whoever makes it has claimed the folder
    except FileExistsError as exc:
        raise RunInputError(f"another run has just begun in {folder}: name another with --out") from exc
    except OSError as exc:
        raise RunInputError(f"{folder} cannot be made ({exc.strerror}): name another with --out") from exc
    try:
        stored = write_gold(gold, folder / "gold", profile.gold.holdout, profile.gold.embargo)
        compiled = compile_profile(profile, stored)
        write_inputs(folder, profile, compiled, gold)
        observe(describe_gold(gold, stored))
        return _run_loop(_Prepared(profile, compiled, stored, folder), endpoint, observe, verbose=verbose)
    except BaseException:
        if not has_plan(folder):  # nothing was generated: nothing is left that looks like a run
            shutil.rmtree(folder, ignore_errors=True)
        raise


def resume_run(
    profile: Profile, folder: Path, endpoint: str | None, observe: Observer, *, verbose: bool = False
) -> Outcome:
    """Go on with a run that was cut short; a run that is done is only counted again.

    Raises:
        ConfigError: a key that the profile names is not set.
        BackendError, RunError: as `start_run` does.
    """
    if problems := check_environment(profile):
        raise ConfigError(problems)
    stored = load_gold(folder / "gold")
    run = _Prepared(profile, compile_profile(profile, stored), stored, folder)
    return _run_loop(run, endpoint, observe, verbose=verbose)


def has_plan(folder: Path) -> bool:
    """Tell whether a run has got so far that there is something to go on with."""
    return any(folder.glob("rounds/*/plan.parquet"))


def load_run_profile(folder: Path) -> Profile:
    """Load the profile a run was started with.

    Raises:
        RunInputError: the folder holds no run.
    """
    if not (folder / "checkpoints.sqlite").exists():
        raise RunInputError(f"{folder} holds no run to go on with: name the folder that `tradelogs generate` printed")
    return load_profile(str(folder / "profile.yaml"), {})


@dataclass(frozen=True)
class _Prepared:
    """A run that is ready to go: its inputs are checked and stored in its folder."""

    profile: Profile
    compiled: CompiledProfile
    gold: GoldFolder
    folder: Path


def _run_loop(run: _Prepared, endpoint: str | None, observe: Observer, *, verbose: bool) -> Outcome:
    try:
        with (
            log_library_to(run.folder / "data_designer.log", verbose=verbose),
            EventLog(run.folder / "events.jsonl", observe) as log,
        ):
            stopped_by = _drive_graph(run, LibraryBackend(run.profile, endpoint, run.folder / "artifacts"), log)
            log.write("run_finished", stopped_by=stopped_by)
        return write_outputs(run.folder, run.profile, run.gold, stopped_by)
    except (BackendError, KeyboardInterrupt) as exc:
        if not has_plan(run.folder):
            raise
        why = str(exc) or "stopped before the results were written"
        raise RunError(f"{why}\nWhat there is, is kept. Go on with it: tradelogs resume {run.folder}") from exc


def _drive_graph(run: _Prepared, backend: LibraryBackend, log: EventLog) -> StopReason:
    nodes = Nodes(run.profile, run.compiled, backend, run.folder, log)
    with (
        SqliteSaver.from_conn_string(str(run.folder / "checkpoints.sqlite")) as checkpointer,
        watch_requests(log.write_request),
        spare_repeated_work(),
    ):
        graph = build_graph(nodes, checkpointer)
        before = graph.get_state(THREAD)
        if before.values.get("stop_reason") is not None and not before.next:
            done: StopReason = before.values["stop_reason"]
            return done
        backend.check_models(pick_models(run.compiled))
        begin = START_STATE if before.created_at is None else None
        log.write("run_started", resumed=begin is None, accepted=before.values.get("accepted", 0))
        try:
            for _ in graph.stream(begin, THREAD, stream_mode="updates", durability="sync"):
                pass
        except KeyboardInterrupt:
            if not has_plan(run.folder):
                raise
            return "interrupted"
        stopped_by: StopReason = graph.get_state(THREAD).values["stop_reason"]
        return stopped_by


def pick_models(compiled: CompiledProfile) -> dict[str, Any]:
    """Pick one column of each role, so that every model is asked; the whole flow has none of the refiner's."""
    columns = [*compiled.whole["columns"], *compiled.refine["columns"]]
    by_role = {column["model_alias"]: column for column in columns if "model_alias" in column}
    return {"model_configs": compiled.whole["model_configs"], "columns": list(by_role.values())}


def describe_gold(gold: Gold, stored: GoldFolder) -> dict[str, Any]:
    """Describe what was read, for the display: how many trades, and the rows that were left out with their lines."""
    rejected = [
        f"line {row['line']}: {row['rule']}: {row['found']} (limit: {row['limit']})" for row in gold.rejected.to_dicts()
    ]
    return {
        "event": "gold_read",
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
        RunInputError: the profile asks for a backend that cannot run yet.
        GoldError: the gold cannot be read.
        ConfigError: a key is not set, or a control's buckets lie outside the gold.
    """
    if profile.backend.name != "library":
        raise RunInputError(
            f"{profile.file}: backend: microservices is declared and validated, but this version cannot run it yet. "
            "Use a profile with `backend: library`"
        )
    gold = read_gold(profile.gold.trades, profile.gold.bars, profile.gold.split)
    train = take_part(gold.trades, split_gold(gold, profile.gold.holdout, profile.gold.embargo).train)
    if problems := check_environment(profile) + find_foreign_buckets(profile, train):
        raise ConfigError(problems)
    return gold

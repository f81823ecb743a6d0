"""A few candidates to look at: planned, generated, checked and judged, and nothing kept."""

import functools
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from designer_configs.compile.native import compile_profile
from designer_configs.compile.profile import Profile
from gold_data.store import write_gold
from jobs.library.log import log_library_to
from jobs.library.speed import quicken_library
from jobs.open_backend import make_backend
from jobs.reading.answer import Answer
from jobs.request import Request
from jobs.requests.halt import Halt
from jobs.requests.journal import AnswerJournal
from refine_loop.budget import find_spent_cap
from refine_loop.context import RunContext
from refine_loop.nodes import generate, plan
from refine_loop.record.events import EventLog, Observer
from refine_loop.run import read_checked_gold
from refine_loop.state import START_STATE
from refine_loop.steering import steer_run

LONGEST_PATIENCE = 0.5  # minutes: a person waits for a preview

Tell = Callable[[Request, Answer], None]


def preview_candidates(
    profile: Profile, count: int, endpoint: str | None, observe: Observer, tell: Tell, *, verbose: bool
) -> list[dict[str, Any]]:
    """Make first drafts and have them judged; each comes with its plan's columns.

    Events are shown to `observe`, and each answer to `tell` as it comes.

    Raises:
        RunInputError, ConfigError, GoldError: something given cannot be used.
        BackendError: the models cannot be reached, or a job failed as a whole.
    """
    gold = read_checked_gold(profile)
    with tempfile.TemporaryDirectory(prefix="tradelogs-preview-") as temporary:
        folder = Path(temporary)
        stored = write_gold(gold, folder / "gold", profile.gold.holdout, profile.gold.embargo)
        compiled = compile_profile(profile, stored)
        with (
            log_library_to(folder / "data_designer.log", verbose=verbose),
            EventLog(folder / "events.jsonl", observe) as log,
            AnswerJournal(folder / "rounds", tell=tell) as journal,
            quicken_library(),
        ):
            halt = Halt()
            patience = min(profile.run.patience_minutes, LONGEST_PATIENCE)
            run = replace(profile.run, accepted=count, max_candidates=count, patience_minutes=patience)
            shortened = replace(profile, run=run)
            backend = make_backend(
                shortened,
                endpoint,
                folder,
                find_spent_cap=functools.partial(find_spent_cap, shortened, log),
                observe=log.write_service_job,
            )
            runtime = Runtime(context=RunContext(shortened, compiled, backend, folder, log))
            try:
                with steer_run(shortened, backend, halt, log, journal, gold=stored):
                    backend.check_models(compiled.whole)
                    generate(plan(START_STATE, runtime), runtime)
            except KeyboardInterrupt:
                if halt.reason is None:
                    raise
                raise halt.reason from None
        rounds = runtime.context.rounds
        return [row | candidate for row, candidate in zip(rounds.read_plan(1), rounds.read_pass(1, 0), strict=True)]

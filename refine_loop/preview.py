"""A few candidates to look at: planned, generated, checked and judged, and nothing kept."""

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from designer_configs.compile.native import compile_profile
from designer_configs.compile.profile import Profile
from gold_data.store import write_gold
from jobs.job import ROW_ID, JobResult
from jobs.library.log import log_library_to
from jobs.library.speed import quicken_library
from jobs.open_backend import make_backend
from jobs.reading.answer import Answer
from jobs.request import Request
from jobs.requests.halt import Halt
from jobs.requests.journal import AnswerJournal
from refine_loop.booking import Book, Candidate
from refine_loop.budget import find_spent_cap
from refine_loop.context import RunContext
from refine_loop.nodes import find_constraint, generate, plan
from refine_loop.record.events import EventLog, Observer
from refine_loop.run import read_checked_gold
from refine_loop.state import START_STATE, LoopState
from refine_loop.steering import steer_run

LONGEST_PATIENCE = 0.5  # minutes: a person waits for a preview

Tell = Callable[[Request, Answer], None]


@dataclass(frozen=True)
class Audience:
    """Who sees what of a preview: events, each answer as it comes, each candidate as soon as it has an end.

    A candidate comes with its plan's columns.
    """

    observe: Observer
    tell: Tell
    show: Callable[[Candidate], None]


def preview_candidates(
    profile: Profile, count: int, endpoint: str | None, audience: Audience, *, verbose: bool
) -> None:
    """Make first drafts and have them judged, before an audience.

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
            EventLog(folder / "events.jsonl", audience.observe) as log,
            AnswerJournal(folder / "rounds", tell=audience.tell) as journal,
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
            context = RunContext(shortened, compiled, backend, folder, log)
            try:
                with steer_run(shortened, backend, halt, log, journal, gold=stored):
                    backend.check_models(compiled.whole)
                    _generate_before(audience, plan(START_STATE, Runtime(context=context)), context)
            except KeyboardInterrupt:
                if halt.reason is None:
                    raise
                raise halt.reason from None


def _generate_before(audience: Audience, planned: LoopState, context: RunContext) -> None:
    """Generate what is planned, and show each candidate as soon as it is finished; those that are lost, at the end.

    What is shown is booked by a book of its own: the run's books all of them at the end.
    """
    plans = {row["row_id"]: row for row in context.rounds.read_plan(1)}
    constrained_by, shown = find_constraint(context.compiled, context), set[str]()
    book = Book(context.book.dataset, context.profile.acceptance)

    def show_row(row: dict[str, Any]) -> None:
        planned_row = plans[row[ROW_ID]]
        opened = book.open_candidate(planned_row, 1, constrained_by)
        (candidate,) = book.book_result([opened], JobResult([row]), 0)
        shown.add(row[ROW_ID])
        audience.show(planned_row | candidate)

    generate(planned, Runtime(context=replace(context, watch=show_row)))
    for candidate in context.rounds.read_pass(1, 0):
        if candidate[ROW_ID] not in shown:
            audience.show(plans[candidate[ROW_ID]] | candidate)

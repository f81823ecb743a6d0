"""Questions of a person, each sent through the same prompt, checks, policy, judge and refine passes as a row.

A dataset declares under `ask` how a question becomes its plan. What the plan's function gives is not drawn; the rest of
the plan is computed from it. Nothing is topped up: a question has one candidate.
"""

import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from columns.dataset import Given, find_function, load_dataset
from columns.declared import Ask
from columns.errors import DatasetError, QuestionError
from designer_configs.compile.check import check_environment
from designer_configs.compile.native import CompiledProfile, add_seed, compile_profile
from designer_configs.compile.profile import Profile
from designer_configs.errors import ConfigError
from gold_data.store import GoldFolder, write_gold
from jobs.errors import BackendError
from jobs.job import Job
from jobs.library.log import log_library_to
from jobs.library.speed import quicken_library
from jobs.open_backend import make_backend
from jobs.requests.halt import Halt
from refine_loop.booking import Candidate
from refine_loop.budget import find_spent_cap
from refine_loop.context import RunContext
from refine_loop.errors import RunInputError
from refine_loop.nodes import generate, hash_text, refine
from refine_loop.record.conversation import Conversation
from refine_loop.replies import Reply, write_fallbacks, write_replies
from refine_loop.run import pick_models
from refine_loop.state import START_STATE, LoopState
from refine_loop.steering import steer_run

LONGEST_PATIENCE = 0.1  # minutes: a person waits for the answer, and has the fallback
LONGEST_QUESTION = 8_000  # characters; more is a document, and would push the limits out of a model's sight
PLAN = "001_plan"


@dataclass(frozen=True)
class _Desk:
    """What questions of one profile are asked with."""

    profile: Profile
    ask: Ask
    compiled: CompiledProfile
    given: Given
    folder: Path


def ask_questions(
    profile: Profile, questions: Sequence[str], endpoint: str | None, *, verbose: bool = False
) -> list[Reply]:
    """Ask a profile's models, all questions in one job; gives a reply to each, in their order.

    Where the models cannot be reached, or gave no answer that can be used, the reply is the dataset's fallback.

    Raises:
        RunInputError: the dataset declares no way to ask, or a question cannot be asked.
        ConfigError, GoldError, DatasetError: something given cannot be used.
    """
    if not questions:
        return []
    with _open_desk(profile, len(questions), verbose=verbose) as desk:
        plans = [_plan_question(desk, question) for question in questions]
        with Conversation(desk.folder / "events.jsonl") as log:
            try:
                candidates = _run_questions(desk, plans, endpoint, log)
            except BackendError as exc:
                return write_fallbacks(profile, questions, plans, log, str(exc))
            return write_replies(profile, questions, plans, log, candidates)


def check_health(profile: Profile, endpoint: str | None) -> None:
    """Ask every model of a profile for one short answer.

    Raises:
        BackendError: one does not answer.
        ConfigError: a key is not set.
    """
    with _open_desk(profile, 1, verbose=False) as desk, Conversation(desk.folder / "events.jsonl") as log:
        backend = _make_backend(desk, endpoint, log)
        with steer_run(desk.profile, backend, Halt(), log):
            backend.check_models(pick_models(desk.compiled))


@contextmanager
def _open_desk(profile: Profile, count: int, *, verbose: bool) -> Iterator[_Desk]:
    """Read the gold, of which nothing is held out: a person asks about the last bar."""
    declared = profile.dataset
    if declared.ask is None:
        raise RunInputError(
            f"{profile.file}: the dataset {declared.name} does not say how a question becomes its plan: add "
            f"`ask: {{plan: FUNCTION}}` to {declared.folder / 'dataset.yaml'}, or name a profile of another dataset"
        )
    if problems := check_environment(profile):
        raise ConfigError(problems)
    patience = min(profile.run.patience_minutes, LONGEST_PATIENCE)
    run = replace(profile.run, accepted=count, max_candidates=count, patience_minutes=patience)
    asked = replace(profile, controls=(), run=run)
    dataset = load_dataset(declared.folder)
    with tempfile.TemporaryDirectory(prefix="tradelogs-ask-") as temporary:
        folder = Path(temporary)
        stored: GoldFolder = write_gold(dataset.read_gold(profile.gold), folder / "gold", 0.0)
        compiled = compile_profile(asked, stored)
        with log_library_to(folder / "data_designer.log", verbose=verbose), quicken_library():
            yield _Desk(asked, declared.ask, compiled, Given(dataset, stored, seed=profile.run.seed), folder)


def _plan_question(desk: _Desk, question: str) -> dict[str, Any]:
    if not question.strip():
        raise RunInputError("the question is empty: write one in quotes")
    if len(question) > LONGEST_QUESTION:
        raise RunInputError(f"the question has {len(question):,} characters; at most {LONGEST_QUESTION:,} are asked")
    if "\0" in question or any("\ud800" <= letter <= "\udfff" for letter in question):
        raise RunInputError("the question holds letters that are no text: write it in UTF-8")
    function = find_function(desk.profile.dataset.folder, desk.ask.plan)
    try:
        planned = function(question, desk.given)
    except QuestionError as exc:
        raise RunInputError(f"{question!r}: {exc}") from exc
    variation = int.from_bytes(hash_text(f"{desk.profile.run.seed}:{question}")[:4])
    return {"variation": variation, "controls": "", **planned}


def _run_questions(
    desk: _Desk, plans: list[dict[str, Any]], endpoint: str | None, log: Conversation
) -> list[Candidate]:
    """Run the questions through the loop's own nodes; gives the candidates as they ended."""
    backend = _make_backend(desk, endpoint, log)
    given = set(plans[0])
    generated = {**desk.compiled.generate, "columns": _drop(desk.compiled.generate["columns"], given)}
    compiled = replace(desk.compiled, generate=generated)
    context = RunContext(desk.profile, compiled, backend, desk.folder, log)
    runtime, halt = Runtime(context=context), Halt()
    try:
        with steer_run(desk.profile, backend, halt, log):
            rows = _complete_plans(desk, context, plans)
            context.rounds.write_plan(1, rows)
            state: LoopState = generate(START_STATE | {"round": 1, "planned": len(rows)}, runtime)
            while state["open"] and state["refine_pass"] < context.refine_passes:
                state = refine(state, runtime)
    except KeyboardInterrupt:
        if halt.reason is None:
            raise
        raise halt.reason from None
    if isinstance(halt.reason, BackendError):
        raise halt.reason
    return context.rounds.read_pass(1, state["refine_pass"])


def _complete_plans(desk: _Desk, context: RunContext, plans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compute what the plan has besides what the dataset's function gave."""
    named = [{"row_id": hash_text(f"{place}").hex()[:16], **plan} for place, plan in enumerate(plans)]
    missing = _drop(desk.compiled.plan["columns"], set(plans[0]))
    drawn = [column["name"] for column in missing if column["column_type"] in ("sampler", "gold-examples")]
    if drawn:
        raise DatasetError(f"{desk.ask.plan} must give {', '.join(drawn)}: nothing is drawn for a question")
    if not missing:
        return named
    config = add_seed({"columns": missing}, context.rounds.write_seeds(1, 0, named))
    result = context.backend.run(Job(PLAN, config, len(named)))
    if result.lost:
        raise DatasetError(next(iter(result.lost.values())).message)
    return result.rows


def _drop(columns: Sequence[dict[str, Any]], given: set[str]) -> list[dict[str, Any]]:
    return [column for column in columns if column["name"] not in given]


def _make_backend(desk: _Desk, endpoint: str | None, log: Conversation) -> Any:
    spent: Callable[[], str | None] = functools.partial(find_spent_cap, desk.profile, log)
    return make_backend(desk.profile, endpoint, desk.folder, find_spent_cap=spent, observe=log.write_service_job)

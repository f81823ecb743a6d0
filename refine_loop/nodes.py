"""The nodes of the loop: each runs one Data Designer job, or none, and leaves its rows in the round's folder."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from columns.checks.losses import NOT_NEEDED
from columns.declared import FAMILY
from designer_configs.compile.native import CompiledProfile, add_seed, write_config
from jobs.errors import BackendError
from jobs.job import Job, JobInterrupted, JobResult
from jobs.library.shim import draw_in_order
from refine_loop.booking import Candidate, close_candidate, drop_surplus, give_up_candidate
from refine_loop.budget import find_spent_cap, is_fruitless, size_round
from refine_loop.context import RunContext
from refine_loop.families import DRAWN_FOR_ONE, choose_rows, find_short, find_size, join_families, share_rows
from refine_loop.state import ENDS, START_STATE, LoopState, StopReason


def plan(state: LoopState, runtime: Runtime[RunContext]) -> LoopState:
    """Draw as many rows as will very likely bring what is still missing: samplers and grounding seeds, no model."""
    context = runtime.context
    number, run = state["round"] + 1, context.profile.run
    wanted = size_round(run.accepted - state["accepted"], state["accepted"], state["planned"])
    size = min(wanted, run.max_candidates - state["planned"])
    seed = int.from_bytes(hash_text(f"{run.seed}:{number}")[:4])
    config = context.compiled.plan
    ids = [hash_text(f"{run.seed}:{number}:{index}").hex()[:16] for index in range(size)]
    with draw_in_order():
        if context.profile.dataset.families is not None:
            rows = _draw_families(context, number, ids, seed)
        else:
            rows = _name_rows(_draw(context, f"{number:03d}_plan", config, size, seed), ids)
    if context.profile.dataset.families is not None:
        rows = [{FAMILY: row["row_id"], **row} for row in rows]
    declared = ["row_id", FAMILY, *(column["name"] for column in config.get("columns", ()))]
    context.rounds.write_plan(number, [order_columns(row, declared) for row in rows])
    return state | {"round": number, "refine_pass": 0, "planned": state["planned"] + size, "open": size}


def _draw(context: RunContext, name: str, config: Mapping[str, Any], size: int, seed: int) -> list[dict[str, Any]]:
    """Run a job of the plan, which loses no row."""
    result = run_job(context, name, config, size, seed=seed)
    if result.lost:
        first = next(iter(result.lost.values()))
        raise BackendError(f"the plan lost {len(result.lost)} of {size} rows in {first.column}: {first.message}")
    return result.rows


def _name_rows(rows: Sequence[dict[str, Any]], ids: Sequence[str]) -> list[dict[str, Any]]:
    return [{"row_id": row_id, **row} for row_id, row in zip(ids, rows, strict=True)]


def _draw_families(context: RunContext, number: int, ids: Sequence[str], seed: int) -> list[dict[str, Any]]:
    """Draw a plan whose rows are families: what samplers draw, then, from what a family shares, what is computed."""
    families, columns = context.profile.dataset.families, context.compiled.plan["columns"]
    assert families is not None, "it was asked before"
    samplers, computed = (
        {"columns": [column for column in columns if (column["column_type"] == "sampler") is is_sampler]}
        for is_sampler in (True, False)
    )
    size, known, short = find_size(context.profile), dict[str, dict[str, Any]](), dict[str, int]()
    if number > 1:
        before = context.rounds.read_plan(number - 1)
        short = find_short(before, context.rounds.read_settled(number - 1), families, size)
        known = {row["row_id"]: row for row in before if row["row_id"] in short}
    pool = _draw(context, f"{number:03d}_plan", samplers, len(ids) * DRAWN_FOR_ONE, seed)
    controls = context.compiled.controls
    drawn = _name_rows(choose_rows(pool, controls, _iter_accepted(context, number)), ids)
    joined = join_families(drawn, families, size, short, controls)
    seeds = context.rounds.write_seeds(number, "families", list(share_rows(joined, families, known)))
    rows = _draw(context, f"{number:03d}_families", add_seed(computed, seeds), len(ids), seed)
    return list(share_rows(rows, families, known))


def _iter_accepted(context: RunContext, number: int) -> Iterator[dict[str, Any]]:
    """Give the plan's rows that the rounds before a round accepted."""
    for before in range(1, number):
        settled = context.rounds.read_settled(before)
        accepted = {candidate["row_id"] for candidate in settled if candidate["status"] == "accepted"}
        yield from (row for row in context.rounds.read_plan(before) if row["row_id"] in accepted)


def order_columns(row: Mapping[str, Any], declared: Sequence[str]) -> dict[str, Any]:
    """Order a row's columns as they were declared, each with what comes beside it: where it was drawn tells nothing."""
    places = {name: place for place, name in enumerate(declared)}

    def find_place(name: str) -> tuple[int, str]:
        return places.get(name, places.get(name.partition("__")[0], len(places))), name

    return {name: row[name] for name in sorted(row, key=find_place)}


def generate(state: LoopState, runtime: Runtime[RunContext]) -> LoopState:
    """Run the planned rows through generator, checks and judge."""
    context, number = runtime.context, state["round"]
    rows = context.rounds.read_plan(number)
    constrained_by = find_constraint(context.compiled, context)
    candidates = [context.book.open_candidate(row, number, constrained_by) for row in rows]
    seeds = context.rounds.write_seeds(number, 0, rows)
    return _judge(state, context, candidates, add_seed(context.compiled.generate, seeds), refine_pass=0)


def refine(state: LoopState, runtime: Runtime[RunContext]) -> LoopState:
    """Run the rows that are still open through refiner, checks and judge."""
    context, number, refine_pass = runtime.context, state["round"], state["refine_pass"] + 1
    assert context.compiled.refine is not None, "no route leads here without a refine stage"
    rows = {row["row_id"]: row for row in context.rounds.read_plan(number)}
    waiting = [c for c in context.rounds.read_pass(number, refine_pass - 1) if c["status"] == "open"]
    seeds = [context.book.seed_refinement(rows[c["row_id"]], c) for c in waiting]
    written = context.rounds.write_seeds(number, refine_pass, seeds)
    return _judge(state, context, waiting, add_seed(context.compiled.refine, written), refine_pass=refine_pass)


def settle(state: LoopState, runtime: Runtime[RunContext]) -> LoopState:
    """End what is still open or beyond what was asked, and stop when there is a reason.

    Of the accepted rows the first in the order of the plan are kept: which answer came first has no part in it.
    """
    context = runtime.context
    number, room = state["round"], context.profile.run.accepted
    candidates = context.rounds.read_pass(number, state["refine_pass"])
    closed = [_close(c, state, context) if c["status"] == "open" else c for c in candidates]
    settled = drop_surplus(closed, room - context.rounds.count_accepted(number - 1))
    context.rounds.write_settled(number, settled)
    fruitful = any(c["status"] == "accepted" for c in settled)
    fruitless_rounds = 0 if fruitful else state["fruitless_rounds"] + 1
    accepted = min(state["accepted"], room)
    state = state | {"open": 0, "accepted": accepted, "fruitless_rounds": fruitless_rounds}
    state = state | {"stop_reason": find_stop_reason(state, context)}
    statuses = Counter(str(c["status"]) for c in settled)
    context.log.write("round_settled", **state, ended={status: statuses[status] for status in ENDS})
    return state


def _close(candidate: Candidate, state: LoopState, context: RunContext) -> Candidate:
    """End a candidate that is still open: rejected, or failed where a cap kept it from a refinement."""
    stop_reason, passes = state["stop_reason"], state["refine_pass"]
    if stop_reason == "accepted":
        return close_candidate(candidate, NOT_NEEDED)
    if stop_reason is not None and passes < context.refine_passes:
        return give_up_candidate(candidate, stop_reason)
    return close_candidate(candidate, f"after {passes} refine passes")


def find_stop_reason(state: LoopState, context: RunContext) -> StopReason | None:
    """Find the reason for which a run ends after a round that has settled, if there is one."""
    run = context.profile.run
    if state["accepted"] >= run.accepted:
        return "accepted"
    if (cap := find_spent_cap(context.profile, context.log)) is not None:
        return cap
    if state["planned"] >= run.max_candidates:
        return "max_candidates"
    return "nothing accepted" if is_fruitless(state) else None


def reopen_state(state: Mapping[str, Any], context: RunContext) -> LoopState:
    """Give the state of a run that has ended, with the reason that still holds: none where more is asked for by now."""
    ended: LoopState = {**START_STATE, **state}  # type: ignore[typeddict-item]
    ended["accepted"], ended["open"] = context.rounds.count_accepted(ended["round"]), 0
    ended["stop_reason"] = find_stop_reason(ended, context)
    return ended


def run_job(context: RunContext, name: str, config: Mapping[str, Any], rows: int, seed: int | None = None) -> JobResult:
    """Run a job, and keep it as it was sent."""
    write_config(config, context.folder / "jobs" / f"{name}.yaml", f"Job {name} as it was sent.")
    context.log.start_job(name, rows)
    started = time.monotonic()
    try:
        result = context.backend.run(Job(name, dict(config), rows, seed, context.watch if seed is None else None))
    except BaseException:
        context.log.write("job_stopped", job=name, rows=rows, seconds=count_seconds(started))
        raise
    seconds = count_seconds(started)
    context.log.write("job_finished", job=name, rows=rows, returned=len(result.rows), seconds=seconds)
    return result


def _judge(
    state: LoopState, context: RunContext, waiting: list[Candidate], config: Mapping[str, Any], *, refine_pass: int
) -> LoopState:
    """Run a job that ends with the judge, and book it; of a job that is stopped, what it had finished is kept."""
    number, rounds = state["round"], context.rounds
    stage = f"refine_{refine_pass}" if refine_pass else "generate"
    try:
        result = run_job(context, f"{number:03d}_{stage}", config, len(waiting))
    except JobInterrupted as stopped:
        finished = {row["row_id"] for row in stopped.rows}
        waiting = [c for c in waiting if c["row_id"] in finished]
        rounds.write_interrupted(number, _book(context, number, waiting, JobResult(stopped.rows), refine_pass))
        raise
    booked = _book(context, number, waiting, result, refine_pass)
    _log_decisions(context, booked, {row["row_id"] for row in result.rows}, refine_pass)
    rounds.write_pass(number, refine_pass, booked)
    statuses = [c["status"] for c in booked]
    accepted = rounds.count_accepted(number - 1) + statuses.count("accepted")
    enough = accepted >= context.profile.run.accepted
    return state | {
        "refine_pass": refine_pass,
        "accepted": accepted,
        "open": statuses.count("open"),
        "stop_reason": "accepted" if enough else find_spent_cap(context.profile, context.log),
    }


def _book(
    context: RunContext, number: int, waiting: list[Candidate], result: JobResult, refine_pass: int
) -> list[Candidate]:
    """Book a job's rows and put them back in their places among the round's candidates.

    A resumed run reads back once which rows it has accepted.
    """
    book = context.book
    if not book.is_read_back:
        book.read_back(context.rounds.iter_accepted(number, refine_pass))
    booked = book.book_result(waiting, result, refine_pass)
    if not refine_pass:
        return booked
    by_id = {c["row_id"]: c for c in booked}
    return [by_id.get(c["row_id"], c) for c in context.rounds.read_pass(number, refine_pass - 1)]


def _log_decisions(context: RunContext, booked: list[Candidate], returned: set[str], refine_pass: int) -> None:
    """Write down what the dataset's policy decided on the rows that a job brought back, with the critique."""
    if context.profile.dataset.policy is None:
        return
    named = {"decision": "policy_decision", "rule": "policy_rule", "critique": "judge_critique"}
    for candidate in (c for c in booked if c["row_id"] in returned):
        fields = {name: candidate[column] for name, column in named.items()}
        context.log.write("policy_decided", row_id=candidate["row_id"], refine_pass=refine_pass, **fields)


def find_constraint(compiled: CompiledProfile, context: RunContext) -> str | None:
    """Name the control that matches the field of the dataset's constraint, if there is one."""
    constraint = context.profile.dataset.constraint
    fields = {c.name: c.match["field"] for c in compiled.controls if c.match is not None}
    return next((name for name, field in fields.items() if constraint and field == constraint.field), None)


def count_seconds(started: float) -> float:
    """Count the seconds since a moment of the monotonic clock."""
    return round(time.monotonic() - started, 3)


def hash_text(text: str) -> bytes:
    """Hash a text that names something once and for all, such as a row by seed, round and index."""
    return hashlib.sha256(text.encode()).digest()

"""The nodes of the loop: each runs one Data Designer job, or none, and leaves its rows in the round's folder."""

import hashlib
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from designer_configs.compile.native import CompiledProfile, add_seed, write_config
from designer_configs.compile.profile import Profile
from gold_data.trades.rules import fingerprint
from jobs.job import Backend, Job, JobInterrupted, JobResult
from jobs.library.shim import draw_in_order
from refine_loop.booking import (
    NOT_NEEDED,
    Candidate,
    book_result,
    close_candidate,
    drop_surplus,
    give_up_candidate,
    open_candidate,
    seed_refinement,
)
from refine_loop.budget import find_spent_cap, is_fruitless, size_round
from refine_loop.known_rows import KnownTrades
from refine_loop.record.events import EventLog
from refine_loop.rounds import Rounds
from refine_loop.state import ENDS, LoopState, StopReason


class Nodes:
    """Binds the graph's nodes to one run: its profile, its compiled jobs, its backend and its folder."""

    def __init__(
        self, profile: Profile, compiled: CompiledProfile, backend: Backend, folder: Path, log: EventLog
    ) -> None:
        self.refine_passes = profile.run.refine_passes
        self._profile = profile
        self._compiled = compiled
        self._backend = backend
        self._folder = folder
        self._rounds = Rounds(folder / "rounds")
        self._log = log
        self._accepted: KnownTrades | None = None

    def plan(self, state: LoopState) -> LoopState:
        """Draw as many rows as will very likely bring what is still missing."""
        number = state["round"] + 1
        run = self._profile.run
        wanted = size_round(run.accepted - state["accepted"], state["accepted"], state["planned"])
        size = min(wanted, run.max_candidates - state["planned"])
        seed = int.from_bytes(hash_text(f"{run.seed}:{number}")[:4])
        with draw_in_order():
            result = self._run_job(f"{number:03d}_plan", self._compiled.plan, size, seed=seed)
        rows = [
            {"row_id": hash_text(f"{run.seed}:{number}:{index}").hex()[:16], **row}
            for index, row in enumerate(result.rows)
        ]
        self._rounds.write_plan(number, rows)
        return state | {"round": number, "refine_pass": 0, "planned": state["planned"] + size, "open": size}

    def generate(self, state: LoopState) -> LoopState:
        """Run the planned rows through generator, checks and judge."""
        number = state["round"]
        plan = self._rounds.read_plan(number)
        volatility = find_volatility_control(self._compiled)
        candidates = [open_candidate(row, number, volatility) for row in plan]
        seeds = self._rounds.write_seeds(number, 0, plan)
        return self._judge(state, candidates, add_seed(self._compiled.generate, seeds), refine_pass=0)

    def refine(self, state: LoopState) -> LoopState:
        """Run the rows that are still open through refiner, checks and judge."""
        number, refine_pass = state["round"], state["refine_pass"] + 1
        plan = {row["row_id"]: row for row in self._rounds.read_plan(number)}
        waiting = [c for c in self._rounds.read_pass(number, refine_pass - 1) if c["status"] == "open"]
        seeds = self._rounds.write_seeds(number, refine_pass, [seed_refinement(plan[c["row_id"]], c) for c in waiting])
        return self._judge(state, waiting, add_seed(self._compiled.refine, seeds), refine_pass=refine_pass)

    def settle(self, state: LoopState) -> LoopState:
        """End what is still open or beyond what was asked, and stop when there is a reason.

        Of the accepted rows the first in the order of the plan are kept: which answer came first has no part in it.
        """
        number, room = state["round"], self._profile.run.accepted
        candidates = self._rounds.read_pass(number, state["refine_pass"])
        closed = [self._close(c, state) if c["status"] == "open" else c for c in candidates]
        settled = drop_surplus(closed, room - self._rounds.count_accepted(number - 1))
        self._rounds.write_settled(number, settled)
        fruitful = any(c["status"] == "accepted" for c in settled)
        fruitless_rounds = 0 if fruitful else state["fruitless_rounds"] + 1
        accepted = min(state["accepted"], room)
        state = state | {"open": 0, "accepted": accepted, "fruitless_rounds": fruitless_rounds}
        state = state | {"stop_reason": self._find_stop_reason(state)}
        statuses = Counter(str(c["status"]) for c in settled)
        self._log.write("round_settled", **state, ended={status: statuses[status] for status in ENDS})
        return state

    def _close(self, candidate: Candidate, state: LoopState) -> Candidate:
        """End a candidate that is still open: rejected, or failed where a cap kept it from a refinement."""
        stop_reason, passes = state["stop_reason"], state["refine_pass"]
        if stop_reason == "accepted":
            return close_candidate(candidate, NOT_NEEDED)
        if stop_reason is not None and passes < self.refine_passes:
            return give_up_candidate(candidate, stop_reason)
        return close_candidate(candidate, f"after {passes} refine passes")

    def _find_stop_reason(self, state: LoopState) -> StopReason | None:
        run = self._profile.run
        if state["accepted"] >= run.accepted:
            return "accepted"
        if (cap := find_spent_cap(self._profile, self._log)) is not None:
            return cap
        if state["planned"] >= run.max_candidates:
            return "max_candidates"
        return "nothing accepted" if is_fruitless(state) else None

    def _run_job(self, name: str, config: dict[str, Any], rows: int, seed: int | None = None) -> JobResult:
        write_config(config, self._folder / "jobs" / f"{name}.yaml", f"Job {name} as it was sent.")
        self._log.start_job(name, rows)
        started = time.monotonic()
        try:
            result = self._backend.run(Job(name, config, rows, seed))
        except BaseException:
            self._log.write("job_stopped", job=name, rows=rows, seconds=count_seconds(started))
            raise
        seconds = count_seconds(started)
        self._log.write("job_finished", job=name, rows=rows, returned=len(result.rows), seconds=seconds)
        return result

    def _judge(
        self, state: LoopState, waiting: list[Candidate], config: dict[str, Any], *, refine_pass: int
    ) -> LoopState:
        """Run a job that ends with the judge, and book it; of a job that is stopped, what it had finished is kept."""
        number = state["round"]
        stage = f"refine_{refine_pass}" if refine_pass else "generate"
        try:
            result = self._run_job(f"{number:03d}_{stage}", config, len(waiting))
        except JobInterrupted as stopped:
            finished = {row["row_id"] for row in stopped.rows}
            waiting = [c for c in waiting if c["row_id"] in finished]
            self._rounds.write_interrupted(number, self._book(number, waiting, JobResult(stopped.rows), refine_pass))
            raise
        booked = self._book(number, waiting, result, refine_pass)
        self._rounds.write_pass(number, refine_pass, booked)
        statuses = [c["status"] for c in booked]
        accepted = self._rounds.count_accepted(number - 1) + statuses.count("accepted")
        enough = accepted >= self._profile.run.accepted
        return state | {
            "refine_pass": refine_pass,
            "accepted": accepted,
            "open": statuses.count("open"),
            "stop_reason": "accepted" if enough else find_spent_cap(self._profile, self._log),
        }

    def _book(self, number: int, waiting: list[Candidate], result: JobResult, refine_pass: int) -> list[Candidate]:
        """Book a job's rows and put them back in their places among the round's candidates."""
        accepted = self._load_accepted(number, refine_pass)
        booked = book_result(
            waiting, result, refine_pass=refine_pass, acceptance=self._profile.acceptance, accepted=accepted
        )
        if not refine_pass:
            return booked
        by_id = {c["row_id"]: c for c in booked}
        return [by_id.get(c["row_id"], c) for c in self._rounds.read_pass(number, refine_pass - 1)]

    def _load_accepted(self, number: int, refine_pass: int) -> KnownTrades:
        """Give the accepted trades so far; a resumed run reads them back once."""
        if self._accepted is None:
            self._accepted = KnownTrades()
            for row in self._rounds.iter_accepted(number, refine_pass):
                self._accepted.add(fingerprint(json.loads(row["generated_row"])), row["row_id"])
        return self._accepted


def find_volatility_control(compiled: CompiledProfile) -> str | None:
    """Name the control that samples the volatility, if there is one."""
    fields = {c.name: c.match["field"] for c in compiled.controls if c.match is not None}
    return next((name for name, field in fields.items() if field == "entry_volatility_percent"), None)


def count_seconds(started: float) -> float:
    """Count the seconds since a moment of the monotonic clock."""
    return round(time.monotonic() - started, 3)


def hash_text(text: str) -> bytes:
    """Hash a text that names something once and for all, such as a row by seed, round and index."""
    return hashlib.sha256(text.encode()).digest()

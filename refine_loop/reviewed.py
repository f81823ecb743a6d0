"""Accepted rows that people rejected with a reason go to the refiner once more: the reason is the critique.

Each such row has one pass, if the run's `refine_passes` leave it one. `accepted.parquet` and the ledger stay as they
are: how the rows ended is in `rounds/*/reviewed.parquet` and `reviewed_ledger.parquet`, those that were mended are in
`reviewed_accepted.parquet`, and what their dataset computes for them in tables beside it.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from pathlib import Path

import polars as pl

from designer_configs.compile.check import check_environment
from designer_configs.compile.native import add_seed, compile_profile
from designer_configs.compile.profile import Profile
from designer_configs.errors import ConfigError
from files.hashes import write_recorded
from files.shown_text import write_command
from files.whole_file import name_full_disk, write_whole
from gold_data.store import GoldFolder, load_gold
from jobs.errors import BackendError
from jobs.job import NOT_FINISHED
from jobs.library.log import log_library_to
from jobs.library.speed import quicken_library
from jobs.requests.halt import Halt
from jobs.requests.journal import AnswerJournal
from refine_loop.booking import UNCHANGED, Candidate, close_candidate
from refine_loop.context import RunContext
from refine_loop.critique import find_named_fields, write_critique
from refine_loop.engines import open_backend
from refine_loop.errors import RunError, RunInputError, explain_stop
from refine_loop.nodes import run_job
from refine_loop.record.events import EventLog, Observer
from refine_loop.record.outputs import RunLog, open_parts, scan_parts, write_rounds
from refine_loop.record.provenance import REJUDGED
from refine_loop.record.readings import Readings
from refine_loop.record.usage import count_usage, spool_requests
from refine_loop.rounds import Rounds
from refine_loop.run import EVENTS, check_models, pick_models
from refine_loop.run_lock import lock_folder
from refine_loop.steering import steer_run

PREFIX = "reviewed_"  # of the files of a run's folder
Critiques = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Sent:
    """How the rows that were sent back ended, and how many were not: no pass left, sent before, a cap was reached."""

    mended: int = 0
    rejected: int = 0
    failed: int = 0
    spent: int = 0
    before: int = 0
    unfinished: int = 0


class ReviewedRounds(Rounds):
    """A run's rounds as people left them: of each the rows that were sent back, as they ended."""

    def iter_ended(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Read the rows that were sent back, round by round."""
        for path in sorted(self._folder.glob("*/reviewed.parquet")):
            yield int(path.parent.name), pl.read_parquet(path, glob=False)


def refine_reviewed(
    profile: Profile, folder: Path, critiques: Critiques, endpoint: str | None, observe: Observer
) -> Sent:
    """Send accepted rows of a run that has ended to its refiner, by `row_id` with what people said.

    Raises:
        RunInputError: another process is at work in the folder, its rows are another run's, or nothing refines them.
        ConfigError: a key that the profile names is not set.
        BackendError, RunError: the models cannot be reached, or it was stopped; what was answered is not asked again.
    """
    if problems := check_environment(profile):
        raise ConfigError(problems)
    with lock_folder(folder):
        if (folder / REJUDGED).is_file():
            raise RunInputError(f"{folder} holds another run's rows, judged again: review that run")
        gold = load_gold(folder / "gold")
        if compile_profile(profile, gold).refine is None:
            raise RunInputError(f"rows of {profile.dataset.name} are not refined: nothing can be sent back")
        try:
            sent = _send_all(profile, folder, gold, critiques, endpoint=endpoint, observe=observe)
            write_reviewed(profile, folder, gold)
        except (OSError, sqlite3.Error, KeyboardInterrupt) as exc:
            why = explain_stop(exc, folder)
            resume = write_command("tradelogs", "resume", folder, "--reviews")
            raise RunError(f"{why}\nWhat was answered, is kept: {resume}") from exc
    return sent


def _send_all(
    profile: Profile, folder: Path, gold: GoldFolder, critiques: Critiques, *, endpoint: str | None, observe: Observer
) -> Sent:
    halt, compiled = Halt(), compile_profile(profile, gold)
    trace = folder / "trace" if profile.trace == "full" else None
    with (
        log_library_to(folder / "data_designer.log", verbose=False),
        EventLog(folder / EVENTS, observe) as log,
        open_backend(profile, endpoint, folder, log, halt) as backend,
        AnswerJournal(folder / "rounds", trace=trace) as journal,
        steer_run(profile, backend, halt, log, journal, gold=gold),
        quicken_library(),
    ):
        context = RunContext(profile, compiled, backend, folder, log)
        sent, waiting = pick_rejected(profile, folder, critiques)
        if waiting:
            check_models(backend, profile, pick_models(compiled), log, folder)
        try:
            for (number, _), some in groupby(waiting, key=lambda c: (c["round"], c["retry_count"])):
                sent = _send_round(context, number, list(some), critiques, sent)
        except (BackendError, KeyboardInterrupt):
            if halt.reason is not None:
                raise halt.reason from None
            raise
        journal.close_settled()
    return sent


def pick_rejected(profile: Profile, folder: Path, critiques: Critiques) -> tuple[Sent, list[Candidate]]:
    """Pick the accepted rows that people criticised and that have a pass left, in the order of rounds and passes."""
    rounds, reviewed = (kind(folder / "rounds", profile.dataset) for kind in (Rounds, ReviewedRounds))
    before = {row_id for _, rows in reviewed.iter_ended() for row_id in rows["row_id"]}
    named = pl.col("row_id").is_in(sorted(critiques))
    found = [c for _, rows in rounds.iter_ended() for c in rows.filter(named, status="accepted").to_dicts()]
    fresh = [c for c in found if c["row_id"] not in before]
    waiting = sorted(
        (c for c in fresh if c["retry_count"] < profile.run.refine_passes), key=lambda c: (c["round"], c["retry_count"])
    )
    return Sent(spent=len(fresh) - len(waiting), before=len(found) - len(fresh)), waiting


def _send_round(context: RunContext, number: int, rejected: list[Candidate], critiques: Critiques, sent: Sent) -> Sent:
    """Run one refine pass over rows of a round that have had equally many, and keep how they ended."""
    rounds, book = context.rounds, context.book
    reviewed = ReviewedRounds(context.folder / "rounds", context.profile.dataset)
    fields, refine_pass = context.profile.dataset.fields, rejected[0]["retry_count"] + 1
    waiting = [criticise(candidate, critiques[candidate["row_id"]], fields) for candidate in rejected]
    if not book.is_read_back:
        kept = (row for row in rounds.iter_accepted(number, 0) if row["row_id"] not in critiques)
        mended = (row for _, rows in reviewed.iter_ended() for row in rows.filter(status="accepted").to_dicts())
        book.read_back(chain(kept, mended))
    plans = {row["row_id"]: row for row in rounds.read_plan(number)}
    seeds = rounds.write_seeds(number, refine_pass, [book.seed_refinement(plans[c["row_id"]], c) for c in waiting])
    assert context.compiled.refine is not None, "it was asked before"
    config = add_seed(context.compiled.refine, seeds)
    result = run_job(context, f"{number:03d}_review_{refine_pass}", config, len(waiting))
    booked = book.book_result(waiting, result, refine_pass)
    ended = [end_reviewed(before, after) for before, after in zip(waiting, booked, strict=True)]
    done = [c for c in ended if not (c["reason"] or "").startswith(NOT_FINISHED)]
    known = [row for place, rows in reviewed.iter_ended() if place == number for row in rows.to_dicts()]
    rounds.write_reviewed(number, [*known, *done])
    counts = Counter(str(c["status"]) for c in done)
    return replace(
        sent,
        mended=sent.mended + counts["accepted"],
        rejected=sent.rejected + counts["rejected"],
        failed=sent.failed + counts["failed"],
        unfinished=sent.unfinished + len(ended) - len(done),
    )


def end_reviewed(sent: Candidate, booked: Candidate) -> Candidate:
    """End a row that came back: one that the refiner left as it was is rejected, whatever the judge says of it."""
    if booked["status"] == "accepted" and booked["generated_row"] == sent["generated_row"]:
        return close_candidate(booked | {"judge_critique": sent["judge_critique"]}, UNCHANGED)
    return close_candidate(booked, "the last of its passes") if booked["status"] == "open" else booked


def criticise(candidate: Candidate, said: Sequence[str], fields: tuple[str, ...]) -> Candidate:
    """Open an accepted row again with people's words as its critique; they are about all fields if they name none."""
    critique = write_critique([f"[review] {words}" for words in said])
    return candidate | {
        "status": "open",
        "judge_critique": critique,
        "criticised_fields": find_named_fields(critique, fields) or list(fields),
        "critiques": [*candidate["critiques"], critique],
    }


def write_reviewed(profile: Profile, folder: Path, gold: GoldFolder) -> None:
    """Write how the rows that were sent back ended, those that were mended with all that is computed for them, usage.

    Raises:
        StorageError: the disk does not take them.
    """
    with name_full_disk(folder), open_parts(folder) as parts:
        readings = Readings(parts / "readings")
        seconds = spool_requests(folder / EVENTS, parts / "requests", readings)
        requests = scan_parts(parts / "requests")
        rounds = ReviewedRounds(folder / "rounds", profile.dataset)
        write_rounds(rounds, RunLog(requests, readings.scan()), parts, profile, gold)
        for name in sorted({path.name for path in parts.iterdir()} - {"requests", "readings"}):
            with write_whole(folder / f"{PREFIX}{name}.parquet") as partial:
                scan_parts(parts / name).sink_parquet(partial)
        usage = count_usage(requests, seconds, profile.prices)
        write_recorded(f"{json.dumps(usage, indent=2)}\n".encode(), folder / "usage.json", folder)

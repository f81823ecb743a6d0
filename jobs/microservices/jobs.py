"""One column of many rows, drawn by service jobs: sent once, followed, taken up again after a stop."""

import contextlib
import hashlib
import io
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from files.whole_file import write_bytes, write_text
from jobs.errors import BackendError
from jobs.job import NOT_FINISHED, ROW_ID, LostRow
from jobs.microservices.answers import Tokens, describe_job
from jobs.microservices.client import ENDED, CapReached, ServiceClient, pause_longer
from jobs.microservices.config import Stage, build_service_config
from jobs.microservices.rows import Checked, Row, check_rows

SETTLE_SECONDS = 20.0  # that a cancelled job is given to come to its end, so that its finished rows can be had
STOP_SECONDS = 5.0  # that stopping may take, where a person waits for it or the service is away
NAMESPACE = "default"  # of the data store
LOST_THERE = "the service dropped the row without saying why"
CHARACTERS_PER_TOKEN = 4  # of English and JSON together, where the service does not say
_POSITION = re.compile(r"(?:\[rg=(\d+), row=|record at index )(\d+)")

Notify = Callable[..., None]


@dataclass(frozen=True)
class Drawn:
    """What a stage drew, by row_id, and why the other rows have nothing."""

    rows: dict[str, Row]
    lost: dict[str, LostRow] = field(default_factory=dict)


class StageStopped(KeyboardInterrupt):
    """A stage was told to stop; `drawn` is what it had by then."""

    def __init__(self, drawn: Drawn) -> None:
        super().__init__()
        self.drawn = drawn


@dataclass(frozen=True)
class Record:
    """What is kept of one service job: a run that goes on takes it up again, and sends nothing twice.

    `id` is None before the service has told it, `status` before the job has ended: then `completed`, `cancelled` or
    `error`. `lost` says why a row did not come back, by row_id.
    """

    name: str
    id: str | None = None
    status: str | None = None
    lost: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Task:
    """One service job: what it is to draw, of which rows, and the place of its files, `<place>.json` and others."""

    job: str
    stage: Stage
    model: Mapping[str, Any]
    rows: Sequence[Row]
    place: Path

    def read_record(self) -> Record | None:
        path = self.place.with_suffix(".json")
        return Record(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def write_record(self, record: Record) -> Record:
        write_text(json.dumps(asdict(record), indent=1) + "\n", self.place.with_suffix(".json"))
        return record

    def read_drawn(self) -> dict[str, Row]:
        """Read what the job drew, of which nothing but its own column is kept."""
        path = self.place.with_suffix(".parquet")
        rows = pl.read_parquet(path, glob=False).to_dicts() if path.exists() else []
        return {row.pop(ROW_ID): row for row in rows}


class ServiceJobs:
    """Has columns drawn by a service.

    What was sent and what came back is kept in `<folder>/<job>/<column>-<hash of column, model and rows>/`: a record,
    the rows that were sent and those that came back, per service job.
    """

    def __init__(
        self, service: ServiceClient, folder: Path, find_spent_cap: Callable[[], str | None], observe: Notify
    ) -> None:
        self._service = service
        self._folder = folder
        self._run = slug(slug(folder.resolve().parent.name)[:48])
        self._find_spent_cap = find_spent_cap
        self._observe = observe

    def draw(self, job: str, stage: Stage, model: Mapping[str, Any], rows: Sequence[Row]) -> Drawn:
        """Draw a column: by one service job, and one more for what is missing where one was cut short.

        Raises:
            BackendError: the service failed; what it had drawn is kept.
            StageStopped: this process was told to stop; the service job is cancelled.
        """
        seeds = pick_columns(rows, stage.needs)
        folder = self._folder / job / f"{stage.name}-{hash_job(stage, model, seeds)}"
        drawn: dict[str, Row] = {}
        number = 0
        while left := [seed for seed in seeds if seed[ROW_ID] not in drawn]:
            number += 1
            task = _Task(job, stage, model, left, folder / f"{number:03d}")
            record, cap = task.read_record(), self._find_spent_cap()
            if record is None and cap is not None:
                return Drawn(drawn, explain_cap(stage.name, cap, left))
            try:
                record = self._finish(task, record)
            except KeyboardInterrupt as exc:
                raise StageStopped(Drawn(drawn | task.read_drawn())) from exc
            except CapReached as reached:
                drawn |= task.read_drawn()
                return Drawn(drawn, explain_cap(stage.name, reached.cap, [s for s in left if s[ROW_ID] not in drawn]))
            drawn |= task.read_drawn()
            if record.status == "completed":
                return Drawn(drawn, {name: LostRow(stage.name, why) for name, why in record.lost.items()})
        return Drawn(drawn)

    def _finish(self, task: _Task, known: Record | None) -> Record:
        """Bring a job to its end, from wherever it stands; one that is known and has ended badly is left at that."""
        if known is not None and known.status is not None:
            return known
        started = time.monotonic()
        name = slug(f"{self._run}-{task.job}-{task.place.parent.name}-{task.place.name}")
        record = known or task.write_record(Record(name))
        try:
            job_id = record.id or (self._service.find_job(name) if known is not None else None)
            record = task.write_record(replace(record, id=job_id or self._send(task, name)))
            seen, cap = self._follow(str(record.id))
        except (KeyboardInterrupt, CapReached):
            self._abandon(task, record, started)
            raise
        ended = self._collect(task, record, seen, started)
        if cap is not None or ended.status == "completed" or known is not None:
            return ended
        told = "that it does not know it any more" if seen is None else self._service.quote(describe_job(seen))
        complaints = self._service.read_complaints(str(record.id)) if seen is not None else []
        log = f"; the last line of its log that complains: {complaints[-1]}" if complaints else ""
        words = f"its status is {ended.status}, it says {told or 'nothing of why'}{log}"
        raise BackendError(f"job {name} of {self._service.place} did not end well: {words}")

    def _send(self, task: _Task, name: str) -> str:
        path = task.place.parent / f"{task.place.parent.name}-{task.place.name}.parquet"
        write_rows(task.rows, path)
        reference = self._service.upload(path, f"{NAMESPACE}/{self._run}")
        config = self._service.build(lambda: build_service_config(task.stage, task.model, reference))
        return self._service.submit(config, len(task.rows), name)

    def _follow(self, job_id: str) -> tuple[Any, str | None]:
        """Look at a job at growing intervals until it has ended; gives it, and the cap that it was cancelled for."""
        pause, cap, given = 0.0, None, time.monotonic()
        while True:
            seen = self._service.read_job(job_id)
            if seen is None or seen.status in ENDED or (cap and time.monotonic() - given > SETTLE_SECONDS):
                return seen, cap
            if cap is None and (cap := self._find_spent_cap()) is not None:
                with contextlib.suppress(BackendError):  # it may have ended by itself, which the next look tells
                    self._service.cancel(job_id)
                pause, given = 0.0, time.monotonic()
            pause = pause_longer(pause)
            if cap is None:
                self._service.wait(pause)
            else:
                time.sleep(pause)

    def _abandon(self, task: _Task, record: Record, started: float) -> None:
        """Cancel a job, and keep what it had finished; where the service does not answer, the next run sees to it."""
        self._service.be_brief(STOP_SECONDS)
        try:
            job_id = record.id or self._service.find_job(record.name)
            if job_id is None:
                return
            record = task.write_record(replace(record, id=job_id))
            self._service.cancel(job_id)
            given, pause, seen = time.monotonic(), 0.0, self._service.read_job(job_id)
            while seen is not None and seen.status not in ENDED and time.monotonic() - given < STOP_SECONDS / 2:
                pause = pause_longer(pause)
                time.sleep(pause)
                seen = self._service.read_job(job_id)
            self._collect(task, record, seen, started)
        except (BackendError, CapReached):
            return

    def _collect(self, task: _Task, record: Record, seen: Any, started: float) -> Record:
        """Keep what a job that has ended came to."""
        status = "gone" if seen is None else str(seen.status)
        rows = None if seen is None else self._service.download(str(record.id))
        try:
            drawn, misfits = check_whole(rows, task, status, f"job {record.name} of {self._service.place}")
        except BackendError:
            task.write_record(replace(record, status="error"))  # a run that goes on sends it anew
            raise
        missing = [place for place, row in enumerate(task.rows) if row[ROW_ID] not in drawn.keys() | misfits.keys()]
        lost = dict(misfits)
        if missing and status in ("completed", "error"):
            why, is_whole = explain_losses(self._service.read_complaints(str(record.id)), missing)
            lost |= {task.rows[place][ROW_ID]: words for place, words in why.items()}
            # Where every row failed, the library behind the service takes the job itself for failed.
            status = "completed" if is_whole and not drawn and not misfits else status
        if drawn:
            write_rows([{ROW_ID: name, **row} for name, row in drawn.items()], task.place.with_suffix(".parquet"))
        tokens = Tokens(None, None) if seen is None else self._service.read_tokens(str(record.id), task.stage.name)
        self._observe(
            job=task.job,
            service_job=record.name,
            column=task.stage.name,
            role=task.model["alias"],
            model=task.model["model"],
            rows=len(task.rows),
            returned=len(drawn),
            seconds=round(time.monotonic() - started, 3),
            prompt_tokens=tokens.prompt,
            completion_tokens=tokens.completion,
            assumed_tokens=assume_tokens(task, drawn),
            status=status,
        )
        return task.write_record(replace(record, status=status if status in ENDED else "cancelled", lost=lost))


def check_whole(rows: Sequence[Row] | None, task: _Task, status: str, source: str) -> Checked:
    """Check the rows of a job, which are None where it has none; one that is completed has some that can be used.

    Raises:
        BackendError: there are none of it, or they are not those that were asked for.
    """
    if rows is None and status == "completed":
        raise BackendError(f"{source} is said to be completed, but there are no rows of it")
    checked = check_rows(rows or [], task.rows, task.stage, source)
    if status == "completed" and checked.misfits and not checked.drawn:
        first = next(iter(checked.misfits.values()))
        raise BackendError(
            f"{source} gave {len(checked.misfits)} rows of which none can be used: {first}. "
            "See in the service's log what it made of the config; a run that is resumed sends the job anew"
        )
    return checked


def explain_losses(complaints: Sequence[str], missing: Sequence[int]) -> tuple[dict[int, str], bool]:
    """Explain why rows did not come back, by their position, and tell whether the log speaks of every one of them.

    A line belongs to a row where it names its position, which it does as long as there is but one row group.
    """
    found = [(match, line) for line in complaints if (match := _POSITION.search(line))]
    groups = {match[1] for match, _ in found}
    exact = {int(match[2]): line for match, line in found} if len(groups) <= 1 else {}
    others = (
        f"one of {len(complaints)} complaints in the service's log may say why: {complaints[-1]}" if complaints else ""
    )
    why = {place: exact.get(place) or others or LOST_THERE for place in missing}
    return why, all(place in exact for place in missing)


def explain_cap(column: str, cap: str, rows: Sequence[Row]) -> dict[str, LostRow]:
    """Say of rows that they were not sent, because a cap of the profile was reached."""
    return {row[ROW_ID]: LostRow(column, f"{NOT_FINISHED}: the cap run.{cap} was reached") for row in rows}


def assume_tokens(task: _Task, drawn: Mapping[str, Row]) -> list[int]:
    """Assume the tokens of a job's prompts and answers from their lengths: what counts where the service says none."""
    column = task.stage.columns[-1]
    fixed = sum(len(str(column.get(key) or "")) for key in ("prompt", "system_prompt", "output_format", "scores"))
    asked = sum(fixed + sum(len(str(value)) for value in row.values()) for row in task.rows if row[ROW_ID] in drawn)
    answered = sum(len(json.dumps(row, default=str)) for row in drawn.values())
    return [asked // CHARACTERS_PER_TOKEN, answered // CHARACTERS_PER_TOKEN]


def hash_job(stage: Stage, model: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Hash what a job is told from others by: its column, its model and its rows."""
    content = json.dumps([stage.columns[-1], dict(model), list(rows)], default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def pick_columns(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Pick columns of rows, and the row_id before them."""
    return [{ROW_ID: row[ROW_ID], **{name: row[name] for name in names}} for row in rows]


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write rows as Parquet; the file is whole or not there."""
    buffer = io.BytesIO()
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(buffer)
    write_bytes(buffer.getvalue(), path)


def slug(text: str) -> str:
    """Write a name so that a service and a data store take it: letters, digits and single hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower() or "run"

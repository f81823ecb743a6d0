"""Runs a compiled job's model columns on a NeMo Data Designer service, and all its other columns here."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from designer_configs.compile.profile import Profile
from jobs.errors import BackendError
from jobs.job import LOST_WITHOUT_TRACE, ROW_ID, Job, JobInterrupted, JobResult, LostRow
from jobs.library.backend import LibraryBackend
from jobs.microservices.client import ServiceClient
from jobs.microservices.config import ASKED, Stage, cut_stages, find_model
from jobs.microservices.jobs import (
    Drawn,
    Notify,
    ServiceJobs,
    StageStopped,
    pick_columns,
    write_rows,
)
from jobs.microservices.rows import Row


class MicroservicesBackend:
    """A NeMo Data Designer service, for model columns; the library, here, for all others.

    Of each row the service is sent its id and the columns that the prompt names.

    Args:
        profile: Names the service, the models and the patience with a service that does not answer.
        folder: The run's.
        find_spent_cap: Names the cap of the profile that was reached, such as `max_minutes`.
        observe: Takes what is known of a service job that has ended.
    """

    def __init__(
        self,
        profile: Profile,
        folder: Path,
        *,
        find_spent_cap: Callable[[], str | None],
        observe: Notify,
    ) -> None:
        self._profile = profile
        self._service = ServiceClient(profile.backend, profile.run.patience_minutes * 60, find_spent_cap)
        self._library = LibraryBackend(profile, None, folder / "artifacts")
        self._folder = folder / "service"
        self._jobs = ServiceJobs(self._service, self._folder, find_spent_cap, observe)
        self.place = self._service.place

    def check_models(self, config: dict[str, Any]) -> None:  # noqa: ARG002 - the protocol's
        """See that the service answers and has the profile's provider; whether its models answer, the first job tells.

        Raises:
            BackendError: it does not, has no such provider, or does not allow a model.
        """
        name, known = self._profile.provider.name, self._service.list_providers()
        if name not in known:
            has = ", ".join(known) or "none"
            raise BackendError(f"{self.place} has no provider {name} (provider.name in the profile); it has: {has}")
        models = {model.model for model in self._profile.models.values()}
        if (allowed := known[name]) and (refused := sorted(models.difference(allowed))):
            said = f"{', '.join(refused)} (models in the profile); it allows: {', '.join(allowed)}"
            raise BackendError(f"{self.place} does not allow the provider {name} to be asked for {said}")

    def run(self, job: Job) -> JobResult:
        """Run a job, column by column where a model is asked; a row that one failed on is listed in `lost`.

        Raises:
            BackendError: the service refused, failed, did not answer, or gave rows that it was not sent.
            JobInterrupted: it was told to stop; the service job was cancelled.
        """
        stages = cut_stages(job.config)
        if not any(stage.remote for stage in stages):
            return self._library.run(job)
        seeds = pl.read_parquet(job.config["seed_config"]["source"]["path"], glob=False).to_dicts()
        rows: dict[str, Row] = {row[ROW_ID]: row for row in seeds}
        lost: dict[str, LostRow] = {}
        for stage in stages:
            if not rows:
                break
            try:
                drawn = self._draw(job, stage, list(rows.values()))
            except KeyboardInterrupt as exc:
                known = exc.drawn.rows if isinstance(exc, StageStopped) and stage is stages[-1] else {}
                raise JobInterrupted([strip_helpers(rows[name] | row) for name, row in known.items()]) from exc
            lost |= drawn.lost
            rows = {name: row | drawn.rows[name] for name, row in rows.items() if name in drawn.rows}
        places = {row[ROW_ID]: place for place, row in enumerate(seeds)}
        return JobResult(
            [strip_helpers(row) for row in rows.values()], {places[name]: why for name, why in lost.items()}
        )

    def _draw(self, job: Job, stage: Stage, rows: Sequence[Row]) -> Drawn:
        if not stage.remote:
            return self._draw_here(job, stage, rows)
        asked = [row for row in rows if stage.skip is None or row[ASKED.format(name=stage.name)] is not None]
        blank = {stage.name: (stage.skip or {}).get("value")}
        sent = {row[ROW_ID] for row in asked}
        skipped = {row[ROW_ID]: blank for row in rows if row[ROW_ID] not in sent}
        model = find_model(stage, job.config["model_configs"])
        try:
            drawn = self._jobs.draw(job.name, stage, model, asked)
        except StageStopped as stopped:
            raise StageStopped(Drawn(skipped | stopped.drawn.rows)) from stopped
        return replace(drawn, rows=skipped | drawn.rows)

    def _draw_here(self, job: Job, stage: Stage, rows: Sequence[Row]) -> Drawn:
        name = f"{job.name}_{stage.name}"
        path = self._folder / job.name / f"{stage.name}.parquet"
        write_rows(pick_columns(rows, stage.needs), path)
        source = {"seed_type": "local", "path": str(path.resolve())}
        seed = {"source": source, "sampling_strategy": "ordered"}
        result = self._library.run(Job(name, {"seed_config": seed, "columns": list(stage.columns)}, len(rows)))
        drawn = {row[ROW_ID]: {k: v for k, v in row.items() if k not in stage.needs} for row in result.rows}
        unknown = LostRow(stage.name, LOST_WITHOUT_TRACE)
        lost = {
            row[ROW_ID]: result.lost.get(place, unknown) for place, row in enumerate(rows) if row[ROW_ID] not in drawn
        }
        return Drawn(drawn, lost)


def strip_helpers(row: Row) -> Row:
    """Leave out the helper columns that a stage's rows were chosen by."""
    ending = ASKED.format(name="")
    return {name: value for name, value in row.items() if not name.endswith(ending)}

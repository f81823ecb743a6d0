"""Runs a compiled job: here, with the Data Designer library."""

import copy
import functools
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
from data_designer.config.config_builder import BuilderConfig, DataDesignerConfigBuilder
from data_designer.config.models import ModelProvider
from data_designer.config.run_config import ResumeMode, RunConfig
from data_designer.errors import DataDesignerError

from designer_configs.compile.profile import Profile, count_parallel
from files.secret_text import mask_secrets
from jobs.errors import BackendError
from jobs.job import LOST_WITHOUT_TRACE, Job, JobInterrupted, JobResult, LostRow, Watch
from jobs.library.http_client import find_proxy
from jobs.library.likely import say_missing
from jobs.library.meter import find_metrics_port
from jobs.library.seed_rows import SeedRowsReader
from jobs.library.shim import AskModels, ObservedDataDesigner
from jobs.library.structured import Forms, ask_in_form, find_narrowing

MOST_ROWS = 100  # of a row group, which is written at a time, and so in the ledger of a run that is stopped
FEWEST_ROWS = 10  # fewer would be a file for every few rows
GROUPS_AT_ONCE = 4  # with the library's 3, requests wait for the last rows of a group while the next could run
MODEL_FREE_CELLS = 4  # checks and samplers, which ask no model, find a place too
LOOK_SECONDS = 5.0  # that a server's list of models is waited for
DATASET_FOLDER = "parquet-files"
_OF_COLUMN = re.compile(r" while running generation for column '[^']*'")  # which the ledger says beside it


class LibraryBackend:
    """The Data Designer library in this process. Artifacts of all jobs lie in one folder, each under its job's name.

    A job always begins at its first row, and takes the place of what a job of its name had left there. The library
    would go on at the first unwritten row group, but no longer know why rows of the others were lost, and send again
    all that was not yet written: one that was cut short is answered from the journal instead.
    """

    def __init__(self, profile: Profile, endpoint: str | None, artifacts: Path) -> None:
        self._provider = provider = build_provider(profile, endpoint)
        self.place = f"the provider {provider.name} at {provider.endpoint}"
        self.forms = Forms(profile, endpoint)
        self._designer = ObservedDataDesigner(
            artifact_path=artifacts.absolute(),  # pyarrow takes a relative `a:b` for an address
            model_providers=[provider],
            seed_readers=[SeedRowsReader()],
            auto_configure_logging=False,
        )

    def run(self, job: Job) -> JobResult:
        """Run a job; a row that a model column failed on is missing from the result and listed in `lost`.

        Raises:
            BackendError: the job could not be built, broke off, or lost every row without saying why.
            JobInterrupted: it was told to stop.
        """
        group = size_group(job)
        artifacts = self._designer.artifact_path / job.name
        dataset = artifacts / DATASET_FOLDER
        if artifacts.exists():
            shutil.rmtree(artifacts)
        self._designer.set_run_config(_configure_run(job, group))
        if job.seed is not None:
            np.random.seed(job.seed)
        self._designer.last_builder = None  # a job that cannot even be built must not be explained by the one before
        try:
            with ask_in_form(self.forms, find_narrowing(job.config)):
                result = self._designer.create(
                    build_config(job.config),
                    num_records=job.num_records,
                    dataset_name=job.name,
                    resume=ResumeMode.NEVER,
                    on_batch_complete=None if job.watch is None else functools.partial(_show_rows, job.watch),
                )
        except DataDesignerError as exc:
            lost = self._explain_losses(group)
            if read_rows(dataset) or not lost:
                raise BackendError(f"job {job.name} failed, see data_designer.log: {say_error(str(exc))}") from exc
            return JobResult([], lost)
        except KeyboardInterrupt as exc:
            raise JobInterrupted(read_rows(dataset)) from exc
        finally:
            self._designer.close()
        return JobResult(read_rows(result.artifact_storage.final_dataset_path), self._explain_losses(group))

    def check_models(self, config: dict[str, Any], ask: AskModels | None = None) -> None:
        """Ask every model for one short answer before anything is sent, and in which form it gives answers.

        `ask` asks what else is to be known, of the registry of models.

        Raises:
            BackendError: a model cannot be reached, is not known or refuses the key.
        """
        try:
            builder = build_config(config)
            self._designer.check_models(builder)
            self._designer.ask_models(lambda registry: self.forms.ask_for_modes(registry, builder.build().columns))
            if ask is not None:
                self._designer.ask_models(ask)
        except Exception as exc:
            said = say_error(str(exc)) or type(exc).__name__
            if "HTTP 404" in said:
                said = f"{said.rstrip('.')}. {self._say_missing(said)}"
            raise BackendError(f"{self.place} does not answer as it should. {said}") from exc
        finally:
            self._designer.close()

    def _say_missing(self, words: str) -> str:
        """Say whether a model is missing or the path, by a look at the server's list of models."""
        address = self._provider.endpoint.rstrip("/")
        served = list_served_models(address, self._provider.api_key)
        return say_missing(
            served, list_served_models(f"{address}/v1", self._provider.api_key) if served is None else None, words
        )

    def _explain_losses(self, group: int) -> dict[int, LostRow]:
        """Give the last error of every position that had one; a row that came back later is not lost all the same."""
        builder = self._designer.last_builder
        traces = builder.task_traces if builder is not None else []
        errors = [t for t in traces if t.status == "error" and t.row_index is not None]
        return {
            t.row_group * group + t.row_index: LostRow(t.column, say_error(t.error) or LOST_WITHOUT_TRACE)
            for t in errors
        }


def list_served_models(address: str, key_name: str | None) -> list[str] | None:
    """List the models that a server says it has; None where it says nothing."""
    key = os.environ.get(key_name or "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx.Client(timeout=LOOK_SECONDS, trust_env=False, proxy=find_proxy(address)) as client:
            listed = client.get(f"{address}/models", headers=headers).raise_for_status().json()
        return [str(model["id"]) for model in listed["data"]]
    except (httpx.HTTPError, ValueError, LookupError, TypeError):
        return None


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """Read a job's dataset file by file: columns that hold lists may differ in type between two row groups."""
    return [row for path in sorted(folder.glob("*.parquet")) for row in _read_group(path)]


def _read_group(path: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(path, glob=False).to_dicts()


def _show_rows(watch: Watch, path: Path) -> None:
    for row in _read_group(path):
        watch(row)


def build_config(config: dict[str, Any]) -> DataDesignerConfigBuilder:
    """Build a native config; integer score options stay integers, which the library's own loader does not grant."""
    untouched = copy.deepcopy(config)  # the library writes a sampler's type into the params it is given
    return DataDesignerConfigBuilder.from_config(BuilderConfig.model_validate({"data_designer": untouched}))


def build_provider(profile: Profile, endpoint: str | None) -> ModelProvider:
    """Describe the profile's provider; the key is named, never read: Data Designer resolves it when it calls."""
    provider = profile.provider
    return ModelProvider(
        name=provider.name,
        endpoint=endpoint or provider.endpoint or "",
        provider_type=provider.provider_type,
        api_key=provider.api_key_env,
    )


def say_error(text: str) -> str:
    """Say an error of the library in one line: it frames cause and solution, and repeats the schema an answer broke."""
    lines = [line.strip(" |🛑").partition(" Failed validating ")[0] for line in text.splitlines()]
    return mask_secrets(_OF_COLUMN.sub("", " ".join(line for line in lines if line.strip("-"))))


def count_in_flight(config: Mapping[str, Any]) -> int:
    """Count the cells that may be worked on at once: three for each request that may be under way.

    One is that request's, one has its prompt written and waits for a slot, and the third asks no model. With the
    library's 1024 a job begins by rendering all prompts, while the first answers wait to be read.
    """
    parallel = count_parallel((m["model"], m["inference_parameters"]) for m in config.get("model_configs", []))
    return sum(parallel.values()) * 3 + MODEL_FREE_CELLS


def size_group(job: Job) -> int:
    """Size a job's row groups so that, where models are asked, as many rows are at work at once as cells may be.

    With more, drafts, which go first, would run far ahead: a cap that is reached would find most of them not judged.
    """
    if job.seed is not None:
        return job.num_records
    if job.watch is not None:
        return 1
    if not job.config.get("model_configs"):
        return MOST_ROWS
    return min(MOST_ROWS, max(FEWEST_ROWS, count_in_flight(job.config) // GROUPS_AT_ONCE))


def _configure_run(job: Job, group: int) -> RunConfig:
    in_flight = count_in_flight(job.config)
    return RunConfig(
        buffer_size=group,
        max_concurrent_row_groups=GROUPS_AT_ONCE if job.watch is None else in_flight,
        disable_early_shutdown=True,  # ours counts every failure itself; the default stops a job at 50 % of ten rows
        max_conversation_restarts=0,
        max_conversation_correction_steps=1,  # an answer that does not parse is sent back with the error once
        otel_metrics_port=find_metrics_port(),
        max_in_flight_tasks=in_flight,
        async_trace=True,
    )

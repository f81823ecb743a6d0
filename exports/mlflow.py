"""A run as MLflow tracks it: settings, counts by refine pass, usage, verdicts, hashes, report and provenance.

Needs the extra `mlflow`. Nothing is sent anywhere unless a tracking server is named.
"""

import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from columns.declared import Declared
from exports.errors import ExportError
from exports.export import Exported
from exports.finished_run import FinishedRun
from exports.tracked import Tracked, describe_run, identify_run
from files.secret_text import mask_secrets, remember_secrets
from files.whole_file import make_folder

PLACE = Path("mlflow.db")  # in the working folder
URI = "MLFLOW_TRACKING_URI"
SECRETS = (URI, "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
OFFLINE = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}  # read by MLflow as it is imported
RUN, CONTENT = "tradelogs.run", "tradelogs.content"  # tags: which run it is, and what was told of it
AT_ONCE = 100  # settings, tags or metrics of one call, which is the least that MLflow takes of any


def takes_dataset(_: Declared) -> bool:
    """Any dataset."""
    return True


def write(run: FinishedRun, out: Path) -> Exported:
    """Log a run in the experiment of its dataset; one that is logged already as it stands is left alone.

    A run that has changed since, because it went on or was verified, takes the place of what was logged of it. `out` is
    the file of a database; otherwise the profile or the environment says where, or it is `mlflow.db`.

    Raises:
        ExportError: MLflow is not installed or cannot log, or `out` is a folder.
    """
    remember_secrets(SECRETS)
    os.environ.update(OFFLINE)
    uri = find_uri(run, out)
    file = _find_file(uri)
    if file is not None:
        if file.is_dir():
            raise ExportError(f"{file} is a folder: name the file of a database with --out")
        make_folder(file.parent)
    with warnings.catch_warnings(action="ignore"):  # MLflow's, of what its own libraries will do some day
        run_id, was_there = _ask_library(uri, file, run)
    said = "is logged there already" if was_there else "was logged"
    where = "" if file else f" at {mask_secrets(uri)}"
    return Exported(file or run.folder, run.accepted.height, (f"run {run_id} {said}{where}",))


def _ask_library(uri: str, file: Path | None, run: FinishedRun) -> tuple[str, bool]:
    try:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 - an extra
        from mlflow.tracking import MlflowClient  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        absent = (exc.name or "mlflow").partition(".")[0]
        raise ExportError(f"{absent} is not installed: pip install 'synthetic-trade-logs[mlflow]'") from exc
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)  # which tell how a new database is set up
    try:
        return log_once(MlflowClient(tracking_uri=uri), run, describe_run(run), file)
    except (MlflowException, OSError) as exc:
        raise ExportError(mask_secrets(f"{uri}: {exc}")) from exc


def find_uri(run: FinishedRun, out: Path) -> str:
    """Find where a run is logged: the file that was named, else as profile or environment say."""
    told = run.profile.document.get("export_options", {}).get("mlflow", {}).get("tracking_uri") or os.environ.get(URI)
    return f"sqlite:///{out}" if out is not PLACE or not told else str(told)


def _find_file(uri: str) -> Path | None:
    path = uri.removeprefix("sqlite:///")
    return None if path == uri else Path(path).resolve()


def log_once(client: Any, run: FinishedRun, tracked: Tracked, file: Path | None) -> tuple[str, bool]:
    """Log a run unless it is logged as it stands; gives MLflow's id of it, and whether it was there.

    It is logged whole before what was there of it is deleted; one that was cut off while it was logged is deleted too.
    """
    experiment = _open_experiment(client, run.profile.dataset.name, file)
    identity, content = identify_run(run), tracked.digest()
    before = client.search_runs([experiment], f"tags.`{RUN}` = '{identity}'")
    same = [r.info.run_id for r in before if r.data.tags.get(CONTENT) == content and r.info.status == "FINISHED"]
    kept = same[0] if same else _log(client, experiment, run.folder.name, tracked, {RUN: identity, CONTENT: content})
    for logged in before:
        if logged.info.run_id != kept:
            client.delete_run(logged.info.run_id)
    return kept, bool(same)


def _open_experiment(client: Any, name: str, file: Path | None) -> str:
    """Open an experiment; its files lie beside the database, a server has a place of its own."""
    artifacts = None if file is None else (file.parent / "mlartifacts").as_uri()
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name, artifact_location=artifacts))


def _log(client: Any, experiment: str, name: str, tracked: Tracked, marks: dict[str, str]) -> str:
    from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415 - an extra

    created = client.create_run(experiment, run_name=name, tags=marks)
    run_id, at = str(created.info.run_id), created.info.start_time
    kinds: Sequence[tuple[str, Sequence[Any]]] = (
        ("params", [Param(name, text) for name, text in tracked.settings.items()]),
        ("tags", [RunTag(name, text) for name, text in tracked.tags.items()]),
        ("metrics", [Metric(metric.name, metric.value, at, metric.step) for metric in tracked.metrics]),
    )
    for kind, entities in kinds:
        for start in range(0, len(entities), AT_ONCE):
            client.log_batch(run_id, **{kind: entities[start : start + AT_ONCE]})
    for file in tracked.files:
        client.log_artifact(run_id, str(file))
    client.set_terminated(run_id)
    return run_id

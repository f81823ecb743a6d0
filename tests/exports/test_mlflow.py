"""A run as MLflow keeps it: logged once, found by its hashes, its key in no byte, and no connection attempted."""

import json
import shutil
import socket
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from exports.export import export_run
from exports.finished_run import FinishedRun, read_finished_run
from exports.mlflow import PLACE, find_uri
from exports.tracked import Metric, count_passes, describe_run, flatten, identify_run, list_numbers
from tests.conftest import KEY, Cli


@pytest.fixture(scope="module")
def run(run_folder: Path) -> FinishedRun:
    return read_finished_run(run_folder)


def test_candidates_are_counted_by_the_pass_after_which_they_had_ended() -> None:
    ledger = pl.DataFrame(
        {
            "status": ["accepted", "accepted", "rejected", "failed"],
            "refine_passes": [0, 2, 2, 0],
            "reason": [None, None, "[stop] too far", "timed out"],
        }
    )
    metrics = list(count_passes(ledger))
    assert [m.value for m in metrics if m.name == "accepted"] == [1, 1, 2]
    assert [m.value for m in metrics if m.name == "rejected"] == [0, 0, 1]
    assert Metric("funnel.rejected.stop", 1) in metrics
    assert Metric("funnel.failed.other", 1) in metrics


def test_the_counts_of_a_run_add_up(run: FinishedRun) -> None:
    last = {metric.name: metric.value for metric in describe_run(run).metrics}
    assert last["accepted"] == run.accepted.height
    assert last["candidates"] == last["accepted"] + last["rejected"] + last["failed"]
    funnel = sum(value for name, value in last.items() if name.startswith("funnel."))
    assert funnel == last["candidates"] - last["accepted"]


def test_numbers_come_with_their_intervals() -> None:
    document = {"share": {"value": 0.5, "low": 0.4, "high": 0.6}, "rows": 3, "sure": True, "text": "x", "none": None}
    found = [metric[:2] for metric in list_numbers("q", document)]
    assert found == [("q.share", 0.5), ("q.share.low", 0.4), ("q.share.high", 0.6), ("q.rows", 3)]


def test_settings_are_the_leaves_of_the_profile() -> None:
    told = dict(flatten({"run": {"seed": 7, "cap": None}, "export": ["a"], "long": "x" * 6000, "empty": {}}))
    assert told.items() >= {"run.seed": "7", "run.cap": "null", "export": '["a"]', "empty": "{}"}.items()
    assert told["long"].startswith("sha256 ")


def test_tags_have_the_hash_of_the_profile(run: FinishedRun) -> None:
    tags, text = describe_run(run).tags, (run.folder / "profile.yaml").read_bytes()
    assert tags["tradelogs.config_sha256"] == sha256(text).hexdigest()
    assert len(tags["tradelogs.gold_sha256"]) == 64


def test_a_run_is_the_same_when_it_went_on_and_another_elsewhere(run: FinishedRun, tmp_path: Path) -> None:
    copy = FinishedRun(tmp_path / run.folder.name, run.profile)
    copy.folder.mkdir()
    for name in ("events.jsonl", "provenance.json"):
        shutil.copy(run.folder / name, copy.folder / name)
    assert identify_run(copy) == identify_run(run)
    provenance = json.loads((copy.folder / "provenance.json").read_text())
    (copy.folder / "provenance.json").write_text(json.dumps(provenance | {"went_on": [{"at": "later"}]}))
    assert identify_run(copy) == identify_run(run)
    (copy.folder / "provenance.json").write_text(json.dumps(provenance | {"seed": 8}))
    assert identify_run(copy) != identify_run(run)


def test_a_named_file_goes_before_the_environment(run: FinishedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_uri(run, PLACE) == "sqlite:///mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert find_uri(run, PLACE) == "http://127.0.0.1:5000"
    assert find_uri(run, Path("mine.db")) == "sqlite:///mine.db"


def test_without_the_extra_it_is_one_line(run_folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mlflow", "mlflow.exceptions", "mlflow.tracking"):
        monkeypatch.setitem(sys.modules, name, None)
    result = cli("export", run_folder, "--to", "mlflow")
    assert result.exit_code == 2
    assert result.output == "error: mlflow is not installed: pip install 'synthetic-trade-logs[mlflow]'\n"


class NoSocket(socket.socket):
    """A socket that connects to nothing but to this machine's own files."""

    def connect(self, address: Any) -> None:
        assert self.family == socket.AF_UNIX, address
        super().connect(address)


@pytest.mark.slow
def test_a_run_exported_twice_is_one_run_found_by_its_hash(
    run: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="the extra `mlflow` is not installed")
    monkeypatch.setattr(socket, "socket", NoSocket)
    monkeypatch.chdir(tmp_path)
    first, second = (export_run(run.folder, "mlflow") for _ in range(2))
    assert "was logged" in first.notes[0]
    assert "is logged there already" in second.notes[0]
    client = tracking.MlflowClient(tracking_uri="sqlite:///mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name == "trade_log"]
    digest = sha256((run.folder / "profile.yaml").read_bytes()).hexdigest()
    (found,) = client.search_runs([experiment.experiment_id], f"tags.`tradelogs.config_sha256` = '{digest}'")
    assert not client.search_runs([experiment.experiment_id], "tags.`tradelogs.config_sha256` = 'another'")
    assert found.data.params["run.seed"] == "7"
    assert found.data.metrics["accepted"] == run.accepted.height
    assert (
        len(client.get_metric_history(found.info.run_id, "accepted")) == max(run.ledger["refine_passes"].to_list()) + 1
    )
    assert {file.path for file in client.list_artifacts(found.info.run_id)} >= {"provenance.json", "profile.yaml"}
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "mlartifacts"}


@pytest.mark.slow
def test_a_run_that_has_changed_takes_the_place_of_what_was_logged(run_folder: Path, tmp_path: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="the extra `mlflow` is not installed")
    copy = shutil.copytree(run_folder, tmp_path / "run")
    first = export_run(copy, "mlflow", tmp_path / "kept.db").notes[0]
    (copy / "review.json").write_text("{}")
    second = export_run(copy, "mlflow", tmp_path / "kept.db").notes[0]
    assert first.split()[1] != second.split()[1]
    client = tracking.MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/kept.db")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    assert [r.info.run_id for r in client.search_runs(experiments)] == [second.split()[1]]

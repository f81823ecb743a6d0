"""Whole runs: a service is sent the very plan that the library has here, and every candidate comes to its end."""

import json
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result
from jsonschema import Draft202012Validator

from refine_loop.record.event_docs import load_event_schema
from refine_loop.record.events import read_events
from tests.process import TRADELOGS, Process

from .conftest import PROVIDER, ROOT, URL_ENV, Launched, launch_service

WriteProfile = Callable[[Path, Mapping[str, Any]], Path]
Cli = Callable[..., Result]

ACCEPTED = 16
KEY, TOKEN = "canary-key-5d1", "canary-token-8e2"


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, model_endpoint: str, cli: Cli, write_profile: WriteProfile
) -> Iterator[tuple[Path, Path, Launched]]:
    """Run one seed here and by a service; give both folders and the service."""
    place = tmp_path_factory.mktemp("runs")
    provider = {"name": PROVIDER, "endpoint": model_endpoint, "provider_type": "openai"}
    here = write_profile(place / "here.yaml", {"provider": provider})
    named = {"provider": {"name": PROVIDER}, "backend": {"microservices": {}}}
    write_profile(place / "plain.yaml", named)
    keys = {"api_key_env": "SERVICE_KEY", "datastore_token_env": "STORE_TOKEN"}
    there = write_profile(place / "there.yaml", named | {"backend": {"microservices": keys}})
    with launch_service(place / "service", model_endpoint) as service, pytest.MonkeyPatch.context() as patch:
        for name, value in ((URL_ENV, service.url), ("SERVICE_KEY", KEY), ("STORE_TOKEN", TOKEN)):
            patch.setenv(name, value)
        patch.setattr("jobs.microservices.client.FIRST_PAUSE", 0.05)
        for profile in (here, there):
            result = cli("generate", profile, "--num", ACCEPTED, "--seed", 7, "--out", place / f"run-{profile.stem}")
            assert result.exit_code == 0, result.output
        yield place / "run-here", place / "run-there", service


def read(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / f"{name}.parquet")


def test_the_first_plan_is_that_of_the_library(runs: tuple[Path, Path, Launched]) -> None:
    here, there, _ = runs
    assert read(there, "accepted").height == ACCEPTED
    plan = read(here, "rounds/001/plan")
    assert read(there, "rounds/001/plan").equals(plan)


def test_every_candidate_ends_once_from_its_own_plan(runs: tuple[Path, Path, Launched]) -> None:
    here, there, _ = runs
    said = ("requests", "prompt_tokens", "completion_tokens")  # which a service does not say of a row
    mine, theirs = read(here, "ledger"), read(there, "ledger")
    assert theirs["row_id"].is_unique().all()
    assert set(theirs["status"]) <= {"accepted", "rejected", "failed"}
    assert (theirs["status"] == "accepted").sum() == ACCEPTED
    assert theirs.select(said).null_count().row(0) == (theirs.height,) * 3
    both = theirs.join(mine, on="row_id").filter(pl.col("round") == 1)
    assert both.height >= ACCEPTED
    assert both["gold_example_ids"].equals(both["gold_example_ids_right"].alias("gold_example_ids"))
    assert both["volatility_constraint"].equals(both["volatility_constraint_right"].alias("volatility_constraint"))


def test_usage_is_what_the_service_says(runs: tuple[Path, Path, Launched]) -> None:
    _, there, _ = runs
    usage = json.loads((there / "usage.json").read_text(encoding="utf-8"))
    assert (usage["requests"], usage["request_seconds"]) == (None, None)
    assert usage["prompt_tokens"] > 0
    stages = [(part["stage"], part["column"]) for part in usage["by_stage"]]
    assert {("generate", "trade"), ("generate", "judge"), ("refine_1", "refined_trade")} <= set(stages)


def test_events_are_as_the_schema_says(runs: tuple[Path, Path, Launched]) -> None:
    validator = Draft202012Validator(load_event_schema())
    events = read_events(runs[1] / "events.jsonl")
    for event in events:
        validator.validate(event)
    assert {"service_job", "job_finished"} <= {event["event"] for event in events}
    assert "request" not in {event["event"] for event in events}


def test_only_known_endpoints_are_called(runs: tuple[Path, Path, Launched]) -> None:
    service = runs[2]
    kinds = {
        re.sub(r"job-\d+|[a-z_]+-[0-9a-f]{12}-\d+\.parquet", "X", f"{method} {path}")
        for method, path, _ in service.read_calls()
    }
    store, jobs = "/v1/hf/api/datasets/default/run-there", "/v1/data-designer/jobs"
    assert kinds - {"GET /v1/jobs/X/logs"} == {  # a log is read where rows were lost
        "GET /v1/data-designer/settings",
        f"POST {jobs}",
        f"GET {jobs}/X",
        f"GET {jobs}/X/results/dataset/download",
        f"GET {jobs}/X/results/analysis/download",
        "POST /v1/hf/api/repos/create",
        f"POST {store}/preupload/main",
        f"POST {store}/commit/main",
        f"GET {store}",
        f"GET {store}/tree/main",
        "GET /v1/hf/datasets/default/run-there/resolve/main/X",
    }


def test_address_and_keys_are_in_no_file(runs: tuple[Path, Path, Launched]) -> None:
    _, there, service = runs
    assert {call[2] for call in service.read_calls()} == {f"Bearer {KEY}", f"Bearer {TOKEN}"}
    secrets = [text.encode() for text in (service.url.removeprefix("http://"), KEY, TOKEN)]
    files = [path for path in there.rglob("*") if path.is_file()]
    assert [path for path in files if any(secret in path.read_bytes() for secret in secrets)] == []


@pytest.mark.parametrize("command", ["generate", "preview"])
def test_missing_address_is_named_before_anything_starts(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.delenv(URL_ENV, raising=False)
    monkeypatch.chdir(tmp_path)
    result = cli(command, "microservices")
    assert result.exit_code == 2
    assert f"the environment variable {URL_ENV} is not set: export {URL_ENV}=..." in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:9", f"It does not answer: is it running, and are ${URL_ENV} and $NEMO_DATASTORE_URL its"),
        ("nonsense", f"${URL_ENV} holds no address: it must be such as http://nemo.test:8080"),
    ],
)
def test_unreachable_service_leaves_nothing_behind(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, said: str
) -> None:
    monkeypatch.setenv(URL_ENV, address)
    result = cli("generate", "microservices", "--num", 3, "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert said in result.output.replace("\n", " ")
    assert "127.0.0.1" not in result.output
    assert not (tmp_path / "run").exists()


def test_unknown_provider_is_told_with_the_known_ones(
    cli: Cli, runs: tuple[Path, Path, Launched], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(URL_ENV, runs[2].url)
    result = cli("preview", "microservices")
    assert result.exit_code == 1
    assert "has no provider nvidiabuild" in result.output
    assert f"it has: {PROVIDER}" in result.output.replace("\n", " ")


def test_preview_asks_the_service(
    cli: Cli, runs: tuple[Path, Path, Launched], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(URL_ENV, runs[2].url)
    before = runs[2].count_calls("POST", "/jobs")
    result = cli("preview", runs[1].parent / "plain.yaml", "--num", 3)
    assert result.exit_code == 0, result.output
    assert runs[2].count_calls("POST", "/jobs") == before + 2


def test_a_service_is_sent_the_disguise_alone(
    cli: Cli, runs: tuple[Path, Path, Launched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_ENV, runs[2].url)
    before = {*runs[2].folder.rglob("*.parquet")}
    result = cli("preview", runs[1].parent / "plain.yaml", "--num", 3, "--set", "gold.disguise=true")
    assert result.exit_code == 0, result.output
    sent = "".join(str(pl.read_parquet(path).to_dicts()) for path in {*runs[2].folder.rglob("*.parquet")} - before)
    assert ("TKR" in sent, "SIM" in sent) == (True, False)
    assert ("TKR" in result.output, "SIM" in result.output) == (False, True)


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_stopped_run_goes_on_where_the_service_is(
    runs: tuple[Path, Path, Launched],
    tmp_path: Path,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    how: signal.Signals,
) -> None:
    service, folder = runs[2], tmp_path / "killed"
    monkeypatch.setenv(URL_ENV, service.url)
    service.write_script(hold=True)
    before = service.count_calls("POST", "/jobs")
    options = (runs[1].parent / "plain.yaml", "--num", 5, "--out", folder)
    with Process(TRADELOGS, "generate", *options, cwd=ROOT) as child:
        limit = time.monotonic() + 60
        while not any(folder.glob("service/*/trade-*/001.json")) and time.monotonic() < limit:
            time.sleep(0.05)
        time.sleep(1)
        child.send_signal(how)
        child.wait(60)
    service.write_script()
    result = cli("resume", folder)
    assert result.exit_code == 0, result.output
    records = list(folder.glob("service/*/*/*.json"))
    assert service.count_calls("POST", "/jobs") - before == len(records)
    assert service.count_calls("POST", "/cancel") == (how == signal.SIGINT)
    assert read(folder, "accepted").height == 5

"""A real run is scraped while it runs: our metrics, Data Designer's own, and every one that the dashboard asks for."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from designer_configs.compile.profile import load_profile
from jobs.library.meter import find_metrics_port, open_meter
from offline_model.launch import launch
from offline_model.options import Options
from refine_loop.record.events import read_events
from refine_loop.record.metrics import observe_run
from refine_loop.run import start_run
from tests.conftest import ROOT, Cli, change_profile
from tests.scale.conftest import run_quietly

FOLDER = ROOT / "deploy"
PRICED = {"rehearsal-generator": {"prompt_per_million": 1.0, "completion_per_million": 2.0}}
SUFFIXES = ("_bucket", "_sum", "_count")


def find_free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run 20 trades with a port; give the folder and what the port said when the run was over."""
    place, port, said = tmp_path_factory.mktemp("observed"), find_free_port(), list[str]()
    changes = {"run.accepted": 20, "run.max_candidates": 40, "observe": {"port": port}, "prices": {"models": PRICED}}

    def scrape(event: dict[str, Any]) -> None:
        if event["event"] == "run_finished":
            said.append(httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text)

    profile = load_profile(change_profile(place / "observed.yaml", changes))
    with launch(Options(seed=7)) as endpoint:
        run_quietly(lambda: start_run(profile, place / "run", endpoint, scrape))
    assert find_metrics_port() is None
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
    return place / "run", said[0]


def read_samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Read the samples of Prometheus' text."""
    for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.MULTILINE):
        yield name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)


def add_up(text: str, name: str, **labels: str) -> float:
    """Add up the samples of a metric that have these labels."""
    return sum(v for n, found, v in read_samples(text) if n == name and labels.items() <= found.items())


def test_metrics_count_what_the_events_say(observed: tuple[Path, str]) -> None:
    folder, text = observed
    events = read_events(folder / "events.jsonl")
    sent = [event for event in events if event["event"] == "request"]
    finished = events[-1]
    for status in ("accepted", "rejected", "failed"):
        assert add_up(text, "tradelogs_candidates_total", status=status, run="run") == finished[status]
    assert add_up(text, "tradelogs_requests_total") == len(sent)
    assert add_up(text, "tradelogs_requests_total", role="judge", stage="check") == 1
    assert add_up(text, "tradelogs_request_duration_seconds_count") == len(sent)
    assert add_up(text, "tradelogs_tokens_total", kind="prompt") == sum(e["prompt_tokens"] for e in sent)
    assert add_up(text, "tradelogs_rounds_total") == sum(e["event"] == "round_settled" for e in events)
    usage = json.loads((folder / "usage.json").read_text())
    cost = next(part["cost"] for part in usage["by_model"] if part["model"] == "rehearsal-generator")
    assert add_up(text, "tradelogs_cost_total", currency="USD") == pytest.approx(cost)


def test_data_designers_own_metrics_are_beside_ours(observed: tuple[Path, str]) -> None:
    folder, text = observed
    rows = [e for e in read_events(folder / "events.jsonl") if e["event"] == "job_finished"]
    assert add_up(text, "data_designer_dataset_records_total", record_result="generated") == sum(
        event["returned"] for event in rows
    )
    assert add_up(text, "gen_ai_client_operation_duration_seconds_count", gen_ai_request_model="rehearsal-judge") > 15


def scrape_service(observed: tuple[Path, str]) -> str:
    """Scrape a service over a run that was found to drift."""
    app = pytest.importorskip("service.app", reason="needs the extra serve")
    folder = observed[0]
    found = {"ours": {"verdict": "drift"}, "reference_001": {"score": 0.5}}
    (folder / "drift.json").write_text(json.dumps(found), encoding="utf-8")
    said: str = TestClient(app.build_app(folder.parent, folder.parent, workers=0)).get("/metrics").text
    return said


def test_dashboard_asks_only_for_what_a_run_and_the_service_show(observed: tuple[Path, str]) -> None:
    text = observed[1] + scrape_service(observed)
    shown = {name for name, _, _ in read_samples(text)}
    dashboard = json.loads((FOLDER / "grafana/dashboards/tradelogs.json").read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    asked += dashboard["templating"]["list"][0]["query"]["query"]
    names = set(re.findall(r"\b(?:tradelogs|data_designer|gen_ai_client)_\w+", asked))
    assert len(names) > 15
    assert names <= shown
    ours = {name.removesuffix(s) for name in shown if name.startswith("tradelogs") for s in SUFFIXES}
    assert not [name for name in names if name.startswith("tradelogs") and name not in ours | shown]
    labels = {label for _, found, _ in read_samples(text) for label in found}
    grouped = re.findall(r"by \(([\w, ]+)\)", asked)
    assert {label for group in grouped for label in group.split(", ")} <= labels


def test_page_names_the_metrics_and_labels_that_a_run_and_the_service_show(observed: tuple[Path, str]) -> None:
    shown: dict[str, set[str]] = {}
    for name, labels, _ in read_samples(observed[1] + scrape_service(observed)):
        shown.setdefault(name.removesuffix("_bucket"), {"error_type"}).update(labels)  # nothing fails in this run
    page = (ROOT / "docs/observability.md").read_text()
    rows = re.findall(r"^\| `((?:tradelogs|data_designer|gen_ai)_\w+)` \| ([^|]*) ?\|", page, re.MULTILINE)
    assert len(rows) > 15
    for name, labels in rows:
        named = {label for label in labels.partition(":")[0].strip().split(", ") if label}
        assert named <= shown[name], name


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("localhost:{port}", 200), ("evil.example", 403)])
def test_port_answers_to_its_own_host_alone(host: str, status: int) -> None:
    port = find_free_port()
    with open_meter(port):
        headers = {"Host": host.format(port=port)}
        said = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=headers, trust_env=False)
    assert said.status_code == status


def test_port_that_is_taken_does_not_stop_a_run(tmp_path: Path, cli: Cli) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        path = change_profile(tmp_path / "busy.yaml", {"run.accepted": 5})
        result = cli("generate", path, "--out", tmp_path / "run", "--metrics-port", port)
    assert result.exit_code == 0, result.output
    assert f"no metrics: port {port} is taken" in result.output
    assert "Traceback" not in (tmp_path / "run/data_designer.log").read_text()


def test_run_that_goes_on_begins_with_the_counts_it_had(observed: tuple[Path, str]) -> None:
    folder, text = observed
    port = find_free_port()
    profile = load_profile("offline", {"metrics_port": port})
    with observe_run(profile, folder, lambda _: None):
        again = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    for name in ("tradelogs_requests_total", "tradelogs_tokens_total", "tradelogs_candidates_total"):
        assert add_up(again, name) == add_up(text, name)


def test_gauges_are_there_in_every_scrape(tmp_path: Path) -> None:
    port = find_free_port()
    profile = load_profile("offline", {"metrics_port": port})
    with observe_run(profile, tmp_path, lambda _: None) as observe:
        observe({"event": "provider_down", "model": "rehearsal-judge"})
        for _ in range(3):
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
            assert add_up(text, "tradelogs_accepted_wanted") == profile.run.accepted
            down = {labels["model"]: v for name, labels, v in read_samples(text) if name == "tradelogs_provider_down"}
            assert down == {"rehearsal-generator": 0, "rehearsal-judge": 1, "rehearsal-refiner": 0}
        observe({"event": "provider_back", "model": "rehearsal-judge"})
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        assert add_up(text, "tradelogs_provider_down") == 0

"""What Prometheus is told: runs by state, and what `tradelogs drift` found of them."""

import json
from collections import Counter

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from service.jobs import FINAL, JobFolder

STATES = (*FINAL, "queued", "running", "cancelling", "stopped")


def write_metrics(jobs: JobFolder) -> str:
    """Write the gauges in Prometheus' text form."""
    registry = CollectorRegistry()
    runs = Gauge("tradelogs_service_runs", "Runs by state.", ["state"], registry=registry)
    fired = Gauge("tradelogs_drift", "1 where our rule found drift in a run, else 0.", ["run"], registry=registry)
    score = Gauge("tradelogs_drift_reference_score", "Mean shift by reference 001's rule.", ["run"], registry=registry)
    names = jobs.list_runs()
    counted = Counter(jobs.tell_state(name) for name in names)
    for state in STATES:
        runs.labels(state).set(counted[state])
    for name in names:
        path = jobs.runs / name / "drift.json"
        if not path.is_file():
            continue
        found = json.loads(path.read_text(encoding="utf-8"))
        fired.labels(name).set(found["ours"]["verdict"] == "drift")
        if found["reference_001"]["score"] is not None:
            score.labels(name).set(found["reference_001"]["score"])
    return generate_latest(registry).decode()

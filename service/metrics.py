"""What Prometheus is told: runs by state, and what `tradelogs drift` found of them."""

import contextlib
import json
from collections import Counter

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from service.jobs import FINAL, JobFolder
from verification.drift import DRIFT

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
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):  # none, or one that cannot be read
            found = json.loads((jobs.runs / name / "drift.json").read_text(encoding="utf-8"))
            has_fired, old = found["ours"]["verdict"] == DRIFT, found["reference_001"]["score"]
            fired.labels(name).set(has_fired)
            if old is not None:
                score.labels(name).set(old)
    return generate_latest(registry).decode()

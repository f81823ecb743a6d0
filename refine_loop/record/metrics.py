"""What can be watched of a run: its events, counted as OpenTelemetry metrics beside Data Designer's own.

The endpoint is Data Designer's (127.0.0.1, Prometheus' text). A metric counts what events.jsonl says and nothing else;
a run that goes on after a stop begins with the counts that it had.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from designer_configs.compile.profile import Profile
from jobs.library.meter import open_meter
from refine_loop.record.events import Observer, iter_events
from refine_loop.state import ENDS

LONGEST_WAIT = 5.0  # seconds: two scrapes of deploy/prometheus.yml, and some
ANSWER_SECONDS = 0.2  # for the answer to a scrape to be on its way
_SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120)
_JOB_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)


@contextlib.contextmanager
def observe_run(profile: Profile, folder: Path, observe: Observer) -> Iterator[Observer]:
    """Give an observer that also counts, at the port that the profile names; without one, the observer itself.

    A port that is taken is told, and the run goes on without metrics. A run that is over waits a moment for whoever has
    looked at it before, so that its last counts are seen.
    """
    if profile.metrics_port is None:
        yield observe
        return
    with open_meter(profile.metrics_port) as meter:
        if meter is None:
            observe({"event": "metrics_off", "port": profile.metrics_port})
            yield observe
            return
        metrics = RunMetrics(meter, profile, folder.name)
        log = folder / "events.jsonl"
        for event in iter_events(log) if log.exists() else ():
            metrics.count(event)

        def observe_and_count(event: dict[str, Any]) -> None:
            metrics.count(event)
            observe(event)

        yield observe_and_count
        metrics.await_scrape()


class RunMetrics:
    """Counts a run's events; every metric has the attribute `run`, the name of the run's folder."""

    def __init__(self, meter: Meter, profile: Profile, run: str) -> None:
        self._prices = profile.prices
        self._run = {"run": run}
        self._seconds_at_work = 0.0
        self._accepted_wanted = profile.run.accepted
        self._is_down = {profile.models[role].model: False for role in profile.models}
        self._scraped = threading.Event()
        self._create_counters(meter)
        self._create_histograms(meter)
        self._create_gauges(meter)
        for status in ENDS:  # what has not happened yet is 0, not unknown
            self._candidates.add(0, {**self._run, "status": status})
        for counter in (self._rounds, self._lost_rows, self._lost_parts, self._fallbacks):
            counter.add(0, self._run)
        for model in self._is_down:
            self._count_cost(model, 0, 0)

    def _create_counters(self, meter: Meter) -> None:
        self._candidates = meter.create_counter(
            "tradelogs.candidates", "{candidate}", "Candidates of settled rounds, by how they ended."
        )
        self._rounds = meter.create_counter("tradelogs.rounds", "{round}", "Rounds that have settled.")
        self._requests = meter.create_counter("tradelogs.requests", "{request}", "Requests that were really sent.")
        self._tokens = meter.create_counter(
            "tradelogs.tokens",
            "{token}",
            "Tokens, as the provider says, or as assumed from the texts where it does not.",
        )
        self._cost = meter.create_counter("tradelogs.cost", "{price}", "What the tokens cost, at the profile's prices.")
        self._lost_rows = meter.create_counter("tradelogs.rows.lost", "{row}", "Rows that a job did not give back.")
        self._lost_parts = meter.create_counter("tradelogs.parts.lost", "{part}", "Parts whose worker died.")
        self._fallbacks = meter.create_counter("tradelogs.fallbacks", "{switch}", "Switches to a role's fallback.")

    def _create_histograms(self, meter: Meter) -> None:
        self._latency = meter.create_histogram(
            "tradelogs.request.duration",
            "s",
            "From sending a request to its answer or error.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._jobs = meter.create_histogram(
            "tradelogs.job.duration",
            "s",
            "From a job's start to its end.",
            explicit_bucket_boundaries_advisory=_JOB_SECONDS,
        )

    def _create_gauges(self, meter: Meter) -> None:
        """Create what is asked for with every scrape: a gauge that is set is forgotten with the first."""
        meter.create_observable_gauge(
            "tradelogs.accepted.wanted", [self._tell_wanted], "{row}", "Accepted rows that are asked for."
        )
        meter.create_observable_gauge(
            "tradelogs.active", [self._tell_seconds], "s", "Seconds that the run was at work, over all its resumes."
        )
        meter.create_observable_gauge(
            "tradelogs.provider.down", [self._tell_down], "1", "1 while a model is taken for down, else 0."
        )

    def count(self, event: Mapping[str, Any]) -> None:
        """Count one event of the run."""
        if "active_seconds" in event:
            self._seconds_at_work = event["active_seconds"]
        match event["event"]:
            case "request":
                self._count_request(event)
            case "service_job":
                self._count_tokens(event)
            case "job_finished":
                stage = {**self._run, "stage": find_stage(event["job"])}
                self._jobs.record(event["seconds"], stage)
                self._lost_rows.add(event["rows"] - event["returned"], self._run)
            case "round_settled":
                self._rounds.add(1, self._run)
                for status, count in event["ended"].items():
                    self._candidates.add(count, {**self._run, "status": status})
            case "provider_down" | "provider_back":
                self._is_down[event["model"]] = event["event"] == "provider_down"
            case "fallback_used":
                self._fallbacks.add(1, self._run)
            case "part_lost":
                self._lost_parts.add(1, self._run)

    def await_scrape(self) -> None:
        """Wait for one more scrape, but not for long, and not where nobody has scraped before."""
        if self._scraped.is_set():
            self._scraped.clear()
            self._scraped.wait(LONGEST_WAIT)
            time.sleep(ANSWER_SECONDS)

    def _tell_wanted(self, _options: CallbackOptions) -> list[Observation]:
        return [Observation(self._accepted_wanted, self._run)]

    def _tell_down(self, _options: CallbackOptions) -> list[Observation]:
        # A copy, because a scrape has a thread of its own.
        return [
            Observation(int(is_down), {**self._run, "model": model}) for model, is_down in list(self._is_down.items())
        ]

    def _tell_seconds(self, _options: CallbackOptions) -> list[Observation]:
        self._scraped.set()
        return [Observation(self._seconds_at_work, self._run)]

    def _count_request(self, event: Mapping[str, Any]) -> None:
        who = {**self._run, "role": event["role"], "model": event["model"]}
        what = {"stage": find_stage(event["job"]), "outcome": event["outcome"], "error": event["error"] or ""}
        self._requests.add(1, who | what)
        self._latency.record(event["seconds"], who)
        self._count_tokens(event)

    def _count_tokens(self, event: Mapping[str, Any]) -> None:
        assumed = event.get("assumed_tokens") or (0, 0)
        said = (event["prompt_tokens"], event["completion_tokens"])
        prompt, completion = (guess if known is None else known for known, guess in zip(said, assumed, strict=True))
        who = {**self._run, "role": event["role"], "model": event["model"]}
        self._tokens.add(prompt, {**who, "kind": "prompt"})
        self._tokens.add(completion, {**who, "kind": "completion"})
        self._count_cost(event["model"], prompt, completion)

    def _count_cost(self, model: str, prompt: int, completion: int) -> None:
        cost = self._prices.price(model, prompt, completion) or 0.0
        self._cost.add(cost, {**self._run, "model": model, "currency": self._prices.currency})


def find_stage(job: str) -> str:
    """Find the stage of a job: `001_refine_2` is of `refine_2`."""
    return job.partition("_")[2]

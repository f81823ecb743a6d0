"""Jobs and whole runs against an endpoint that is scripted to fail."""

import contextlib
import functools
import gc
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from click.testing import Result
from data_designer.engine.models.clients.adapters.http_model_client import HttpModelClient

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.native import add_seed, compile_profile
from designer_configs.compile.profile import load_profile
from gold_data.store import GoldFolder, write_gold
from gold_data.trades.ingest import read_gold
from jobs.job import Job, JobInterrupted, JobResult
from jobs.library.backend import LibraryBackend
from jobs.library.shim import draw_in_order
from jobs.library.speed import quicken_library
from jobs.requests.halt import Halt
from refine_loop.record.events import EventLog, read_events
from refine_loop.record.usage import count_usage, frame_requests
from refine_loop.steering import steer_run

from .endpoint import Endpoint, open_endpoint

ROWS = 8
QUICK = {"run.retry_seconds": 0.02, "run.patience_minutes": 0.02, "run.tries": 3}  # 1.2 s of patience
Changes = Mapping[str, Any]


@dataclass(frozen=True)
class FaultyJob:
    """What a job came to: its rows and losses, why the run was halted, and its events."""

    result: JobResult | None
    halted: str
    events: list[dict[str, Any]]

    @property
    def losses(self) -> list[str]:
        return [] if self.result is None else [lost.message for lost in self.result.lost.values()]

    @property
    def height(self) -> int:
        return 0 if self.result is None else len(self.result.rows)

    @property
    def usage(self) -> dict[str, Any]:
        return count_usage(frame_requests(self.events).lazy(), 0.0, load_profile("offline").prices)

    def count(self, event: str) -> int:
        return sum(e["event"] == event for e in self.events)


RunJob = Callable[..., FaultyJob]
RunFaulty = Callable[..., tuple[Result, Path]]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Give an endpoint without a fault."""
    with open_endpoint() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def gold_folder(tmp_path_factory: pytest.TempPathFactory) -> GoldFolder:
    """Give the sample gold, stored."""
    gold = read_gold(PROJECT_ROOT / "gold_data/sample/trades.csv", None)
    return write_gold(gold, tmp_path_factory.mktemp("sample") / "gold", 0.2)


@pytest.fixture(scope="session")
def plan(gold_folder: GoldFolder, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Give the plan of a few rows."""
    folder, profile = tmp_path_factory.mktemp("plan"), load_profile("offline")
    backend = LibraryBackend(profile, "http://127.0.0.1:9/v1", folder)
    with draw_in_order():
        rows = backend.run(Job("plan", compile_profile(profile, gold_folder).plan, ROWS, seed=7)).rows
    return pl.DataFrame([{"row_id": f"row-{number}", **row} for number, row in enumerate(rows)])


def change_profile(path: Path, changes: Changes) -> Path:
    """Write the profile `offline` with other values under dotted keys."""
    document = yaml.safe_load((PROJECT_ROOT / "designer_configs/offline.yaml").read_text(encoding="utf-8"))
    for model in document["models"].values():
        model["structured_output"] = "prompt"  # nobody is asked whether he holds a schema
    for dotted, value in changes.items():
        *parents, name = dotted.split(".")
        functools.reduce(dict.__getitem__, parents, document)[name] = value
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@contextlib.contextmanager
def unbind_requests() -> Iterator[None]:
    """Let a request take as long as the library lets it, while the context is open."""
    bounded = HttpModelClient._apost
    HttpModelClient._apost = bounded.__wrapped__
    yield
    HttpModelClient._apost = bounded


@pytest.fixture
def run_job(endpoint: Endpoint, gold_folder: GoldFolder, plan: pl.DataFrame, tmp_path: Path) -> Iterator[RunJob]:
    """Give a function that runs the generate job of a few rows under the policy, with keys of the profile changed."""

    def run(changes: Changes | None = None, rows: int = ROWS, *, bounded: bool = True) -> FaultyJob:
        profile = load_profile(change_profile(tmp_path / "faulty.yaml", QUICK | dict(changes or {})))
        plan.head(rows).write_parquet(tmp_path / "plan.parquet")
        config = add_seed(compile_profile(profile, gold_folder).generate, tmp_path / "plan.parquet")
        backend, halt, result = LibraryBackend(profile, endpoint.url, tmp_path / "artifacts"), Halt(), None
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with contextlib.ExitStack() as stack:
                log = stack.enter_context(EventLog(tmp_path / "events.jsonl", lambda _: None))
                for context in (steer_run(profile, backend, halt, log), quicken_library()):
                    stack.enter_context(context)
                if not bounded:
                    stack.enter_context(unbind_requests())
                log.start_job("001_generate", rows)
                result = backend.run(Job("generate", config, rows))
        except JobInterrupted:
            assert halt.reason is not None
        finally:
            signal.signal(signal.SIGINT, before)
        return FaultyJob(result, str(halt.reason or ""), read_events(tmp_path / "events.jsonl"))

    yield run
    gc.collect()


@pytest.fixture
def run_faulty(endpoint: Endpoint, cli: Callable[..., Result], tmp_path: Path) -> Iterator[RunFaulty]:
    """Give a function that runs `tradelogs generate` against the endpoint, with keys of the profile changed."""

    def run(num: int, changes: Changes | None = None) -> tuple[Result, Path]:
        provider = {"name": "faulty", "endpoint": endpoint.url, "provider_type": "openai"}
        path = change_profile(tmp_path / "faulty.yaml", {"provider": provider, **QUICK, **(changes or {})})
        return cli("generate", path, "--num", num, "--seed", 7, "--out", tmp_path / "run"), tmp_path / "run"

    yield run
    shutil.rmtree(tmp_path / "run", ignore_errors=True)

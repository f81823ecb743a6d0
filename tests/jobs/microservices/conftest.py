"""The service as a child process, a profile for it, and small jobs to send."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from designer_configs.compile.native import add_seed, compile_profile
from designer_configs.compile.profile import Profile, load_profile
from gold_data.store import GoldFolder, write_gold
from gold_data.trades.ingest import read_gold
from jobs.job import Job, JobResult
from jobs.library.backend import LibraryBackend
from jobs.library.shim import draw_in_order
from jobs.microservices.backend import MicroservicesBackend
from offline_model.launch import launch
from offline_model.options import Options

SERVICE = Path(__file__).with_name("service.py")
ROOT = Path(__file__).parents[3]
LISTENING = "listening on "
PROVIDER = "rehearsal"
URL_ENV = "NEMO_MICROSERVICES_BASE_URL"


@dataclass(frozen=True)
class Launched:
    """A service that runs, and the folder of its files."""

    url: str
    folder: Path
    child: "subprocess.Popen[str]"

    def write_script(self, **script: Any) -> None:
        """Tell it how to misbehave from now on."""
        (self.folder / "script.json").write_text(json.dumps(script), encoding="utf-8")

    def read_calls(self) -> list[tuple[str, str, str | None]]:
        """List what it was asked: method, path and authorization."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [tuple(json.loads(line)) for line in lines]

    def count_calls(self, method: str, ending: str) -> int:
        return sum(call[0] == method and call[1].endswith(ending) for call in self.read_calls())


@contextmanager
def launch_service(folder: Path, model_endpoint: str) -> Iterator[Launched]:
    """Launch the service, and stop it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(SERVICE), str(folder), model_endpoint, PROVIDER]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DISABLE_DATA_DESIGNER_PLUGINS": "true"}
    with (folder / "said.txt").open("w") as said:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, env=environment,
            start_new_session=True,
        )  # fmt: skip
        with child:
            try:
                assert child.stdout is not None
                line = child.stdout.readline()
                assert line.startswith(LISTENING), (folder / "said.txt").read_text()[-2000:]
                yield Launched(line.removeprefix(LISTENING).strip(), folder, child)
            finally:
                child.kill()


@pytest.fixture(scope="session")
def model_endpoint() -> Iterator[str]:
    """Give the offline model."""
    with launch(Options(seed=7)) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at jobs every few hundredths of a second."""
    monkeypatch.setattr("jobs.microservices.client.FIRST_PAUSE", 0.02)
    monkeypatch.setattr("jobs.microservices.client.LONGEST_PAUSE", 0.2)


@dataclass
class Sender:
    """Sends the generate job of a few planned rows to a service, again and again for one run."""

    profile: Profile
    config: dict[str, Any]
    plan: pl.DataFrame
    folder: Path
    events: list[dict[str, Any]]
    find_spent_cap: Callable[[], str | None] = lambda: None

    def make_backend(self) -> MicroservicesBackend:
        return MicroservicesBackend(self.profile, self.folder, find_spent_cap=self._look, observe=self._observe)

    def send(self) -> JobResult:
        """Run the job as a process that begins, or goes on, would."""
        return self.make_backend().run(Job("001_generate", self.config, self.plan.height))

    def list_records(self, column: str) -> list[Path]:
        return sorted(self.folder.glob(f"service/001_generate/{column}-*/*.json"))

    def _look(self) -> str | None:
        return self.find_spent_cap()

    def _observe(self, **event: Any) -> None:
        self.events.append(event)


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory, model_endpoint: str) -> Iterator[Launched]:
    """Give a service that all tests share."""
    with launch_service(tmp_path_factory.mktemp("shared") / "service", model_endpoint) as launched:
        yield launched


@pytest.fixture
def service(shared_service: Launched, monkeypatch: pytest.MonkeyPatch) -> Launched:
    """Give the service, well behaved and asked nothing yet, and name it in the environment."""
    for name in ("script.json", "calls.jsonl"):
        (shared_service.folder / name).unlink(missing_ok=True)
    monkeypatch.setenv(URL_ENV, shared_service.url)
    return shared_service


@pytest.fixture(scope="session")
def gold_folder(tmp_path_factory: pytest.TempPathFactory) -> GoldFolder:
    """Give the sample gold, stored."""
    gold = read_gold(ROOT / "gold_data/sample/trades.csv", None)
    return write_gold(gold, tmp_path_factory.mktemp("sample") / "gold", 0.2)


@pytest.fixture(scope="session")
def plan(gold_folder: GoldFolder, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Give the plan of six rows."""
    backend = LibraryBackend(load_profile("offline"), "http://127.0.0.1:9/v1", tmp_path_factory.mktemp("plan"))
    with draw_in_order():
        rows = backend.run(Job("plan", compile_profile(load_profile("offline"), gold_folder).plan, 6, seed=7)).rows
    return pl.DataFrame([{"row_id": f"row-{number}", **row} for number, row in enumerate(rows)])


@pytest.fixture
def sender(
    service: Launched, gold_folder: GoldFolder, plan: pl.DataFrame, tmp_path: Path, write_profile: Callable[..., Path]
) -> Sender:
    """Give a sender of its own, with two seconds of patience."""
    changes = {"provider": {"name": PROVIDER}, "backend": {"microservices": {}}, "run.patience_minutes": 0.03}
    profile = load_profile(write_profile(tmp_path / "there.yaml", changes))
    plan.write_parquet(tmp_path / "plan.parquet")
    config = add_seed(compile_profile(profile, gold_folder).generate, tmp_path / "plan.parquet")
    return Sender(profile, config, plan, tmp_path, [])

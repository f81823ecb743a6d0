"""What the tests share: an environment of their own, the command line, and one small run that many look at."""

import atexit
import fcntl
import gc
import json
import os
import resource
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

# Data Designer reads these when it is imported.
os.environ["OMP_NUM_THREADS"] = "1"  # the tests run side by side
os.environ["TRADELOGS_REPORT"] = "0"  # a run ends with its report where a test asks for it
os.environ["NEMO_TELEMETRY_ENABLED"] = "false"
os.environ["DATA_DESIGNER_DISABLE_VERSION_CHECK"] = "1"
os.environ["DATA_DESIGNER_HOME"] = tempfile.mkdtemp(prefix="tradelogs-tests-")

import httpx
import hypothesis
import pytest
import yaml
from click.testing import CliRunner, Result

from gold_data.markets import USUAL
from gold_data.store import Gold
from gold_data.trades.ingest import read_gold
from offline_model.launch import launch
from offline_model.options import Options
from tests.process import open_server
from tradelogs.cli import main

hypothesis.settings.register_profile("tests", deadline=None)  # a busy machine is no error
hypothesis.settings.load_profile("tests")
atexit.register(shutil.rmtree, os.environ["DATA_DESIGNER_HOME"], ignore_errors=True)

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "gold_data/sample"
SERVER = ExitStack()
KEY_ENV, KEY = "REHEARSAL_API_KEY", "canary-7f3a9d-not-to-be-written"

Cli = Callable[..., Result]
WriteProfile = Callable[[Path, Mapping[str, Any]], Path]


def pytest_configure(config: pytest.Config) -> None:
    """Start what forks processes, once for all workers."""
    if not hasattr(config, "workerinput"):
        SERVER.enter_context(open_server())


def pytest_collection_finish() -> None:
    """Take what the tests imported out of the garbage collector's sight: each collection looks at all it sees."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Say the CPU seconds of the session: this process, its workers, and all that they started."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not hasattr(config, "workerinput"):
        SERVER.close()
        if reporter is not None:
            reporter.write_line(f"{count_cpu_seconds():.0f} CPU seconds")


def count_cpu_seconds() -> float:
    """Count user and system time of this process and of those that have ended, at any depth.

    The system adds a process's time to its parent's when the parent waits for it. So it must be counted when the
    workers have ended, for whom xdist waits as its own session finishes, and the fork server with them.
    """
    used = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@pytest.fixture(scope="session", autouse=True)
def _read_sample_once() -> Iterator[None]:
    """Let a process read the sample's gold once: nearly every run of a test begins with it, and nothing changes it."""
    readings: dict[tuple[object, ...], Gold] = {}

    def read(trades: Path, *others: Any) -> Gold:
        if trades.parent != SAMPLE or others[-1] != USUAL:
            return read_gold(trades, *others)
        if (trades, *others[:-1]) not in readings:
            readings[trades, *others[:-1]] = read_gold(trades, *others)
        return readings[trades, *others[:-1]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("columns.trade_log.dataset.read_gold", read)
        yield


def run_cli(*arguments: object) -> Result:
    """Run a command in this process; Data Designer leaves its connections to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exit_code != 2:  # something was started
            gc.collect()
    return result


def change_profile(path: Path, changes: Mapping[str, Any]) -> Path:
    """Write the profile `offline` with other values; a key is dotted, as in `run.accepted`."""
    document = yaml.safe_load((ROOT / "designer_configs/offline.yaml").read_text(encoding="utf-8"))
    for model in document["models"].values():
        model["structured_output"] = "prompt"  # nobody is asked whether he holds a schema
    for dotted, value in changes.items():
        *parents, name = dotted.split(".")
        place = document
        for parent in parents:
            place = place[parent]
        place[name] = value
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def cli() -> Cli:
    """Give a function that runs `tradelogs` with arguments."""
    return run_cli


@pytest.fixture(scope="session")
def write_profile() -> WriteProfile:
    """Give a function that writes a changed `offline` profile."""
    return change_profile


def build_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Give a folder that all workers share: the first who asks for it builds it, while the others wait."""
    base = factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = place / "built"
        if not built.exists():
            shutil.rmtree(place, ignore_errors=True)  # of a build that failed
            place.mkdir()
            build(place)
            built.touch()
    return place


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result, dict[str, int]]:
    """Run 60 trades against an endpoint that wants a key; give folder, what was said, and the endpoint's own counts."""
    place = build_once(tmp_path_factory, "rehearsal", rehearse)
    kept = json.loads((place / "said.json").read_text(encoding="utf-8"))
    said = kept["said"].encode()
    return place / "run", Result(CliRunner(), said, b"", said, None, kept["exit_code"], None), kept["requests"]


def rehearse(place: Path) -> None:
    """Make the run that `rehearsal` gives."""
    with launch(Options(seed=7)) as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_ENV, KEY)
        provider = {"name": "rehearsal", "endpoint": endpoint, "provider_type": "openai", "api_key_env": KEY_ENV}
        profile = change_profile(place / "rehearsal.yaml", {"provider": provider})
        result = run_cli("generate", profile, "--num", 60, "--seed", 7, "--out", place / "run")
        health = httpx.get(endpoint.removesuffix("v1") + "health", trust_env=False).json()
    kept = {"exit_code": result.exit_code, "said": result.output, "requests": health["requests"]}
    (place / "said.json").write_text(json.dumps(kept), encoding="utf-8")


@pytest.fixture(scope="session")
def run_folder(rehearsal: tuple[Path, Result, dict[str, int]]) -> Path:
    """Give the folder of the small run."""
    assert rehearsal[1].exit_code == 0, rehearsal[1].output
    return rehearsal[0]

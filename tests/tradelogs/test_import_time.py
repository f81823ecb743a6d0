"""What a person waits for before anything happens is a budget, in CPU seconds of a process that is started cold.

Nearly all of it is imports, and one line at the top of a file can add a second to every command. Each budget is of the
best of three. CPU seconds are worth less on a machine whose other work takes its caches: where a budget is missed, it
is stretched by as much as importing pandas, which is nothing of ours, takes longer than it does when all is quiet.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process import TRADELOGS

pytestmark = pytest.mark.slow  # CPU seconds that only a machine with nothing else to do tells

TRIES = 3
YARDSTICK, QUIET_SECONDS = "import pandas", 0.5
BEGIN = """
import json, os, shutil, sys
from jobs.library.backend import LibraryBackend
from tradelogs.cli import main

def stop(*_):
    print(json.dumps(sorted(sys.modules)), flush=True)
    shutil.rmtree(sys.argv[-1])
    os._exit(0)

LibraryBackend.run = stop
main()
"""
LATER = {"finval", "matplotlib", "optuna", "plotly", "ray", "sdmetrics", "sklearn", "verification.verify"}


def start_cold(code: str, *arguments: object) -> tuple[float, str]:
    """Run Python source in a new process; give its CPU seconds and what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, said


def check_budget(budget: float, code: str, *arguments: object) -> str:
    """Check that one of three cold starts keeps within a budget; give what it said."""
    tried = []
    for _ in range(TRIES):
        seconds, said = start_cold(code, *arguments)
        slowness = 1.0 if seconds <= budget else max(1.0, start_cold(YARDSTICK)[0] / QUIET_SECONDS)
        if seconds <= budget * slowness:
            return said
        tried.append(f"{seconds:.2f} s, of a machine that is {slowness:.1f} times slower")
    raise AssertionError(f"the budget is {budget} CPU seconds; found {tried}")


def test_help_is_there_at_once() -> None:
    """0.3: a person who asks what there is, or mistypes, waits for click alone and for no library."""
    check_budget(0.3, TRADELOGS, "--help")


def test_validate_is_quick() -> None:
    """1.0: it is run after every edit; it needs Data Designer's configs, and no frame and no engine."""
    check_budget(1.0, TRADELOGS, "validate")


def test_a_run_soon_begins_its_first_job(tmp_path: Path) -> None:
    """6.0: Data Designer's engine, langgraph, pandas and the gold are needed; what verifies and draws is not.

    Libraries take most of it: Data Designer imports mcp and huggingface_hub, langgraph langsmith, dataframely
    SQLAlchemy, exchange_calendars pandas.
    """
    said = check_budget(6.0, BEGIN, "generate", "offline", "--out", tmp_path / "run")
    assert not LATER & set(json.loads(said.splitlines()[-1]))


def test_resume_finds_its_imports(tmp_path: Path) -> None:
    """Others start `generate`, `preview` and `validate` cold: an order of imports that only works forked would show."""
    start = [sys.executable, "-c", TRADELOGS, "resume", str(tmp_path / "nowhere")]
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    done = subprocess.run(start, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"error: {tmp_path / 'nowhere'} holds no run to go on with")

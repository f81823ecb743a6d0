"""A forked process is as one that was started: arguments, environment, folder, output, seeds, exit codes, signals."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import count_cpu_seconds
from tests.process import Process, run

SHOW = "import json, os, sys; print(json.dumps([sys.argv, dict(os.environ), os.getcwd(), __name__, sys.stdin.read()]))"
DRAW = "import random, tempfile, numpy; print(random.random(), numpy.random.random(), tempfile.mktemp())"
FOLDERS = """
import os
from data_designer.config.utils import constants, visualization
from data_designer.interface import data_designer
from tradelogs import cli
cli.prepare_environment()
print(os.environ["DATA_DESIGNER_HOME"], constants.DATA_DESIGNER_HOME, data_designer.MANAGED_ASSETS_PATH.parent)
"""
ENDS = {
    "pass": 0,
    "raise SystemExit(3)": 3,
    "import sys; sys.exit('no')": 1,
    "1 / 0": 1,
    "raise KeyboardInterrupt": -signal.SIGINT,
    "import os; os.abort()": -signal.SIGABRT,
}


def test_it_is_given_what_it_is_asked_for(tmp_path: Path) -> None:
    environment = {"A": "ä", "PATH": os.environ["PATH"]}
    said = json.loads(run(SHOW, "b", 3, env=environment, cwd=tmp_path).stdout)
    assert said == [["-c", "b", "3"], environment, str(tmp_path), "__main__", ""]


@pytest.mark.parametrize(("code", "end"), ENDS.items())
def test_it_ends_as_the_interpreter_does(code: str, end: int) -> None:
    cold = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    forked = run(code)
    assert forked.returncode == cold.returncode == end
    assert forked.stderr.splitlines()[-1:] == cold.stderr.splitlines()[-1:]


def test_it_cleans_up_when_it_ends() -> None:
    done = run("import atexit; atexit.register(print, 'cleaned'); print('out'); raise SystemExit(5)")
    assert (done.returncode, done.stdout, done.stderr) == (5, "out\ncleaned\n", "")


def test_each_draws_its_own_numbers() -> None:
    drawn = [run(DRAW).stdout.split() for _ in range(2)]
    assert all(one != other for one, other in zip(*drawn, strict=True))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_can_be_sent_a_signal(number: signal.Signals) -> None:
    with Process("import time; print('here', flush=True); time.sleep(60)") as process:
        assert process.pid != os.getpid()
        assert process.poll() is None
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode == -number


def test_two_run_side_by_side_and_a_slow_one_is_waited_for_no_longer_than_asked() -> None:
    with Process("import time; time.sleep(60)") as slow:
        assert run("print('quick')").stdout == "quick\n"
        with pytest.raises(subprocess.TimeoutExpired):
            slow.communicate(timeout=0.1)
        slow.kill()


def test_nothing_runs_beside_it_and_no_file_is_left_open() -> None:
    code = "import threading, os; print(threading.active_count(), sorted(map(int, os.listdir('/proc/self/fd'))))"
    if not Path("/proc/self/fd").exists():
        pytest.skip("reads Linux's table of open files")
    threads, files = run(code).stdout.split(maxsplit=1)
    assert threads == "1"
    assert json.loads(files) == [0, 1, 2, 3]  # the last is the list itself


def test_data_designers_folders_are_those_of_its_own_environment(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    given = run(FOLDERS, env={**os.environ, "DATA_DESIGNER_HOME": home})
    assert given.stdout.split() == [home] * 3, given.stderr
    environment = {name: value for name, value in os.environ.items() if name != "DATA_DESIGNER_HOME"}
    made = run(FOLDERS, env=environment | {"HOME": home, "TMPDIR": str(tmp_path)}).stdout.split()
    assert made[0].startswith(f"{tmp_path}/tradelogs-home-")
    assert set(made) == {made[0]}
    assert list(tmp_path.iterdir()) == []


def test_cpu_seconds_are_those_of_processes_that_have_ended_at_any_depth() -> None:
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    before = count_cpu_seconds()
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}], check=True)"
    subprocess.run([sys.executable, "-c", start], check=True)
    assert 0.5 <= count_cpu_seconds() - before < 5

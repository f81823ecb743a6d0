"""Works on one job, as a process of its own: it outlives the server, and two of one job are never at work.

`python -m service.worker RUNS ID GOLD` starts `tradelogs generate` or `resume`, whose exit code is how the job ends.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from files.own_file import open_own
from service.jobs import ENDED_EARLY, JOB, LOG, RUN_LOCK, JobFolder, hold, is_locked

PATIENCE = 2.0  # seconds until another holder has let go, who may only have looked
POLL = 0.1
GRACE = 4.0  # seconds from the wish to stop until the process is killed
SHOWN = 2000  # characters of what a process that failed said last


def main(runs: Path, name: str, gold: Path) -> None:
    """Work on a job unless another does, or it has ended."""
    jobs = JobFolder(runs)
    with contextlib.suppress(FileNotFoundError), hold(runs / f"{name}{JOB}", PATIENCE) as held:
        if held and jobs.read_exit(name) is None:
            _work(jobs, name, gold)


def _work(jobs: JobFolder, name: str, gold: Path) -> None:
    folder = jobs.runs / name
    while is_locked(folder / RUN_LOCK):  # of a run whose worker was killed
        time.sleep(POLL)
    code = ENDED_EARLY
    if not jobs.wants_cancel(name):
        code = _run(jobs, name, _choose_command(jobs, name, gold))
    cancelled = code != 0 and jobs.wants_cancel(name)
    log = jobs.runs / f"{name}{LOG}"
    said = log.read_text(encoding="utf-8", errors="replace")[-SHOWN:] if log.is_file() and code in (1, 2) else ""
    if code == 0 and not jobs.wants_cancel(name):
        _run(jobs, name, ["verify", str(folder)])  # a run that is done stays so, whatever becomes of its report
    jobs.end(name, ENDED_EARLY if cancelled else code, cancelled=cancelled, message=said)  # last: now another may begin


def _choose_command(jobs: JobFolder, name: str, gold: Path) -> list[str]:
    folder, job = jobs.runs / name, jobs.read_job(name)
    if any(folder.glob("rounds/*/plan.parquet")):
        return ["resume", str(folder), "--no-report"]
    if job["profile"] is None:
        return ["resume", str(folder), "--no-report"]
    shutil.rmtree(folder, ignore_errors=True)  # it was killed before it had a plan
    asked = {"--num": job["num"], "--seed": job["seed"], "--gold": job["gold"] and str(gold / job["gold"])}
    options = [text for option, value in asked.items() if value is not None for text in (option, str(value))]
    return ["generate", job["profile"], "--out", str(folder), "--no-report", *options]


def _run(jobs: JobFolder, name: str, arguments: list[str]) -> int:
    """Run a command until it ends or is to stop; give its exit code."""
    with open(jobs.runs / f"{name}{LOG}", "ab", opener=open_own) as log:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "tradelogs", *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        told = 0.0
        while (code := process.poll()) is None:
            time.sleep(POLL)
            if not told and jobs.wants_cancel(name):
                process.send_signal(signal.SIGINT)
                told = time.monotonic()
            if told and time.monotonic() - told > GRACE:
                process.kill()
    return code if code >= 0 else 1


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))

"""What is to be said of a run from the outside, whatever state its folder is in: for lists of many runs."""

import fcntl
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from files.own_file import open_at_once
from refine_loop.errors import RunInputError
from refine_loop.record.provenance import PROFILE_FILE
from refine_loop.run_lock import LOCK

RunState = Literal["running", "complete", "ended early", "stopped", "not begun", "damaged"]

TAIL = 1 << 16  # bytes at the end of a log that hold its last events
LAST_WORD = 1 << 22  # of a log in which no round has settled for long
STAMP = re.compile(r"-\d{8}T\d{6}Z$")  # of a folder that was named by us


@dataclass(frozen=True)
class RunLine:
    """One run; what its folder does not say is None.

    `verdict` is that of the rows that are there now, `started` when its first event was written, `why` what ended it
    early, or what is damaged.
    """

    folder: Path
    state: RunState
    why: str | None
    profile: str | None
    dataset: str | None
    asked: int | None
    candidates: int | None
    accepted: int | None
    rejected: int | None
    failed: int | None
    verdict: str | None
    requests: int | None
    tokens: int | None
    cost: float | None
    currency: str | None
    seconds: float | None
    started: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        plain = {"folder": str(self.folder), "started": self.started.isoformat() if self.started else None}
        return vars(self) | plain


def list_runs(folder: Path) -> list[RunLine]:
    """List the runs right below a folder, the youngest first; of a run's own folder that run.

    Raises:
        RunInputError: it is no folder, or may not be looked into.
    """
    try:
        found = [folder] if is_run(folder) else [path for path in folder.iterdir() if is_run(path)]
    except OSError as exc:
        raise RunInputError(
            f"{folder} cannot be looked into ({exc.strerror}): name the folder that holds runs"
        ) from exc
    lines = [read_line(path) for path in found]
    return sorted(lines, key=lambda line: (line.started is not None, line.started, line.folder.name), reverse=True)


def is_run(folder: Path) -> bool:
    """Tell whether a folder is, or was to become, a run's."""
    return folder.is_dir() and any((folder / name).exists() for name in (PROFILE_FILE, "events.jsonl", LOCK))


def read_line(folder: Path) -> RunLine:
    """Say what there is to say of one run's folder; what cannot be read is damaged, and nothing is raised."""
    damaged: list[str] = []
    profile = _read(folder / PROFILE_FILE, damaged)
    usage, metrics, provenance = (
        _read(folder / name, damaged) for name in ("usage.json", "metrics.json", "provenance.json")
    )
    first, last = _read_ends(folder / "events.jsonl")
    state, why = _tell_state(folder, last, damaged)
    tokens = _get(usage, "prompt_tokens"), _get(usage, "completion_tokens")
    accepted = _get(last, "accepted")
    return RunLine(
        folder=folder,
        state=state,
        why=why,
        profile=_name_profile(folder, provenance),
        dataset=Path(str(profile["dataset"])).name if "dataset" in profile else None,
        asked=_get(profile.get("run"), "accepted"),
        candidates=_get(last, "candidates", "planned"),
        accepted=accepted,
        rejected=_get(last, "rejected"),
        failed=_get(last, "failed"),
        verdict=_find_verdict(metrics, accepted),
        requests=usage.get("requests"),
        tokens=None if tokens[0] is None or tokens[1] is None else tokens[0] + tokens[1],
        cost=usage.get("cost"),
        currency=usage.get("currency"),
        seconds=usage.get("seconds"),
        started=_read_time(first),
    )


def is_running(folder: Path) -> bool:
    """Tell whether a process is at work in a folder: the one that its lock names lives, and holds it."""
    try:
        with open(folder / LOCK, "rb", opener=open_at_once) as lock:
            os.kill(int(lock.read(32)), 0)  # asked first: trying the lock could be in the way of one who takes it
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except PermissionError:
        return True  # somebody else's process
    except BlockingIOError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return False


def _tell_state(folder: Path, last: Mapping[str, Any], damaged: list[str]) -> tuple[RunState, str | None]:
    if is_running(folder):
        return "running", None
    if damaged:
        return "damaged", f"cannot be read: {', '.join(damaged)}"
    if last.get("event") == "run_finished":
        stopped_by = str(last.get("stopped_by"))
        if stopped_by == "accepted":
            return "complete", None
        return ("stopped", None) if stopped_by == "interrupted" else ("ended early", stopped_by)
    if any(folder.glob("rounds/*/plan.parquet")):
        return "stopped", last.get("why")
    return "not begun", None


def _read(path: Path, damaged: list[str]) -> dict[str, Any]:
    """Read a file of ours that may not be there yet; one that is no longer what it was is named."""
    if not path.exists():
        return {}
    try:
        if not path.is_file():  # a pipe would be waited for, a device has no end
            raise OSError
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        if isinstance(document, dict):
            return document
    except (OSError, ValueError, yaml.YAMLError):
        pass
    damaged.append(path.name)
    return {}


def _read_ends(log: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the first event of a log, and the last that says how far the run is; empty where there is none."""
    if not log.is_file():
        return {}, {}
    try:
        with log.open("rb") as file:
            first = _load(file.readline())
            end = file.seek(0, os.SEEK_END)
            for reach in (TAIL, LAST_WORD):
                file.seek(max(0, end - reach))
                for line in reversed(file.read().splitlines()):
                    if b'"run_finished"' in line or b'"round_settled"' in line or b'"run_halted"' in line:
                        return first, _load(line)
    except OSError:
        return {}, {}
    return first, {}


def _load(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _get(document: Any, *names: str) -> int | None:
    found = (document.get(name) for name in names if isinstance(document, Mapping))
    return next((value for value in found if type(value) is int), None)


def _name_profile(folder: Path, provenance: Mapping[str, Any]) -> str | None:
    """Name the profile: as the run wrote it down, or as its folder is called."""
    if isinstance(named := provenance.get("profile"), str):
        return named
    return STAMP.sub("", folder.name) if STAMP.search(folder.name) else None


def _find_verdict(metrics: Mapping[str, Any], accepted: int | None) -> str | None:
    """Find the verdict, unless it is one of fewer rows than there are by now."""
    overall, about = metrics.get("overall"), metrics.get("run")
    if not isinstance(overall, Mapping) or _get(about, "synthetic") != accepted:
        return None
    return str(overall.get("verdict"))


def _read_time(event: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(event.get("at")))
    except ValueError:
        return None

"""How quickly models write, by the time that their short answers before the first job took."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data_designer.errors import DataDesignerError

from designer_configs.compile.profile import Profile
from jobs.errors import BackendError
from jobs.library.backend import LibraryBackend
from jobs.library.http_client import is_loopback
from jobs.requests.halt import Halt
from refine_loop.record.events import EventLog, read_events
from refine_loop.steering import steer_run

LEAST_TOKENS = 4  # of a model's answers, below which their time says nothing
SLOW = 10.0  # seconds that the longest answer takes, from which on it is said
OFFLINE = "offline"  # rehearses, and has no pace of its own

Pace = Mapping[str, float]
"""Tokens of an answer that a model writes in a second, asked for one at a time; the short prompt's time is in it."""
Config = dict[str, Any]
AskPace = Callable[[Profile, Config, Path], Pace]


def measure_pace(events: Iterable[Mapping[str, Any]]) -> Pace:
    """Measure the pace of each model that was asked before the first job and said its tokens."""
    tokens: defaultdict[str, int] = defaultdict(int)
    seconds: defaultdict[str, float] = defaultdict(float)
    for event in events:
        if event["event"] == "request" and event["row_id"] is None and event["error"] is None:
            tokens[event["model"]] += event["completion_tokens"] or 0
            seconds[event["model"]] += event["seconds"]
    return {
        model: count / seconds[model] for model, count in tokens.items() if count >= LEAST_TOKENS and seconds[model]
    }


def describe_slow(profile: Profile, pace: Pace) -> dict[str, str]:
    """Say of each model that is slow how long its longest answer takes, and that its timeout is shorter, if it is."""
    said = {}
    for own in profile.models.values():
        longest, timeout = own.inference_parameters.get("max_tokens"), float(own.inference_parameters["timeout"])
        if own.model not in pace or longest is None or (seconds := longest / pace[own.model]) < SLOW:
            continue
        written = f"writes {pace[own.model]:,.1f} tokens a second"
        words = f"{written}: an answer of max_tokens ({longest:,}) takes {seconds:,.0f} s"
        beyond = f", longer than inference_parameters.timeout ({timeout:g} s)" if seconds > timeout else ""
        if own.model not in said or beyond:
            said[own.model] = words + beyond
    return said


def ask_pace(profile: Profile, config: Config, folder: Path, *, endpoint: str | None) -> Pace:
    """Ask models that are served on this machine for their short answer; others, and who does not answer, are left out.

    Nothing leaves the machine and nothing is paid for; an estimate sends nothing else. `config` has a column of each
    role.
    """
    address = endpoint or profile.provider.endpoint or ""
    if profile.provider.name == OFFLINE or not is_loopback(urlsplit(address).hostname or ""):
        return {}
    models = {role: replace(model, structured_output="prompt") for role, model in profile.models.items()}
    asked = replace(profile, models=models, run=replace(profile.run, tries=1))
    events = folder / "pace.jsonl"
    backend, halt = LibraryBackend(asked, endpoint, folder / "asked"), Halt()
    with EventLog(events, lambda _: None) as log, steer_run(asked, backend, halt, log):
        try:
            backend.check_models(config)
        except (BackendError, DataDesignerError):
            return {}
    return measure_pace(read_events(events))

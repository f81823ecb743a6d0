"""How quickly models read and write, by the time that their short answers before the first job took."""

import contextlib
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data_designer.errors import DataDesignerError

from designer_configs.compile.profile import Profile
from jobs.errors import BackendError
from jobs.library.backend import LibraryBackend
from jobs.library.http_client import is_loopback
from jobs.library.pace_probe import ask_for_pace
from jobs.requests.halt import Halt
from refine_loop.record.events import EventLog, read_events
from refine_loop.steering import steer_run

LEAST_TOKENS = 4  # of a model's answer, below which its time says nothing
LEAST_TO_READ = 100  # tokens that one prompt has more than another, for the pace of reading to be told from writing
SLOW = 10.0  # seconds that the longest answer takes, from which on it is said
OFFLINE = "offline"  # rehearses, and has no pace of its own


@dataclass(frozen=True)
class Pace:
    """Tokens that a model writes, and reads of a prompt, in a second, asked one thing at a time.

    Where `reads` is None, no long prompt was asked for, and the time of a short one is in what it `writes`.
    """

    writes: float
    reads: float | None = None


Paces = Mapping[str, Pace]
Config = dict[str, Any]
AskPace = Callable[[Profile, Config, Path], Paces]


def measure_pace(events: Iterable[Mapping[str, Any]]) -> Paces:
    """Measure the pace of each model that was asked before the first job and said its tokens."""
    asked: defaultdict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for event in events:
        if event["event"] == "request" and event["row_id"] is None and event["error"] is None:
            tokens = (event["prompt_tokens"] or 0, event["completion_tokens"] or 0)
            asked[event["model"]].append((*tokens, event["seconds"]))
    paces = {model: _find_pace(answers) for model, answers in asked.items()}
    return {model: pace for model, pace in paces.items() if pace is not None}


def _find_pace(answers: list[tuple[int, int, float]]) -> Pace | None:
    """Find a model's pace by tokens read, tokens written and seconds of each answer.

    The quickest answer tells: a first one may wait until the model is loaded. With that of the longest prompt, and
    seconds = read / reads + written / writes of both, there are two equations for the two paces.
    """
    written = [answer for answer in answers if answer[1] >= LEAST_TOKENS and answer[2] > 0]
    if not written:
        return None
    read, wrote, took = max(written, key=lambda answer: answer[1] / answer[2])
    long, few, waited = max(answers)
    if long < read + LEAST_TO_READ:
        return Pace(wrote / took)
    both = read * few - long * wrote
    a_read, a_written = (took * few - waited * wrote) / both, (read * waited - long * took) / both
    return Pace(1 / a_written, 1 / a_read) if min(a_read, a_written) > 0 else Pace(wrote / took)


def describe_slow(profile: Profile, paces: Paces) -> dict[str, str]:
    """Say of each model that is slow how long its longest answer takes, and that its timeout is shorter, if it is."""
    said = {}
    for own in profile.models.values():
        longest, timeout = own.inference_parameters.get("max_tokens"), float(own.inference_parameters["timeout"])
        if own.model not in paces or longest is None or (seconds := longest / paces[own.model].writes) < SLOW:
            continue
        written = f"writes {paces[own.model].writes:,.1f} tokens a second"
        words = f"{written}: an answer of max_tokens ({longest:,}) takes {seconds:,.0f} s"
        beyond = f", longer than inference_parameters.timeout ({timeout:g} s)" if seconds > timeout else ""
        if own.model not in said or beyond:
            said[own.model] = words + beyond
    return said


def ask_pace(profile: Profile, config: Config, folder: Path, *, endpoint: str | None) -> Paces:
    """Ask models that are served on this machine for short answers; others, and who does not answer, are left out.

    Nothing leaves the machine and nothing is paid for; an estimate sends nothing else. `config` has a column of each
    role.
    """
    address = endpoint or profile.provider.endpoint or ""
    if profile.provider.name == OFFLINE or not is_loopback(urlsplit(address).hostname or ""):
        return {}
    models = {role: replace(model, structured_output="prompt") for role, model in profile.models.items()}
    asked = replace(profile, models=models, run=replace(profile.run, tries=1))
    events, ask = folder / "pace.jsonl", functools.partial(ask_for_pace, roles=_pick_roles(profile))
    backend, halt = LibraryBackend(asked, endpoint, folder / "asked"), Halt()
    with (
        EventLog(events, lambda _: None) as log,
        steer_run(asked, backend, halt, log),
        contextlib.suppress(BackendError, DataDesignerError),
    ):
        backend.check_models(config, ask)
    return measure_pace(read_events(events))


def _pick_roles(profile: Profile) -> list[str]:
    """Pick one role of each model that writes."""
    writers = ((role, model) for role, model in profile.models.items() if role not in profile.dataset.embedders)
    return list({model.model: role for role, model in writers}.values())

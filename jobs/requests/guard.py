"""What every request passes, in its order."""

import contextlib
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

from designer_configs.compile.profile import Profile
from files.secret_text import remember_secrets
from jobs.library.dialects import LONG_NAMES
from jobs.library.prompts import state_schema_first
from jobs.library.reader import ReadingLog, ReadingRules, read_answer_of_cell, read_before_library
from jobs.library.shim import check_library, keep_json_text, keep_texts, mask_answers, send_once, steer_requests
from jobs.library.wire import Dialects, speak_plainly
from jobs.reading.mendings import allow_mendings
from jobs.reading.notes import KnownValues, read_notes
from jobs.request import RequestStep
from jobs.requests.halt import Halt
from jobs.requests.journal import AnswerJournal
from jobs.requests.policy import build_policy


@contextlib.contextmanager
def guard_requests(
    profile: Profile,
    place: str,
    halt: Halt,
    log: RequestStep,
    *,
    get_job: Callable[[], str],
    find_spent_cap: Callable[[], str | None] = lambda: None,
    notify: Callable[..., Any] = lambda *_args, **_fields: None,
    journal: AnswerJournal | None = None,
    known: KnownValues = MappingProxyType({}),
) -> Iterator[None]:
    """Guard the requests of a profile's models while the context is open.

    What cannot be kept halts; what is in the journal is not sent; the policy decides when, how often and to which
    model a request goes; the log, next to the wire, sees what is really sent. Keys are masked in what comes back,
    which a reader of ours reads before the library does; `known` are values of gold rows by field.
    """
    check_library()
    remember_secrets(profile.secret_names)  # a worker's process has not loaded the profile
    forget = (lambda _: None) if journal is None else journal.forget
    policy = build_policy(profile, place, halt, find_spent_cap=find_spent_cap, notify=notify, forget=forget)
    kept: list[RequestStep] = [] if journal is None else [journal]
    rules = ReadingRules(read_notes(profile.dataset.schema, known), allow_mendings(profile.unmended))

    def tell(model: str, learnt: str) -> None:
        notify(
            "provider_warned",
            model=model,
            said=f"the provider wants {LONG_NAMES[learnt]}: learnt, and sent so from now on",
        )

    with (
        keep_texts(),
        keep_json_text(),
        state_schema_first(),
        mask_answers(),
        speak_plainly(find_dialects(profile), tell),
        policy.watchdog,
        read_before_library(rules),
        steer_requests([read_answer_of_cell, halt, *kept, ReadingLog(notify), policy, log], get_job),
        send_once(policy.check_before_sending, [model for model, most in policy.parallel.items() if most == 1]),
    ):
        yield


def find_dialects(profile: Profile) -> Dialects:
    """Find what the profile says of how requests are put, by the provider's name of the model."""
    asked = [model for own in profile.models.values() for model in (own, own.fallback) if model is not None]
    return {model.model: set().union(*(one.dialect for one in asked if one.model == model.model)) for model in asked}

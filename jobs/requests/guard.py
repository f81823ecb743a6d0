"""What every request passes, in its order."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from designer_configs.compile.profile import Profile
from files.secret_text import remember_secrets
from jobs.library.prompts import state_schema_first
from jobs.library.shim import check_library, keep_json_text, keep_texts, mask_answers, send_once, steer_requests
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
) -> Iterator[None]:
    """Guard the requests of a profile's models while the context is open.

    What cannot be kept halts; what is in the journal is not sent; the policy decides when, how often and to which
    model a request goes; the log, next to the wire, sees what is really sent. Keys are masked in what comes back.
    """
    check_library()
    remember_secrets(profile.secret_names)  # a worker's process has not loaded the profile
    forget = (lambda _: None) if journal is None else journal.forget
    policy = build_policy(profile, place, halt, find_spent_cap=find_spent_cap, notify=notify, forget=forget)
    kept: list[RequestStep] = [] if journal is None else [journal]
    with (
        keep_texts(),
        keep_json_text(),
        state_schema_first(),
        mask_answers(),
        policy.watchdog,
        steer_requests([halt, *kept, policy, log], get_job),
        send_once(policy.check_before_sending),
    ):
        yield

"""What every request of a run passes, in its order."""

import contextlib
import functools
from collections.abc import Callable, Iterator

from designer_configs.backend import PlacedBackend
from designer_configs.halt import Halt
from designer_configs.library_shim import keep_texts, mask_answers, send_once, steer_requests
from designer_configs.profile import Profile
from designer_configs.request_policy import build_policy
from designer_configs.requests import RequestStep
from designer_configs.secret_text import remember_secrets
from refine_loop.budget import find_spent_cap
from refine_loop.events import EventLog


@contextlib.contextmanager
def steer_run(
    profile: Profile,
    backend: PlacedBackend,
    halt: Halt,
    log: EventLog,
    journal: RequestStep | None = None,
    *,
    find_cap: Callable[[], str | None] | None = None,
) -> Iterator[None]:
    """Steer the requests of a run while the context is open.

    What cannot be kept halts it; what is in the journal is not sent; the policy decides when, how often and to which
    model a request goes; the log, next to the wire, counts what is really sent. Keys are masked in what comes back.
    `find_cap` names the cap that was reached where this log does not know of all requests.
    """
    remember_secrets(profile.secret_names)  # a worker's process has not loaded the profile
    spent = find_cap or functools.partial(find_spent_cap, profile, log)
    policy = build_policy(profile, backend.place, halt, spent, log.write)
    kept: list[RequestStep] = [] if journal is None else [journal]
    with (
        keep_texts(),
        mask_answers(),
        policy.watchdog,
        steer_requests([halt, *kept, policy, log.log_request], log.get_job),
        send_once(policy.check_before_sending),
    ):
        yield

"""Guards the requests of a run, which its own log counts and its caps end."""

import contextlib
import functools
from collections.abc import Callable, Iterator

from columns.hooks import watch_hooks
from designer_configs.compile.profile import Profile
from jobs.errors import BackendError
from jobs.job import PlacedBackend
from jobs.requests.guard import guard_requests
from jobs.requests.halt import Halt
from jobs.requests.journal import AnswerJournal
from refine_loop.budget import find_spent_cap
from refine_loop.record.events import EventLog


@contextlib.contextmanager
def steer_run(
    profile: Profile,
    backend: PlacedBackend,
    halt: Halt,
    log: EventLog,
    journal: AnswerJournal | None = None,
    *,
    find_cap: Callable[[], str | None] | None = None,
) -> Iterator[None]:
    """Steer the requests of a run while the context is open.

    `find_cap` names the cap that was reached where this log does not know of all requests.
    """
    spent = find_cap or functools.partial(find_spent_cap, profile, log)
    with (
        watch_hooks(lambda error: halt.stop(BackendError(str(error)))),
        guard_requests(
            profile,
            backend.place,
            halt,
            log.log_request,
            get_job=log.get_job,
            find_spent_cap=spent,
            notify=log.write,
            journal=journal,
        ),
    ):
        yield

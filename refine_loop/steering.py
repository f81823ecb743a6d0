"""Guards the requests of a run, which its own log counts and its caps end."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from columns.disguise import find_shown_gold
from columns.hooks import watch_hooks
from designer_configs.compile.profile import Profile
from gold_data.store import GoldFolder
from jobs.errors import BackendError
from jobs.job import PlacedBackend
from jobs.reading.notes import KnownValues, list_known_fields
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
    gold: GoldFolder | None = None,
) -> Iterator[None]:
    """Steer the requests of a run while the context is open.

    `find_cap` names the cap that was reached where this log does not know of all requests; of the gold are the values
    by which answers are read.
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
            known={} if gold is None else find_known_values(profile.dataset.schema, find_shown_gold(gold)),
        ),
    ):
        yield


def find_known_values(schema: Mapping[str, Any] | None, gold: GoldFolder) -> KnownValues:
    """Find the values of gold rows in the fields that can have no others."""
    columns = [name for name in list_known_fields(schema) if name in gold.train.columns]
    return {name: sorted(map(str, gold.train[name].drop_nulls().unique())) for name in columns}

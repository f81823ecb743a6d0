"""Where a run's jobs run: in this process, at a service, or with the workers of a cluster."""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

from designer_configs.compile.profile import Profile
from gold_data.store import GoldFolder
from jobs.disguise import disguise_jobs
from jobs.job import PlacedBackend
from jobs.open_backend import make_backend
from jobs.requests.halt import Halt
from refine_loop.budget import find_spent_cap
from refine_loop.cluster_workers import open_workers
from refine_loop.record.events import EventLog


@contextlib.contextmanager
def open_backend(
    profile: Profile, endpoint: str | None, folder: Path, log: EventLog, halt: Halt
) -> Iterator[PlacedBackend]:
    """Give the backend that a profile asks for while the context is open.

    Raises:
        BackendError: the service's address is none, or the cluster cannot be reached.
    """
    if profile.engine.name == "ray":
        with open_workers(profile, endpoint, folder, log, halt) as workers:
            yield disguise_jobs(workers, profile, GoldFolder(folder / "gold"))
        return
    spent = functools.partial(find_spent_cap, profile, log)
    yield make_backend(profile, endpoint, folder, find_spent_cap=spent, observe=log.write_service_job)

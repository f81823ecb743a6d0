"""Where a run's jobs run: in this process, at a service, or with the workers of a cluster."""

import contextlib
import functools
import threading
from collections.abc import Iterator
from pathlib import Path

from designer_configs.compile.profile import Profile
from gold_data.store import GoldFolder
from jobs.disguise import disguise_jobs
from jobs.errors import BackendError
from jobs.job import PlacedBackend
from jobs.open_backend import make_backend
from jobs.requests.halt import Halt
from offline_model.launch import SERVING, tell_end
from refine_loop.budget import find_spent_cap
from refine_loop.cluster_workers import open_workers
from refine_loop.record.events import EventLog

LOOK_SECONDS = 0.3  # between two looks at a server that is our child


@contextlib.contextmanager
def watch_server(endpoint: str | None, halt: Halt) -> Iterator[None]:
    """Halt the run as soon as the server ends that was started for it: nobody has to wait for one to come back.

    Of a server that was not started here nothing is known but what it answers.
    """
    if endpoint not in SERVING:
        yield
        return
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_SECONDS):
            if (said := tell_end(endpoint)) is not None:
                halt.stop(BackendError(said))
                return

    watcher = threading.Thread(target=look, name="watch server", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


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
            yield disguise_jobs(workers, profile, GoldFolder(folder / "gold"), endpoint)
        return
    spent = functools.partial(find_spent_cap, profile, log)
    yield make_backend(profile, endpoint, folder, find_spent_cap=spent, observe=log.write_service_job)

"""Where a profile's jobs run: in this process, or at a service."""

from collections.abc import Callable
from pathlib import Path

from designer_configs.compile.profile import Profile
from gold_data.store import GoldFolder
from jobs.disguise import disguise_jobs
from jobs.job import PlacedBackend
from jobs.library.backend import LibraryBackend
from jobs.microservices.backend import MicroservicesBackend
from jobs.microservices.jobs import (
    Notify,
)


def make_backend(
    profile: Profile,
    endpoint: str | None,
    folder: Path,
    *,
    find_spent_cap: Callable[[], str | None],
    observe: Notify,
) -> PlacedBackend:
    """Make the backend that a profile asks for, for a run in `folder` where its gold lies, under a disguise if need be.

    Args:
        profile: Names it.
        endpoint: Takes the place of the provider's, for the library.
        folder: The run's.
        find_spent_cap: Names the cap that was reached, for a service's jobs; the library's requests have their own.
        observe: Takes what is known of a service's job that has ended.

    Raises:
        BackendError: the service's address is none.
    """
    backend: PlacedBackend
    if profile.backend.name == "library":
        backend = LibraryBackend(profile, endpoint, folder / "artifacts")
    else:
        backend = MicroservicesBackend(profile, folder, find_spent_cap=find_spent_cap, observe=observe)
    return disguise_jobs(backend, profile, GoldFolder(folder / "gold"), endpoint)

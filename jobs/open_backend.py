"""Where a profile's jobs run: in this process, or at a service."""

from collections.abc import Callable
from pathlib import Path

from designer_configs.compile.profile import Profile
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
) -> LibraryBackend | MicroservicesBackend:
    """Make the backend that a profile asks for, for a run in `folder`.

    Args:
        profile: Names it.
        endpoint: Takes the place of the provider's, for the library.
        folder: The run's.
        find_spent_cap: Names the cap that was reached, for a service's jobs; the library's requests have their own.
        observe: Takes what is known of a service's job that has ended.

    Raises:
        BackendError: the service's address is none.
    """
    if profile.backend.name == "library":
        return LibraryBackend(profile, endpoint, folder / "artifacts")
    return MicroservicesBackend(profile, folder, find_spent_cap=find_spent_cap, observe=observe)

"""The provider that the command line itself starts."""

import contextlib
from collections.abc import Iterator
from typing import Any

OFFLINE = "offline"


@contextlib.contextmanager
def open_endpoint(profile: Any) -> Iterator[str | None]:
    """Start the offline model for a profile that names it, and stop it afterwards."""
    if profile.provider.name != OFFLINE:
        yield None
        return
    from offline_model.launch import launch  # noqa: PLC0415 - a command that starts none need not import it
    from offline_model.options import Options  # noqa: PLC0415

    with launch(Options(seed=profile.run.seed)) as endpoint:
        yield endpoint

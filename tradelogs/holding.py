"""Holds a run's folder against its hashes before a command reads it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from designer_configs.compile.profile import Profile
    from refine_loop.record.damage import Maker


def hold_folder(folder: Path, by: "Maker | None" = None, *, with_report: bool = False) -> None:
    """Refuse a run of which something is damaged that a command would read; say what it makes anew.

    Raises:
        RunInputError: something is damaged that `by` does not make anew.
    """
    from refine_loop.record.damage import hold_run  # noqa: PLC0415 - not at every start

    for line in hold_run(folder, by, with_report=with_report):
        click.echo(line, err=True)


def say_changed(profile: "Profile") -> None:
    """Say, of a profile that a run has kept, what it uses that is no longer as that run knew it."""
    from refine_loop.record.provenance import describe_changes  # noqa: PLC0415 - likewise

    if (said := describe_changes(profile)) is not None:
        click.echo(said, err=True)

"""`tradelogs check`."""

import os
from pathlib import Path

import click

from tradelogs.exits import DONE, FAILED, explain_errors
from tradelogs.options import file_option

SECTION = "Look at what was made"


@click.command()
@click.argument("run_folder", type=file_option)
@explain_errors
def command(run_folder: Path) -> int:
    """Hold a run's folder against the hashes that were recorded as it grew, and say what of it is damaged.

    \b
    Example:
      tradelogs check runs/offline-20260102T030405Z
    """
    from files.shown_text import show_path, write_command
    from refine_loop.record.damage import check_run, explain_damage
    from refine_loop.record.runs import is_running
    from refine_loop.recovery import check_checkpoints

    checked = check_run(run_folder)
    for note in checked.notes:
        click.echo(note)
    if checked.harms:
        click.echo(explain_damage(run_folder, checked.harms))
        return FAILED
    can_look = os.access(run_folder, os.W_OK) and not is_running(run_folder)  # SQLite writes to look
    if can_look and (lost := check_checkpoints(run_folder)) is not None:
        made_by = write_command("tradelogs", "resume", run_folder)
        click.echo(f"{show_path(run_folder)} is damaged:\n  {lost}: made anew by {made_by}")
        return FAILED
    if checked.notes:
        return FAILED
    click.echo(f"{show_path(run_folder)} is whole: {checked.files:,} files are as they were written")
    return DONE

"""`tradelogs export`."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.options import file_option

SECTION = "Hand on"


@click.command()
@click.argument("run_folder", type=file_option)
@click.option("--to", "name", required=True, help="Format: chat, instruction, preference, hf, fills ...")
@click.option("--out", type=file_option, help="File or folder; else in the run's exports/.")
@explain_errors
def command(run_folder: Path, name: str, out: Path | None) -> int:
    """Export the accepted rows of a run in another format.

    \b
    Examples:
      tradelogs export runs/offline-20260102T030405Z --to chat
      tradelogs export runs/offline-20260102T030405Z --to hf --out my_dataset/
    """
    from exports.finished_run import read_finished_run
    from tradelogs.exporting import print_export

    print_export(read_finished_run(run_folder), name, out)
    return DONE

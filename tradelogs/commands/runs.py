"""`tradelogs runs`."""

import json
from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.options import file_option

SECTION = "Look at what was made"


@click.command()
@click.argument("folder", type=file_option, default="runs")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per run and line.")
@explain_errors
def command(folder: Path, as_json: bool) -> int:
    """List the runs below FOLDER, the youngest first: profile, state, counts, verdict, cost and age.

    \b
    Examples:
      tradelogs runs
      tradelogs runs /data/runs --json
    """
    from refine_loop.record.runs import list_runs
    from tradelogs.runs_display import print_runs

    lines = list_runs(folder)
    if as_json:
        for line in lines:
            click.echo(json.dumps(line.to_json()))
    else:
        print_runs(lines, folder)
    return DONE

"""`tradelogs verify`."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors

SECTION = "Judge and compare"


@click.command()
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Fixes every draw.")
@explain_errors
def command(run_folder: Path, seed: int) -> int:
    """Tell whether a run's rows are noise, copies or neither; writes report.html and metrics.json into its folder.

    \b
    Example:
      tradelogs verify runs/offline-20260102T030405Z
    """
    from tradelogs.verdict_display import show_verdict

    show_verdict(run_folder, seed)
    return DONE

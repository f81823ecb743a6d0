"""Options that several commands take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

file_option = click.Path(path_type=Path)


def profile_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what both generate and preview take."""
    options = [
        click.argument("profile", default="offline"),
        click.option("--num", type=click.IntRange(min=1), help="Accepted rows wanted; max_candidates grows with it."),
        click.option("--seed", type=click.IntRange(min=0), help="Repeats a run: same seed, same plan."),
        click.option("--gold", type=file_option, help="Folder that `tradelogs gold import` wrote."),
        click.option("--gold-rows", "--gold-trades", "gold_rows", type=file_option, help="Your rows, CSV or Parquet."),
        click.option("--gold-bars", type=file_option, help="Minute bars of your rows' tickers."),
        click.option("--verbose", is_flag=True, help="Show Data Designer's own log."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


report_option = click.option(
    "--report/--no-report",
    default=True,
    envvar="TRADELOGS_REPORT",
    help="Verify what was made; on unless TRADELOGS_REPORT=0 is set.",
)

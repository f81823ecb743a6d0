"""Options that several commands take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

file_option = click.Path(path_type=Path)
set_option = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key of the profile, such as models.judge.model=x; checked as the file is.",
)


def complete_profile(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Name the profiles that a shell may complete a word to."""
    from designer_configs.compile.profile import list_profiles  # noqa: PLC0415 - not at every start

    return [name for name in list_profiles() if name.startswith(begun)]


def profile_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what both generate and preview take."""
    options = [
        click.argument("profile", default="offline", shell_complete=complete_profile),
        click.option("--num", type=click.IntRange(min=1), help="Accepted rows wanted; max_candidates grows with it."),
        click.option("--seed", type=click.IntRange(min=0), help="Repeats a run: same seed, same plan."),
        click.option("--gold", type=file_option, help="Folder that `tradelogs gold import` wrote."),
        click.option("--gold-rows", "--gold-trades", "gold_rows", type=file_option, help="Your rows, CSV or Parquet."),
        click.option("--gold-bars", type=file_option, help="Minute bars of your rows' tickers."),
        set_option,
        click.option(
            "--only",
            "onlys",
            multiple=True,
            metavar="controls.NAME=VALUE",
            help="Let a control draw this value alone, or [these, values].",
        ),
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

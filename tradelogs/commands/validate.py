"""`tradelogs validate`."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.options import file_option

SECTION = "Begin"


@click.command()
@click.argument("files", nargs=-1, type=file_option)
@explain_errors
def command(files: tuple[Path, ...]) -> int:
    """Check every profile, control and column file, or just the profiles FILES with all that they use.

    \b
    Example:
      tradelogs validate
      tradelogs validate my_profile.yaml
    """
    from designer_configs.compile.check import check_all, check_profile
    from designer_configs.errors import ConfigError

    problems = [p for file in files for p in check_profile(file)] if files else check_all()
    if problems:
        raise ConfigError(problems)
    click.echo(
        "all profiles, controls and columns are valid"
        if not files
        else f"{len(files)} profile{'s' * (len(files) > 1)} valid, with all that is used"
    )
    return DONE

"""`tradelogs new`: files to start from."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.options import file_option

SECTION = "Begin"


@click.group("new")
def command() -> None:
    """Start something of your own: a dataset."""


@command.command()
@click.argument("name")
@click.option("--root", type=file_option, help="Folder of your own to write below; else the project.")
@explain_errors
def dataset(name: str, root: Path | None) -> int:
    """Write a dataset NAME in plain YAML, with a profile that rehearses it: files to change into your own.

    \b
    Example:
      tradelogs new dataset market_note
    """
    from files.shown_text import show_path, write_command
    from tradelogs.scaffold import write_dataset

    written = write_dataset(name, root)
    for path in written:
        click.echo(show_path(path))
    profile = f"{name}_offline" if root is None else written[-1]
    steps = [("validate",) if root is None else ("validate", profile), ("preview", profile), ("generate", profile)]
    click.echo(f"next: {'; '.join(write_command('tradelogs', *step) for step in steps)}")
    return DONE

"""`tradelogs new`: files to start from."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors

SECTION = "Begin"


@click.group("new")
def command() -> None:
    """Start something of your own: a dataset."""


@command.command()
@click.argument("name")
@click.option("--root", type=click.Path(path_type=Path), help="Folder of your own to write below; else the project.")
@explain_errors
def dataset(name: str, root: Path | None) -> int:
    """Write a dataset NAME in plain YAML, with a profile that rehearses it: files to change into your own.

    \b
    Example:
      tradelogs new dataset market_note
    """
    from tradelogs.scaffold import write_dataset

    written = write_dataset(name, root)
    here = Path.cwd()
    for path in written:
        click.echo(path.relative_to(here) if path.is_relative_to(here) else path)
    profile = name + "_offline" if root is None else str(written[-1])
    check = "validate" if root is None else f"validate {profile}"
    click.echo(f"next: tradelogs {check}; tradelogs preview {profile}; tradelogs generate {profile}")
    return DONE

"""`tradelogs context`."""

import click

from tradelogs.exits import DONE, explain_errors


@click.command()
@explain_errors
def command() -> int:
    """Print one page for a coding assistant: commands, profile keys, controls, datasets, and every message.

    \b
    Example:
      tradelogs context > context.md
    """
    from tradelogs.context_page import write_context

    click.echo(write_context(), nl=False)
    return DONE

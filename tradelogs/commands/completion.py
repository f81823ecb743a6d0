"""`tradelogs completion`."""

import click

from tradelogs.exits import DONE, explain_errors

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@explain_errors
def command(shell: str) -> int:
    """Print what makes SHELL complete commands, options, profiles and folders.

    \b
    Examples:
      tradelogs completion bash > ~/.local/share/bash-completion/completions/tradelogs
      tradelogs completion zsh > ~/.zfunc/_tradelogs
      tradelogs completion fish > ~/.config/fish/completions/tradelogs.fish
    """
    from click.shell_completion import get_completion_class

    from tradelogs.cli import main

    complete = get_completion_class(shell)
    assert complete is not None, "click has all of SHELLS"
    click.echo(complete(main, {}, "tradelogs", "_TRADELOGS_COMPLETE").source())
    return DONE

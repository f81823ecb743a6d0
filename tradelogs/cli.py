"""`tradelogs`: its commands are the modules of `tradelogs.commands`, found by their names."""

import importlib
import pkgutil

import click

from tradelogs import commands
from tradelogs.environment import prepare_environment
from tradelogs.interrupts import interruptible


class FoundCommands(click.Group):
    """A group whose commands are modules, each imported when it is asked for: a typing error answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands."""
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}").command
        return command


@click.group(cls=FoundCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="synthetic-trade-logs")
@click.pass_context
def main(context: click.Context) -> None:
    """Synthetic rows from a trader's own, judged, refined and verified."""
    context.with_resource(interruptible())  # before a temporary folder is made, which a stop must not leave behind
    prepare_environment()

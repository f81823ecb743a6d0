"""`tradelogs`: its commands are the modules of `tradelogs.commands`, found by their names."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from tradelogs import commands
from tradelogs.environment import prepare_environment
from tradelogs.interrupts import interruptible
from tradelogs.outlets import open_outlets

SECTIONS = ("Begin", "Make rows", "Look at what was made", "Judge and compare", "Hand on", "Tools")
"""What commands are for, in the order of the help; one that says nothing is a tool."""


class FoundCommands(click.Group):
    """A group whose commands are modules, each imported when it is asked for: a typing error answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands."""
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = _import_module(cmd_name).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with its first sentence, under what it is for: a module says so as its `SECTION`."""
        rows: dict[str, list[tuple[str, str]]] = {section: [] for section in SECTIONS}
        for name in self.list_commands(ctx):
            module = _import_module(name)
            sentence = " ".join((module.command.help or "").split("\n\n")[0].split())
            rows.setdefault(getattr(module, "SECTION", SECTIONS[-1]), []).append((name, sentence))
        for section, lines in rows.items():
            if lines:
                with formatter.section(section):
                    formatter.write_dl(lines)


class _Program(FoundCommands):
    """The whole program: what is said of a typing error goes through the door as well."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what is no text, as an argument or as the place where the program is: not all can open such a path."""
        places = [("the current folder", _find_here(ctx)), ("the project's folder", __file__)]
        for what, text in (*places, *(("an argument", text) for text in args)):
            try:
                text.encode()
            except UnicodeEncodeError:
                ctx.fail(f"{what} is not UTF-8: {text}. Rename it, or name another")
        return super().parse_args(ctx, args)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command line: the process's own, which ends with it, or one that is given."""
        is_process = not args and options.get("args") is None
        with open_outlets():
            return super().main(*args, obj=is_process, **options)


def _find_here(context: click.Context) -> str:
    try:
        return str(Path.cwd())
    except OSError as exc:
        return context.fail(f"the current folder is not there any more ({exc.strerror}): go to another")


def _import_module(name: str) -> ModuleType:
    return importlib.import_module(f"{commands.__name__}.{name.replace('-', '_')}")


SETTINGS = {"help_option_names": ["-h", "--help"], "color": True}  # what click would take out, the door shows
BEGIN = """\b
Where to begin:
  tradelogs generate offline --num 20
      a run on the built-in model: no key
  tradelogs show RUN_FOLDER
      what it made; also: verify, diff, export
  tradelogs gold import FILE --out gold/
      your platform's export; then: init, preview
  tradelogs COMMAND --help
      examples of each
"""


@click.group(cls=_Program, epilog=BEGIN, context_settings=SETTINGS)
@click.version_option(package_name="synthetic-trade-logs")
@click.pass_context
def main(context: click.Context) -> None:
    """Synthetic rows from a trader's own, judged, refined and verified."""
    # before a temporary folder is made, which a stop must not leave behind
    context.with_resource(interruptible(is_process=context.obj))
    prepare_environment()
